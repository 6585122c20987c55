import type { IncomingMessage, ServerResponse } from 'node:http'
import { sendRefusal } from './ready.ts'
import { type Refusal, refusalFor } from './statuses.ts'

/** How long a client that is refused may go on sending before its connection is closed. Milliseconds. */
const LINGER = 1_000

/**
 * Answers with the text for an error, or what `form` makes of it, whatever of the request is unread. Closing at once would reset a client that is
 * still sending, and it would not see the answer: what it sends is thrown away for a moment. Returns the bytes of the
 * body sent.
 */
export async function refuse(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  form: (error: unknown, decision: string | undefined, req: IncomingMessage) => Refusal = refusalFor,
  decision?: string,
): Promise<number> {
  const whole = req.method === 'GET' || req.method === 'HEAD' || req.complete || req.destroyed
  if (whole) return sendRefusal(form(error, decision, req), req, res)
  res.shouldKeepAlive = false
  // Who asked whether to go on, and was not told to, sends nothing.
  if (req.headers.expect !== undefined && !req.readableDidRead)
    return sendRefusal(form(error, decision, req), req, res)
  const { status, headers, body } = form(error, decision, req)
  res.writeHead(status, headers)
  res.write(body)
  await throwAway(req)
  res.end()
  return Buffer.byteLength(body)
}

function throwAway(req: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, LINGER)
  for (const event of ['end', 'error', 'close']) req.once(event, () => resolve())
  req.resume()
  return promise.finally(() => clearTimeout(timer))
}
