/**
 * ULIDs: 26 characters of Crockford's base 32, of which the first ten are the time in milliseconds. Within one
 * millisecond they count up, so that they sort in the order in which they were made.
 */
import { randomFillSync } from 'node:crypto'

export const ID_DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, i) => ID_DIGITS[i >> 5]! + ID_DIGITS[i & 31]!)
/** Of the last four characters, which count; they begin at random in the lower half. */
export const ID_COUNTER = 1 << 20

/** Random bytes for the ids of one millisecond. */
const RANDOM = 15
/** The system is asked for many at a time: a call for each millisecond would cost more than the ids. */
const pool = Buffer.alloc(256 * RANDOM)
let taken = pool.length

/** The first 22 characters of ids of a millisecond, and where their counter begins. */
export function beginIds(at: number): { start: string; count: number } {
  if (taken === pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  const random = taken
  taken += RANDOM
  let start = timeOf(at)
  for (let i = 0; i < 12; i += 2) start += PAIRS[pool.readUInt16BE(random + i) & 1023]!
  return { start, count: pool.readUIntBE(random + 12, 3) & (ID_COUNTER / 2 - 1) }
}

/** Makes the function that makes ids. It costs two concatenations but for the first of each millisecond. */
export function createIds(now: () => number = Date.now): () => string {
  let last = -1
  let start = ''
  let count = 0
  return () => {
    // A clock that was set back must not bring old ids again.
    const at = Math.max(now(), last)
    if (at !== last || ++count >= ID_COUNTER) {
      last = count >= ID_COUNTER ? last + 1 : at
      ;({ start, count } = beginIds(last))
    }
    return start + PAIRS[count >> 10]! + PAIRS[count & 1023]!
  }
}

function timeOf(at: number): string {
  let rest = at
  let text = ''
  for (let i = 0; i < 5; i++) {
    text = PAIRS[rest % 1024]! + text
    rest = Math.floor(rest / 1024)
  }
  return text
}
