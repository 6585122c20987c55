/**
 * The tree over a log's records: its hash, and the hashes to store when the log grows. A tree of any size is the
 * right-leaning union of perfect trees (RFC 6962 section 2.1), one for each bit set in its size, largest first; only
 * hashes of perfect trees are stored, the others are computed from them.
 */
import { emptyTreeHash, nodeHash, recordHash, type Hash } from './hash.ts'
import { checkTreeSize, powerOfTwoUpTo, storedHashIndex } from './index.ts'

/** A tree head: how many records a log has, and the root hash over them. */
export interface Tree {
  readonly size: number
  readonly hash: Hash
}

/**
 * Gives the stored hashes with these stored-hash indexes, in their order, or throws. All functions here read once,
 * with ascending indexes.
 */
export type HashReader = (indexes: readonly number[]) => readonly Hash[] | Promise<readonly Hash[]>

/**
 * The hash of the tree over the first `size` records, read as at most 1 + log2(size) stored hashes. Throws what
 * `reader` throws, and GomodError `invalid_proof` if `size` is no size.
 */
export async function treeHash(size: number, reader: HashReader): Promise<Hash> {
  const indexes = rangeIndexes(0, checkTreeSize(size))
  return joinSubtrees(await readHashes(reader, indexes))
}

/**
 * The hashes to store, from `storedHashIndex(0, id)` on, when `record` becomes the record `id` (counted from zero):
 * on average two. Reads at most log2(id) hashes stored before. To add many records, use `createAppender`.
 */
export function storedHashesForRecord(id: number, record: Uint8Array, reader: HashReader): Promise<Hash[]> {
  return storedHashesForRecordHash(id, recordHash(record), reader)
}

/** As `storedHashesForRecord`, where the record's hash is known already. */
export async function storedHashesForRecordHash(id: number, hash: Hash, reader: HashReader): Promise<Hash[]> {
  return (await loadAppender(id, reader)).append(hash)
}

/** Grows a tree record by record, remembering only the roots of its perfect subtrees: no reads, two hashes a record. */
export interface TreeAppender {
  /** Records so far. */
  readonly size: number
  /** Adds a record; gives the hashes to store from `storedHashIndex(0, size before)` on. */
  append(recordHash: Hash): Hash[]
  /** The tree over all records so far. */
  tree(): Tree
  /** The roots to make the same appender from again. */
  roots(): Hash[]
}

/**
 * An appender for a log of `size` records. `roots` are those of its perfect subtrees, largest first: as `roots()` of
 * an earlier appender gave them, or as stored under `rangeIndexes(0, size)`.
 */
export function createAppender(size = 0, roots: readonly Hash[] = []): TreeAppender {
  const edge = [...roots]
  checkCount(rangeIndexes(0, checkTreeSize(size)).length, edge.length)
  return {
    get size() {
      return size
    },
    append(hash) {
      const stored = [hash]
      // Each perfect subtree that ends here becomes the left half of one twice its size.
      for (let n = size; n % 2 === 1; n = (n - 1) / 2) {
        hash = nodeHash(edge.pop()!, hash)
        stored.push(hash)
      }
      edge.push(hash)
      size++
      return stored
    },
    tree: () => ({ size, hash: joinSubtrees(edge) }),
    roots: () => [...edge],
  }
}

/** An appender for the log of `size` records whose hashes `reader` reads. */
export async function loadAppender(size: number, reader: HashReader): Promise<TreeAppender> {
  return createAppender(size, await readHashes(reader, rangeIndexes(0, checkTreeSize(size))))
}

/**
 * The stored-hash indexes of the perfect subtrees that make up the records from `low` to before `high`, largest
 * first. The range must be one that RFC 6962 divides a tree into: `low` a multiple of the largest of them.
 */
export function rangeIndexes(low: number, high: number): number[] {
  const indexes: number[] = []
  while (low < high) {
    const width = powerOfTwoUpTo(high - low)
    indexes.push(storedHashIndex(Math.log2(width), low / width))
    low += width
  }
  return indexes
}

/** The hash over perfect subtrees, given their hashes largest first. */
export function joinSubtrees(hashes: readonly Hash[]): Hash {
  return hashes.length === 0 ? emptyTreeHash() : hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** Reads hashes; a reader that gives another number of them is a defect in the reader. */
export async function readHashes(reader: HashReader, indexes: readonly number[]): Promise<readonly Hash[]> {
  if (indexes.length === 0) return []
  const hashes = await reader(indexes)
  checkCount(indexes.length, hashes.length)
  return hashes
}

function checkCount(wanted: number, given: number): void {
  if (wanted !== given) throw new RangeError(`${given} hashes were given where ${wanted} are needed`)
}
