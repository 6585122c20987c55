import assert from 'node:assert/strict'
import { join } from 'node:path'
import { openNote, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { emptyTreeHash, equalHashes, formatHash, recordHash } from '@modstead/gomod/tlog/hash'
import { parseTree } from '@modstead/gomod/tlog/record'
import { createTileEdge } from '@modstead/gomod/tlog/tile-appender'
import { createAppender, type Tree } from '@modstead/gomod/tlog/tree'
import { openSqliteLog } from '../../server/src/catalog/sqlite-log.ts'
import { createTestObserver, someHash } from '../../server/src/observe/test-support.ts'
import { openHighWaterFile } from '../../server/src/store/high-water-file.ts'
import { type ChecksumLog, openChecksumLog } from '../../server/src/sumdb/log/log.ts'
import { type LogEntry, type LogStorage, TILE_HEIGHT } from '../../server/src/sumdb/log/storage.ts'

export interface LogKeys {
  skey: string
  vkey: string
}

export interface OwnLog {
  log: ChecksumLog
  storage: LogStorage
  close(): Promise<void>
}

/** The files of a log in its folder. */
export const logFiles = (folder: string) => ({
  database: join(folder, 'log.db'),
  mark: join(folder, 'high-water'),
})

/** The log of a folder: records and tiles in SQLite, the high-water mark in a file beside it. */
export async function openOwnLog(folder: string, { skey, vkey }: LogKeys): Promise<OwnLog> {
  const { database, mark } = logFiles(folder)
  const storage = await openSqliteLog(database)
  try {
    const log = await openChecksumLog({
      signers: [parseSignerKey(skey)],
      verifiers: [parseVerifierKey(vkey)],
      storage,
      mark: openHighWaterFile(mark),
      log: createTestObserver().log,
    })
    return {
      log,
      storage,
      async close() {
        await log.close()
        await storage.close()
      },
    }
  } catch (error) {
    await storage.close()
    throw error
  }
}

/** A made-up entry; the same for the same name. */
export function entryOf(name: string): LogEntry {
  const module = `corp.example/${name}`
  return {
    module,
    version: 'v1.0.0',
    record: formatSumRecord(module, 'v1.0.0', someHash(name), someHash('mod')),
  }
}

/** What somebody was told: an entry's id, and the head that covered it. */
export interface Acknowledged {
  name: string
  id: number
  note: Uint8Array
}

/** What the folder of a log has promised so far. */
export interface Promises {
  entries: readonly Acknowledged[]
  /** Notes of other heads that were shown. */
  heads: readonly Uint8Array[]
}

/**
 * Opens the log of a folder, which must work, and fails unless all of it is right: the root, every tile and the index
 * follow from the records; no version has two; every promise is kept; the mark knows of every head that was shown and
 * of nothing else. Gives the number of records.
 */
export async function verifyOwnLog(folder: string, keys: LogKeys, promises: Promises): Promise<number> {
  const verifiers = [parseVerifierKey(keys.vkey)]
  const treeOf = (note: Uint8Array): Tree => parseTree(openNote(note, verifiers).text)
  const marked = await openHighWaterFile(logFiles(folder).mark).read()
  const { log, storage, close } = await openOwnLog(folder, keys)
  try {
    const { size, root } = log.head()
    const records = (await log.records(0, size)).map(({ record }) => Buffer.from(record))
    assert.equal(records.length, size)
    const roots = rootsOf(records)
    const assertPrefix = (tree: Tree, what: string): void => {
      assert.ok(tree.size <= size, `${what} has ${tree.size} records, the log only ${size}`)
      assert.ok(equalHashes(tree.hash, roots[tree.size]!), `${what} over ${tree.size} contradicts the log`)
    }
    assertPrefix({ size, hash: root }, 'the stored head')
    assertPrefix(treeOf(log.head().note), 'the signed head')

    await assertTiles(storage, records)
    const names = new Set<string>()
    for (const [id, record] of records.entries()) {
      const [, name] = /^corp\.example\/(\S+) v1\.0\.0 /.exec(record.toString())!
      assert.ok(!names.has(name!), `${name} has two records`)
      names.add(name!)
      assert.equal(await log.find(`corp.example/${name}`, 'v1.0.0'), id)
    }

    const mark = marked === undefined ? { size: 0, hash: emptyTreeHash() } : treeOf(marked)
    assertPrefix(mark, 'the mark')
    for (const note of promises.heads) {
      assertPrefix(treeOf(note), 'a head that was shown')
      assert.ok(treeOf(note).size <= mark.size, 'a head was shown that the mark does not know')
    }
    for (const { name, id, note } of promises.entries) {
      assertPrefix(treeOf(note), `the head given with ${name}`)
      assert.ok(treeOf(note).size > id && mark.size > id, `${name} was acknowledged before a head covered it`)
      assert.ok(
        records[id]?.equals(entryOf(name).record),
        `${name} was acknowledged as ${id} and is not there`,
      )
    }
    return size
  } finally {
    await close()
  }
}

/** The root of the log at each size. */
function rootsOf(records: readonly Uint8Array[]) {
  const appender = createAppender()
  return [
    emptyTreeHash(),
    ...records.map((record) => {
      appender.append(recordHash(record))
      return appender.tree().hash
    }),
  ]
}

async function assertTiles(storage: LogStorage, records: readonly Uint8Array[]): Promise<void> {
  const empty = createTileEdge(TILE_HEIGHT, { size: 0, hash: emptyTreeHash() }, [])
  for (const { tile, data } of empty.grow(records.map((record) => recordHash(record))).tiles) {
    const stored = await storage.tile(tile.level, tile.index)
    assert.ok(
      stored !== undefined && Buffer.compare(stored, data) === 0,
      `tile ${tile.level}/${tile.index} has other hashes than ${formatHash(recordHash(data))}`,
    )
  }
}
