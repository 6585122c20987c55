import { waitFor } from '../../../../proxy/flights.ts'

export interface Token {
  value: string
  /** Milliseconds since the epoch. */
  expires: number
}

/** Tokens that are asked for when they are needed, and kept until shortly before they expire. */
export interface TokenCache {
  /** The token for `key`; one request at a time, however many wait for it. Throws what asking throws, or `aborted`. */
  get(key: string, signal: AbortSignal): Promise<string>
  /**
   * Forgets a token that was refused. False where that helps nothing: it just took the place of another that was
   * refused, so that a third would be as well.
   */
  refused(key: string, value: string): boolean
}

/** When two tokens in a row are refused within this time, tokens are not to blame. Milliseconds. */
const AGAIN = 10_000
/** Tokens are renewed this long before they expire, or a tenth of their life if that is less. Milliseconds. */
const MARGIN = 60_000
const MOST_KEYS = 1_000

/** `ask` makes a token, within a deadline of its own. */
export function createTokenCache(
  ask: (key: string) => Promise<Token>,
  now: () => number = Date.now,
): TokenCache {
  const kept = new Map<string, { token: Token; made: number; inPlaceOfRefused: boolean }>()
  const dropped = new Set<string>()
  const running = new Map<string, Promise<string>>()

  async function renew(key: string): Promise<string> {
    try {
      const token = await ask(key)
      kept.delete(key)
      kept.set(key, { token, made: now(), inPlaceOfRefused: dropped.delete(key) })
      const oldest = kept.keys().next().value
      if (kept.size > MOST_KEYS && oldest !== undefined) kept.delete(oldest)
      return token.value
    } finally {
      running.delete(key)
    }
  }

  return {
    async get(key, signal) {
      const known = kept.get(key)
      if (known !== undefined) {
        const life = known.token.expires - known.made
        if (now() < known.token.expires - Math.min(MARGIN, life / 10)) return known.token.value
      }
      let work = running.get(key)
      if (work === undefined) {
        work = renew(key)
        running.set(key, work)
      }
      return waitFor(work, signal)
    },
    refused(key, value) {
      const known = kept.get(key)
      // Somebody else was refused with it before, and a newer one is here or on its way.
      if (known?.token.value !== value) return true
      if (known.inPlaceOfRefused && now() - known.made < AGAIN) return false
      kept.delete(key)
      dropped.add(key)
      return true
    },
  }
}
