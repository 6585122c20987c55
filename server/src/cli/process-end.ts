import type { ProcessEvents } from './context.ts'

/** Why the process has to end. */
export type End = { kind: 'signal'; signal: string } | { kind: 'crash'; error: unknown; event: string }

export interface EndWatch {
  /** The first signal or crash. */
  first: Promise<End>
  /** A signal that came after the first end, from someone who does not want to wait. */
  second: Promise<void>
  /** Stops watching. */
  dispose(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT']
const CRASHES = ['uncaughtException', 'unhandledRejection']

/**
 * Ctrl-C reaches every process of a terminal, and npm and our own launcher pass it on as well: signals this soon after
 * the first are the same one. Milliseconds.
 */
const ECHO = 500

/** Watches for what ends a server: SIGTERM, SIGINT, and errors that nobody handled. */
export function watchForEnd(events: ProcessEvents, now: () => number = () => performance.now()): EndWatch {
  const first = Promise.withResolvers<End>()
  const second = Promise.withResolvers<void>()
  let firstAt: number | undefined
  const end = (why: End) => {
    firstAt ??= now()
    first.resolve(why)
  }
  const onSignal = (signal: unknown) => {
    if (firstAt !== undefined && now() - firstAt > ECHO) second.resolve()
    end({ kind: 'signal', signal: String(signal) })
  }
  const listeners: [event: string, listener: (...values: unknown[]) => void][] = [
    ...SIGNALS.map((signal) => [signal, onSignal] as [string, typeof onSignal]),
    ...CRASHES.map(
      (event) =>
        [event, (error: unknown) => end({ kind: 'crash', error, event })] as [string, typeof onSignal],
    ),
  ]
  for (const [event, listener] of listeners) events.on(event, listener)
  return {
    first: first.promise,
    second: second.promise,
    dispose() {
      for (const [event, listener] of listeners) events.off(event, listener)
    },
  }
}
