import { checkPattern } from '@modstead/gomod/pattern'
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import type { JwtIssuer } from '../../config/access/access-config.ts'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import type { FailedProof } from '../../errors.ts'
import type { Credential, Judgement } from '../credential.ts'
import { joinPerson } from '../join-person.ts'
import type { People } from '../people.ts'
import type { Limit } from '../principal.ts'
import { createVerifier } from './verify.ts'

export interface JwtOptions {
  issuers: readonly JwtIssuer[]
  /** The key of an issuer that a token names. Rejects with a `JOSEError` where there is none. */
  keyFor: (issuer: JwtIssuer) => JWTVerifyGetKey
  people: People
  /** How long a token is not verified again. Milliseconds. */
  remember: number
}

/**
 * JSON Web Tokens of other issuers. The claims `scope` and `resource_id` narrow what the bearer may do:
 *
 *     scope         words such as module:read; where it has none with a colon it is about something else
 *     resource_id   a pattern of module paths as in GOPRIVATE, or a list of them
 */
export function createJwt({ issuers, keyFor, people, remember }: JwtOptions): Credential {
  const verify = createVerifier(issuers, keyFor)

  return async ({ secret }, { now }): Promise<Judgement> => {
    const verified = await verify(secret, now)
    if (verified === 'no JWT') return 'not mine'
    if ('problem' in verified) return refusal(verified.problem, proofOf(verified.expired))
    const { payload, issuer } = verified
    const id = bearerOf(payload, issuer)
    if (id === undefined) return refusal(`its ${issuer.subject} cannot be a name here`)
    const limit = limitOf(payload)
    if (typeof limit === 'string') return refusal(limit)
    const expires = payload.exp! * 1000 + issuer.clockSkew
    const principal = await joinPerson(
      {
        id,
        kind: issuer.kind,
        groups: textsIn(payload[issuer.groups]),
        claims: payload,
        expires,
        ...(limit !== undefined && { limit }),
      },
      people,
    )
    if (principal === undefined) return refusal('its bearer is no user of the directory any more')
    return { principal, fresh: Math.max(0, Math.min(remember, expires - now)) }
  }
}

function bearerOf(payload: JWTPayload, { subject }: JwtIssuer): string | undefined {
  const id = payload[subject]
  return typeof id === 'string' && /^[^\s\p{Cc}]{1,256}$/u.test(id) ? id : undefined
}

function limitOf({ scope, resource_id: resources }: JWTPayload): Limit | string | undefined {
  const words = textsIn(typeof scope === 'string' ? scope.split(' ') : scope).filter((word) =>
    word.includes(':'),
  )
  const narrowed = words.length > 0
  if (!narrowed && resources === undefined) return undefined
  const permissions: readonly Permission[] = narrowed
    ? PERMISSIONS.filter((permission) => words.includes(permission))
    : PERMISSIONS
  if (resources === undefined) return { permissions }
  const modules = textsIn(resources)
  if (modules.length === 0 || modules.some((pattern) => checkPattern(pattern) !== undefined))
    return 'its resource_id has no patterns of module paths'
  return { permissions, modules }
}

/** A text, or those of a list; nothing of what else it may be. */
function textsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return [claim]
  return Array.isArray(claim) ? claim.filter((item) => typeof item === 'string') : []
}

/** The signature of an expired token was right, so that it says whose it was. */
function proofOf(expired: { issuer: JwtIssuer; payload: JWTPayload } | undefined): FailedProof {
  if (expired === undefined) return { result: 'failed' }
  const id = bearerOf(expired.payload, expired.issuer)
  return { result: 'expired', ...(id !== undefined && { principal: { id, kind: expired.issuer.kind } }) }
}

function refusal(problem: string, proof: FailedProof = { result: 'failed' }): Judgement {
  return {
    refusal: `the JSON Web Token of the request is not taken: ${problem}`,
    next: 'get a new one for this server from where it came, and compare the clocks',
    proof,
  }
}
