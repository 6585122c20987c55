/** The checksum log in a SQLite file as commands use it: to look at it, or to give back to it what it lost. */
import type { DatabaseSync } from 'node:sqlite'
import type { LogGrowth, LogReader } from '../sumdb/log/storage.ts'
import { createBatchWriter, logError, openLogForReading, openLogForWriting } from './log-database.ts'
import { createLogReads } from './sqlite-log-reads.ts'

/**
 * Opens a log beside whatever server has it open, and creates and changes nothing. `find` knows of what was there when
 * it was first called. Throws `data_folder` for a file that
 * is no log of this version, `store_unavailable` where there is none or its disk fails.
 */
export function readSqliteLog(path: string): LogReader {
  const database = attempt('open', () => openLogForReading(path))
  const read = async <T>(look: () => T): Promise<T> => attempt('read', look)
  const reads = attempt('read', () => createLogReads(database))
  let isIndexed = false
  return {
    head: () => read(reads.head),
    find: (module, version) =>
      read(() => {
        if (!isIndexed) reads.catchUp()
        isIndexed = true
        return reads.find(module, version)
      }),
    records: (id, count) => read(() => reads.records(id, count)),
    tile: (level, number) => read(() => reads.tile(level, number)),
    close: async () => database.close(),
  }
}

/**
 * Lets `work` grow a log, which is created as needed: all that it added is there, on the disk, when this settles, and
 * nothing of it where it or `work` fails. What is added is in one transaction, however much it is, so that others can
 * read meanwhile. Throws as `readSqliteLog`, and what `work` throws.
 */
export async function growSqliteLog<T>(path: string, work: (growth: LogGrowth) => Promise<T>): Promise<T> {
  const database = attempt('open', () => openLogForWriting(path))
  const write = <T>(step: () => T): T => attempt('write to', step)
  try {
    write(() => database.exec('begin immediate'))
    const reads = write(() => startReads(database))
    const append = write(() => createBatchWriter(database))
    const done = await work({
      head: async () => write(reads.head),
      find: async (module, version) => write(() => reads.find(module, version)),
      records: async (id, count) => write(() => reads.records(id, count)),
      tile: async (level, number) => write(() => reads.tile(level, number)),
      append: async (batch) =>
        write(() => {
          append(batch)
          reads.catchUp()
        }),
    })
    write(() => database.exec('commit'))
    return done
  } finally {
    // What is not committed is rolled back.
    database.close()
  }
}

function startReads(database: DatabaseSync) {
  const reads = createLogReads(database)
  reads.catchUp()
  return reads
}

function attempt<T>(doing: 'open' | 'read' | 'write to', step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw logError(error, doing)
  }
}
