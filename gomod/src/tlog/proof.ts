/**
 * Proofs that a tree holds a record, and that a tree is the beginning of a later one: RFC 6962 sections 2.1.1 (Merkle
 * audit paths) and 2.1.2 (Merkle consistency proofs). Proofs are lists of hashes, the deepest in the tree first.
 */
import { GomodError } from '../error.ts'
import { equalHashes, nodeHash, type Hash } from './hash.ts'
import { checkTreeSize, powerOfTwoUpTo } from './index.ts'
import { joinSubtrees, rangeIndexes, readHashes, type HashReader, type Tree } from './tree.ts'

/**
 * Proves that the record `id` is in the tree over the first `size` records. Throws GomodError `invalid_proof` where
 * it is not, and what `reader` throws.
 */
export async function proveRecord(size: number, id: number, reader: HashReader): Promise<Hash[]> {
  return await readRanges(recordPath(size, id), reader)
}

/**
 * Checks that `proof` proves that the record `id` of `tree` has the hash `hash`. Throws GomodError `invalid_proof`.
 */
export function checkRecord(proof: readonly Hash[], tree: Tree, id: number, hash: Hash): void {
  const path = recordPath(tree.size, id)
  checkLength(proof, path.length)
  const root = path.reduce(
    (node, range, i) => (range.low > id ? nodeHash(node, proof[i]!) : nodeHash(proof[i]!, node)),
    hash,
  )
  if (!equalHashes(root, tree.hash))
    throw new GomodError(
      'invalid_proof',
      `the proof does not show that record ${id} is in the tree of size ${tree.size}`,
    )
}

/**
 * Proves that the tree over the first `oldSize` records is the beginning of that over `size`, both at least 1. Throws
 * GomodError `invalid_proof` where the sizes allow no proof, and what `reader` throws.
 */
export async function proveTree(size: number, oldSize: number, reader: HashReader): Promise<Hash[]> {
  return await readRanges(treePath(size, oldSize), reader)
}

/** Checks that `proof` proves that `tree` begins with the records of `old`. Throws GomodError `invalid_proof`. */
export function checkTree(proof: readonly Hash[], tree: Tree, old: Tree): void {
  const path = treePath(tree.size, old.size)
  checkLength(proof, path.length)
  // Where the old tree is a whole left part of the new one, its hash is where the proof starts and is not in it.
  const whole = path[0]?.high !== old.size
  let oldRoot = whole ? old.hash : proof[0]!
  let root = oldRoot
  for (let i = whole ? 0 : 1; i < path.length; i++) {
    const hash = proof[i]!
    if (path[i]!.low >= old.size) root = nodeHash(root, hash)
    else {
      oldRoot = nodeHash(hash, oldRoot)
      root = nodeHash(hash, root)
    }
  }
  if (!equalHashes(root, tree.hash) || !equalHashes(oldRoot, old.hash))
    throw new GomodError(
      'invalid_proof',
      `the proof does not show that the tree of size ${tree.size} begins with that of size ${old.size}`,
    )
}

/** The records from `low` to before `high`: a subtree of which a proof holds the hash. */
interface RecordRange {
  readonly low: number
  readonly high: number
}

/** The siblings on the way from the record up to the root. */
function recordPath(size: number, id: number): RecordRange[] {
  checkTreeSize(size)
  if (!(Number.isInteger(id) && id >= 0 && id < size))
    throw new GomodError('invalid_proof', `a tree of size ${size} has no record ${id}`)
  const { path } = descend(
    size,
    (low, high) => high - low > 1,
    (middle) => id < middle,
  )
  return path
}

/** The largest subtree that ends where the old tree ends, unless it is all of it, and the siblings up to the root. */
function treePath(size: number, oldSize: number): RecordRange[] {
  checkTreeSize(size)
  if (!(Number.isInteger(oldSize) && oldSize >= 1 && oldSize <= size))
    throw new GomodError('invalid_proof', `a tree of size ${size} does not begin with one of size ${oldSize}`)
  const { path, low } = descend(
    size,
    (_, high) => high !== oldSize,
    (middle) => oldSize <= middle,
  )
  return low === 0 ? path : [{ low, high: oldSize }, ...path]
}

/** Walks down from the root while `further`, into the left half where `left`; gives the halves not taken, last first. */
function descend(
  size: number,
  further: (low: number, high: number) => boolean,
  left: (middle: number) => boolean,
): { path: RecordRange[]; low: number } {
  const path: RecordRange[] = []
  let low = 0
  let high = size
  while (further(low, high)) {
    // The left half is the largest perfect tree that leaves something for the right one.
    const middle = low + powerOfTwoUpTo(high - low - 1)
    if (left(middle)) {
      path.unshift({ low: middle, high })
      high = middle
    } else {
      path.unshift({ low, high: middle })
      low = middle
    }
  }
  return { path, low }
}

/** Reads the hashes of subtrees, all with one call, in the order of the tree as readers like it. */
async function readRanges(ranges: readonly RecordRange[], reader: HashReader): Promise<Hash[]> {
  const indexes = ranges.map(({ low, high }) => rangeIndexes(low, high))
  const all = Array.from(new Set(indexes.flat())).sort((a, b) => a - b)
  const hashes = await readHashes(reader, all)
  const byIndex = new Map(all.map((index, i) => [index, hashes[i]!]))
  return indexes.map((list) => joinSubtrees(list.map((index) => byIndex.get(index)!)))
}

function checkLength(proof: readonly Hash[], wanted: number): void {
  if (proof.length !== wanted)
    throw new GomodError('invalid_proof', `the proof has ${proof.length} hashes where ${wanted} are needed`)
}
