import { ModsteadError } from '../errors.ts'
import type { Realm } from './store.ts'

/** What is known of how much a realm takes up. */
export interface QuotaRecords {
  /** Bytes of the zips that are stored in a realm, without those of deleted versions. */
  zipBytes(realm: Realm): Promise<number>
}

/**
 * Rejects with `quota_exceeded` where a zip of so many bytes has no room in its realm; with 0, where there is no room
 * left at all. What is under way at the same time is not counted: a quota is exceeded by that much at most.
 */
export type CheckRoom = (realm: Realm, bytes: number) => Promise<void>

/** How long a sum is believed. Milliseconds. */
const FRESH = 1_000

/** `quotas` are bytes by realm; realms without one have no bound. */
export function createRoom(
  quotas: ReadonlyMap<Realm, number>,
  { zipBytes }: QuotaRecords,
  now: () => number = Date.now,
): CheckRoom {
  const sums = new Map<Realm, { bytes: number; at: number }>()

  return async (realm, bytes) => {
    const quota = quotas.get(realm)
    if (quota === undefined) return
    let sum = sums.get(realm)
    if (sum === undefined || now() - sum.at > FRESH)
      sums.set(realm, (sum = { bytes: await zipBytes(realm), at: now() }))
    if (bytes === 0 ? sum.bytes < quota : sum.bytes + bytes <= quota) return
    const size = bytes === 0 ? 'a zip' : `a zip of ${bytes} bytes`
    throw new ModsteadError(
      'quota_exceeded',
      bytes > quota
        ? `${size} is not taken in: it is larger than the whole quota of ${quota} bytes`
        : `${size} is not taken in: ${sum.bytes} of ${quota} bytes are used up`,
      {
        next:
          bytes > quota
            ? 'ask who runs this server for a larger quota'
            : 'delete versions that nobody needs, or ask who runs this server for a larger quota',
      },
    )
  }
}
