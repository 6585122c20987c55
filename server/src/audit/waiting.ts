import { BLOCK } from './chain.ts'

/** Lines that go under one hash: at least one. */
export interface LineBlock {
  /** With their line breaks. */
  bytes: Buffer
  lines: number
  /** Number of the last event among them. */
  last: number
}

/** Lines that wait to be written. */
export interface Waiting {
  /** Puts together a line, without its line break. */
  add(head: Uint8Array, client: Uint8Array, answer: Uint8Array, seq: number): void
  /** All of them, the oldest first; they wait no more. */
  take(): LineBlock[]
  /** To be called when blocks are written, and their memory may be used again. */
  give(blocks: readonly LineBlock[]): void
  bytes(): number
  count(): number
}

/** Bytes of the buffers, and how many of them are kept for the next lines. */
const CHUNK = 1 << 20
const SPARE = 4

/**
 * Puts lines into big buffers at once: as strings, tens of thousands a second would be moved about by the garbage
 * collector until they are written, which costs more than all else that is done for them.
 */
export function createWaiting(): Waiting {
  const spare: Buffer[] = []
  /** Blocks of each buffer that are not written yet; the one that is being filled counts as one. */
  const used = new Map<Buffer, number>()
  let sealed: LineBlock[] = []
  let size = 0
  let lines = 0
  let chunk: Buffer = Buffer.alloc(0)
  let start = 0
  let end = 0
  let open = 0
  let last = 0

  function seal(): void {
    if (open === 0) return
    sealed.push({ bytes: chunk.subarray(start, end), lines: open, last })
    used.set(chunk, used.get(chunk)! + 1)
    start = end
    open = 0
  }

  function release(buffer: Buffer): void {
    const left = used.get(buffer)! - 1
    if (left > 0) {
      used.set(buffer, left)
      return
    }
    used.delete(buffer)
    if (buffer.length === CHUNK && spare.length < SPARE) spare.push(buffer)
  }

  /** `room` is in bytes. */
  function next(room: number): void {
    seal()
    if (chunk.length > 0) release(chunk)
    chunk = room <= CHUNK ? (spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK)) : Buffer.allocUnsafeSlow(room)
    used.set(chunk, 1)
    start = end = 0
  }

  return {
    add(head, client, answer, seq) {
      const length = head.length + client.length + answer.length + 1
      if (chunk.length - end < length) next(length)
      chunk.set(head, end)
      chunk.set(client, end + head.length)
      end += length
      chunk.set(answer, end - 1 - answer.length)
      chunk[end - 1] = 0x0a
      size += length
      lines++
      last = seq
      if (++open === BLOCK) seal()
    },
    take() {
      seal()
      const taken = sealed
      sealed = []
      return taken
    },
    give(blocks) {
      for (const { bytes, lines: count } of blocks) {
        size -= bytes.length
        lines -= count
        for (const buffer of used.keys())
          if (buffer.buffer === bytes.buffer) {
            release(buffer)
            break
          }
      }
    },
    bytes: () => size,
    count: () => lines,
  }
}
