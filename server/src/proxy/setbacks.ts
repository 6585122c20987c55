import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { ModsteadError } from '../errors.ts'
import { createOutages } from './outages.ts'

/** How long a failed answer is held against its origin, for that one file only. Milliseconds. */
const WRONG = 60_000
const BROKEN = 10_000

/**
 * Which origin lately failed for which file, so that the next request starts elsewhere. Wrong contents are refused
 * for a minute without asking again; a transfer that broke, or a web page, only puts the origin last.
 */
export interface Setbacks {
  note(origin: string, file: string, error: unknown): void
  /** What wrong contents earned: the origin is not asked again for this file while it is given. */
  refusal(origin: string, file: string): ModsteadError | undefined
  has(origin: string, file: string): boolean
  /**
   * The failure of an origin that could not be reached several times in a row: for a moment nobody waits for it again.
   * Then one request finds out whether it is back.
   */
  outage(origin: string): ModsteadError | undefined
  /** The origin answered, whatever it said. */
  answered(origin: string): void
}

export function createSetbacks(now: () => number): Setbacks {
  const outages = createOutages<string>(now)
  const known = new LRUCache<string, ModsteadError>({ ...atMost(10_000), perf: { now } })
  return {
    note(origin, file, error) {
      if (!(error instanceof ModsteadError)) return
      if (error.code === 'upstream_unreachable' || error.code === 'upstream_timeout')
        outages.failed(origin, error)
      else outages.answered(origin)
      if (isWrong(error)) known.set(`${origin} ${file}`, error, { ttl: WRONG })
      else if (error.code.startsWith('upstream_')) known.set(`${origin} ${file}`, error, { ttl: BROKEN })
    },
    refusal(origin, file) {
      const error = known.get(`${origin} ${file}`)
      return error !== undefined && isWrong(error) ? error : undefined
    },
    outage: outages.current,
    answered: outages.answered,
    has: (origin, file) => known.has(`${origin} ${file}`),
  }
}

/** The contents are wrong, where other failures say that an origin, or the way to it or to a proof, is ill. */
export function isWrong(error: unknown): boolean {
  return (
    error instanceof ModsteadError &&
    (error.code === 'checksum_mismatch' || error.code === 'upstream_invalid')
  )
}
