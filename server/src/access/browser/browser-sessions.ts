import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { AuthRecord, AuthRecords } from '../issued/records.ts'
import { seal, unseal } from '../issued/seal.ts'
import type { Account } from '../oidc/account.ts'

/**
 * Somebody who is signed in with a browser. It counts for pages and the administrative API, never for modules. Times are
 * milliseconds since the epoch.
 */
export interface BrowserSession {
  /** Names it; no secret. */
  id: string
  account: Account
  /** `password`, or `oidc:PROVIDER:SIGNIN`. */
  via: string
  /** For the provider; see `Signins`. */
  upstream?: string
  created: number
  expires: number
  /** For forms: nobody else can have it. */
  formToken: string
}

export type ShownSession = Pick<BrowserSession, 'id' | 'via' | 'created' | 'expires'> & { seen: number }

export interface BrowserSessions {
  /** A new session with a new secret, which goes into a cookie and is kept nowhere: only its hash is. */
  begin(signed: {
    account: Account
    via: string
    upstream?: string
  }): Promise<{ secret: string; session: BrowserSession }>
  /** The session of a secret, if it has not ended. Who has not been seen for a while is asked about again. */
  find(secret: string): Promise<BrowserSession | undefined>
  end(id: string): Promise<boolean>
  /** Those of somebody, the oldest first. */
  list(user: string): Promise<ShownSession[]>
}

export interface BrowserSessionsOptions {
  records: AuthRecords
  /** The name of the tenant, or `''`. */
  scope: string
  /** Milliseconds since the epoch. */
  now: () => number
  /** Called when there may be something to clean up. */
  sweep: () => void
  /** Who it is by now, where a provider can be asked; `undefined` ends the session. */
  renew: (session: { account: Account; via: string; upstream?: string }) => Promise<Account | undefined>
}

interface Kept {
  account: Account
  via: string
  /** Sealed with the secret of the cookie. */
  upstream?: string
  created: number
  seen: number
  checked: number
}

const KIND = 'browser'
/** Without a request, and at most. Milliseconds. */
export const IDLE = 8 * 3_600_000
export const LONGEST = 24 * 3_600_000
/** How often it is noted that a session was used, and how often its provider is asked. Milliseconds. */
const NOTED = 60_000
const CHECKED = 900_000
/** Sessions of one person at most: the one that ends first goes. */
const MOST = 50
/** Characters of a secret: 32 bytes as base64url. */
const SECRET = /^[\w-]{43}$/

export function createBrowserSessions({
  records,
  scope,
  now,
  sweep,
  renew,
}: BrowserSessionsOptions): BrowserSessions {
  async function put(record: AuthRecord, kept: Kept): Promise<boolean> {
    const expires = Math.min(kept.seen + IDLE, kept.created + LONGEST)
    return records.putAuthRecord({ ...record, body: JSON.stringify(kept), expires })
  }

  const end = (id: string) => records.removeAuthRecord({ scope, kind: KIND, id })

  /** Notes the use, and asks about the person again where that is due. */
  async function touch(record: AuthRecord, kept: Kept, secret: string): Promise<Kept | undefined> {
    const at = now()
    const due = at - kept.checked >= CHECKED
    if (!due && at - kept.seen < NOTED) return kept
    const account = due ? await renew(opened(kept, secret)) : kept.account
    if (account === undefined || account.id !== kept.account.id) {
      await end(record.id)
      return undefined
    }
    const next = { ...kept, account, seen: at, ...(due && { checked: at }) }
    // Two requests at once note the same; where it was ended meanwhile, nothing is written.
    if (await put(record, next)) return next
    return (await read(record.id))?.kept
  }

  async function read(id: string): Promise<{ record: AuthRecord; kept: Kept } | undefined> {
    const record = await records.authRecord({ scope, kind: KIND, id })
    if (record === undefined || record.expires <= now()) return undefined
    return { record, kept: JSON.parse(record.body) as Kept }
  }

  return {
    async begin({ account, via, upstream }) {
      const there = await records.authRecords({ scope, kind: KIND, subject: account.id })
      for (const { id } of there.slice(0, Math.max(0, there.length + 1 - MOST))) await end(id)
      sweep()
      const secret = randomBytes(32).toString('base64url')
      const id = idOf(secret)
      const at = now()
      const kept: Kept = {
        account,
        via,
        ...(upstream !== undefined && { upstream: seal(upstream, secret, KIND) }),
        created: at,
        seen: at,
        checked: at,
      }
      const record = { scope, kind: KIND, id, subject: account.id, body: '', expires: 0, revision: 0 }
      if (!(await put(record, kept))) throw new TypeError('the id of a session came twice')
      return { secret, session: sessionOf(id, kept, secret) }
    },
    async find(secret) {
      if (!SECRET.test(secret)) return undefined
      const found = await read(idOf(secret))
      const kept = found && (await touch(found.record, found.kept, secret))
      return kept && sessionOf(idOf(secret), kept, secret)
    },
    end,
    async list(user) {
      const there = await records.authRecords({ scope, kind: KIND, subject: user })
      return there
        .filter(({ expires }) => expires > now())
        .map(({ id, body, expires }) => {
          const { via, created, seen } = JSON.parse(body) as Kept
          return { id, via, created, seen, expires }
        })
    },
  }
}

function opened(
  { account, via, upstream }: Kept,
  secret: string,
): Pick<BrowserSession, 'account' | 'via' | 'upstream'> {
  return { account, via, ...(upstream !== undefined && { upstream: unseal(upstream, secret, KIND) }) }
}

function sessionOf(id: string, kept: Kept, secret: string): BrowserSession {
  return {
    ...opened(kept, secret),
    id,
    created: kept.created,
    expires: Math.min(kept.seen + IDLE, kept.created + LONGEST),
    formToken: formTokenOf(secret),
  }
}

/** What a form carries that is sent with this cookie: whoever does not know the cookie cannot make it. */
export function formTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('modstead form').digest('base64url')
}

/** 256 random bits need no salt. */
function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
