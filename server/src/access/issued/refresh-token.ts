/**
 * Refresh tokens: `msr_`, 12 characters that name the session, 22 that stay the same as long as it lasts (its family),
 * 22 that are new each time, and 6 that check the others, all of them letters and digits:
 *
 *     msr_[0-9A-Za-z]{62}
 *
 * The family tells an old token, which somebody may have copied, from one that was made up by somebody who has read the
 * name of a session in an access token: only the first ends the session. Both parts hold 131 bits, so that a plain
 * SHA-256 at rest is enough.
 */
import { hashToken, hasCheck, randomLetters, withCheck } from '../tokens/token-format.ts'

export const REFRESH_PREFIX = 'msr_'
const ID = 12
const PART = 22

export interface RefreshToken {
  session: string
  /** The secret that all tokens of the session have in common. */
  family: string
  token: string
}

export function newSessionId(): string {
  return randomLetters(ID)
}

/** A token for a session; without `family` its first. */
export function newRefreshToken(session: string, family = randomLetters(PART)): RefreshToken {
  return { session, family, token: withCheck(REFRESH_PREFIX + session + family + randomLetters(PART)) }
}

/** `undefined` for one that was cut, mistyped or made up. */
export function parseRefreshToken(token: string): RefreshToken | undefined {
  if (!/^msr_[0-9A-Za-z]{62}$/.test(token) || !hasCheck(token)) return undefined
  const start = REFRESH_PREFIX.length
  return {
    session: token.slice(start, start + ID),
    family: token.slice(start + ID, start + ID + PART),
    token,
  }
}

/** Hex SHA-256, as families and tokens are kept. */
export const hashOf = hashToken
