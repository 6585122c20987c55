/** The database file of our checksum log: its tables, and the one connection that writes. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import type { LogBatch, TimedBatch } from '../sumdb/log/storage.ts'
import { KEY_SIZE, keyOfVersion } from './id-index.ts'
import { catalogError } from './sqlite-errors.ts'

/** `keys` has those of the id index, 256 records a row, one after the other. */
const TABLES = `
  create table records (id integer primary key, at integer not null, record blob not null);
  create table keys (number integer primary key, data blob not null);
  create table tiles (
    level integer not null, number integer not null, data blob not null, primary key (level, number)
  ) without rowid;
  create table head (
    one integer primary key check (one = 1), size integer not null, root blob not null, note blob not null
  );
  pragma user_version = 1;
`
/** Records whose keys stand in one row of `keys`. */
export const KEYS_A_ROW = 256
const VERSION = 1

/** A transaction is on the disk when its COMMIT returns. */
export function openLogForWriting(path: string): DatabaseSync {
  createPrivately(path)
  const database = new DatabaseSync(path, { timeout: 5_000 })
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -8000')
    if (versionOf(database, path) === 0) database.exec(`begin immediate; ${TABLES} commit`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Creates nothing and changes nothing. Throws `data_folder` for a file that is no log of this version. */
export function openLogForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
  try {
    database.exec('pragma cache_size = -8000')
    if (versionOf(database, path) === 0)
      throw new ModsteadError('data_folder', `the file ${path} is no checksum log: it is empty`, {
        next: 'Start modstead once, which makes one of it, or restore it from a backup.',
      })
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function versionOf(database: DatabaseSync, path: string): number {
  const { user_version: version } = database.prepare('pragma user_version').get() as { user_version: number }
  if (version <= VERSION) return version
  throw new ModsteadError('data_folder', `the checksum log ${path} was written by a newer modstead`, {
    next: 'Use that version of modstead, or a newer one.',
  })
}

/** The log knows the names of private modules: only its owner may read it. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // It is there already, or SQLite will say why it cannot be.
    if (!(error instanceof Error && 'syscall' in error)) throw error
  }
}

/** What the thread of the log is told to write. */
export type LogWrite = { kind: 'append'; batch: LogBatch } | { kind: 'sign'; size: number; note: Uint8Array }

/** Each write is one transaction. Throws `log_refused`, as `LogStorage` says, and what SQLite throws. */
export function createLogWriter(database: DatabaseSync): (write: LogWrite) => void {
  const headNow = database.prepare('select size, root from head')
  const putNote = database.prepare('update head set note = ?')
  const append = createBatchWriter(database)

  function inTransaction(expected: number, root: Uint8Array | undefined, work: () => void): void {
    database.exec('begin immediate')
    try {
      const head = headNow.get() as { size: number; root: Uint8Array } | undefined
      const found = head?.size ?? 0
      if (found !== expected)
        throw refused(
          `it has ${found} records where this process knows of ${expected}: its file was replaced, or another process writes to it`,
        )
      if (head !== undefined && root !== undefined && !Buffer.from(root).equals(head.root))
        throw refused(`its ${found} records are not those that this process knows: its file was replaced`)
      work()
      database.exec('commit')
    } catch (error) {
      if (database.isTransaction) database.exec('rollback')
      throw error
    }
  }

  return (write) => {
    if (write.kind === 'append') inTransaction(write.batch.size, write.batch.root, () => append(write.batch))
    else inTransaction(write.size, undefined, () => void putNote.run(write.note))
  }
}

/** Writes batches in whatever transaction there is: each goes on where the one before it ended. */
export function createBatchWriter(database: DatabaseSync): (batch: LogBatch | TimedBatch) => void {
  const addRecord = database.prepare('insert into records (id, at, record) values (?, ?, ?)')
  const keysAt = database.prepare('select data from keys where number = ?')
  const putKeys = database.prepare('insert or replace into keys (number, data) values (?, ?)')
  const putTile = database.prepare('insert or replace into tiles (level, number, data) values (?, ?, ?)')
  const putHead = database.prepare('insert or replace into head (one, size, root, note) values (1, ?, ?, ?)')

  function addKeys(size: number, keys: readonly Uint8Array[]): void {
    const first = Math.floor(size / KEYS_A_ROW)
    const there = keysAt.get(first) as { data: Uint8Array } | undefined
    const all = Buffer.concat([there?.data ?? Buffer.alloc(0), ...keys])
    const step = KEYS_A_ROW * KEY_SIZE
    for (let start = 0; start < all.length; start += step)
      putKeys.run(first + start / step, all.subarray(start, start + step))
  }

  return (batch) => {
    const { size, entries, tiles, head } = batch
    const timeOf = (i: number): number => ('times' in batch ? batch.times[i]! : batch.at)
    for (const [i, { record }] of entries.entries()) addRecord.run(size + i, timeOf(i), record)
    const keys = entries.map(({ module, version }) => keyOfVersion(module, version))
    addKeys(size, keys)
    for (const { level, index, data } of tiles) putTile.run(level, index, data)
    putHead.run(head.size, head.root, head.note)
  }
}

/** As `catalogError`. `doing` is `open`, `read` or `write to`. */
export function logError(error: unknown, doing: string): Error {
  return catalogError(error, `${doing} its checksum log`, { what: 'checksum log', file: 'log.db' })
}

function refused(problem: string): ModsteadError {
  return new ModsteadError('log_refused', `the checksum log takes nothing: ${problem}`, {
    next: 'The administrator of this server can help: stop modstead, see that it alone uses its data folder, and start it again.',
  })
}
