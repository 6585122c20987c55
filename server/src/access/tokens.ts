import { createHash, timingSafeEqual } from 'node:crypto'
import type { Permission, TokenConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'

/** Who asks, once that was proven. */
export interface Principal {
  /** The name of the token in the configuration: shown, logged and recorded. */
  name: string
}

/** Decides who may publish, delete and audit. */
export interface Tokens {
  /**
   * Who sent this `Authorization` header. Throws `unauthenticated` for a header that is missing or proves nothing, and
   * `not_permitted` where it proves somebody who may not do this, or no token is configured, so that nobody may.
   */
  authorize(authorization: string | undefined, permission: Permission): Principal
}

/**
 * The tokens of the configuration. Hashes are compared, all of them each time, so that how long it takes tells
 * nothing about any token.
 */
export function createTokens(tokens: readonly TokenConfig[]): Tokens {
  const known = tokens.map(({ name, token, may }) => ({ name, may, hash: hashOf(token) }))
  return {
    authorize(authorization, permission) {
      if (known.length === 0)
        throw new ModsteadError(
          'not_permitted',
          `nobody may ${permission} on this server: it has no tokens`,
          {
            next: `who runs it has to add to its configuration: tokens: { NAME: { token: SECRET, may: [${permission}] } }`,
          },
        )
      if (authorization === undefined)
        throw new ModsteadError('unauthenticated', `to ${permission} takes a token, and the request has none`)
      const sent = hashOf(tokenIn(authorization) ?? '')
      const [found] = known.filter(({ hash }) => timingSafeEqual(hash, sent))
      if (found === undefined)
        throw new ModsteadError('unauthenticated', 'the token of the request is not one of this server', {
          next: 'check that it is whole, and meant for this server',
        })
      if (!found.may.includes(permission))
        throw new ModsteadError('not_permitted', `the token ${found.name} may not ${permission}`)
      return { name: found.name }
    },
  }
}

/** The token of `Bearer TOKEN`, or the password of `Basic`, whatever its user name. */
function tokenIn(authorization: string): string | undefined {
  const [, scheme, value] = /^(bearer|basic) +([^ ]+) *$/i.exec(authorization) ?? []
  if (scheme === undefined || value === undefined) return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
  return password
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
