/** A whole checksum database in memory: for tests, and to see how the parts fit together. */
import { parseSignerKey, signNote } from '../note.ts'
import { recordHash, type Hash } from '../tlog/hash.ts'
import { formatTree } from '../tlog/record.ts'
import { readTileData, widestTile } from '../tlog/tile.ts'
import { createAppender, treeHash, type HashReader } from '../tlog/tree.ts'
import type { SumdbServerOps } from './server.ts'

export interface MemoryDatabase extends SumdbServerOps {
  /** Records so far. */
  readonly size: number
  /** Logs a version's record and gives its id; that of the one it has already, if it has. */
  add(path: string, version: string, record: string): number
  /** Signed head of the first `size` records. */
  signedAt(size: number): Promise<Uint8Array>
  /** A database with the same records and key, that goes its own way from here on. */
  fork(): MemoryDatabase
  /** The stored hashes. */
  readonly hashes: HashReader
}

export interface MemoryDatabaseOptions {
  /** Signer key. */
  readonly skey: string
  /** The record of a version that is looked up for the first time; `undefined`: there is no such version. */
  readonly gosum?: (path: string, version: string) => string | undefined | Promise<string | undefined>
}

export function createMemoryDatabase(options: MemoryDatabaseOptions): MemoryDatabase {
  return databaseOf(options, [])
}

type Logged = readonly [path: string, version: string, record: string]

function databaseOf(options: MemoryDatabaseOptions, logged: readonly Logged[]): MemoryDatabase {
  const signer = parseSignerKey(options.skey)
  const entries: Logged[] = []
  const ids = new Map<string, number>()
  const stored: Hash[] = []
  const appender = createAppender()
  const hashes: HashReader = (indexes) => indexes.map((index) => stored[index]!)

  const database: MemoryDatabase = {
    get size() {
      return entries.length
    },
    hashes,
    add(path, version, record) {
      const known = ids.get(`${path}@${version}`)
      if (known !== undefined) return known
      const id = entries.push([path, version, record]) - 1
      ids.set(`${path}@${version}`, id)
      stored.push(...appender.append(recordHash(Buffer.from(record))))
      return id
    },
    async signedAt(size) {
      return signNote(formatTree({ size, hash: await treeHash(size, hashes) }), [signer])
    },
    signed: () => database.signedAt(entries.length),
    fork: () => databaseOf(options, entries),
    async readRecords(id, n) {
      return entries.slice(id, id + n).map(([, , record]) => Buffer.from(record))
    },
    async lookup(path, version) {
      const known = ids.get(`${path}@${version}`)
      if (known !== undefined) return known
      const record = await options.gosum?.(path, version)
      return record === undefined ? undefined : database.add(path, version, record)
    },
    async readTileData(tile) {
      const widest = widestTile(tile.height, tile.level, tile.index, entries.length)
      return widest === undefined || tile.width > widest.width ? undefined : readTileData(tile, hashes)
    },
  }
  for (const [path, version, record] of logged) database.add(path, version, record)
  return database
}
