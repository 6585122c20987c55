import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'

/** The public keys of an issuer, as often as they change there. */
export interface KeySourceOptions {
  /** Gives the JSON Web Key Set; rejects when it cannot be had in time. */
  load: () => Promise<JSONWebKeySet>
  /** Told when the keys could not be had, and those known before go on. */
  onFailure: (error: unknown) => void
  now: () => number
}

/** After this time the keys are asked for again, and one that is not there any more counts no more. Milliseconds. */
const FRESH = 600_000
/** How often they are asked for at most because of a key that is not known, or of a failure. */
const INTERVAL = 30_000

/**
 * Makes what finds the key that a token names. A key that is not known makes it look whether there are new ones, for
 * all who wait at once and once in thirty seconds at most, so that made-up names cause no storm. While the issuer cannot
 * be reached its last keys hold.
 *
 * Rejects with a `JOSEError` where no key fits, and with another error where no keys were ever had.
 */
export function createKeySource({ load, onFailure, now }: KeySourceOptions): JWTVerifyGetKey {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  let loaded = -Infinity
  let asked = -Infinity
  let failure: unknown
  let running: Promise<void> | undefined

  async function ask(): Promise<void> {
    asked = now()
    try {
      keys = createLocalJWKSet(await load())
      loaded = now()
    } catch (error) {
      failure = error
      onFailure(error)
    }
  }

  /** Asks for the keys, unless that was done a moment ago. */
  async function renew(): Promise<void> {
    if (running === undefined && now() - asked < INTERVAL) return
    running ??= ask().finally(() => {
      running = undefined
    })
    await running
  }

  return async (header, token) => {
    if (now() - loaded >= FRESH) await renew()
    if (keys === undefined) throw new Error('there are no keys of the issuer yet', { cause: failure })
    try {
      return await keys(header, token)
    } catch (error) {
      const before = keys
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await renew()
      if (keys === before) throw error
      return keys(header, token)
    }
  }
}
