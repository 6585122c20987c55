import type { Writable } from 'node:stream'

const TICK_MS = 5
const CHUNK_BYTES = 64 * 1024

/**
 * Writes all bytes, at most `rate` bytes per second (0: as fast as the reader takes them), without ending the stream.
 * Stops quietly when the stream is destroyed. `sent` hears of every chunk handed over.
 */
export async function sendPaced(
  stream: Writable,
  bytes: Buffer,
  rate: number,
  sent: (bytes: number) => void,
): Promise<void> {
  const started = performance.now()
  for (let at = 0; at < bytes.length && !stream.destroyed;) {
    const due = rate === 0 ? bytes.length : Math.floor((rate * (performance.now() - started)) / 1000)
    const end = Math.min(at + CHUNK_BYTES, Math.max(due, 0), bytes.length)
    if (end <= at) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS))
      continue
    }
    sent(end - at)
    if (!stream.write(bytes.subarray(at, end))) await drained(stream)
    at = end
  }
}

/** Settles when the stream takes more, or is closed. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
