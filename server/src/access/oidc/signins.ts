import { createHash, randomBytes } from 'node:crypto'
import type { AuthRecord, AuthRecords } from '../issued/records.ts'
import { seal, unseal } from '../issued/seal.ts'
import type { Claims, Account } from './account.ts'
import { accountOf } from './account.ts'
import type { Provider, Told } from './provider.ts'
import { isOutage, SignedOut } from './signed-out.ts'

/** A sign-in at a provider, for as long as something rests on it: a session of a browser, of a laptop, or both. */
export interface Signin {
  /** Names it; no secret. */
  id: string
  /** Names it and opens what is kept of it: it is held by those sessions alone, and sealed there. */
  upstream: string
  account: Account
}

/** What was found out about somebody who had signed in. */
export type Renewed =
  | { account: Account }
  /** They are signed in no more. A sentence. */
  | { ended: string }
  /** The provider could not be asked: what it last said, and when (milliseconds since the epoch). */
  | { last: Account; checked: number }

/**
 * The sign-ins that are kept. Refresh tokens of providers may count once each, so there is one record for all that rests
 * on a sign-in, and one question at a time.
 */
export interface Signins {
  begin(provider: Provider, told: Told, account: Account): Promise<Signin>
  /** Asks the provider again, unless that was done a moment ago. Rejects with `store_unavailable` only. */
  renew(upstream: string): Promise<Renewed>
  has(id: string): Promise<boolean>
  /** The provider and the ID token, to sign out there. */
  idToken(upstream: string): Promise<{ provider: Provider; idToken?: string } | undefined>
  end(id: string): Promise<void>
  /** Ends what a provider says has ended: a session of its own, or all of a person. */
  endAt(provider: string, whose: { subject?: string; session?: string }): Promise<EndedSignin[]>
}

export interface EndedSignin {
  id: string
  /** The name of whoever it was. */
  user: string
}

export interface SigninsOptions {
  records: AuthRecords
  /** The name of the tenant, or `''`. */
  scope: string
  providers: ReadonlyMap<string, Provider>
  /** Milliseconds since the epoch. */
  now: () => number
  onFailure: (error: unknown, provider: string) => void
}

/** What is kept. Times are milliseconds since the epoch. */
interface Kept {
  provider: string
  /** `sub`. */
  subject: string
  session?: string
  account: Account
  /** When the provider last said so. */
  checked: number
  /** The tokens of the provider, sealed. */
  tokens: string
}

interface Tokens {
  refreshToken?: string
  idToken?: string
}

const KIND = 'signin'
/** A second record of the same id, by which a sign-in is found where a provider names its own session alone. */
const AT_PROVIDER = 'signin-session'
/** Within this time the provider is not asked again. Milliseconds. */
const FRESH = 5_000
/** After this time without a question it is forgotten. Milliseconds. */
const KEPT = 60 * 86_400_000

