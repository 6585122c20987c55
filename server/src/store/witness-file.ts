import { dirname } from 'node:path'
import { errorCode, storeError } from '../disk-errors.ts'
import { ModsteadError } from '../errors.ts'
import { formatWitnessedHeads, parseWitnessedHeads, type WitnessMemory } from '../sumdb/witness-memory.ts'
import { createDurable } from './durable.ts'
import { lockFile } from './file-lock.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'

/**
 * The memory of a witness in the file `path`, whose folder is there. One process at a time has it, by a lock file
 * beside it. Throws `data_folder` where another has, or no lock can be had.
 */
export function openWitnessFile(
  path: string,
  { files = localFileSystem }: { files?: FileSystem } = {},
): WitnessMemory & { close(): void } {
  const lock = lockFile(`${path}.lock`, `the state ${path}`)
  if (lock === undefined)
    throw new ModsteadError('data_folder', `another witness runs with the state ${path}`, {
      next: 'stop that one first: two of them with one key could vouch for two histories',
    })
  const folder = dirname(path)
  const durable = createDurable({ files, temporary: folder, root: folder })
  return {
    where: path,
    async read() {
      try {
        return parseWitnessedHeads(Buffer.from(await files.readFile(path)).toString(), path)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined
        throw storeError(error, 'read the state of this witness')
      }
    },
    async write(heads) {
      try {
        await durable.replace(await durable.write(Buffer.from(formatWitnessedHeads(heads))), path)
      } catch (error) {
        throw storeError(error, 'write the state of this witness')
      }
    },
    close: () => lock.release(),
  }
}
