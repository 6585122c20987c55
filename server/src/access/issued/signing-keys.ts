import { createHash, randomBytes } from 'node:crypto'
import type { IssuedConfig } from '../../config/access/access-config.ts'
import { newSessionId } from './refresh-token.ts'
import type { AuthRecord, AuthRecords } from './records.ts'

/** A secret that signs access tokens, and verifies them with this `alg` only. */
export interface SigningKey {
  /** As `kid` names it. */
  id: string
  algorithm: IssuedConfig['algorithm']
  secret: Uint8Array
}

export interface SigningKeys {
  /** The one to sign with. */
  current(now: number): Promise<SigningKey>
  /** `undefined` for a key that is not known, or not any more. */
  find(id: string, now: number): Promise<SigningKey | undefined>
}

/** Keys of the configuration: the first signs, all verify. A key is named by its hash, the same on every node. */
export function givenKeys(secrets: readonly string[], algorithm: SigningKey['algorithm']): SigningKeys {
  const keys = secrets.map((secret): SigningKey => {
    const id = createHash('sha256').update(`modstead signing key\n${secret}`).digest('base64url').slice(0, 12)
    return { id, algorithm, secret: new TextEncoder().encode(secret) }
  })
  return {
    current: async () => keys[0]!,
    find: async (id) => keys.find((key) => key.id === id),
  }
}

export interface KeptKeysOptions {
  records: AuthRecords
  scope: string
  algorithm: SigningKey['algorithm']
  /** After this time a new key signs. Milliseconds. */
  rotate: number
  /** How long the longest token lives that a key signs. Milliseconds. */
  lifetime: number
}

interface KeptKey {
  algorithm: SigningKey['algorithm']
  /** base64url. */
  secret: string
  created: number
}

const KIND = 'key'
/** A process that has just read which key signs may still use it. Milliseconds. */
const SLACK = 60_000

/**
 * Keys that modstead makes for itself, and keeps with its records: all processes on them know each other's. Nothing is
 * remembered here, so that a key which was taken back counts no more at once. Two processes may make a new key at the
 * same moment; both verify then, and the newer signs.
 */
export function keptKeys({ records, scope, algorithm, rotate, lifetime }: KeptKeysOptions): SigningKeys {
  let making: Promise<SigningKey> | undefined

  async function newest(now: number): Promise<{ record: AuthRecord; key: KeptKey } | undefined> {
    const kept = await records.authRecords({ scope, kind: KIND })
    return kept
      .filter(({ expires }) => expires > now)
      .map((record) => ({ record, key: JSON.parse(record.body) as KeptKey }))
      .sort((a, b) => b.key.created - a.key.created || b.record.id.localeCompare(a.record.id))[0]
  }

  async function make(now: number): Promise<SigningKey> {
    const id = newSessionId()
    const key: KeptKey = { algorithm, secret: randomBytes(64).toString('base64url'), created: now }
    const expires = Number.MAX_SAFE_INTEGER
    await records.putAuthRecord({
      scope,
      kind: KIND,
      id,
      body: JSON.stringify(key),
      expires,
      revision: 0,
    })
    // Only now: the others end with the last token that they may have signed.
    for (const before of await records.authRecords({ scope, kind: KIND }))
      if (before.expires === expires && before.id !== id && bodyOf(before).created <= now)
        await records.putAuthRecord({ ...before, expires: now + lifetime + SLACK })
    return signing(id, key)
  }

  return {
    async current(now) {
      const found = await newest(now)
      // One that is about to end signs nothing any more: its successor may have been written a moment ago.
      const usable =
        found !== undefined &&
        found.record.expires === Number.MAX_SAFE_INTEGER &&
        found.key.algorithm === algorithm &&
        now - found.key.created < rotate
      if (usable) return signing(found.record.id, found.key)
      making ??= make(now).finally(() => {
        making = undefined
      })
      return making
    },
    async find(id, now) {
      const record = await records.authRecord({ scope, kind: KIND, id })
      return record === undefined || record.expires <= now ? undefined : signing(id, bodyOf(record))
    },
  }
}

function bodyOf({ body }: AuthRecord): KeptKey {
  return JSON.parse(body) as KeptKey
}

function signing(id: string, { algorithm, secret }: KeptKey): SigningKey {
  return { id, algorithm, secret: new Uint8Array(Buffer.from(secret, 'base64url')) }
}