export function createSignins({ records, scope, providers, now, onFailure }: SigninsOptions): Signins {
  const running = new Map<string, Promise<Renewed>>()

  async function read(id: string): Promise<{ record: AuthRecord; kept: Kept } | undefined> {
    const record = await records.authRecord({ scope, kind: KIND, id })
    if (record === undefined || record.expires <= now()) return undefined
    return { record, kept: JSON.parse(record.body) as Kept }
  }

  async function write(record: AuthRecord, kept: Kept): Promise<boolean> {
    const expires = now() + KEPT
    // First, so that no sign-in is there that its provider could not end.
    if (kept.session !== undefined) await noteSession(record.id, kept.provider, kept.session, expires)
    return records.putAuthRecord({ ...record, body: JSON.stringify(kept), expires })
  }

  async function noteSession(id: string, provider: string, session: string, expires: number): Promise<void> {
    const key = { scope, kind: AT_PROVIDER, id }
    const before = await records.authRecord(key)
    const subject = ownerOf(provider, session)
    // Where another process writes the same at this moment, that does.
    await records.putAuthRecord({ ...key, subject, body: '{}', expires, revision: before?.revision ?? 0 })
  }

  async function remove(id: string): Promise<void> {
    await records.removeAuthRecord({ scope, kind: KIND, id })
    await records.removeAuthRecord({ scope, kind: AT_PROVIDER, id })
  }

  /** The sign-ins of a person, or those that rest on a session of the provider. */
  async function signinsAt(
    provider: string,
    { subject, session }: { subject?: string; session?: string },
  ): Promise<{ id: string; kept: Kept }[]> {
    if (subject !== undefined) {
      const there = await records.authRecords({ scope, kind: KIND, subject: ownerOf(provider, subject) })
      return there.map(({ id, body }) => ({ id, kept: JSON.parse(body) as Kept }))
    }
    if (session === undefined) return []
    const there = await records.authRecords({ scope, kind: AT_PROVIDER, subject: ownerOf(provider, session) })
    const found = await Promise.all(there.map(async ({ id }) => ({ id, kept: (await read(id))?.kept })))
    return found.flatMap(({ id, kept }) => (kept === undefined ? [] : [{ id, kept }]))
  }

  async function ask(upstream: string): Promise<Renewed> {
    const { id, secret } = partsOf(upstream)
    const found = await read(id)
    if (found === undefined) return ENDED
    const { record, kept } = found
    const provider = providers.get(kept.provider)
    if (provider === undefined) return end(id, 'its provider is not in the configuration any more')
    if (now() - kept.checked < FRESH) return { account: kept.account }
    const { refreshToken, idToken } = open(kept.tokens, secret)
    if (refreshToken === undefined) return lastOf(kept)
    let told: Told
    try {
      told = await provider.refresh(refreshToken, kept.subject)
    } catch (error) {
      return failed(error, upstream, found, provider)
    }
    const account = stillThat(kept, told, provider)
    if (typeof account === 'string') return end(id, account)
    const tokens = { refreshToken: told.refreshToken ?? refreshToken, idToken: told.idToken ?? idToken }
    const next = { ...kept, account, checked: now(), tokens: seal(JSON.stringify(tokens), secret, KIND) }
    // Another process has asked, too, or has ended it meanwhile: what it wrote holds.
    if (!(await write(record, next))) return settled(id)
    return { account }
  }

  /** What another process made of it. */
  async function settled(id: string): Promise<Renewed> {
    const found = await read(id)
    return found === undefined ? ENDED : { account: found.kept.account }
  }

  async function failed(
    error: unknown,
    upstream: string,
    { record, kept }: { record: AuthRecord; kept: Kept },
    provider: Provider,
  ): Promise<Renewed> {
    onFailure(error, kept.provider)
    if (isOutage(error)) return lastOf(kept)
    const { id } = partsOf(upstream)
    if (error instanceof SignedOut) {
      // A token counts once: another process may have used it a moment before.
      const again = await read(id)
      if (again !== undefined && again.record.revision !== record.revision)
        return { account: again.kept.account }
    }
    return end(id, `${provider.config.label} says that the sign-in has ended`)
  }

  async function end(id: string, why: string): Promise<Renewed> {
    await remove(id)
    return { ended: why }
  }

  return {
    async begin(provider, told, account) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const { subject, session, refreshToken, idToken } = told
      const kept: Kept = {
        provider: provider.config.name,
        subject,
        ...(session !== undefined && { session }),
        account,
        checked: now(),
        tokens: seal(JSON.stringify({ refreshToken, idToken }), secret, KIND),
      }
      const record = { scope, kind: KIND, id, body: '', expires: 0, revision: 0 }
      await write({ ...record, subject: ownerOf(provider.config.name, subject) }, kept)
      return { id, upstream: `${id}.${secret}`, account }
    },
    renew(upstream) {
      const { id } = partsOf(upstream)
      let asking = running.get(id)
      if (asking === undefined) {
        asking = ask(upstream).finally(() => running.delete(id))
        running.set(id, asking)
      }
      return asking
    },
    has: async (id) => (await read(id)) !== undefined,
    async idToken(upstream) {
      const { id, secret } = partsOf(upstream)
      const found = await read(id)
      const provider = found && providers.get(found.kept.provider)
      if (found === undefined || provider === undefined) return undefined
      const { idToken } = open(found.kept.tokens, secret)
      return { provider, ...(idToken !== undefined && { idToken }) }
    },
    end: remove,
    async endAt(provider, whose) {
      const { session } = whose
      const meant = (await signinsAt(provider, whose)).filter(
        ({ kept }) => kept.provider === provider && (session === undefined || kept.session === session),
      )
      for (const { id } of meant) await remove(id)
      return meant.map(({ id, kept }) => ({ id, user: kept.account.id }))
    },
  }
}

const lastOf = ({ account, checked }: Kept): Renewed => ({ last: account, checked })

const ENDED: Renewed = { ended: 'the sign-in has ended' }

/**
 * Who it is now, or why it is nobody any more. A name that has changed ends the sign-in: the old one may be given to
 * somebody else.
 */
function stillThat(kept: Kept, { claims }: Told, { config }: Provider): Account | string {
  if (claims === undefined) return kept.account
  const name = kept.account.id.slice(config.userPrefix.length)
  const known: Claims = Object.hasOwn(claims, config.subject) ? claims : { [config.subject]: name, ...claims }
  const account = accountOf(known, config)
  if (typeof account === 'string') return account
  return account.id === kept.account.id ? account : `${config.label} has given the account another name`
}

/** Of a length that does not depend on what the provider chose. `subject` is `sub`, or `sid` for the second record. */
function ownerOf(provider: string, subject: string): string {
  return createHash('sha256').update(`${provider}\0${subject}`).digest('base64url')
}

function partsOf(upstream: string): { id: string; secret: string } {
  const [id = '', secret = ''] = upstream.split('.')
  return { id, secret }
}

function open(tokens: string, secret: string): Tokens {
  return JSON.parse(unseal(tokens, secret, KIND)) as Tokens
}
