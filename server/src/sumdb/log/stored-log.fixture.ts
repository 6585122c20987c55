/** A stored log in a folder of its own, and ways to change it behind its back. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { generateKey, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { openSqliteLog } from '../../catalog/sqlite-log.ts'
import { createTestObserver, someHash, temporaryFolder } from '../../observe/test-support.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { openChecksumLog } from './log.ts'
import type { LogEntry, LogStorage } from './storage.ts'

export const LOG_KEY = generateKey('sum.corp.example', Buffer.alloc(32, 3))

export const LOG_VERIFIERS = [parseVerifierKey(LOG_KEY.vkey)]

/** Entry number `n`; its hashes are made of its name and `salt`. */
export function logEntry(n: number, salt = ''): LogEntry {
  const [module, version] = [`corp.example/m${n}`, 'v1.0.0']
  const record = formatSumRecord(module, version, someHash(`zip ${n}${salt}`), someHash(`mod ${n}${salt}`))
  return { module, version, record }
}

export interface StoredLog {
  folder: string
  database: string
  highWater: string
  /** Adds entries as a server does, and closes the log. */
  grow(entries: readonly LogEntry[], now?: () => number): Promise<void>
  /** Runs SQL on the closed log. */
  change(sql: string): void
  /** Opens the storage until the end of the test. */
  open(): Promise<LogStorage>
}

/** A log with `size` entries in `folder`, by default a new one. */
export async function createStoredLog(
  t: TestContext,
  { size = 0, folder, skey = LOG_KEY.skey }: { size?: number; folder?: string; skey?: string } = {},
): Promise<StoredLog> {
  const path = folder ?? (await temporaryFolder(t))
  await mkdir(path, { recursive: true })
  const [database, highWater] = [join(path, 'log.db'), join(path, 'high-water')]
  const open: LogStorage[] = []
  const log: StoredLog = {
    folder: path,
    database,
    highWater,
    async grow(entries, now = Date.now) {
      const storage = await openSqliteLog(database)
      const signer = parseSignerKey(skey)
      const mark = openHighWaterFile(highWater)
      const { log } = createTestObserver()
      const verifiers = LOG_VERIFIERS
      const opened = await openChecksumLog({ signers: [signer], verifiers, storage, mark, log, now })
      await Promise.all(entries.map((entry) => opened.append(entry)))
      await opened.close()
      await storage.close()
    },
    change(sql) {
      const connection = new DatabaseSync(database)
      try {
        connection.exec(sql)
      } finally {
        connection.close()
      }
    },
    async open() {
      const storage = await openSqliteLog(database)
      open.push(storage)
      return storage
    },
  }
  t.after(async () => {
    for (const storage of open) await storage.close()
  })
  if (size > 0) await log.grow(Array.from({ length: size }, (_, n) => logEntry(n)))
  return log
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
