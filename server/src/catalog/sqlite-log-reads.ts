/** What is read of a checksum log in a SQLite file, at once and through one connection. */
import type { DatabaseSync } from 'node:sqlite'
import type { LoggedRecord, StoredHead } from '../sumdb/log/storage.ts'
import { createIdIndex, KEY_SIZE, keyOfVersion } from './id-index.ts'
import { KEYS_A_ROW } from './log-database.ts'

/** As in `LogStorage`, but that all of it throws what SQLite throws. */
export interface LogReads {
  head(): StoredHead | undefined
  find(module: string, version: string): number | undefined
  records(id: number, count: number): LoggedRecord[]
  tile(level: number, number: number): Uint8Array | undefined
  /** Brings the index, in which `find` looks, up to what the file has: to be called first, and after each batch. */
  catchUp(): void
}

/**
 * Whatever somebody else has written into a column comes as what is expected in it, for whoever verifies it to judge:
 * SQLite would keep a text in any of them, and Node.js refuses integers beyond 2^53.
 */
export function createLogReads(database: DatabaseSync): LogReads {
  const number = (column: string) => `cast(${column} as real) as ${column}`
  const bytes = (column: string) => `cast(${column} as blob) as ${column}`
  const headNow = database.prepare(`select ${number('size')}, ${bytes('root')}, ${bytes('note')} from head`)
  const recordsFrom = database.prepare(
    `select ${number('at')}, ${bytes('record')} from records where id >= ? and id < ? order by id`,
  )
  const recordOf = database.prepare(`select ${bytes('record')} from records where id = ?`)
  const tileAt = database.prepare(`select ${bytes('data')} from tiles where level = ? and number = ?`)
  const keysFrom = database.prepare(
    `select number, ${bytes('data')} from keys where number >= ? order by number`,
  )
  const index = createIdIndex()

  function* allKeys(): Generator<Uint8Array> {
    for (const row of keysFrom.iterate(0)) yield (row as { data: Uint8Array }).data
  }

  function catchUp(): void {
    if (index.size === 0) return index.addAll(allKeys())
    for (const row of keysFrom.iterate(Math.floor(index.size / KEYS_A_ROW))) {
      const { number, data } = row as { number: number; data: Uint8Array }
      const there = index.size - number * KEYS_A_ROW
      for (let at = there * KEY_SIZE; at < data.length; at += KEY_SIZE) index.add(data, at)
    }
  }

  function recordAt(id: number): Uint8Array | undefined {
    return (recordOf.get(id) as { record: Uint8Array } | undefined)?.record
  }

  return {
    catchUp,
    head() {
      const row = headNow.get() as unknown as StoredHead | undefined
      return row && { size: row.size, root: row.root, note: row.note }
    },
    find(module, version) {
      const candidates = index.candidates(keyOfVersion(module, version))
      return candidates.find((id) => isRecordOf(recordAt(id), module, version))
    },
    records: (id, count) =>
      recordsFrom.all(id, id + count).map((row) => {
        const { at, record } = row as unknown as LoggedRecord
        return { at, record }
      }),
    tile: (level, number) => (tileAt.get(level, number) as { data: Uint8Array } | undefined)?.data,
  }
}

/** Whether the first line of a record, which is about its zip, is about this version. */
function isRecordOf(record: Uint8Array | undefined, module: string, version: string): boolean {
  const start = `${module} ${version} `
  return record !== undefined && Buffer.from(record).subarray(0, start.length).toString() === start
}
