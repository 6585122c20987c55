import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseSignerKey, parseVerifierKey, verifierKeyOf } from '@modstead/gomod/note'
import { openSqliteLog } from './catalog/sqlite-log.ts'
import type { ChecksumLogConfig } from './config/config.ts'
import { storeError } from './disk-errors.ts'
import type { Observer } from './observe/observer.ts'
import type { DataFolder } from './store/data-folder.ts'
import { openHighWaterFile } from './store/high-water-file.ts'
import { createLogHolder, type LogHolder } from './sumdb/log/holder.ts'
import { type ChecksumLog, openChecksumLog } from './sumdb/log/log.ts'

export interface LogFiles {
  /** The folder of the log. */
  folder: string
  /** The database file. */
  database: string
  /** The file of the high-water mark. */
  highWater: string
}

/** Where the log of a realm is kept. `data` is the path of the data folder. */
export function logFiles(data: string, config: Pick<ChecksumLogConfig, 'highWater'>): LogFiles {
  const folder = join(data, 'checksum-log', 'default')
  const highWater = config.highWater ?? join(folder, 'high-water')
  return { folder, database: join(folder, 'log.db'), highWater }
}

/** The configured log, open or on the way to be: it never keeps the server from starting. */
export function holdLog(
  config: ChecksumLogConfig,
  { folder, observer }: { folder: Pick<DataFolder, 'path'>; observer: Observer },
): LogHolder {
  const files = logFiles(folder.path, config)
  const holder = createLogHolder({
    name: config.name,
    open: () => openLog(config, files, observer),
    log: observer.log,
  })
  observer.gauge(
    'modstead_checksum_log_records',
    'Records in the checksum log.',
    () => holder.opened()?.head().size ?? 0,
  )
  observer.gauge('modstead_checksum_log_open', '1 while the checksum log can be used.', () =>
    holder.opened() === undefined ? 0 : 1,
  )
  holder.get().catch(() => undefined) // logged by the holder, and told to whoever asks
  return holder
}

async function openLog(config: ChecksumLogConfig, files: LogFiles, observer: Observer): Promise<ChecksumLog> {
  await mkdir(files.folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw storeError(error, 'make the folder of its checksum log')
  })
  const storage = await openSqliteLog(files.database)
  const keys = [config.key, ...config.previousKeys]
  const mark = openHighWaterFile(files.highWater)
  try {
    const log = await openChecksumLog({
      signers: keys.map(parseSignerKey),
      verifiers: keys.map(verifierKeyOf).map(parseVerifierKey),
      storage,
      mark,
      log: observer.log,
    })
    return {
      ...log,
      async close() {
        await log.close()
        await storage.close()
      },
    }
  } catch (error) {
    observer.log.error({ highWater: dirname(files.highWater) }, 'the high-water mark is kept there')
    await storage.close()
    throw error
  }
}
