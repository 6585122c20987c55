import { randomInt, timingSafeEqual } from 'node:crypto'
import { ModsteadError } from '../../errors.ts'
import { neighbourhoodOf, networkOf } from '../network.ts'
import { hashToken, hasCheck, randomLetters, withCheck } from '../tokens/token-format.ts'
import type { AuthRecord, AuthRecords } from './records.ts'
import { newSessionId } from './refresh-token.ts'
import { leave, letterboxOf, take } from './letterbox.ts'
import type { IssuedSession, Sessions, SignIn } from './sessions.ts'

/** What a device is told that wants somebody to sign in for it (RFC 8628, section 3.2). Seconds. */
export interface DeviceGrant {
  /** Names it in the audit log, and is no secret. */
  id: string
  deviceCode: string
  userCode: string
  expiresIn: number
  interval: number
}

/** What is shown to the person who is to approve it. */
export interface WaitingDevice {
  /** As it is written: `BCDF-GHJK`. */
  userCode: string
  /** Address that asked, as far as it is known. */
  address: string
  /** Milliseconds since the epoch. */
  created: number
}

/** What a device hears when it asks (RFC 8628, section 3.5). */
export type Redeemed =
  | (IssuedSession & { deviceId: string })
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'invalid_grant'

export interface Devices {
  /**
   * Throws `overloaded` where too many wait, of one address or all together; `counted: false` where all requests come from
   * one reverse proxy.
   */
  begin(address: string, counted?: boolean): Promise<DeviceGrant>
  /**
   * The device that waits under this code, however it was typed; `undefined` for one that does not. `by` is whoever
   * types it, for instance `user:alice`: throws `rate_limited` for who has tried too many.
   */
  find(userCode: string, by: string): Promise<WaitingDevice | undefined>
  /** Lets the device in as somebody. Gives its id; `undefined` where it does not wait any more. Throws as `find`. */
  approve(userCode: string, sign: SignIn, by: string): Promise<string | undefined>
  /** The same, against it. */
  deny(userCode: string, by: string): Promise<string | undefined>
  /** Gives the tokens of an approved device, once. */
  redeem(deviceCode: string): Promise<Redeemed>
}

export interface DevicesOptions {
  records: AuthRecords
  /** The name of the tenant, or `''`. */
  scope: string
  sessions: Pick<Sessions, 'begin'>
  /** Called when there may be something to clean up. */
  sweep: () => void
  /** Milliseconds since the epoch. */
  now: () => number
}

interface Kept {
  /** Of the device code. */
  hash: string
  address: string
  created: number
  /** When the device may ask again, and how long it has to wait each time. Milliseconds. */
  next: number
  interval: number
  /** Where what only the device may see is left for it; see letterbox.ts. */
  letterbox: string
  /** With its `upstream` closed. */
  answer?: 'denied' | SignIn
}

const KIND = 'device'
/** Milliseconds. */
const LIFETIME = 600_000
const INTERVAL = 5_000
/** No vowels, so that no words come about, and nothing that looks like a digit (RFC 8628, section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const DEVICE_PREFIX = 'msd_'
/**
 * Devices that wait at most, so that nobody fills the disk: all together, of one address (of IPv6 its /64), and of its
 * neighbourhood, so that whoever has many addresses shuts out few others.
 */
const MOST = { together: 900, network: 20, neighbourhood: 90 }
/** Wrong user codes of one person, and of all, within the lifetime of a code. 20^8 codes make a hit unlikely anyway. */
const TRIES = { each: 10, together: 1_000 }

