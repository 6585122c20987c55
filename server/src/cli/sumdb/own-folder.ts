import { mkdir } from 'node:fs/promises'
import { storeError } from '../../disk-errors.ts'
import { openDataFolder } from '../../store/data-folder.ts'
import type { CommandContext } from '../context.ts'
import type { LocalLog } from './local-log.ts'

/**
 * Does something to the log of a data folder while no server has it, and makes the folder where there is none. Throws
 * `data_folder` where one has.
 */
export async function withOwnFolder<T>(
  { data, files }: Pick<LocalLog, 'data' | 'files'>,
  { version }: Pick<CommandContext, 'version'>,
  work: () => Promise<T>,
): Promise<T> {
  const folder = await openDataFolder(data, { version })
  try {
    await mkdir(files.folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw storeError(error, 'make the folder of its checksum log')
    })
    return await work()
  } finally {
    await folder.close()
  }
}
