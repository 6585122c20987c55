/** Verifies the whole of a stored log, tile by tile: only the index of the storage grows with the log. */
import { GomodError } from '@modstead/gomod/error'
import { openNote, type Verifier } from '@modstead/gomod/note'
import { emptyTreeHash, equalHashes, recordHash } from '@modstead/gomod/tlog/hash'
import { parseTree } from '@modstead/gomod/tlog/record'
import { widestTile } from '@modstead/gomod/tlog/tile'
import type { Tree } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'
import { createTileCheck } from './check-tiles.ts'
import type { Finding } from './finding.ts'
import { checkHighWater, type HighWaterMark } from './high-water.ts'
import { hashesOf } from './load.ts'
import { type LoggedVersion, readLoggedVersion } from './logged-version.ts'
import { isRecordTime } from './record-time.ts'
import { type LoggedRecord, type LogReader, type StoredHead, TILE_HEIGHT } from './storage.ts'

export interface VerifyLogOptions {
  name: string
  storage: LogReader
  /** Absent where nobody knows where it is kept. */
  mark?: HighWaterMark
  /** Those of the keys that may sign. None: signatures and the mark are not looked at. */
  verifiers: readonly Verifier[]
  /** Told how many of how many records have been read. */
  progress?: (done: number, size: number) => void
  /** What more is to be true of versions that have records, of which it is given some hundred at a time. */
  compare?: (versions: readonly RecordedVersion[]) => AsyncIterable<Finding>
}

/** A version, and the number of its record. */
export type RecordedVersion = LoggedVersion & { id: number }

/**
 * Gives all that is wrong with a log as far as its newest head goes; a log that grows meanwhile is verified up to where
 * it was. What it checks: the head, its signature, each record against the tiles, each tile against its parent and its
 * children, the right edge against the root, that times do not go back, that each version has one record and is found by
 * its name, and that the log has all that the high-water mark knows of. Throws `store_unavailable` where the log cannot
 * be read.
 */
export async function* verifyLog(options: VerifyLogOptions): AsyncGenerator<Finding> {
  const { name, storage, mark, verifiers, compare } = options
  const head = await storage.head()
  const tree = yield* readHead(head, verifiers)
  const tiles = createTileCheck(tree, storage)
  const versions = createVersionCheck(storage)
  for (let index = 0; ; index++) {
    const tile = widestTile(TILE_HEIGHT, 0, index, tree.size)
    if (tile === undefined) break
    const first = index * 2 ** TILE_HEIGHT
    const records = await readRecords(storage, first, tile.width)
    if (records.every((record) => record === undefined)) {
      yield {
        what: 'record',
        name: `record ${first}`,
        problem: 'it and all after it in its tile are missing',
      }
      return
    }
    yield* tiles.compare(
      tile,
      records.map((record) => record && recordHash(record.record)),
    )
    const readable: RecordedVersion[] = []
    for (const [i, record] of records.entries()) {
      const version = yield* versions.check(first + i, record)
      if (version !== undefined) readable.push({ ...version, id: first + i })
    }
    if (compare !== undefined) yield* compare(readable)
    options.progress?.(first + tile.width, tree.size)
  }
  yield* tiles.finish()
  if (mark !== undefined && verifiers.length > 0)
    yield* readMark(mark, { name, tree, hashes: hashesOf(storage), verifiers })
  yield* lookBeyond(storage, tree.size, head)
}

/** What the head says, as far as it can be believed. */
async function* readHead(
  head: StoredHead | undefined,
  verifiers: readonly Verifier[],
): AsyncGenerator<Finding, Tree> {
  if (head === undefined) return { size: 0, hash: emptyTreeHash() }
  const tree = { size: head.size, hash: head.root }
  if (verifiers.length === 0) return tree
  const found = (problem: string): Finding => ({ what: 'head', name: 'the newest head', problem })
  try {
    const signed = parseTree(openNote(head.note, verifiers).text)
    if (signed.size !== tree.size || !equalHashes(signed.hash, tree.hash))
      yield found(
        `it was changed: ${signed.size} records were signed, and it says ${tree.size}, or another root over them`,
      )
    return signed
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
    yield found(`its signature is not one of the log's keys (${error.message})`)
    return tree
  }
}

/** A record of a run that is absent leaves its place empty. */
async function readRecords(
  storage: LogReader,
  first: number,
  count: number,
): Promise<(LoggedRecord | undefined)[]> {
  const records = await storage.records(first, count)
  if (records.length === count || records.length === 0)
    return Array.from({ length: count }, (_, i) => records[i])
  const each = Array.from({ length: count }, async (_, i) => (await storage.records(first + i, 1))[0])
  return Promise.all(each)
}

function createVersionCheck(storage: LogReader) {
  let latest = 0
  return {
    async *check(
      id: number,
      logged: LoggedRecord | undefined,
    ): AsyncGenerator<Finding, LoggedVersion | undefined> {
      if (logged === undefined) {
        yield { what: 'record', name: `record ${id}`, problem: 'it is missing' }
        return undefined
      }
      if (isRecordTime(logged.at) && logged.at < latest)
        yield {
          what: 'record',
          name: `record ${id}`,
          problem: 'its time is before that of the one before it',
        }
      if (isRecordTime(logged.at)) latest = Math.max(latest, logged.at)
      else yield { what: 'record', name: `record ${id}`, problem: 'its time cannot be one' }
      let version: LoggedVersion
      try {
        version = readLoggedVersion(logged.record)
      } catch (error) {
        if (!(error instanceof GomodError)) throw error
        yield { what: 'record', name: `record ${id}`, problem: `it cannot be one: ${error.message}` }
        return undefined
      }
      const name = `record ${id}: ${version.module}@${version.version}`
      const found = await storage.find(version.module, version.version)
      if (found === undefined) yield { what: 'index', name, problem: 'its version is not found by its name' }
      else if (found !== id)
        yield { what: 'record', name, problem: `its version has another record, with the number ${found}` }
      return version
    },
  }
}

async function* readMark(
  mark: HighWaterMark,
  log: Parameters<typeof checkHighWater>[1],
): AsyncGenerator<Finding> {
  try {
    await checkHighWater(mark, log)
  } catch (error) {
    if (!(error instanceof ModsteadError)) throw error
    yield { what: 'mark', name: mark.where, problem: error.message }
  }
}

/** Records behind the newest head are a sign that somebody else wrote, unless the log has grown meanwhile. */
async function* lookBeyond(
  storage: LogReader,
  size: number,
  head: StoredHead | undefined,
): AsyncGenerator<Finding> {
  const behind = await storage.records(size, 1)
  const now = await storage.head()
  if (behind.length > 0 && now?.size === head?.size)
    yield { what: 'record', name: `record ${size}`, problem: 'no head covers it' }
}
