import type { AuditEvent } from './event.ts'

/** Where events are sent besides the files. */
export interface AuditSink {
  /** Name in the configuration. */
  readonly name: string
  /** Events that it is given at once, at most. */
  readonly batch: number
  /**
   * Resolves once all of them were taken, as far as that can be known there. Rejects where any may not have been: then
   * they are sent again, all of them; with `upstream_invalid` where the receiver does not want just these, and they are
   * put aside in the end.
   */
  send(events: readonly AuditEvent[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
