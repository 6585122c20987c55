import { join } from 'node:path'

export interface LogFiles {
  /** The folder of the log. */
  folder: string
  /** The database file. */
  database: string
  /** The file of the high-water mark. */
  highWater: string
}

/** Where the log of a realm is kept. `data` is the path of the data folder, `highWater` what is configured. */
export function logFiles(data: string, { highWater }: { highWater?: string | undefined }): LogFiles {
  const folder = join(data, 'checksum-log', 'default')
  return { folder, database: join(folder, 'log.db'), highWater: highWater ?? join(folder, 'high-water') }
}
