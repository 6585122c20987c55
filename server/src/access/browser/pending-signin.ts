import { randomBytes } from 'node:crypto'
import type { AuthRecords } from '../issued/records.ts'
import { seal, unseal } from '../issued/seal.ts'
import type { Challenge } from '../oidc/provider.ts'

/** A sign-in whose browser is at the provider now. */
export interface Pending extends Challenge {
  provider: string
  /** Where it goes on afterwards: a local path. */
  then: string
}

/**
 * Carries a sign-in over to the return of its browser, in a cookie that only this server can read and make. Nothing is
 * kept here for sign-ins that only begin, so that nobody fills anything by beginning many.
 */
export interface PendingSignins {
  /** The value of the cookie. */
  begin(pending: Pending): Promise<string>
  /** What was begun for this provider within the last ten minutes and has not come back yet; `undefined` for all else. */
  take(cookie: string, provider: string, state: string): Promise<Pending | undefined>
}

export interface PendingSigninsOptions {
  records: AuthRecords
  /** The name of the tenant, or `''`. */
  scope: string
  /** Milliseconds since the epoch. */
  now: () => number
}

/** Milliseconds. */
export const PENDING = 600_000
/** Characters of a cookie: of ours there are 900 at most. */
const LONGEST = 4_096

export function createPendingSignins({ records, scope, now }: PendingSigninsOptions): PendingSignins {
  let key: Promise<string> | undefined

  /** Made once for all processes on these records, and kept: it protects what lives ten minutes. */
  async function findKey(): Promise<string> {
    const place = { scope, kind: 'cookie-key', id: '1' }
    const secret = randomBytes(32).toString('base64url')
    await records.putAuthRecord({ ...place, body: secret, expires: Number.MAX_SAFE_INTEGER, revision: 0 })
    const kept = await records.authRecord(place)
    if (kept === undefined) throw new TypeError('the key that was just kept is not there')
    return kept.body
  }

  async function secretFor(provider: string): Promise<[secret: string, purpose: string]> {
    key ??= findKey().catch((error: unknown) => {
      key = undefined
      throw error
    })
    return [await key, `signin ${provider}`]
  }

  return {
    async begin(pending) {
      const text = JSON.stringify({ ...pending, until: now() + PENDING })
      return seal(text, ...(await secretFor(pending.provider)))
    },
    async take(cookie, provider, state) {
      if (cookie.length > LONGEST) return undefined
      const text = opened(cookie, ...(await secretFor(provider)))
      if (text === undefined) return undefined
      const { until, ...pending } = JSON.parse(text) as Pending & { until: number }
      if (until <= now() || pending.provider !== provider || pending.state !== state) return undefined
      // The first one to come back with it has it.
      const used = { scope, kind: 'used-state', id: pending.state, body: '', expires: until, revision: 0 }
      return (await records.putAuthRecord(used)) ? pending : undefined
    },
  }
}

function opened(sealed: string, secret: string, purpose: string): string | undefined {
  try {
    return unseal(sealed, secret, purpose)
  } catch {
    // Whatever is not exactly what was sealed here fails in one of many ways, and all mean the same.
    return undefined
  }
}
