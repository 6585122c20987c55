import * as client from 'openid-client'
import type { Configuration, CustomFetch } from 'openid-client'
import type { OidcProvider } from '../../config/access/access-config.ts'
import { ModsteadError } from '../../errors.ts'
import type { Claims } from './account.ts'
import { isRefused, providerError, refusedUserinfo } from './provider-errors.ts'
import { SignedOut } from './signed-out.ts'

/** What a provider says of somebody who signed in, or who still is. */
export interface Told {
  /** `sub`: never changes, and never means somebody else. */
  subject: string
  /** Of the ID token and of the userinfo endpoint; absent where a refresh brought neither. */
  claims?: Claims
  /** Absent where the provider gives none (a scope may be missing), or no new one. */
  refreshToken?: string
  idToken?: string
  /** Its own session, by which it ends ours. */
  session?: string
}

/** What has to be kept between sending a browser to the provider and its return. */
export interface Challenge {
  state: string
  nonce: string
  /** Of PKCE (RFC 7636). */
  verifier: string
}

/**
 * An OpenID Connect provider. What it says of its endpoints is asked for when it is needed first, kept, and asked for
 * again after a failure, once in a few seconds: a provider that is down stops no start. Everything rejects with
 * `upstream_unreachable`, `upstream_timeout` or `upstream_failed` where it cannot be asked, and with `not_permitted`
 * where it says no.
 */
export interface Provider {
  config: OidcProvider
  newChallenge(): Challenge
  /** Where the browser goes: code flow with PKCE (S256), state and nonce. */
  authorizationUrl(challenge: Challenge): Promise<URL>
  /**
   * What came back with the browser, at the URL with all its parameters: `state` and `iss` (RFC 9207) are compared, the
   * code is redeemed, signature, `iss`, `aud`, `exp` and `nonce` of the ID token are checked.
   */
  redeem(returned: URL, challenge: Challenge): Promise<Told>
  /** Asks again about `subject`. Rejects with `SignedOut` where the provider takes the token no more. */
  refresh(refreshToken: string, subject: string): Promise<Told>
  /** Where the browser goes to be signed out there, too; `undefined` where the provider cannot do that. */
  endUrl(options: { idToken?: string; returnTo: string }): Promise<URL | undefined>
  /** The origin of that, as far as it is known without asking. */
  endOrigin(): string | undefined
  /** Its public keys and its issuer, for tokens that it sends by itself. */
  keys(): Promise<{ issuer: string; jwksUri: string }>
}

export interface ProviderOptions {
  config: OidcProvider
  /** Where it sends browsers back to. */
  redirectUri: string
  /** Requests to it, with a deadline of their own and a bound for answers. */
  fetch: CustomFetch
  /** Milliseconds since the epoch. */
  now: () => number
}

/** Seconds for one request. */
const TIMEOUT = 10
/** How long its description counts, and how often it is asked for after a failure. Milliseconds. */
const FRESH = 3_600_000
const INTERVAL = 3_000

