/** Sends pieces of bytes through one of node:zlib's streams. */
import type { DeflateRaw, InflateRaw } from 'node:zlib'

/**
 * Writes `pieces` to `stream`, each when the one before is used up, and hands what comes out to `take`, until both
 * ends are reached; the stream is destroyed then, and on the first error, which is thrown. A piece is not looked at
 * again once the next is asked for.
 */
export async function pump(
  stream: InflateRaw | DeflateRaw,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
  stream.once('end', resolve)
  stream.once('error', reject)
  stream.on('data', (chunk: Uint8Array) => {
    try {
      take(chunk)
    } catch (error) {
      reject(error)
      stream.destroy()
    }
  })
  const feed = async () => {
    for await (const piece of pieces) await write(stream, piece)
    stream.end()
  }
  try {
    await Promise.all([ended, feed()])
  } finally {
    stream.destroy()
  }
}

function write(stream: InflateRaw | DeflateRaw, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}
