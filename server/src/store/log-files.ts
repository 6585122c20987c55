import { join } from 'node:path'

export interface LogFiles {
  /** The folder of the log. */
  folder: string
  /** The database file. */
  database: string
  /** The file of the high-water mark. */
  highWater: string
}

/**
 * Where the log of a realm is kept. `data` is the path of the data folder, `highWater` what is configured. The names of
 * realms are those of folders.
 */
export function logFiles(
  data: string,
  { highWater }: { highWater?: string | undefined },
  realm = 'default',
): LogFiles {
  const folder = join(data, 'checksum-log', realm)
  return { folder, database: join(folder, 'log.db'), highWater: highWater ?? join(folder, 'high-water') }
}
