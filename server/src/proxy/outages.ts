import type { ModsteadError } from '../errors.ts'

/** So many failures in a row make an outage, which is believed for so many milliseconds. */
const FAILURES = 5
const LASTS = 1_000

/** Who could not be reached several times in a row: for a moment nobody waits for it again. */
export interface Outages<Key> {
  failed(who: Key, error: ModsteadError): void
  /** It answered, whatever it said. */
  answered(who: Key): void
  /** The last failure of an outage. Once in a while there is none for one request, which finds out whether it is over. */
  current(who: Key): ModsteadError | undefined
}

export function createOutages<Key>(now: () => number): Outages<Key> {
  const known = new Map<Key, { failures: number; until: number; error: ModsteadError }>()
  return {
    failed(who, error) {
      const failures = (known.get(who)?.failures ?? 0) + 1
      known.set(who, { failures, until: now() + LASTS, error })
    },
    answered: (who) => void known.delete(who),
    current(who) {
      const outage = known.get(who)
      if (outage === undefined || outage.failures < FAILURES) return undefined
      if (now() < outage.until) return outage.error
      // Whoever comes first now asks for all.
      outage.until = now() + LASTS
      return undefined
    },
  }
}
