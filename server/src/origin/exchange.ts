import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { ModsteadError } from '../errors.ts'
import { quotable } from './plain-text.ts'
import type { Connection } from './connect.ts'
import type { Lease } from './connections.ts'
import { duration, errorCode, failure, timedOut, unreachable, type Peer } from './failures.ts'
import { mayRetry } from './retry.ts'

/** Bytes of a body that wait to be read before the host is made to wait. */
const HIGH_WATER = 256 << 10

/** An answer whose headers are here and whose body is still arriving. */
export interface Exchange {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Content-Length, in bytes. */
  readonly size: number | undefined
  /**
   * The body, for one reader, chunk by chunk as it arrives. Ends only where the answer was whole; throws otherwise.
   * A reader that leaves early closes the connection.
   */
  readonly body: AsyncIterable<Buffer>
  /** Closes the connection unless all has arrived: for an answer that nobody will read. */
  abandon(): void
  /** Settles when nothing more arrives, for whatever reason. */
  readonly over: Promise<void>
}

export interface ExchangeOptions {
  /** Default: GET. */
  method?: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  /** What is sent with a POST. */
  body?: string
  peer: Peer
  /** Milliseconds. */
  timeouts: { headers: number; idle: number }
}

/**
 * Sends one request and waits for the headers of its answer. Takes over the lease: the connection is given back
 * at the end of the body, and closed on any failure.
 *
 * Throws `upstream_timeout`, `upstream_unreachable` (marked as retryable), `upstream_invalid` for what is not HTTP,
 * or the reason of the lease's signal.
 */
export function exchange(lease: Lease, options: ExchangeOptions): Promise<Exchange> {
  const { peer, timeouts } = options
  const { connection, signal } = lease
  const head = Promise.withResolvers<Exchange>()
  const over = Promise.withResolvers<void>()
  const queue: Buffer[] = []
  let state: 'waiting' | 'arriving' | 'whole' | ModsteadError = 'waiting'
  let controller: Dispatcher.DispatchController | undefined
  let size: number | undefined
  let received = 0
  let queued = 0
  let wake: (() => void) | undefined

  const giveUp = (): void => fail(signal.reason as ModsteadError)
  const timer = setTimeout(
    () => fail(timedOut(peer, 'waiting for its answer', timeouts.headers)),
    timeouts.headers,
  )

  function settle(next: 'whole' | ModsteadError): void {
    state = next
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    lease.release(next === 'whole' && !connection.socket.destroyed)
    over.resolve()
    wake?.()
  }

  function fail(error: ModsteadError): void {
    if (state === 'whole' || state instanceof ModsteadError) return
    settle(error)
    queue.length = 0
    head.reject(error)
  }

  function explain(error: Error): ModsteadError {
    if (error.name === 'HTTPParserError' || error.name === 'HeadersOverflowError') {
      const sentence = `sent an answer that is not valid HTTP: ${quotable(error.message)}`
      return failure('upstream_invalid', peer, sentence, { cause: error })
    }
    if (state === 'waiting') return mayRetry(unreachable(peer, error))
    const progress = size === undefined ? `${received} bytes` : `${received} of ${size} bytes`
    const sentence = `closed the connection after ${progress} of its answer`
    return mayRetry(failure('upstream_unreachable', peer, sentence, { cause: error }))
  }

  async function next(): Promise<IteratorResult<Buffer, undefined>> {
    while (queue.length === 0) {
      if (state === 'whole') return { done: true, value: undefined }
      if (state instanceof ModsteadError) throw state
      await moreOrIdle()
    }
    const value = queue.shift()!
    queued -= value.length
    if (queued <= HIGH_WATER / 2) controller?.resume()
    return { done: false, value }
  }

  /** The clock of `idle` runs only while somebody waits for the host, not while the host waits for us. */
  async function moreOrIdle(): Promise<void> {
    const more = Promise.withResolvers<void>()
    const sentence = `sent nothing for ${duration(timeouts.idle)} in the middle of its answer`
    const idle = setTimeout(() => fail(failure('upstream_timeout', peer, sentence)), timeouts.idle)
    wake = more.resolve
    await more.promise
    wake = undefined
    clearTimeout(idle)
  }

  const abandon = (): void =>
    fail(failure('upstream_failed', peer, 'gave an answer that was not read to its end'))

  const iterator: AsyncIterator<Buffer, undefined> = {
    next,
    async return() {
      abandon()
      return { done: true, value: undefined }
    },
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200 || state !== 'waiting') return
      clearTimeout(timer)
      state = 'arriving'
      const announced = headers['content-length']
      size = announced === undefined ? undefined : Number(announced)
      const body = { [Symbol.asyncIterator]: () => iterator }
      head.resolve({ status, headers, size, body, abandon, over: over.promise })
    },
    onResponseData(_controller, chunk) {
      if (state !== 'arriving') return
      received += chunk.length
      queued += chunk.length
      queue.push(chunk)
      if (queued >= HIGH_WATER) controller?.pause()
      wake?.()
    },
    onResponseEnd() {
      // Bytes after the end that came in the same packet are noticed only when the parser goes on.
      queueMicrotask(() => {
        if (state !== 'arriving') return
        const surplus = `sent more than the ${received} bytes it announced`
        if (sentSurplus(connection)) fail(failure('upstream_invalid', peer, surplus))
        else settle('whole')
      })
    },
    onResponseError(_controller, error) {
      fail(explain(error))
    },
  }

  if (signal.aborted) giveUp()
  else {
    signal.addEventListener('abort', giveUp, { once: true })
    const { client, pathPrefix, headers } = connection
    const request = {
      method: options.method ?? 'GET',
      ...(options.body !== undefined && { body: options.body }),
      path: `${pathPrefix}${options.path}`,
      headers: { ...options.headers, ...headers },
    }
    client.dispatch(request, handler)
  }
  return head.promise
}

/** The parser closes a connection on which something comes that nobody asked for. */
function sentSurplus(connection: Connection): boolean {
  const { errored } = connection.socket
  return errored !== null && errorCode(errored) !== 'UND_ERR_INFO'
}
