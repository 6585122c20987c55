import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../errors.ts'

export interface BodyLimits {
  /** Bytes at most. */
  limit: number
  /** For the whole body. Milliseconds. */
  deadline: number
  /** Fires when nobody waits for the answer any more. */
  signal: AbortSignal
}

/**
 * How long the rest of a body that is too large is read and dropped: a sender that is cut off while it sends may never
 * see why. Milliseconds.
 */
const LINGER = 1_000

/**
 * Reads the body of a request into memory. Throws `payload_too_large`, `request_timeout`, and the reason of the signal.
 * After an error the body may be unread, so that the connection has to end with the answer.
 */
export async function readBody(
  req: IncomingMessage,
  { limit, deadline, signal }: BodyLimits,
): Promise<Buffer> {
  signal.throwIfAborted()
  // A request without a body has ended before anybody could listen.
  if (req.readableEnded) return Buffer.alloc(0)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  let timer = setTimeout(
    () =>
      reject(new ModsteadError('request_timeout', 'the body of the request did not arrive whole in time')),
    deadline,
  )
  const tooLarge = (): void =>
    reject(new ModsteadError('payload_too_large', `the body of the request is larger than ${limit} bytes`))

  function onData(chunk: Buffer): void {
    const fitted = size <= limit
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else if (fitted) {
      chunks.length = 0
      clearTimeout(timer)
      timer = setTimeout(tooLarge, LINGER)
    }
  }
  function onEnd(): void {
    if (size > limit) tooLarge()
    else resolve(Buffer.concat(chunks))
  }
  function onAbort(): void {
    reject(signal.reason as Error)
  }

  req.on('data', onData)
  req.once('end', onEnd)
  req.once('error', reject)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    req.off('data', onData)
    req.off('end', onEnd)
    req.pause()
  }
}
