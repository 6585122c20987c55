import { hash } from 'node:crypto'

/** Bytes of a key, as they are stored. */
export const KEY_SIZE = 8

/**
 * The key of a module version in the index: the first 8 bytes of the SHA-256 of `module@version`. Versions may share
 * one, by chance or because somebody searched for such a pair: it says where to look, and nothing more.
 */
export function keyOfVersion(module: string, version: string): Buffer {
  return hash('sha256', `${module}@${version}`, 'buffer').subarray(0, KEY_SIZE)
}

/**
 * Which records a key may stand for, in memory: some 20 bytes a record. On disk a tree of random keys would change
 * another page with each record, and appending would become slower as the log grows; keys written one after the other
 * cost nothing, and a million of them are read at a start in some ten milliseconds.
 */
export interface IdIndex {
  readonly size: number
  /** Takes the next record, whose id is `size`. Its key stands in `keys` from `at` on. */
  add(keys: Uint8Array, at: number): void
  /**
   * Takes many records at once, whose keys stand one after the other in these pieces. For millions it takes a fifth of
   * the time: each part is made in one go, while it is in the processor's cache.
   */
  addAll(pieces: Iterable<Uint8Array>): void
  /** The ids with this key, in no order. */
  candidates(key: Uint8Array): number[]
}

/** Parts that grow one by one, so that growing never takes long. */
const SHARDS = 256
const SMALLEST = 64

interface Shard {
  /** Open addressing: two numbers a slot, the last 4 bytes of the key and the id + 1, or 0 where it is free. Slots are a power of two. */
  slots: Uint32Array
  count: number
}

export function createIdIndex(): IdIndex {
  const shards: Shard[] = Array.from({ length: SHARDS }, () => ({
    slots: new Uint32Array(2 * SMALLEST),
    count: 0,
  }))
  let size = 0
  return {
    get size() {
      return size
    },
    add(keys, from) {
      const shard = shards[keys[from]!]!
      reserve(shard, 1)
      put(shard.slots, mark(keys, from), ++size)
      shard.count++
    },
    addAll(pieces) {
      const all = Array.from(pieces)
      const { pairs, ends } = sortByShard(all, size)
      size += pairs.length / 2
      let at = 0
      for (const [i, shard] of shards.entries()) {
        const end = ends[i]!
        reserve(shard, (end - at) / 2)
        shard.count += (end - at) / 2
        for (; at < end; at += 2) put(shard.slots, pairs[at]!, pairs[at + 1]!)
      }
    },
    candidates(key) {
      const { slots } = shards[key[0]!]!
      const wanted = mark(key, 0)
      const found: number[] = []
      for (let at = slotOf(slots, wanted); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1))
        if (slots[at] === wanted) found.push(slots[at + 1]! - 1)
      return found
    },
  }
}

/** The bytes behind the first, which chose the shard, in one number. */
function mark(keys: Uint8Array, at: number): number {
  return ((keys[at + 4]! << 24) | (keys[at + 5]! << 16) | (keys[at + 6]! << 8) | keys[at + 7]!) >>> 0
}

function slotOf(slots: Uint32Array, mark: number): number {
  return (mark & (slots.length / 2 - 1)) * 2
}

function put(slots: Uint32Array, mark: number, value: number): void {
  let at = slotOf(slots, mark)
  while (slots[at + 1] !== 0) at = (at + 2) & (slots.length - 1)
  slots[at] = mark
  slots[at + 1] = value
}

/** Makes room for so many more: seven of ten slots are taken at most. */
function reserve(shard: Shard, more: number): void {
  let capacity = shard.slots.length / 2
  while ((shard.count + more) * 10 > capacity * 7) capacity *= 2
  if (capacity * 2 === shard.slots.length) return
  const old = shard.slots
  shard.slots = new Uint32Array(capacity * 2)
  for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) put(shard.slots, old[at]!, old[at + 1]!)
}

/** Mark and id + 1 of each key, those of the first shard first; and where those of each shard end. */
function sortByShard(pieces: readonly Uint8Array[], size: number): { pairs: Uint32Array; ends: Uint32Array } {
  const counts = new Uint32Array(SHARDS)
  for (const keys of pieces) for (let at = 0; at < keys.length; at += KEY_SIZE) counts[keys[at]!]!++
  const ends = new Uint32Array(SHARDS)
  for (let shard = 1; shard < SHARDS; shard++) ends[shard] = ends[shard - 1]! + 2 * counts[shard - 1]!
  const pairs = new Uint32Array(ends[SHARDS - 1]! + 2 * counts[SHARDS - 1]!)
  let id = size
  for (const keys of pieces)
    for (let at = 0; at < keys.length; at += KEY_SIZE) {
      const end = ends[keys[at]!]!
      pairs[end] = mark(keys, at)
      pairs[end + 1] = ++id
      ends[keys[at]!] = end + 2
    }
  return { pairs, ends }
}
