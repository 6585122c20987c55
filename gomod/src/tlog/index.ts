/**
 * Where the hashes of a log are stored. Every node of the tree that is complete has one hash, written once; the order
 * of writing gives each a number, its stored-hash index. Node (level, n) covers the records n·2^level to
 * (n+1)·2^level-1, and is written right after its last record: record n is followed by the nodes it completes.
 *
 *     level 2             6
 *     level 1       2           5           9
 *     level 0    0     1     3     4     7     8    10
 *
 * The order is that of Crosby and Wallach, "Efficient Data Structures for Tamper-Evident Logging", section 3.3.
 * Numbers are exact for logs of up to 2^52 records, whose indexes stay below 2^53.
 */
import { GomodError } from '../error.ts'

/** The largest number of records for which all indexes are exact. */
export const MAX_TREE_SIZE = 2 ** 52

/** The stored-hash index of the `n`th node of `level`, both counted from zero. */
export function storedHashIndex(level: number, n: number): number {
  // Written right after the node's last record; below it stand its descendants along the right edge, one a level.
  return storedHashCount((n + 1) * 2 ** level - 1) + level
}

/** The number of hashes stored for a log of `size` records: one for each node that is complete. */
export function storedHashCount(size: number): number {
  // A forest of perfect trees: twice as many nodes as leaves, less one for each tree.
  return 2 * size - oneBits(size)
}

/** The inverse of `storedHashIndex`: the node with the stored-hash `index`. */
export function splitStoredHashIndex(index: number): { level: number; n: number } {
  // Record n stands at 2n less a few: start below the one that wrote this index and step up to it.
  let record = Math.floor(index / 2)
  while (storedHashCount(record + 1) <= index) record++
  const level = index - storedHashCount(record)
  return { level, n: Math.floor(record / 2 ** level) }
}

/** Returns `size` if a log can have so many records. Throws GomodError `invalid_proof`. */
export function checkTreeSize(size: number): number {
  if (Number.isInteger(size) && size >= 0 && size <= MAX_TREE_SIZE) return size
  throw new GomodError('invalid_proof', `${size} is not the size of a log`)
}

/** The size of a log in decimal, without leading zeros; `undefined` for any other text. */
export function parseTreeSize(text: string): number | undefined {
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Infinity
  return size <= MAX_TREE_SIZE ? size : undefined
}

/** The largest power of two that is not above `n`, for n from 1. */
export function powerOfTwoUpTo(n: number): number {
  // The logarithm is rounded: next to a power of two it may be that of the power itself.
  const power = 2 ** Math.floor(Math.log2(n))
  return power > n ? power / 2 : power * 2 <= n ? power * 2 : power
}

/** How many bits of `n` are set. Bit operators see 32 bits only, so it is taken in two halves. */
function oneBits(n: number): number {
  return oneBits32(Math.floor(n / 2 ** 32)) + oneBits32(n >>> 0)
}

function oneBits32(n: number): number {
  n -= (n >>> 1) & 0x55555555
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
