import type { IncomingMessage } from 'node:http'
import { networkOf } from '../access/network.ts'
import { ModsteadError } from '../errors.ts'
import { senderOf } from './sender.ts'

export interface BodyLimits {
  /** Bytes of one body at most. */
  each: number
  /** Bytes at most of all bodies that are being read at the same time. */
  together: number
  /**
   * Bodies that are being read at the same time of one client, of IPv6 of its /64. Absent: any number, for instance where
   * all requests come from one reverse proxy.
   */
  ofOne?: number | undefined
  /** For a whole body. Milliseconds. */
  deadline: number
}

/**
 * Reads the body of a request into memory. Throws `payload_too_large`, `overloaded`, `rate_limited`, `request_timeout`, and the
 * reason
 * of the signal, which fires when nobody waits for the answer any more. After an error the rest of the body is unread: it
 * is `refuse` that lets its sender see the answer before the connection ends.
 */
export type ReadBody = (req: IncomingMessage, signal: AbortSignal) => Promise<Buffer>

/** Makes a reader whose bodies share one bound: whoever sends them has proven nothing yet. */
export function createBodyReader({ each, together, ofOne, deadline }: BodyLimits): ReadBody {
  let held = 0
  const reading = new Map<string, number>()

  const tooLarge = () =>
    new ModsteadError('payload_too_large', `the body of the request is larger than ${each} bytes`)

  /** Counts a body for whoever sends it, until what it gives is called. Throws `rate_limited`. */
  function count(req: IncomingMessage): () => void {
    if (ofOne === undefined) return () => undefined
    const client = networkOf(senderOf(req).address)
    const already = reading.get(client) ?? 0
    if (already >= ofOne)
      throw new ModsteadError(
        'rate_limited',
        'too many bodies of requests from this address arrive at the same time',
      )
    reading.set(client, already + 1)
    return () => {
      const left = (reading.get(client) ?? 1) - 1
      if (left > 0) reading.set(client, left)
      else reading.delete(client)
    }
  }

  return async function readBody(req, signal) {
    signal.throwIfAborted()
    // A request without a body has ended before anybody could listen.
    if (req.readableEnded) return Buffer.alloc(0)
    if (Number(req.headers['content-length'] ?? 0) > each) throw tooLarge()
    const done = count(req)
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
        reject(tooLarge())
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
      done()
      for (const chunk of chunks) held -= chunk.length
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      req.off('data', onData)
      req.off('end', onEnd)
      req.pause()
    }
  }
}
