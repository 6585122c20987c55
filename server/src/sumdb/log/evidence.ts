import { formatHash } from '@modstead/gomod/tlog/hash'
import { storedHashIndex } from '@modstead/gomod/tlog/index'
import { proveRecord, proveTree } from '@modstead/gomod/tlog/proof'
import { treeHash } from '@modstead/gomod/tlog/tree'
import { ModsteadError } from '../../errors.ts'
import type { ChecksumLog } from './log.ts'

/** That a record is in the tree over the first `size` records. Hashes are base64, as in heads. */
export interface InclusionProof {
  id: number
  size: number
  root: string
  /** RFC 6962: SHA-256 of 0 and the record. */
  leaf: string
  /** RFC 6962 section 2.1.1, the deepest in the tree first. */
  proof: string[]
}

/** That the tree over the first `from` records is the beginning of that over the first `to`. */
export interface ConsistencyProof {
  from: number
  fromRoot: string
  to: number
  toRoot: string
  /** RFC 6962 section 2.1.2. */
  proof: string[]
}

/** One record, as feeds tell of it. `Timestamp` is RFC 3339 in UTC: when it was entered. */
export interface FeedEntry {
  Id: number
  Path: string
  Version: string
  Timestamp: string
}

/** Feeds give so many entries at once at most. */
export const LONGEST_FEED = 2_000

/** What proves a log to those who do not speak its protocol: for pages and scripts. */
export interface Evidence {
  /** Throws `not_found` where the tree of that size has no such record. */
  inclusion(id: number, size?: number): Promise<InclusionProof>
  /** Throws `not_found` unless 1 <= from <= to <= the size of the log. */
  consistency(from: number, to?: number): Promise<ConsistencyProof>
  /** The entries from `since` on, milliseconds since the epoch, the oldest first; or from an id on. */
  feed(from: { since: number } | { id: number }, limit: number): Promise<FeedEntry[]>
}

export function createEvidence(log: ChecksumLog): Evidence {
  const rootAt = async (size: number): Promise<string> => formatHash(await treeHash(size, log.hashes))

  /** Times never go back: the first record that is not older is found by halving. */
  async function firstSince(since: number): Promise<number> {
    let [low, high] = [0, log.head().size]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [record] = await log.records(middle, 1)
      if (record !== undefined && record.at < since) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    async inclusion(id, size = log.head().size) {
      if (size > log.head().size || id >= size) throw beyond(log, Math.max(size, id + 1))
      const [leaf] = await log.hashes([storedHashIndex(0, id)])
      const proof = await proveRecord(size, id, log.hashes)
      return { id, size, root: await rootAt(size), leaf: formatHash(leaf!), proof: proof.map(formatHash) }
    },
    async consistency(from, to = log.head().size) {
      if (from < 1 || from > to || to > log.head().size) throw beyond(log, Math.max(from, to))
      const proof = await proveTree(to, from, log.hashes)
      return {
        from,
        fromRoot: await rootAt(from),
        to,
        toRoot: await rootAt(to),
        proof: proof.map(formatHash),
      }
    },
    async feed(from, limit) {
      const first = 'id' in from ? from.id : await firstSince(from.since)
      const records = await log.records(first, Math.min(limit, LONGEST_FEED))
      return records.map(({ at, record }, i) => {
        const [path = '', version = ''] = Buffer.from(record).toString().split(' ', 2)
        return { Id: first + i, Path: path, Version: version, Timestamp: new Date(at).toISOString() }
      })
    },
  }
}

function beyond(log: ChecksumLog, size: number): ModsteadError {
  return new ModsteadError(
    'not_found',
    `the log ${log.name} has ${log.head().size} records, and a tree of ${size} cannot be proven in it`,
    { next: 'ask for sizes between 1 and that of its newest head' },
  )
}
