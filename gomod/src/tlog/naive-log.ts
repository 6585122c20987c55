/** For tests: a log written from RFC 6962's recursive definitions, slow and plain, to hold the real code against. */
import { emptyTreeHash, nodeHash, recordHash, type Hash } from './hash.ts'
import { splitStoredHashIndex } from './index.ts'
import type { HashReader, Tree } from './tree.ts'

export interface NaiveLog {
  readonly size: number
  add(record: Uint8Array): void
  leaf(id: number): Hash
  /** The tree over the first `size` records. */
  tree(size?: number): Tree
  /** A stored hash by definition: the subtree's hash, computed anew. */
  hashes: HashReader
}

export function createNaiveLog(count = 0): NaiveLog {
  const leaves: Hash[] = []
  const known = new Map<string, Hash>()
  const rangeHash = (low: number, high: number): Hash => {
    if (high - low === 1) return leaves[low]!
    const key = `${low}-${high}`
    const found = known.get(key)
    if (found !== undefined) return found
    let half = 1
    while (half * 2 < high - low) half *= 2
    const hash = nodeHash(rangeHash(low, low + half), rangeHash(low + half, high))
    known.set(key, hash)
    return hash
  }
  const log: NaiveLog = {
    get size() {
      return leaves.length
    },
    add(record) {
      leaves.push(recordHash(record))
    },
    leaf: (id) => leaves[id]!,
    tree: (size = leaves.length) => ({ size, hash: size === 0 ? emptyTreeHash() : rangeHash(0, size) }),
    hashes: (indexes) =>
      indexes.map((index, i) => {
        if (i > 0 && index <= indexes[i - 1]!) throw new Error('indexes are not ascending')
        const { level, n } = splitStoredHashIndex(index)
        if ((n + 1) * 2 ** level > leaves.length) throw new Error(`hash ${index} is not stored yet`)
        return rangeHash(n * 2 ** level, (n + 1) * 2 ** level)
      }),
  }
  for (let i = 0; i < count; i++) log.add(Buffer.from(`leaf ${i}`))
  return log
}
