import { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import { workerUrl } from '../observe/worker-url.ts'
import type { LogStorage, LoggedRecord, StoredHead } from '../sumdb/log/storage.ts'
import { createIdIndex, KEY_SIZE, keyOfVersion } from './id-index.ts'
import { KEYS_A_ROW, logError, openLogForWriting, type LogWrite } from './log-database.ts'
import { unpackError } from './writer-messages.ts'
import { startWriterThread, type WriterThread } from './writer-thread.ts'

export interface SqliteLogOptions {
  /** Milliseconds that opening, closing and a batch may each take: 30 000. */
  deadline?: number
}

/**
 * The checksum log in a SQLite file of its own, created as needed. Reads run at once in this thread; a thread of its
 * own writes, and starts with the first batch. Throws `data_folder` for a file of a newer modstead or a damaged one,
 * `store_unavailable` when its disk fails.
 */
export async function openSqliteLog(
  path: string,
  { deadline = 30_000 }: SqliteLogOptions = {},
): Promise<LogStorage> {
  const database = open(path)
  const headNow = database.prepare('select size, root, note from head')
  const recordsFrom = database.prepare(
    'select id, at, record from records where id >= ? and id < ? order by id',
  )
  const tileAt = database.prepare('select data from tiles where level = ? and number = ?')
  const keysFrom = database.prepare('select number, data from keys where number >= ? order by number')
  const index = createIdIndex()
  const file = new URL(workerUrl(import.meta.url, './log-worker.ts'))
  let thread: WriterThread<LogWrite> | undefined
  let writing: Promise<void> = Promise.resolve()
  let ended: Promise<unknown> = Promise.resolve()

  function read<T>(look: () => T): T {
    try {
      return look()
    } catch (error) {
      throw logError(error, 'read')
    }
  }

  function* allKeys(): Generator<Uint8Array> {
    for (const row of keysFrom.iterate(0)) yield (row as { data: Uint8Array }).data
  }

  /** Brings the index up to what the file has, after each batch. */
  function catchUp(): void {
    for (const row of keysFrom.iterate(Math.floor(index.size / KEYS_A_ROW))) {
      const { number, data } = row as { number: number; data: Uint8Array }
      const there = index.size - number * KEYS_A_ROW
      for (let at = there * KEY_SIZE; at < data.length; at += KEY_SIZE) index.add(data, at)
    }
  }

  function recordAt(id: number): LoggedRecord | undefined {
    const row = recordsFrom.get(id, id + 1) as LoggedRecord | undefined
    return row && { at: row.at, record: row.record }
  }

  async function write(write: LogWrite): Promise<void> {
    if (thread?.failure !== undefined) thread = undefined
    thread ??= await startWriterThread<LogWrite>({ name: 'checksum log writer', path, file, deadline })
    const running = thread
    const [outcome] = await within(deadline, running.apply([write])).catch((error: unknown) => {
      // What it still does, the next batch finds. It is of no use any more, for its answers come too late.
      thread = undefined
      ended = Promise.all([ended, running.close()])
      throw error
    })
    if (outcome !== undefined && 'error' in outcome) throw unpackError(outcome.error)
  }

  /** One after the other, whatever became of the one before. */
  function writeInTurn(order: LogWrite): Promise<void> {
    const done = writing.then(() => write(order))
    writing = done.catch(() => undefined) // told to whoever asked for it
    return done
  }

  read(() => index.addAll(allKeys()))
  return {
    head: async () =>
      read(() => {
        catchUp()
        const row = headNow.get() as unknown as StoredHead | undefined
        return row && { size: row.size, root: row.root, note: row.note }
      }),
    find: async (module, version) =>
      read(() => {
        const candidates = index.candidates(keyOfVersion(module, version))
        return candidates.find((id) => isRecordOf(recordAt(id)?.record, module, version))
      }),
    records: async (id, count) =>
      read(() =>
        recordsFrom.all(id, id + count).map((row) => {
          const { at, record } = row as unknown as LoggedRecord
          return { at, record }
        }),
      ),
    tile: async (level, number) =>
      read(() => (tileAt.get(level, number) as { data: Uint8Array } | undefined)?.data),
    async append(batch) {
      await writeInTurn({ kind: 'append', batch })
      read(catchUp)
    },
    sign: (size, note) => writeInTurn({ kind: 'sign', size, note }),
    async close() {
      await writing
      // Before the thread, for the last to close folds the write-ahead log into the file, and this one may not write.
      database.close()
      await Promise.all([ended, thread?.close()])
    },
  }
}

/** Whether the first line of a record, which is about its zip, is about this version. */
function isRecordOf(record: Uint8Array | undefined, module: string, version: string): boolean {
  const start = `${module} ${version} `
  return record !== undefined && Buffer.from(record).subarray(0, start.length).toString() === start
}

function open(path: string): DatabaseSync {
  try {
    openLogForWriting(path).close()
    const database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
    database.exec('pragma cache_size = -8000')
    return database
  } catch (error) {
    throw logError(error, 'open')
  }
}

async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    late.reject(
      new ModsteadError(
        'store_unavailable',
        `modstead could not write to its checksum log: its disk did not answer for ${deadline / 1000} seconds`,
      ),
    )
  }, deadline)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
