import { BLOCK } from './chain.ts'
import { createHeads, HEAD_BYTES } from './heads.ts'

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
  /** An event as its head, `requestPart`, and the bytes of `clientPart` and `answerPart`. */
  add(seq: number, request: string, client: Uint8Array, answer: Uint8Array): void
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
export function createWaiting(now?: () => number): Waiting {
  const heads = createHeads(now)
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
    add(seq, request, client, answer) {
      const most = HEAD_BYTES + 3 * request.length + client.length + answer.length + 1
      if (chunk.length - end < most) next(most)
      const before = end
      end += heads.write(chunk, end, seq)
      if (request !== '') end += chunk.write(request, end)
      chunk.set(client, end)
      end += client.length
      chunk.set(answer, end)
      end += answer.length
      chunk[end++] = 0x0a
      size += end - before
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
