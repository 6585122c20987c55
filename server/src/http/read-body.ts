import type { IncomingMessage } from 'node:http'
import { ModsteadError } from '../errors.ts'

export interface BodyLimits {
  /** Bytes of one body at most. */
  each: number
  /** Bytes at most of all bodies that are being read at the same time. */
  together: number
  /** For a whole body. Milliseconds. */
  deadline: number
}

/**
 * Reads the body of a request into memory. Throws `payload_too_large`, `overloaded`, `request_timeout`, and the reason
 * of the signal, which fires when nobody waits for the answer any more. After an error the body may be unread, so that
 * the connection has to end with the answer.
 */
export type ReadBody = (req: IncomingMessage, signal: AbortSignal) => Promise<Buffer>

/**
 * How long the rest of a body that is too large is read and dropped: a sender that is cut off while it sends may never
 * see why. Milliseconds.
 */
const LINGER = 1_000

/** Makes a reader whose bodies share one bound: whoever sends them has proven nothing yet. */
export function createBodyReader({ each, together, deadline }: BodyLimits): ReadBody {
  let held = 0

  return async function readBody(req, signal) {
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
    function tooLarge(): void {
      reject(new ModsteadError('payload_too_large', `the body of the request is larger than ${each} bytes`))
    }
    function drop(): void {
      for (const chunk of chunks) held -= chunk.length
      chunks.length = 0
    }
    function onData(chunk: Buffer): void {
      const fitted = size <= each
      size += chunk.length
      if (size <= each) {
        chunks.push(chunk)
        held += chunk.length
        if (held > together)
          reject(new ModsteadError('overloaded', 'too many bodies of requests arrive at the same time'))
      } else if (fitted) {
        drop()
        clearTimeout(timer)
        timer = setTimeout(tooLarge, LINGER)
      }
    }
    function onEnd(): void {
      if (size > each) tooLarge()
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
      drop()
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      req.off('data', onData)
      req.off('end', onEnd)
      req.pause()
    }
  }
}
