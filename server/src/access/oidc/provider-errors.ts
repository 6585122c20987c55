import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import type { OidcProvider } from '../../config/access/access-config.ts'
import { ModsteadError } from '../../errors.ts'
import { SignedOut } from './signed-out.ts'

/**
 * What went wrong with a provider, in words for whoever signs in. What the provider itself wrote goes only into the
 * cause, for the log.
 */
export function providerError(error: unknown, { label, name }: Pick<OidcProvider, 'label' | 'name'>): Error {
  if (error instanceof ModsteadError) return error
  if (error instanceof ResponseBodyError) {
    if (error.error === 'invalid_grant')
      return new SignedOut(`${label} takes the code or refresh token no more`, { cause: error })
    if (error.error === 'invalid_client' || error.error === 'unauthorized_client')
      return notItsClient(error, { label, name })
    return failed(`${label} refused to complete the sign-in`, NEXT_LOG, error)
  }
  // Of the token endpoint, in answer to our own secret (RFC 6749, section 5.2); userinfo is looked at where it is asked.
  if (error instanceof WWWAuthenticateChallengeError && error.status === 401)
    return notItsClient(error, { label, name })
  if (error instanceof AuthorizationResponseError) {
    if (error.error === 'access_denied' || error.error === 'login_required')
      return new ModsteadError('not_permitted', `${label} did not let you sign in, or you declined`, {
        next: 'try again, or ask who runs it',
        cause: error,
      })
    return failed(`${label} refused the sign-in`, NEXT_LOG, error)
  }
  if (error instanceof ClientError && error.code === 'OAUTH_TIMEOUT')
    return new ModsteadError('upstream_timeout', `${label} does not answer in time`, {
      next: NEXT_AGAIN,
      cause: error,
    })
  if (error instanceof ClientError && INVALID.has(error.code ?? ''))
    return failed(`what ${label} answered does not fit this sign-in`, NEXT_LOG, error)
  if (isOfNetwork(error))
    return new ModsteadError('upstream_unreachable', `${label} cannot be reached`, {
      next: NEXT_AGAIN,
      cause: error,
    })
  return failed(`the sign-in at ${label} failed`, NEXT_LOG, error)
}

/** An outage for whoever has signed in: a secret that was changed ends no session. */
function notItsClient(cause: unknown, { label, name }: Pick<OidcProvider, 'label' | 'name'>): ModsteadError {
  return failed(
    `${label} does not accept this server as its client`,
    `who runs this server has to compare clientId, clientSecret and clientAuth of access.oidc.${name} with what ${label} has`,
    cause,
  )
}

/** Whether an answer says 401 or 403. */
export function isRefused(error: unknown): boolean {
  if (error instanceof WWWAuthenticateChallengeError) return true
  const answer = error instanceof ClientError ? error.cause : undefined
  return answer instanceof Response && (answer.status === 401 || answer.status === 403)
}

/** With a token that it has just given, a provider refuses to describe only who may not be here, such as blocked users. */
export function refusedUserinfo(cause: unknown, { label }: OidcProvider): ModsteadError {
  return new ModsteadError('not_permitted', `${label} does not say who you are: it refused that`, {
    next: `look at your account at ${label}: it may be blocked`,
    cause,
  })
}

const NEXT_LOG = 'begin again; if it stays so, who runs this server finds the reason in its log'
const NEXT_AGAIN = 'try again in a moment, or sign in another way'

/** Codes of oauth4webapi for answers that break a rule. */
const INVALID = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_PARSE_ERROR',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
  'OAUTH_INVALID_REQUEST',
])

function failed(message: string, next: string, cause: unknown): ModsteadError {
  return new ModsteadError('upstream_failed', message, { next, cause })
}

/** Errors of the operating system and of undici, however deep they are wrapped. */
function isOfNetwork(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth++) {
    const code = (at as NodeJS.ErrnoException).code ?? ''
    if (/^(E[A-Z]{3,}|UND_ERR_|CERT_|DEPTH_|UNABLE_|SELF_SIGNED)/.test(code)) return true
  }
  return false
}
