/**
 * ULIDs: 26 characters of Crockford's base 32, of which the first ten are the time in milliseconds. Within one
 * millisecond they count up, so that they sort in the order in which they were made.
 */
import { randomFillSync } from 'node:crypto'

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CODES = Buffer.from(DIGITS)
const PAIRS = Array.from({ length: 1024 }, (_, i) => DIGITS[i >> 5]! + DIGITS[i & 31]!)
/** Of the counter at the end: 20 bits, begun at random in the lower half. */
const COUNTER = 1 << 20
/** Random bytes for the ids of one millisecond. */
const RANDOM = 15

/** An id in two parts. */
export interface IdParts {
  /** Its first 22 characters, the same for all of one millisecond. */
  readonly start: string
  /** The rest, as a number: see `idTail`. */
  readonly count: number
  /** Goes on to the next id; the time is in milliseconds. */
  next(time: number): void
}

export function createIdParts(): IdParts {
  // The system is asked for many random bytes at a time: a call for each millisecond would cost more than the ids.
  const pool = Buffer.alloc(256 * RANDOM)
  let taken = pool.length
  let last = -1
  let start = ''
  let count = 0

  function begin(at: number): void {
    last = at
    if (taken === pool.length) {
      randomFillSync(pool)
      taken = 0
    }
    start = timeOf(at)
    for (let i = 0; i < 12; i += 2) start += PAIRS[pool.readUInt16BE(taken + i) & 1023]!
    count = pool.readUIntBE(taken + 12, 3) & (COUNTER / 2 - 1)
    taken += RANDOM
  }

  return {
    get start() {
      return start
    },
    get count() {
      return count
    },
    next(time) {
      // A clock that was set back must not bring old ids again.
      const at = Math.max(time, last)
      if (at !== last || ++count >= COUNTER) begin(count >= COUNTER ? last + 1 : at)
    },
  }
}

/** The last four characters of an id. */
export function idTail(count: number): string {
  return PAIRS[count >> 10]! + PAIRS[count & 1023]!
}

/** The same as bytes, put where the last four characters of an id stand. */
export function writeIdTail(count: number, bytes: Uint8Array, at: number): void {
  bytes[at] = CODES[count >> 15]!
  bytes[at + 1] = CODES[(count >> 10) & 31]!
  bytes[at + 2] = CODES[(count >> 5) & 31]!
  bytes[at + 3] = CODES[count & 31]!
}

/** Makes the function that makes ids, of now or of a time in milliseconds. */
export function createIds(now: () => number = Date.now): (time?: number) => string {
  const parts = createIdParts()
  return (time = now()) => {
    parts.next(time)
    return parts.start + idTail(parts.count)
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
