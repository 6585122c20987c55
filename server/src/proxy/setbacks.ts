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
  /** Origins are told apart as objects: those of two tenants may have the same name. A file is named with its realm. */
  note(origin: object, file: string, error: unknown): void
  /** What wrong contents earned: the origin is not asked again for this file while it is given. */
  refusal(origin: object, file: string): ModsteadError | undefined
  has(origin: object, file: string): boolean
  /**
   * The failure of an origin that could not be reached several times in a row: for a moment nobody waits for it again.
   * Then one request finds out whether it is back.
   */
  outage(origin: object): ModsteadError | undefined
  /** The origin answered, whatever it said. */
  answered(origin: object): void
}

export function createSetbacks(now: () => number): Setbacks {
  const outages = createOutages<object>(now)
  const numbers = new WeakMap<object, number>()
  let count = 0
  const keyOf = (origin: object, file: string): string => {
    let number = numbers.get(origin)
    if (number === undefined) numbers.set(origin, (number = count++))
    return `${number} ${file}`
  }
  const known = new LRUCache<string, ModsteadError>({ ...atMost(10_000), perf: { now } })
  return {
    note(origin, file, error) {
      if (!(error instanceof ModsteadError)) return
      if (error.code === 'upstream_unreachable' || error.code === 'upstream_timeout')
        outages.failed(origin, error)
      else outages.answered(origin)
      if (isWrong(error)) known.set(keyOf(origin, file), error, { ttl: WRONG })
      else if (error.code.startsWith('upstream_')) known.set(keyOf(origin, file), error, { ttl: BROKEN })
    },
    refusal(origin, file) {
      const error = known.get(keyOf(origin, file))
      return error !== undefined && isWrong(error) ? error : undefined
    },
    outage: outages.current,
    answered: outages.answered,
    has: (origin, file) => known.has(keyOf(origin, file)),
  }
}

/** The contents are wrong, where other failures say that an origin, or the way to it or to a proof, is ill. */
export function isWrong(error: unknown): boolean {
  return (
    error instanceof ModsteadError &&
    (error.code === 'checksum_mismatch' || error.code === 'upstream_invalid')
  )
}
