/**
 * ULIDs: 26 characters of Crockford's base 32, of which the first ten are the time in milliseconds. Within one
 * millisecond they count up, so that they sort in the order in which they were made.
 */
import { randomBytes } from 'node:crypto'

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, i) => DIGITS[i >> 5]! + DIGITS[i & 31]!)
/** Of the counter at the end: 20 bits, begun at random in the lower half. */
const COUNTER = 1 << 20

/** Makes the function that makes ids, of now or of a time in milliseconds. It costs two concatenations but for the first of each millisecond. */
export function createIds(now: () => number = Date.now): (time?: number) => string {
  let last = -1
  let start = ''
  let count = 0

  function begin(at: number): void {
    last = at
    const random = randomBytes(15)
    start = timeOf(at)
    for (let i = 0; i < 12; i += 2) start += PAIRS[random.readUInt16BE(i) & 1023]!
    count = random.readUIntBE(12, 3) & (COUNTER / 2 - 1)
  }

  return (time = now()) => {
    // A clock that was set back must not bring old ids again.
    const at = Math.max(time, last)
    if (at !== last || ++count >= COUNTER) begin(count >= COUNTER ? last + 1 : at)
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
