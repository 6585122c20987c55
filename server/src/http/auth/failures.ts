import { ModsteadError } from '../../errors.ts'
import type { OauthError } from './oauth-errors.ts'

/** Failures of one address within a time after which it has to wait. Tokens cannot be guessed: this spares work. */
const MOST = 120
const WITHIN = 60_000
/** Addresses remembered at most. */
const REMEMBERED = 10_000
/** What a device hears while it waits is no failure. */
const PATIENT: readonly OauthError[] = [
  'authorization_pending',
  'slow_down',
  'expired_token',
  'access_denied',
]

export interface Failures {
  /** Throws `rate_limited` for an address that has failed too often. */
  check(address: string): void
  note(address: string, error: OauthError): void
}

export function createFailures(counts: boolean, now = () => performance.now()): Failures {
  const failed = new Map<string, number>()
  let began = now()

  function forget(): void {
    if (now() - began < WITHIN && failed.size < REMEMBERED) return
    failed.clear()
    began = now()
  }

  return {
    check(address) {
      forget()
      if (counts && (failed.get(address) ?? 0) >= MOST)
        throw new ModsteadError('rate_limited', 'too many tokens from this address were not valid')
    },
    note(address, error) {
      if (counts && !PATIENT.includes(error)) failed.set(address, (failed.get(address) ?? 0) + 1)
    },
  }
}
