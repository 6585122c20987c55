import { createHash } from 'node:crypto'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import type { AuthRecords } from '../issued/records.ts'
import type { Provider } from './provider.ts'

/** What a provider says has ended: one of its sessions, or all of somebody. */
export interface LoggedOut {
  subject?: string
  session?: string
}

export interface LogoutTokens {
  /**
   * What a logout token says (OpenID Connect Back-Channel Logout 1.0, section 2.6), or the sentence that says why it
   * counts for nothing. Rejects with `upstream_…` where the keys of the provider cannot be had.
   */
  verify(provider: Provider, token: string): Promise<LoggedOut | string>
}

export interface LogoutTokensOptions {
  records: AuthRecords
  /** The name of the tenant, or `''`. */
  scope: string
  /** The bytes at an address of a provider. */
  get: (provider: Provider, url: string) => Promise<Uint8Array>
  /** Milliseconds since the epoch. */
  now: () => number
  onFailure: (error: unknown, provider: string) => void
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds: how old one may be, and how far clocks may differ. */
const OLDEST = 120
const SKEW = 30

export function createLogoutTokens(options: LogoutTokensOptions): LogoutTokens {
  const { records, scope, get, now, onFailure } = options
  const sources = new WeakMap<Provider, JWTVerifyGetKey>()

  async function keysOf(provider: Provider): Promise<JWTVerifyGetKey> {
    const { createKeySource } = await import('../jwt/jwks.ts')
    let source = sources.get(provider)
    if (source === undefined) {
      source = createKeySource({
        async load() {
          const { jwksUri } = await provider.keys()
          return JSON.parse(Buffer.from(await get(provider, jwksUri)).toString()) as JSONWebKeySet
        },
        onFailure: (error) => onFailure(error, provider.config.name),
        now: () => performance.now(),
      })
      sources.set(provider, source)
    }
    return source
  }

  return {
    async verify(provider, token) {
      const { issuer, clientId, name } = provider.config
      const { errors, jwtVerify } = await import('jose')
      try {
        const { payload, protectedHeader } = await jwtVerify(token, await keysOf(provider), {
          // Asymmetric ones only: the client secret signs nothing here.
          algorithms: [
            'RS256',
            'RS384',
            'RS512',
            'PS256',
            'PS384',
            'PS512',
            'ES256',
            'ES384',
            'ES512',
            'EdDSA',
            'Ed25519',
          ],
          issuer,
          audience: clientId,
          maxTokenAge: OLDEST,
          clockTolerance: SKEW,
          requiredClaims: ['iat', 'jti', 'events'],
          currentDate: new Date(now()),
        })
        const { typ } = protectedHeader
        if (typ !== undefined && !/^(?:application\/)?logout\+jwt$/i.test(typ) && typ !== 'JWT')
          return 'it is a token of another type'
        const { events, nonce, sub, sid, jti } = payload
        if (typeof events !== 'object' || events === null || !Object.hasOwn(events, EVENT))
          return 'it is not about signing out'
        // So that no ID token can be taken for one.
        if (nonce !== undefined) return 'it has a nonce, as only ID tokens do'
        const subject = typeof sub === 'string' ? { subject: sub } : {}
        const session = typeof sid === 'string' ? { session: sid } : {}
        if (sub === undefined && sid === undefined) return 'it names nobody'
        const id = createHash('sha256').update(`${name}\0${jti}`).digest('base64url')
        const expires = now() + 2 * (OLDEST + SKEW) * 1000
        const used = { scope, kind: 'used-logout', id, body: '', expires, revision: 0 }
        return (await records.putAuthRecord(used)) ? { ...subject, ...session } : 'it was sent before'
      } catch (error) {
        if (error instanceof errors.JOSEError) return `it cannot be verified (${error.code})`
        throw error
      }
    },
  }
}
