import type { Config } from './config/config.ts'
import { createDegradedMode, type DegradedMode } from './limits/degraded.ts'
import { createLimits, type Limits } from './limits/limits.ts'
import { createMonitor } from './limits/monitor.ts'
import type { Observer } from './observe/observer.ts'

export interface OpenLimits {
  limits: Limits
  degraded: DegradedMode
  /** To be told how long answers take; absent: nobody wants to know. */
  answered?: (ms: number) => void
  close(): void
}

/** Joins the limits for clients and for the server itself. */
export function openLimits(
  { limits: config, access }: Pick<Config, 'limits' | 'access'>,
  observer: Observer,
): OpenLimits {
  const { degraded: marks } = config
  const monitor = marks && createMonitor()
  const degraded = createDegradedMode({ marks, monitor, observer })
  const limits = createLimits({
    config,
    ...(access && { admins: access.admins }),
    refuseFetching: degraded.refusal,
    observer,
  })
  return {
    limits,
    degraded,
    ...(marks?.requestTime !== undefined && monitor && { answered: monitor.answered }),
    close: degraded.close,
  }
}
