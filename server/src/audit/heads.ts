import { createIdParts, idTail, writeIdTail } from './ids.ts'
import { eventHead } from './line.ts'

/** How the lines of events begin: their numbers, ids and times. */
export interface Heads {
  /** Number of the last event. */
  readonly seq: number
  /** The head of the next event, in milliseconds since the epoch. It is written over by the next call. */
  next(at: number): Uint8Array
}

const ZERO = 0x30
const NINE = 0x39

/**
 * Events of one millisecond differ in a few characters only, which are changed where they stand. Lines made of strings
 * are copied about and collected as garbage, which costs several times as much as all that is in them.
 */
export function createHeads(seq: number): Heads {
  const id = createIdParts()
  let head = Buffer.alloc(0)
  let time = -1
  let start = ''
  /** Where the last digit of the number is, and the last four characters of the id. */
  let digit = 0
  let tail = 0

  function begin(): void {
    const text = eventHead(seq, start + idTail(id.count), new Date(time).toISOString())
    head = Buffer.from(text, 'latin1')
    digit = text.indexOf(',"event_id"') - 1
    tail = text.indexOf('","timestamp"') - 4
  }

  /** Whether the number could be counted up without one more digit. */
  function countUp(): boolean {
    let at = digit
    while (head[at] === NINE) head[at--] = ZERO
    const isDigit = head[at]! >= ZERO && head[at]! < NINE
    if (isDigit) head[at]!++
    return isDigit
  }

  return {
    get seq() {
      return seq
    },
    next(at) {
      seq++
      id.next(at)
      if (at !== time || id.start !== start || !countUp()) {
        time = at
        start = id.start
        begin()
      } else writeIdTail(id.count, head, tail)
      return head
    },
  }
}
