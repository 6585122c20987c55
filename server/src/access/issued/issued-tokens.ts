import type { Credential } from '../credential.ts'
import { joinPerson } from '../join-person.ts'
import type { People } from '../people.ts'
import type { Principal } from '../principal.ts'
import { TOKEN_FRESH } from '../tokens/access-tokens.ts'
import type { AccessJwt, Verified } from './access-jwt.ts'
import { REFRESH_PREFIX } from './refresh-token.ts'
import type { Sessions } from './sessions.ts'

export interface IssuedTokensOptions {
  jwt: AccessJwt
  sessions: Pick<Sessions, 'find' | 'isRevoked'>
  people: People
}

/**
 * Access tokens that modstead issued after a sign-in or in exchange. What says that it is of this server is judged here
 * and nowhere else. One with a session is as good as that: its groups are those of the last refresh, and it ends with it,
 * or with the user.
 */
export function createIssuedTokens({ jwt, sessions, people }: IssuedTokensOptions): Credential {
  async function bearerOf(token: Verified): Promise<Principal | undefined> {
    const { session } = token
    const found = session === undefined ? undefined : await sessions.find(session)
    const ended = session === undefined ? await sessions.isRevoked(token.id) : found === undefined
    if (ended) return undefined
    const { principal, limit } = found ?? token
    return joinPerson(
      {
        ...principal,
        expires: token.expires,
        ...(session !== undefined && { renewed: true }),
        ...(limit !== undefined && { limit }),
      },
      people,
    )
  }

  return async ({ secret }, { now }) => {
    if (secret.startsWith(REFRESH_PREFIX)) return NO_ACCESS_TOKEN
    const verified = await jwt.verify(secret, now)
    if (verified === 'not mine') return 'not mine'
    if (verified === undefined) return GONE
    if ('expired' in verified) return { ...GONE, proof: { result: 'expired', principal: verified.expired } }
    const principal = await bearerOf(verified)
    if (principal === undefined)
      return { ...GONE, proof: { result: 'failed', principal: verified.principal } }
    return { principal, fresh: Math.max(0, Math.min(TOKEN_FRESH, verified.expires - now)) }
  }
}

const GONE = {
  refusal:
    'the access token of the request is not valid: it has expired, its session has ended, or it was never issued here',
  next: "sign in again: modstead's client login https://HOST, as /settings here tells; a job exchanges its token again",
}
const NO_ACCESS_TOKEN = {
  refusal: 'the request presents a refresh token, which is for /auth/token alone',
  next: 'present the access token that came with it',
}
