/** What the catalog, or the log, and the thread of its writer say to each other: plain data. */
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { WriteResult } from './apply-writes.ts'

export type ToWriter<Write> = { kind: 'group'; writes: Write[] } | { kind: 'close' }

/** First `ready` or `failed`, then one `done` for each group, with an outcome for each write in order. */
export type FromWriter =
  | { kind: 'ready' }
  | { kind: 'failed'; error: SentError }
  | { kind: 'done'; outcomes: SentOutcome[] }

export type SentOutcome = { result: WriteResult } | { error: SentError }

/** An error as data, because its code does not survive the way between threads. */
export interface SentError {
  code: ErrorCode
  message: string
  next?: string
  /** The stack of what was the cause, or of the error itself where it is a defect. */
  cause?: string
}

export function packError(error: unknown): SentError {
  if (!(error instanceof ModsteadError)) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    return { code: 'internal', message, ...(stack !== undefined && { cause: stack }) }
  }
  const { code, message, next, cause } = error
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : undefined
  return { code, message, ...(next !== undefined && { next }), ...(stack !== undefined && { cause: stack }) }
}

export function unpackError({ code, message, next, cause }: SentError): ModsteadError {
  return new ModsteadError(code, message, {
    ...(next !== undefined && { next }),
    ...(cause !== undefined && { cause }),
  })
}
