import { mkdir, stat } from 'node:fs/promises'
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

export interface HeldLog extends LogHolder {
  /** What whoever runs this server should see to. */
  warnings(): string[]
}

/** The configured log, open or on the way to be: it never keeps the server from starting. */
export function holdLog(
  config: ChecksumLogConfig,
  { folder, observer }: { folder: Pick<DataFolder, 'path'>; observer: Observer },
): HeldLog {
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
  let sameDisk = false
  const looked = isOnSameDisk(files).then(
    (same) => (sameDisk = same),
    (error: unknown) =>
      observer.log.warn({ err: error }, 'where the high-water mark is could not be found out'),
  )
  return {
    ...holder,
    warnings() {
      const problem = holder.problem()
      return [
        ...(problem === undefined ? [] : [`look-ups in the checksum log fail: ${problem}`]),
        ...(sameDisk ? [SAME_DISK] : []),
      ]
    },
    async close() {
      await looked
      await holder.close()
    },
  }
}

const SAME_DISK =
  'the high-water mark of the checksum log is on the disk of the log: a restored backup brings both back, and what was signed since then could be signed differently; set checksumLog.highWater to a file on another disk'

async function isOnSameDisk({ folder, highWater }: LogFiles): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const [log, mark] = await Promise.all([stat(folder), stat(dirname(highWater))])
  return log.dev === mark.dev
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
