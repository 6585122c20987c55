import type { ServerResponse } from 'node:http'
import { ModsteadError } from '../errors.ts'

export interface SendChunksOptions {
  chunks: AsyncIterable<Uint8Array>
  /** The bytes that the head promises, where it does. */
  size: number | undefined
  res: ServerResponse
  /** Fires when the client is gone. */
  signal: AbortSignal
  /** Writes the head; called with the first chunk, so that a failure before keeps its status. */
  head: () => void
}

/**
 * Sends chunks as they come and as fast as the client takes them, and ends the response. Resolves with the bytes that
 * were sent. Throws when the chunks end in an error, are not as many bytes as promised, or the client is gone;
 * the response is then not ended, and the caller breaks the connection so that nobody takes it for whole.
 */
export async function sendChunks(options: SendChunksOptions): Promise<number> {
  const { chunks, size, res, signal, head } = options
  let sent = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    if (!res.headersSent) head()
    sent += chunk.length
    if (size !== undefined && sent > size) throw wrongSize(size)
    if (!res.write(chunk)) await orAborted(signal, (settle) => res.once('drain', () => settle()))
  }
  if (size !== undefined && sent !== size) throw wrongSize(size)
  signal.throwIfAborted()
  if (!res.headersSent) head()
  res.end()
  return sent
}

/** Writes a chunk and waits until it is flushed: only then may its memory be used again. */
export async function written(res: ServerResponse, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  await orAborted(signal, (settle) => res.write(chunk, (error) => settle(error ?? undefined)))
}

/** Waits for `start` to settle, at most until the signal fires. */
async function orAborted(
  signal: AbortSignal,
  start: (settle: (error?: Error) => void) => unknown,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => reject(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    start((error) => (error === undefined ? resolve() : reject(error)))
    await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function wrongSize(size: number): ModsteadError {
  return new ModsteadError('store_unavailable', `a file does not have the ${size} bytes that were promised`)
}
