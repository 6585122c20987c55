import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../errors.ts'
import type { AuthKey, AuthRecord, AuthRecords } from './issued/records.ts'
import type { TokenRecord, TokenRecords } from './tokens/access-tokens.ts'

/** How long what was read goes on while its medium cannot be read. Milliseconds. */
const OUTAGE = 60_000
/** Records remembered at most. */
const REMEMBERED = 20_000

export interface OutlastOptions {
  /** Milliseconds. */
  now: () => number
  /** Told each time that something counts which cannot be read now. */
  onUse: () => void
}

/**
 * Looks that outlast a medium that fails: what was read in the last minute is what is there, revoked or absent, too. What
 * this process writes is forgotten first, so that nothing that was taken back here comes to life again.
 */
function createOutlast<T>({ now, onUse }: OutlastOptions) {
  const seen = new LRUCache<string, { value: T | undefined; at: number }>({ max: REMEMBERED })
  let writes = 0

  return {
    async look(key: string, read: () => Promise<T | undefined>): Promise<T | undefined> {
      const before = writes
      const at = now()
      try {
        const value = await read()
        // What was read while something was written may be old.
        if (before === writes) seen.set(key, { value, at })
        return value
      } catch (error) {
        const known = seen.get(key)
        const isOut = error instanceof ModsteadError && error.code === 'store_unavailable'
        if (!isOut || known === undefined || at - known.at >= OUTAGE) throw error
        onUse()
        return known.value
      }
    },
    async write<R>(key: string, change: () => Promise<R>): Promise<R> {
      seen.delete(key)
      writes++
      try {
        return await change()
      } finally {
        writes++
      }
    },
  }
}

/** `looks` is for those who judge tokens; `records` is to be used by all who revoke them. */
export function outlastTokens<Records extends TokenRecords>(
  records: Records,
  options: OutlastOptions,
): { records: Records; looks: TokenRecords } {
  const { look, write } = createOutlast<TokenRecord>(options)
  const noted: Records = {
    ...records,
    revokeToken: (id, by) => write(id, () => records.revokeToken(id, by)),
  }
  return { records: noted, looks: { ...noted, token: (id) => look(id, () => records.token(id)) } }
}

/** The same, for sessions, keys and tokens that were taken back. */
export function outlastAuthRecords(
  records: AuthRecords,
  options: OutlastOptions,
): { records: AuthRecords; looks: AuthRecords } {
  const { look, write } = createOutlast<AuthRecord>(options)
  const nameOf = ({ scope, kind, id }: AuthKey): string => JSON.stringify([scope, kind, id])
  const noted: AuthRecords = {
    authRecord: (key) => records.authRecord(key),
    authRecords: (of) => records.authRecords(of),
    putAuthRecord: (record) => write(nameOf(record), () => records.putAuthRecord(record)),
    removeAuthRecord: (key) => write(nameOf(key), () => records.removeAuthRecord(key)),
    sweepAuthRecords: (until) => records.sweepAuthRecords(until),
  }
  return {
    records: noted,
    looks: { ...noted, authRecord: (key) => look(nameOf(key), () => records.authRecord(key)) },
  }
}
