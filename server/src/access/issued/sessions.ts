import type { Limit } from '../principal.ts'
import { untilNoneIsFresh } from '../tokens/access-tokens.ts'
import type { AccessJwt, SignedIn } from './access-jwt.ts'
import type { AuthRecord, AuthRecords } from './records.ts'
import {
  hashOf,
  newRefreshToken,
  newSessionId,
  parseRefreshToken,
  type RefreshToken,
} from './refresh-token.ts'
import { seal, unseal } from './seal.ts'

/** Somebody has proven who they are: what is to be remembered of it. */
export interface SignIn {
  principal: SignedIn
  /** How they did: `password`, `oidc:gitlab`, … What stands before the colon finds the recheck. */
  via: string
  /** The most that the session is good for; absent: all that the principal may. */
  limit?: Limit
  /** What the provider wants to see again at a refresh. It is kept closed with the refresh token itself. */
  upstream?: string
}

export interface IssuedSession {
  accessToken: string
  /** Seconds. */
  expiresIn: number
  refreshToken: string
  sessionId: string
  /** Whose it is. */
  principal: Pick<SignedIn, 'kind' | 'id'>
}

/** What a provider says of somebody later: who they are by now, or that they are nobody any more. */
export type Rechecked =
  | { principal: SignedIn; upstream?: string }
  | 'gone'
  /** It cannot say now: what it said last goes on for a time. */
  | 'unavailable'

/** Asks again, at a refresh. Must not take long, and rejects only for defects. */
export type Recheck = (sign: SignIn, signal: AbortSignal) => Promise<Rechecked>

/** A session as it may be shown. Times are milliseconds since the epoch. */
export interface SessionFacts {
  id: string
  principal: SignedIn
  via: string
  limit?: Limit
  created: number
  /** When a token was last issued for it. */
  refreshed: number
  /** Without another refresh. */
  expires: number
}

export interface Sessions {
  begin(sign: SignIn): Promise<IssuedSession>
  /**
   * The next tokens of a session. A refresh token is good once: one that was used before ends its session, for it was
   * copied (RFC 9700, section 4.14.2); but for half a minute after its use, where the answer may have been lost, on the
   * network or in a restart. What was begun is finished, whether somebody still waits or not: a provider may have given
   * a new token meanwhile.
   */
  refresh(refreshToken: string, signal: AbortSignal): Promise<IssuedSession | { refused: string }>
  /** An access token of at most an hour without a session: nothing renews it. */
  exchange(
    claims: { principal: SignedIn; limit?: Limit },
    seconds: number,
  ): Promise<Omit<IssuedSession, 'refreshToken' | 'sessionId'>>
  /**
   * Ends the session with this id, or that of a refresh or access token, or an access token that has none. When it
   * returns, no request that arrives after that is let in. `undefined` where there is none.
   */
  end(given: string): Promise<Ended | undefined>
  /** All sessions, or those of somebody; at most 1000. */
  list(subject?: Pick<SignedIn, 'kind' | 'id'>): Promise<SessionFacts[]>
  find(id: string): Promise<SessionFacts | undefined>
  /** Whether an access token without a session was taken back. */
  isRevoked(tokenId: string): Promise<boolean>
  /** Who is to be asked at refreshes of sessions whose `via` begins with `method`. */
  recheckWith(method: string, recheck: Recheck): void
}

/** What was ended. */
export interface Ended {
  /** Absent for an access token that has none. */
  session?: string
  /** Whose it was, where a token says so. */
  principal?: Pick<SignedIn, 'kind' | 'id'>
}

export interface SessionsOptions {
  records: AuthRecords
  /** Where access tokens are looked up, which may outlast the medium. */
  looks: Pick<AuthRecords, 'authRecord'>
  /** The name of the tenant, or `''`. */
  scope: string
  jwt: AccessJwt
  /** Of an access token, of a session that is not refreshed, and of one whose provider is away. Milliseconds. */
  lifetime: number
  refresh: number
  outage: number
  /** Milliseconds since the epoch. */
  now: () => number
  /** Called when there may be something to clean up. */
  sweep: () => void
  /** Told when somebody used an old refresh token. */
  warn: (fields: object, sentence: string) => void
}

