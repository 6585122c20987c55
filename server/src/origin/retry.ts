import { ModsteadError } from '../errors.ts'
import { pause } from './deadline.ts'

/** Milliseconds before the second try; doubled before the third. */
const FIRST_PAUSE = 200
/** A host that asks for a longer pause than this, in milliseconds, is not asked again. */
const LONGEST_PAUSE = 3_000

/** Failures after which the same request may succeed, with the pause the host asked for. */
const retryable = new WeakMap<ModsteadError, { after?: number }>()

/** Marks `error` as one after which the request may be tried again, `after` milliseconds at the earliest. */
export function mayRetry(error: ModsteadError, after?: number): ModsteadError {
  if (after === undefined || after <= LONGEST_PAUSE)
    retryable.set(error, after === undefined ? {} : { after })
  return error
}

/**
 * Calls `attempt` until it succeeds, at most `tries` times, while it fails with errors that `mayRetry` marked. Between
 * tries it pauses for a random time that doubles, so that many requests do not come back at once.
 */
export async function withTries<T>(
  options: {
    tries: number
    signal: AbortSignal
    /** Told of each failure after which another try follows. */
    onFailure?: (error: ModsteadError, number: number) => void
    random?: () => number
  },
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  const { tries, signal, onFailure, random = Math.random } = options
  for (let number = 1; ; number++) {
    try {
      return await attempt(number)
    } catch (error) {
      const again = error instanceof ModsteadError ? retryable.get(error) : undefined
      if (again === undefined || number >= tries || signal.aborted) throw error
      onFailure?.(error as ModsteadError, number)
      const backoff = FIRST_PAUSE * 2 ** (number - 1)
      await pause(Math.max(again.after ?? 0, backoff * (0.5 + random() / 2)), signal)
    }
  }
}

/** A Retry-After header (seconds or an HTTP date) as milliseconds from `now`; `undefined` for anything else. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = /^[A-Z][a-z]{2}, .* GMT$/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
