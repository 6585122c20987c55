import { createLogger, type FlushingLogger, type LineSink } from './logger.ts'
import { createMetrics } from './metrics.ts'
import type { Observer } from './observer.ts'
import type { Level } from './text-lines.ts'

export interface ObserverOptions {
  stdout: LineSink
  /** `stdout` is a terminal: `auto` means lines for people. */
  isTTY: boolean
  /** Default: on terminals. */
  colour?: boolean
  /** Default: the clock. */
  now?: () => Date
}

/** The observer of a whole process. */
export interface ProcessObserver extends Observer {
  log: FlushingLogger
}

/** Logs as configured (`log` of the configuration) to `stdout`, and metrics. */
export function createObserver(
  config: { level: Level; format: 'auto' | 'json' | 'text' },
  { stdout, isTTY, colour = isTTY, now }: ObserverOptions,
): ProcessObserver {
  const chosen = { auto: isTTY ? 'text' : 'json', json: 'json', text: 'text' } as const
  const log = createLogger({
    level: config.level,
    format: chosen[config.format],
    colour,
    sink: stdout,
    ...(now && { now }),
  })
  return { log, ...createMetrics(log) }
}
