import { LRUCache } from 'lru-cache'
import { networkOf } from '../../access/network.ts'
import { ModsteadError } from '../../errors.ts'
import type { OauthError } from './oauth-errors.ts'

/** Failures of one address within a time after which it has to wait. Tokens cannot be guessed: this spares work. */
const MOST = 120
const WITHIN = 60_000
/** Addresses remembered at most; those that failed longest ago give way. */
const REMEMBERED = 10_000
/** What a device hears while it waits is no failure. */
const PATIENT: readonly OauthError[] = [
  'authorization_pending',
  'slow_down',
  'expired_token',
  'access_denied',
]

export interface Failures {
  /** Throws `rate_limited` for an address that has failed too often; of IPv6 it counts with all of its network. */
  check(address: string): void
  note(address: string, error: OauthError): void
}

export function createFailures(counts: boolean, now = () => performance.now()): Failures {
  const failed = new LRUCache<string, { times: number; since: number }>({ max: REMEMBERED })

  return {
    check(address) {
      const found = failed.peek(networkOf(address))
      if (found !== undefined && found.times >= MOST && now() - found.since < WITHIN)
        throw new ModsteadError('rate_limited', 'too many tokens from this address were not valid')
    },
    note(address, error) {
      if (!counts || PATIENT.includes(error)) return
      const network = networkOf(address)
      const found = failed.get(network)
      if (found !== undefined && now() - found.since < WITHIN) found.times++
      else failed.set(network, { times: 1, since: now() })
    },
  }
}