interface Kept {
  principal: SignedIn
  via: string
  limit?: Limit
  upstream?: string
  /** Hashes of the family, the token that is good, and the one before. */
  family: string
  current: string
  previous?: string
  /** When that one was replaced. */
  replaced?: number
  created: number
  refreshed: number
  /** When the provider last said so. */
  checked: number
}

/** `kind` of their records. */
export const SESSION = 'session'
const KIND = SESSION
const REVOKED = 'revoked'
/** How long the last refresh token may be presented again. Milliseconds. */
const OVERLAP = 30_000
/** Sessions of one principal at most: the one that ends first goes. */
const MOST = 100
/** For the answer of a provider. Milliseconds. */
const RECHECK = 15_000
const NOT_VALID =
  'the refresh token is not valid: its session has ended or expired, or it was never issued here'

export function createSessions(options: SessionsOptions): Sessions {
  const { records, looks, scope, jwt, lifetime, now, warn } = options
  const rechecks = new Map<string, Recheck>()
  /** One refresh of a session at a time: providers take a second use of their own token for theft. */
  const running = new Map<string, Promise<unknown>>()

  async function read(id: string, from = looks): Promise<{ record: AuthRecord; kept: Kept } | undefined> {
    const record = await from.authRecord({ scope, kind: KIND, id })
    if (record === undefined || record.expires <= now()) return undefined
    return { record, kept: JSON.parse(record.body) as Kept }
  }

  function put(id: string, kept: Kept, revision: number): Promise<boolean> {
    const { kind, id: name } = kept.principal
    return records.putAuthRecord({
      scope,
      kind: KIND,
      id,
      subject: `${kind}:${name}`,
      body: JSON.stringify(kept),
      expires: kept.refreshed + options.refresh,
      revision,
    })
  }

  async function issue(kept: Kept, { session, token }: RefreshToken): Promise<IssuedSession> {
    const { principal, limit } = kept
    const seconds = Math.floor(lifetime / 1000)
    const accessToken = await jwt.sign(
      { principal, session, ...(limit !== undefined && { limit }) },
      now(),
      seconds,
    )
    return { accessToken, expiresIn: seconds, refreshToken: token, sessionId: session, principal }
  }

  async function makeRoom({ kind, id }: SignedIn): Promise<void> {
    const there = await records.authRecords({ scope, kind: KIND, subject: `${kind}:${id}` })
    for (const { id } of there.slice(0, Math.max(0, there.length + 1 - MOST)))
      await records.removeAuthRecord({ scope, kind: KIND, id })
    options.sweep()
  }

  /** What the provider says by now; a reason where that ends the session. */
  async function recheck(kept: Kept, token: RefreshToken): Promise<Kept | string> {
    const ask = rechecks.get(kept.via.split(':', 1)[0]!)
    if (ask === undefined) return kept
    const { principal, via, limit, upstream } = kept
    const opened = upstream === undefined ? undefined : unseal(upstream, token.family, token.session)
    const said = await ask(
      { principal, via, ...(limit && { limit }), ...(opened !== undefined && { upstream: opened }) },
      AbortSignal.timeout(RECHECK),
    )
    if (said === 'gone') return 'who signed in is not known any more where they did'
    if (said === 'unavailable')
      return now() - kept.checked < options.outage
        ? kept
        : 'where this session was signed in cannot be reached, and has not been for long'
    const same = said.principal.kind === principal.kind && said.principal.id === principal.id
    if (!same) return 'who signed in has another name by now'
    const closed = said.upstream === undefined ? upstream : seal(said.upstream, token.family, token.session)
    return {
      ...kept,
      principal: said.principal,
      checked: now(),
      ...(closed !== undefined && { upstream: closed }),
    }
  }

  async function rotate(token: RefreshToken): Promise<IssuedSession | { refused: string }> {
    // Whoever writes between the look and the write is another process: a second look tells what came of it.
    for (let tries = 0; tries < 3; tries++) {
      const found = await read(token.session, records)
      if (found === undefined || found.kept.family !== hashOf(token.family)) return { refused: NOT_VALID }
      const { record, kept } = found
      const hash = hashOf(token.token)
      const { previous, replaced = -Infinity } = kept
      const again = hash === previous && now() - replaced < OVERLAP
      if (hash !== kept.current && !again) {
        await records.removeAuthRecord(record)
        const { kind, id } = kept.principal
        warn(
          { session: token.session, principal: `${kind}:${id}` },
          'a refresh token was used twice: its session has been ended',
        )
        return {
          refused:
            'the refresh token was used before, so that it may have been stolen: its session has been ended',
        }
      }
      const checked = await recheck(kept, token)
      if (typeof checked === 'string') {
        await records.removeAuthRecord(record)
        return { refused: checked }
      }
      const next = newRefreshToken(token.session, token.family)
      const at = now()
      const renewed: Kept = {
        ...checked,
        current: hashOf(next.token),
        previous: hash,
        // Asking again and again does not make it longer.
        replaced: again ? replaced : at,
        refreshed: at,
      }
      if (await put(token.session, renewed, record.revision)) return issue(renewed, next)
    }
    return { refused: 'the session is being renewed by others at the same time: ask again' }
  }

  async function end(given: string): Promise<Ended | undefined> {
    const drop = async (session: string, of: Omit<Ended, 'session'>): Promise<Ended | undefined> =>
      (await records.removeAuthRecord({ scope, kind: KIND, id: session })) ? { session, ...of } : undefined
    const refresh = parseRefreshToken(given)
    if (refresh !== undefined) {
      const found = await read(refresh.session, records)
      if (found?.kept.family !== hashOf(refresh.family)) return undefined
      return drop(refresh.session, { principal: found.kept.principal })
    }
    if (!given.includes('.')) return drop(given, {})
    const access = await jwt.verify(given, now())
    if (access === undefined || access === 'not mine' || 'expired' in access) return undefined
    const { id, expires, principal } = access
    if (access.session !== undefined) return drop(access.session, { principal })
    const revoked = { scope, kind: REVOKED, id, body: '{}', expires, revision: 0 }
    return (await records.putAuthRecord(revoked)) ? { principal } : undefined
  }

  return {
    async begin({ principal, via, limit, upstream }) {
      await makeRoom(principal)
      const token = newRefreshToken(newSessionId())
      const at = now()
      const kept: Kept = {
        principal,
        via,
        ...(limit !== undefined && { limit }),
        ...(upstream !== undefined && { upstream: seal(upstream, token.family, token.session) }),
        family: hashOf(token.family),
        current: hashOf(token.token),
        created: at,
        refreshed: at,
        checked: at,
      }
      const issued = await issue(kept, token)
      if (!(await put(token.session, kept, 0))) throw new TypeError('the id of a session came twice')
      return issued
    },
    async refresh(given, signal) {
      signal.throwIfAborted()
      const token = parseRefreshToken(given)
      if (token === undefined) return { refused: NOT_VALID }
      const before = running.get(token.session) ?? Promise.resolve()
      const mine = before.catch(() => undefined).then(() => rotate(token))
      running.set(token.session, mine)
      try {
        return await mine
      } finally {
        if (running.get(token.session) === mine) running.delete(token.session)
      }
    },
    async exchange(claims, seconds) {
      options.sweep()
      const accessToken = await jwt.sign(claims, now(), seconds)
      return { accessToken, expiresIn: seconds, principal: claims.principal }
    },
    async end(given) {
      const ended = await end(given)
      if (ended !== undefined) await untilNoneIsFresh()
      return ended
    },
    async list(subject) {
      const there = await records.authRecords({
        scope,
        kind: KIND,
        ...(subject && { subject: `${subject.kind}:${subject.id}` }),
      })
      return there.filter(({ expires }) => expires > now()).map(factsOf)
    },
    async find(id) {
      const found = await read(id)
      return found && factsOf(found.record)
    },
    async isRevoked(id) {
      return (await looks.authRecord({ scope, kind: REVOKED, id })) !== undefined
    },
    recheckWith: (method, recheck) => void rechecks.set(method, recheck),
  }
}

/** What may be shown of the record of a session. */
export function factsOf({ id, body, expires }: AuthRecord): SessionFacts {
  const { principal, via, limit, created, refreshed } = JSON.parse(body) as Kept
  return { id, principal, via, ...(limit && { limit }), created, refreshed, expires }
}

/** How somebody signed in, for people: `oidc:gitlab` without the sign-in that the session rests on. */
export function methodOf({ via }: Pick<SessionFacts, 'via'>): string {
  return via.split(':', 2).join(':')
}
