import { basename, dirname } from 'node:path'
import type { HighWaterMark } from '../sumdb/log/high-water.ts'
import { errorCode, storeError } from '../disk-errors.ts'
import { createDurable } from './durable.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'

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
        if (errorCode(error) === 'ENOENT') return undefined
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
