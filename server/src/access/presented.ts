import type { IncomingHttpHeaders } from 'node:http'
import { ModsteadError } from '../errors.ts'

/** What a request presents to prove who sent it. It is parsed once, compared, and never logged nor put in an error. */
export interface Presented {
  /** The user name of HTTP Basic as it came; absent for a token alone. */
  user?: string
  /** The password or token, 1 to 8192 characters. */
  secret: string
}

/** Characters. Longer ones are no credential of ours: a JWT with many groups has 4,000. */
const LONGEST = { user: 256, secret: 8192 }

/** The user name that says the password is a token. */
const TOKEN_USER = '__token__'

/**
 * What stands in the headers `Authorization` (`Basic` as of RFC 7617, `Bearer` as of RFC 6750) or `X-Auth-Token`;
 * `undefined` where neither is there.
 *
 * Throws `bad_request` for both at once, and `unauthenticated` for what has another form or is too long.
 */
export function presentedIn(headers: IncomingHttpHeaders): Presented | undefined {
  const header = rawCredential(headers)
  if (header === undefined) return undefined
  const secret = headers['x-auth-token'] === undefined ? undefined : header
  if (secret !== undefined) return bounded({ secret: secret.trim() })
  const [, scheme, value] = /^(bearer|basic) +([^ ]+) *$/i.exec(header) ?? []
  if (scheme === undefined || value === undefined)
    throw malformed('its Authorization header is neither Basic nor Bearer')
  if (scheme.toLowerCase() === 'bearer') return bounded({ secret: value })
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
  if (user === undefined || password === undefined)
    throw malformed('its Basic credentials are not a name, a colon and a password')
  return bounded(user === '' || user === TOKEN_USER ? { secret: password } : { user, secret: password })
}

/**
 * The header that holds the credential, as it came, which stands for all of it in a cache. Throws `bad_request` for
 * more than one.
 */
export function rawCredential(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers
  const token = headers['x-auth-token']
  if (token === undefined) return authorization
  if (authorization !== undefined || typeof token !== 'string' || token.includes(','))
    throw new ModsteadError('bad_request', 'the request presents more than one credential', {
      next: 'send one of Authorization and X-Auth-Token, once',
    })
  return token
}

function bounded(presented: Presented): Presented {
  const { user = '', secret } = presented
  if (secret === '') throw malformed('its password or token is empty')
  if (user.length > LONGEST.user || secret.length > LONGEST.secret)
    throw malformed('its user name, password or token is too long')
  if (/\p{Cc}/u.test(user)) throw malformed('its user name has control characters')
  return presented
}

function malformed(problem: string): ModsteadError {
  return new ModsteadError('unauthenticated', `the request proves nobody: ${problem}`, {
    next: 'send "Authorization: Bearer TOKEN", or a user name and password as HTTP Basic',
  })
}