export function createProvider({ config, redirectUri, fetch, now }: ProviderOptions): Provider {
  const { issuer, clientId, clientSecret, clientAuth, scopes, name, type } = config
  const insecure = issuer.startsWith('http:')
  let described: { at: number; configuration: Configuration } | undefined
  let failed: { at: number; error: unknown } | undefined
  let running: Promise<Configuration> | undefined

  async function discover(): Promise<Configuration> {
    try {
      const authentication =
        clientSecret === undefined
          ? client.None()
          : clientAuth === 'basic'
            ? client.ClientSecretBasic(clientSecret)
            : client.ClientSecretPost(clientSecret)
      const configuration = await client.discovery(new URL(issuer), clientId, {}, authentication, {
        timeout: TIMEOUT,
        [client.customFetch]: fetch,
        // Signatures are checked although the token came over TLS: what ends TLS on the way may be somebody else's.
        execute: [...(insecure ? [client.allowInsecureRequests] : []), client.enableNonRepudiationChecks],
      })
      if (configuration.serverMetadata().issuer !== issuer)
        throw new ModsteadError(
          'upstream_failed',
          `${issuer} names itself ${configuration.serverMetadata().issuer}`,
        )
      described = { at: now(), configuration }
      failed = undefined
      return configuration
    } catch (error) {
      failed = { at: now(), error }
      // What it said before holds on: endpoints seldom move.
      if (described !== undefined) return described.configuration
      throw error
    }
  }

  async function known(): Promise<Configuration> {
    if (described !== undefined && now() - described.at < FRESH) return described.configuration
    if (failed !== undefined && now() - failed.at < INTERVAL) {
      if (described !== undefined) return described.configuration
      throw failed.error
    }
    running ??= discover().finally(() => {
      running = undefined
    })
    return running
  }

  async function asking<T>(what: (configuration: Configuration) => Promise<T>): Promise<T> {
    try {
      return await what(await known())
    } catch (error) {
      throw providerError(error, config)
    }
  }

  /** The claims of the ID token, and what the userinfo endpoint adds; of that, nothing that the token is proof of. */
  async function told(
    configuration: Configuration,
    tokens: client.TokenEndpointResponse & client.TokenEndpointResponseHelpers,
    expected: string | undefined,
  ): Promise<Told> {
    const claims: Claims | undefined = tokens.claims()
    const subject = typeof claims?.sub === 'string' ? claims.sub : expected
    if (subject === undefined || (expected !== undefined && subject !== expected))
      throw new ModsteadError('not_permitted', `${name} speaks of somebody else than before`)
    const asks = config.userinfo && configuration.serverMetadata().userinfo_endpoint !== undefined
    const more: Claims | undefined = asks
      ? await client.fetchUserInfo(configuration, tokens.access_token, subject).catch((error: unknown) => {
          throw isRefused(error) ? refusedUserinfo(error, config) : error
        })
      : undefined
    const session = claims?.sid
    return {
      subject,
      ...((claims ?? more) !== undefined && { claims: { ...claims, ...more, iss: issuer, sub: subject } }),
      ...(tokens.refresh_token !== undefined && { refreshToken: tokens.refresh_token }),
      ...(tokens.id_token !== undefined && { idToken: tokens.id_token }),
      ...(typeof session === 'string' && { session }),
    }
  }

  return {
    config,
    newChallenge: () => ({
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    }),
    authorizationUrl: ({ state, nonce, verifier }) =>
      asking(async (configuration) =>
        client.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: scopes.join(' '),
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          // Without it issuers may pass over the scope (OpenID Connect Core 1.0, section 11); these two do not.
          ...(type === 'generic' && scopes.includes('offline_access') && { prompt: 'consent' }),
        }),
      ),
    redeem: (returned, { state, nonce, verifier }) =>
      asking(async (configuration) => {
        const url = new URL(redirectUri)
        url.search = returned.search
        const tokens = await client.authorizationCodeGrant(configuration, url, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        return told(configuration, tokens, undefined)
      }).catch((error: unknown) => {
        if (!(error instanceof SignedOut)) throw error
        throw new ModsteadError('not_permitted', `${config.label} takes this answer of its own no more`, {
          next: 'it counts once, and for a moment only: begin the sign-in again',
          cause: error,
        })
      }),
    refresh: (refreshToken, subject) =>
      asking(async (configuration) =>
        told(configuration, await client.refreshTokenGrant(configuration, refreshToken), subject),
      ),
    endUrl: ({ idToken, returnTo }) =>
      asking(async (configuration) =>
        configuration.serverMetadata().end_session_endpoint === undefined
          ? undefined
          : client.buildEndSessionUrl(configuration, {
              post_logout_redirect_uri: returnTo,
              ...(idToken !== undefined && { id_token_hint: idToken }),
            }),
      ),
    endOrigin() {
      const end = described?.configuration.serverMetadata().end_session_endpoint
      return end === undefined ? undefined : URL.parse(end)?.origin
    },
    keys: () =>
      asking(async (configuration) => {
        const { issuer, jwks_uri: jwksUri } = configuration.serverMetadata()
        if (jwksUri === undefined)
          throw new ModsteadError('upstream_failed', `${name} does not say where its keys are`)
        return { issuer, jwksUri }
      }),
  }
}
