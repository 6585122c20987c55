import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { networkOf } from '../../access/network.ts'
import { ModsteadError } from '../../errors.ts'

/** Pseudo-versions that one client may enter at once, and each second after that. A cold build needs some hundred. */
const BURST = 5_000
const PER_SECOND = 50
/** How long a client waits for its turn: `go` asks only once. Milliseconds. */
const PATIENCE = 30_000
/** Clients remembered. */
const CLIENTS = 10_000

export interface ColdLimit {
  /** Waits for the turn of this client, an IP address; absent: nobody is held up. Throws `rate_limited` where that would be too long, and the signal's reason. */
  take(client: string | undefined, signal: AbortSignal): Promise<void>
}

/**
 * Every commit of every repository is a pseudo-version, and each one that is looked up makes the log longer for ever:
 * a client may enter some at once, and then so many a second.
 */
export function createColdLimit(now: () => number = () => performance.now()): ColdLimit {
  /** When the last of the turns that were given out is over, by `now`: a clock that never goes back. Milliseconds. */
  const until = new LRUCache<string, number>({ max: CLIENTS })
  const turn = 1_000 / PER_SECOND
  return {
    async take(client, signal) {
      if (client === undefined) return
      const who = networkOf(client)
      const at = now()
      const next = Math.max(until.get(who) ?? -Infinity, at - BURST * turn) + turn
      const wait = next - at
      if (wait > PATIENCE)
        throw new ModsteadError(
          'rate_limited',
          'too many pseudo-versions were looked up from this address for the first time',
          { next: 'ask again in a minute; each of them makes the checksum log longer for ever' },
        )
      until.set(who, next)
      if (wait > 0) await sleep(wait, undefined, { signal })
    },
  }
}
