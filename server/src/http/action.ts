import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Refusal } from './statuses.ts'
import type { Exchange, RequestKind } from './traffic.ts'

/** What the audit log says of a request. */
export type Noted = Partial<Pick<Exchange, 'module' | 'version' | 'detail' | 'principal' | 'event'>>

export interface ActionExchange {
  req: IncomingMessage
  res: ServerResponse
  /** Fires when the client is gone. */
  signal: AbortSignal
  /** Told what the request turned out to be about, for the audit log. */
  note?: (facts: Noted) => void
}

/**
 * An endpoint that takes other methods than GET and HEAD. It stands in front of the router, which refuses those and
 * would read bodies by itself.
 */
export interface Action {
  /** How metrics name its requests. */
  kind: RequestKind
  /** Whether the request is its own, be it only to refuse its method. Must not throw, and reads nothing of the body. */
  takes(req: IncomingMessage): boolean
  /**
   * Answers, and gives the bytes of the body sent. What it throws becomes a refusal, and the connection ends with it
   * when the body was not read to its end.
   */
  answer(exchange: ActionExchange): Promise<number>
  /** The form of its refusals, for the request that is refused. Default: text for a person at a terminal. */
  refusalFor?(error: unknown, decision: string | undefined, req: IncomingMessage): Refusal
}
