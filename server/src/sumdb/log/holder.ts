import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'

/** How long a log that could not be opened is left alone. Milliseconds. */
const RETRY = 10_000

export interface LogHolder<Opened> {
  /** The open log. Throws why it is not: `log_refused`, `store_unavailable`. */
  get(): Promise<Opened>
  /** Why it is not open now, a sentence for people. */
  problem(): string | undefined
  /** The log, if it is open. */
  opened(): Opened | undefined
  close(): Promise<void>
}

export interface LogHolderOptions<Opened> {
  name: string
  open: () => Promise<Opened>
  log: Logger
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}

/**
 * Opens the log, and tries again now and then while it cannot be: modules are served meanwhile, and a disk that comes
 * back or a mark that was set needs no restart.
 */
export function createLogHolder<Opened extends { close(): Promise<void> }>({
  name,
  open,
  log,
  now = () => performance.now(),
}: LogHolderOptions<Opened>): LogHolder<Opened> {
  let state: { at: number; opened: Promise<Opened>; log?: Opened; error?: Error } | undefined
  let closed = false

  function tryOpen(): Promise<Opened> {
    const attempt: NonNullable<typeof state> = { at: now(), opened: open() }
    attempt.opened.then(
      (opened) => (attempt.log = opened),
      (error: unknown) => {
        attempt.error = error instanceof Error ? error : new Error(String(error))
        log.error({ err: error, log: name }, 'the checksum log cannot be used')
      },
    )
    state = attempt
    return attempt.opened
  }

  return {
    async get() {
      if (closed)
        throw new ModsteadError('shutting_down', 'this modstead is shutting down', { next: 'ask again' })
      if (state === undefined || (state.error !== undefined && now() - state.at > RETRY)) return tryOpen()
      return state.opened
    },
    problem: () => state?.error?.message,
    opened: () => state?.log,
    async close() {
      closed = true
      const opened = await state?.opened.catch(() => undefined) // told when it happened
      await opened?.close()
    },
  }
}