/** Devices that somebody signs in from elsewhere: the command line, a build machine (RFC 8628). */
export function createDevices({ records, scope, sessions, sweep, now }: DevicesOptions): Devices {
  const wrong = new Map<string, number>()
  let counted = now()

  /** Throws `rate_limited`. */
  function checkTries(by: string): void {
    if (now() - counted >= LIFETIME) {
      wrong.clear()
      counted = now()
    }
    const all = wrong.get('') ?? 0
    if ((wrong.get(by) ?? 0) >= TRIES.each || all >= TRIES.together)
      throw new ModsteadError('rate_limited', 'too many codes were typed that no device waits under', {
        next: 'start again on the device, and type its new code in ten minutes',
      })
  }

  async function waiting(
    userCode: string,
    by: string,
  ): Promise<{ record: AuthRecord; kept: Kept } | undefined> {
    checkTries(by)
    const subject = userCode.toUpperCase().replaceAll(/[^A-Z]/g, '')
    const there = subject.length === 8 ? await records.authRecords({ scope, kind: KIND, subject }) : []
    const record = there.find(({ expires }) => expires > now())
    const kept = record && (JSON.parse(record.body) as Kept)
    if (record !== undefined && kept !== undefined && kept.answer === undefined) return { record, kept }
    for (const who of [by, '']) wrong.set(who, (wrong.get(who) ?? 0) + 1)
    return undefined
  }

  function put(record: AuthRecord, kept: Kept): Promise<boolean> {
    return records.putAuthRecord({ ...record, body: JSON.stringify(kept) })
  }

  async function answer(
    userCode: string,
    by: string,
    answer: 'denied' | SignIn,
  ): Promise<string | undefined> {
    // The device itself writes each time it asks.
    for (let tries = 0; tries < 5; tries++) {
      const found = await waiting(userCode, by)
      if (found === undefined) return undefined
      if (await put(found.record, { ...found.kept, answer: closed(answer, found.kept) }))
        return found.record.id
    }
    return undefined
  }

  return {
    async begin(address, counted = true) {
      sweep()
      const there = await records.authRecords({ scope, kind: KIND, after: now() })
      const others = there.map(({ body }) => (JSON.parse(body) as Kept).address)
      const same = (of: (address: string) => string): number =>
        others.filter((other) => of(other) === of(address)).length
      const isFull =
        counted && (same(networkOf) >= MOST.network || same(neighbourhoodOf) >= MOST.neighbourhood)
      if (there.length >= MOST.together || isFull)
        throw new ModsteadError('overloaded', 'too many devices wait for somebody to sign in', {
          next: 'finish one of the sign-ins that were begun, or begin again in ten minutes',
        })
      const id = newSessionId()
      const deviceCode = withCheck(DEVICE_PREFIX + id + randomLetters(28))
      const subject = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
      if (there.some((record) => record.subject === subject))
        throw new ModsteadError('overloaded', 'a code came twice: begin again')
      const at = now()
      const kept: Kept = {
        hash: hashToken(deviceCode),
        address,
        created: at,
        next: at,
        interval: INTERVAL,
        letterbox: letterboxOf(deviceCode),
      }
      const record = { scope, kind: KIND, id, subject, body: '', expires: at + LIFETIME, revision: 0 }
      if (!(await put(record, kept))) throw new TypeError('the id of a device came twice')
      return {
        id,
        deviceCode,
        userCode: written(subject),
        expiresIn: LIFETIME / 1000,
        interval: INTERVAL / 1000,
      }
    },
    async find(userCode, by) {
      const found = await waiting(userCode, by)
      if (found === undefined) return undefined
      const { address, created } = found.kept
      return { userCode: written(found.record.subject!), address, created }
    },
    approve: (userCode, sign, by) => answer(userCode, by, sign),
    deny: (userCode, by) => answer(userCode, by, 'denied'),
    async redeem(deviceCode) {
      if (!/^msd_[0-9A-Za-z]{46}$/.test(deviceCode) || !hasCheck(deviceCode)) return 'invalid_grant'
      const id = deviceCode.slice(DEVICE_PREFIX.length, DEVICE_PREFIX.length + 12)
      const record = await records.authRecord({ scope, kind: KIND, id })
      if (record === undefined) return 'invalid_grant'
      const kept = JSON.parse(record.body) as Kept
      if (!timingSafeEqual(Buffer.from(kept.hash), Buffer.from(hashToken(deviceCode)))) return 'invalid_grant'
      if (record.expires <= now()) return 'expired_token'
      if (now() < kept.next) {
        const interval = kept.interval + INTERVAL
        await put(record, { ...kept, interval, next: now() + interval })
        return 'slow_down'
      }
      if (kept.answer === undefined) {
        // Where somebody answered meanwhile, the next time tells.
        await put(record, { ...kept, next: now() + kept.interval - SOON })
        return 'authorization_pending'
      }
      // Of two who ask at once, one gets the tokens.
      if (!(await records.removeAuthRecord(record))) return 'invalid_grant'
      if (kept.answer === 'denied') return 'access_denied'
      return { ...(await sessions.begin(opened(kept.answer, deviceCode))), deviceId: id }
    },
  }
}

/** A device that asks a little early is forgiven. Milliseconds. */
const SOON = 500

function written(userCode: string): string {
  return `${userCode.slice(0, 4)}-${userCode.slice(4)}`
}

/** Between the approval and the next question of the device nobody else can open what opens a provider. */
function closed(answer: 'denied' | SignIn, { letterbox }: Kept): 'denied' | SignIn {
  if (answer === 'denied' || answer.upstream === undefined) return answer
  return { ...answer, upstream: leave(answer.upstream, letterbox, KIND) }
}

function opened(answer: SignIn, deviceCode: string): SignIn {
  return answer.upstream === undefined
    ? answer
    : { ...answer, upstream: take(answer.upstream, deviceCode, KIND) }
}
