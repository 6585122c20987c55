import { basename, dirname } from 'node:path'
import type { HighWaterMark } from '../sumdb/log/high-water.ts'
import { errorCode, storeError } from '../disk-errors.ts'
import { ModsteadError } from '../errors.ts'
import { createDurable } from './durable.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'

/** A mark that is not there, in a folder that is: where that is away too, nobody knows what the mark says. */
async function absentIn(folder: string, files: FileSystem): Promise<undefined> {
  await files.stat(folder).catch((cause: unknown) => {
    throw new ModsteadError(
      'store_unavailable',
      'modstead could not read the high-water mark of its checksum log: its folder is not there',
      { next: 'The administrator of this server can help: mount the disk that highWater is on.', cause },
    )
  })
}

/** The high-water mark in a file, whose folder is there. Failures of the medium are `store_unavailable`. */
export function openHighWaterFile(
  path: string,
  { files = localFileSystem }: { files?: FileSystem } = {},
): HighWaterMark {
  const folder = dirname(path)
  const temporaryName = `${basename(path)}.tmp`
  const durable = createDurable({ files, temporary: folder, root: folder, temporaryName })
  return {
    where: path,
    async read() {
      try {
        return await files.readFile(path)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return await absentIn(folder, files)
        throw storeError(error, 'read the high-water mark of its checksum log')
      }
    },
    async write(note) {
      try {
        await durable.replace(await durable.write(note), path)
      } catch (error) {
        throw storeError(error, 'write the high-water mark of its checksum log')
      }
    },
  }
}
