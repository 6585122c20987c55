import { beginIds, ID_COUNTER, ID_DIGITS } from './ids.ts'
import { EVENT_START, eventHead } from './line.ts'

/** Writes how lines begin: number, id and time of events, which come in the order of their numbers. */
export interface Heads {
  /** Writes the head of event `seq` at a place in a buffer that has room for `HEAD_BYTES`. Gives its length. */
  write(into: Uint8Array, at: number, seq: number): number
}

/** The longest head, in bytes. */
export const HEAD_BYTES = 128

const DIGIT_CODES = Uint8Array.from(ID_DIGITS, (digit) => digit.charCodeAt(0))
const ZERO = 0x30
const NINE = 0x39

/**
 * From one event to the next of the same millisecond only the last digits of its number and its id change: they are
 * changed in place, and the head is copied. A busy server makes no string for it.
 */
export function createHeads(now: () => number = Date.now): Heads {
  let head = Buffer.alloc(0)
  let last = -1
  let lastSeq = -1
  let start = ''
  let count = 0
  let seqEnd = 0
  let idEnd = 0

  function makeAnew(seq: number): void {
    head = Buffer.from(eventHead(seq, `${start}0000`, new Date(last).toISOString()), 'latin1')
    seqEnd = head.indexOf(',', EVENT_START.length)
    idEnd = head.indexOf(start) + start.length + 4
  }

  /** Whether the number has as many digits as before. */
  function countUp(): boolean {
    let i = seqEnd - 1
    while (head[i] === NINE) head[i--] = ZERO
    if (i < EVENT_START.length) return false
    head[i]!++
    return true
  }

  return {
    write(into, at, seq) {
      // A clock that was set back must not bring old ids again.
      const time = Math.max(now(), last)
      if (time !== last || ++count >= ID_COUNTER) {
        last = count >= ID_COUNTER ? last + 1 : time
        ;({ start, count } = beginIds(last))
        makeAnew(seq)
      } else if (seq !== lastSeq + 1 || !countUp()) makeAnew(seq)
      lastSeq = seq
      head[idEnd - 4] = DIGIT_CODES[count >> 15]!
      head[idEnd - 3] = DIGIT_CODES[(count >> 10) & 31]!
      head[idEnd - 2] = DIGIT_CODES[(count >> 5) & 31]!
      head[idEnd - 1] = DIGIT_CODES[count & 31]!
      into.set(head, at)
      return head.length
    },
  }
}
