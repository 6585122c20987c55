import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenConfig } from '../../config/config.ts'
import { SHORTHAND } from '../../config/permissions.ts'
import type { Credential } from '../credential.ts'
import type { Principal } from '../principal.ts'

/**
 * The tokens of the configuration. Hashes are compared, all of them each time, so that how long it takes tells
 * nothing about any token. The user name of Basic does not matter.
 */
export function createConfigTokens(tokens: readonly TokenConfig[]): Credential {
  const known = tokens.map(({ name, token, may }) => {
    const rights = may.map((word) => SHORTHAND[word])
    const principal: Principal = { id: name, kind: 'service', groups: [], claims: {}, rights }
    return { hash: hashOf(token), judgement: { principal, fresh: Infinity } }
  })
  return ({ secret }) => {
    const sent = hashOf(secret)
    const [found] = known.filter(({ hash }) => timingSafeEqual(hash, sent))
    return found?.judgement ?? 'not mine'
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
