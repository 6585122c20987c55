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
 * Events of one second differ in a few characters only, which are changed where they stand. Lines made of strings are
 * copied about and collected as garbage, which costs several times as much as all that is in them.
 */
export function createHeads(seq: number): Heads {
  const id = createIdParts()
  let head = Buffer.alloc(0)
  /** What stands in it. */
  let second = -1
  let millisecond = 0
  let start = ''
  /** Where it has the last digit of the number, the id, and the milliseconds. */
  let digit = 0
  let idAt = 0
  let millisecondAt = 0

  function begin(): void {
    const time = new Date(second + millisecond).toISOString()
    const text = eventHead(seq, id.start + idTail(id.count), time)
    start = id.start
    head = Buffer.from(text, 'latin1')
    digit = text.indexOf(',"event_id"') - 1
    idAt = text.indexOf(id.start)
    millisecondAt = text.indexOf(time) + time.length - 4
  }

  /** Whether the number could be counted up without one more digit. */
  function countUp(): boolean {
    let at = digit
    while (head[at] === NINE) head[at--] = ZERO
    const isDigit = head[at]! >= ZERO && head[at]! < NINE
    if (isDigit) head[at]!++
    return isDigit
  }

  /** The milliseconds of the time, and what of the id goes with them. */
  function moveOn(): void {
    start = id.start
    for (let i = 0; i < start.length; i++) head[idAt + i] = start.charCodeAt(i)
    head[millisecondAt] = ZERO + Math.trunc(millisecond / 100)
    head[millisecondAt + 1] = ZERO + (Math.trunc(millisecond / 10) % 10)
    head[millisecondAt + 2] = ZERO + (millisecond % 10)
  }

  return {
    get seq() {
      return seq
    },
    next(at) {
      seq++
      id.next(at)
      const within = at % 1_000
      const moved = within !== millisecond || id.start !== start
      millisecond = within
      if (at - within !== second || !countUp()) {
        second = at - within
        begin()
        return head
      }
      if (moved) moveOn()
      writeIdTail(id.count, head, idAt + start.length)
      return head
    },
  }
}
