import { ModsteadError } from '../errors.ts'

/** One request with all its tries: `signal` fires when its caller gave up or its time is over. */
export interface Run {
  /** Its reason is always a `ModsteadError`. */
  readonly signal: AbortSignal
  /** Stops the clock and forgets the caller. */
  end(): void
}

/** Starts the clock of a request. `late` makes the error for when `total` milliseconds have passed. */
export function startRun(options: { signal: AbortSignal; total: number; late: () => ModsteadError }): Run {
  const { signal, total, late } = options
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(late()), total)
  const giveUp = (): void => {
    const { reason } = signal as { reason: unknown }
    clearTimeout(timer)
    controller.abort(reason instanceof ModsteadError ? reason : aborted(reason))
  }
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    },
  }
}

/**
 * What `work` gives, if it does so within `ms` milliseconds; otherwise throws `late()`, or the reason of `signal` as
 * soon as that fires. `work` itself is not ended: whoever started it cleans up after it.
 */
export async function within<T>(
  work: Promise<T>,
  options: { ms: number; signal: AbortSignal; late: () => Error },
): Promise<T> {
  const { ms, signal, late } = options
  const bound = Promise.withResolvers<never>()
  const giveUp = (): void => bound.reject(signal.reason as Error)
  const timer = setTimeout(() => bound.reject(late()), ms)
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([work, bound.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

/** Waits `ms` milliseconds; throws the reason of `signal` as soon as that fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>()
  const giveUp = (): void => over.reject(signal.reason as Error)
  const timer = setTimeout(over.resolve, ms)
  if (signal.aborted) giveUp()
  else signal.addEventListener('abort', giveUp, { once: true })
  try {
    await over.promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
  }
}

function aborted(reason: unknown): ModsteadError {
  return new ModsteadError('aborted', 'the request was given up by whoever made it', { cause: reason })
}
