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
 * of the signal, which fires when nobody waits for the answer any more. After an error the rest of the body is unread: it
 * is `refuse` that lets its sender see the answer before the connection ends.
 */
export type ReadBody = (req: IncomingMessage, signal: AbortSignal) => Promise<Buffer>

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
    const timer = setTimeout(
      () =>
        reject(new ModsteadError('request_timeout', 'the body of the request did not arrive whole in time')),
      deadline,
    )
    function onData(chunk: Buffer): void {
      size += chunk.length
      if (size > each) {
        reject(new ModsteadError('payload_too_large', `the body of the request is larger than ${each} bytes`))
        return
      }
      chunks.push(chunk)
      held += chunk.length
      if (held > together)
        reject(new ModsteadError('overloaded', 'too many bodies of requests arrive at the same time'))
    }
    function onEnd(): void {
      resolve(Buffer.concat(chunks))
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
      for (const chunk of chunks) held -= chunk.length
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      req.off('data', onData)
      req.off('end', onEnd)
      req.pause()
    }
  }
}
