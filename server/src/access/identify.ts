import { hash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../errors.ts'
import type { ConnectionCredential } from './certificates/certificates.ts'
import type { Credential, Judgement } from './credential.ts'
import { isOfForeignPage } from './foreign-page.ts'
import { presentedIn, rawCredential } from './presented.ts'
import { ANONYMOUS, type Principal } from './principal.ts'

/** Somebody, for as long as that needs no second look. */
export interface Identity {
  principal: Principal
  /** Milliseconds of the clock that `createIdentify` was given. */
  until: number
  /**
   * The modules that may be read: the whole decision costs one look-up more. A number is the time of the clock until
   * which one may.
   */
  reads: Map<string, boolean | number>
}

export interface Identify {
  /**
   * Who it is, if that is known without looking; `undefined` where somebody has to be asked first. What came over the
   * same connection before is compared with as it is, which costs less than a hash. Never throws.
   */
  known(headers: IncomingHttpHeaders, connection: object): Identity | undefined
  /**
   * Who sent these headers over this connection. Throws `unauthenticated` where they present something that proves
   * nobody, `bad_request` for two credentials, and what a kind of credential throws that could not look. Headers say who
   * is asking; what the connection proves counts where they say nothing.
   */
  ask(headers: IncomingHttpHeaders, address: string, connection?: object): Promise<Identity>
}

export interface IdentifyOptions {
  /** In the order in which they are asked. */
  credentials: readonly Credential[]
  /** The tenant whose credentials they are: every principal has its name. */
  tenant?: string | undefined
  /** What connections prove themselves; absent: nothing. */
  connections?: ConnectionCredential
  now?: () => number
}

/** Identities remembered at most. */
const REMEMBERED = 20_000

/**
 * Asks each kind of credential in turn. Who was identified is remembered by a keyed hash of the header, so that the next
 * request costs a look-up; the header itself is kept for no longer than its connection.
 */
export function createIdentify({
  credentials,
  tenant,
  connections,
  now = () => performance.now(),
}: IdentifyOptions): Identify {
  const salt = randomBytes(32).toString('base64')
  const identities = new LRUCache<string, Identity>({ max: REMEMBERED })
  const last = new WeakMap<object, { header: string | undefined; identity: Identity }>()
  const anonymous: Identity = { principal: ANONYMOUS, until: Infinity, reads: new Map() }
  const digestOf = (header: string): string => hash('sha256', salt + header, 'base64')

  function identityOf(judgement: Exclude<Judgement, 'not mine'>, began: number): Identity {
    if ('refusal' in judgement)
      throw new ModsteadError('unauthenticated', judgement.refusal, {
        ...(judgement.next !== undefined && { next: judgement.next }),
        proof: judgement.proof ?? { result: 'failed' },
      })
    const principal = tenant === undefined ? judgement.principal : { ...judgement.principal, tenant }
    return { principal, until: began + judgement.fresh, reads: new Map() }
  }

  /**
   * Whoever is found to be the same as before stays the same object, whose time begins anew: what is remembered of it,
   * here, by its connections and elsewhere, goes on to count.
   */
  function remember(digest: string, identity: Identity): Identity {
    const before = identities.get(digest)
    if (before === undefined || !isDeepStrictEqual(before.principal, identity.principal)) {
      identities.set(digest, identity)
      return identity
    }
    before.until = identity.until
    return before
  }

  return {
    known(headers, connection) {
      const { authorization } = headers
      const token = headers['x-auth-token']
      if (authorization === undefined && token === undefined) {
        if (connections === undefined || !connections.has(connection)) return anonymous
        if (isOfForeignPage(headers)) return undefined
        const before = last.get(connection)
        return before !== undefined && before.header === undefined && now() < before.identity.until
          ? before.identity
          : undefined
      }
      if (authorization !== undefined && token !== undefined) return undefined
      const header = authorization ?? String(token)
      const before = last.get(connection)
      if (before !== undefined && before.header === header && now() < before.identity.until)
        return before.identity
      const identity = identities.get(digestOf(header))
      if (identity === undefined || now() >= identity.until) return undefined
      last.set(connection, { header, identity })
      return identity
    },
    async ask(headers, address, connection) {
      const raw = rawCredential(headers)
      const presented = presentedIn(headers)
      if (raw === undefined || presented === undefined) {
        const began = now()
        const proven = await (connection && connections?.judge(connection, Date.now()))
        if (proven === undefined) return anonymous
        if (isOfForeignPage(headers)) throw ofForeignPage()
        const identity = identityOf(proven, began)
        last.set(connection!, { header: undefined, identity })
        return identity
      }
      for (const judge of credentials) {
        const began = now()
        const judgement = await judge(presented, { address, now: Date.now() })
        if (judgement === 'not mine') continue
        const identity = identityOf(judgement, began)
        return identity.until > began ? remember(digestOf(raw), identity) : identity
      }
      throw new ModsteadError('unauthenticated', 'the token of the request is not one of this server', {
        next: 'check that it is whole, and meant for this server',
      })
    },
  }
}

function ofForeignPage(): ModsteadError {
  return new ModsteadError(
    'unauthenticated',
    'a page of another site sent this, and the client certificate of the browser does not count for it',
    { next: 'send a token with it, or open the address yourself' },
  )
}
