import type { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import { workerUrl } from '../observe/worker-url.ts'
import type { LogStorage } from '../sumdb/log/storage.ts'
import { logError, openLogForReading, openLogForWriting, type LogWrite } from './log-database.ts'
import { createLogReads } from './sqlite-log-reads.ts'
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
  const reads = createLogReads(database)
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

  read(reads.catchUp)
  return {
    head: async () =>
      read(() => {
        // One snapshot of both: a head must not cover records that the index lacks.
        database.exec('begin')
        try {
          reads.catchUp()
          return reads.head()
        } finally {
          database.exec('commit')
        }
      }),
    find: async (module, version) => read(() => reads.find(module, version)),
    records: async (id, count) => read(() => reads.records(id, count)),
    tile: async (level, number) => read(() => reads.tile(level, number)),
    async append(batch) {
      await writeInTurn({ kind: 'append', batch })
      read(reads.catchUp)
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

function open(path: string): DatabaseSync {
  try {
    openLogForWriting(path).close()
    return openLogForReading(path)
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
