import type { IncomingMessage, ServerResponse } from 'node:http'
import { ModsteadError } from '../errors.ts'
import { waitAtMost } from '../proxy/flights.ts'

/** How long a client may pause within a body. Milliseconds. */
const PAUSE = 60_000

/**
 * The body of a request, from when it is first asked for: a client that waits for a word to go on gets it then. Throws
 * `aborted` when the client goes away, `request_timeout` when it pauses longer than `pause` milliseconds. Whoever
 * stops reading leaves the connection open, so that it can be answered.
 */
export async function* streamBody(
  req: IncomingMessage,
  res: ServerResponse,
  pause: number = PAUSE,
): AsyncGenerator<Buffer> {
  if (req.headers.expect !== undefined) res.writeContinue()
  const body = req.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const next = await waitAtMost(body.next() as Promise<IteratorResult<Buffer>>, pause)
      if (next === undefined) throw paused(pause)
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    if (error instanceof ModsteadError) throw error
    throw new ModsteadError('aborted', 'the client went away before all of its request was here', {
      cause: error,
    })
  }
}

function paused(pause: number): ModsteadError {
  const message = `nothing of the request arrived for ${pause / 1000} seconds`
  return new ModsteadError('request_timeout', message, { next: 'send it again' })
}
