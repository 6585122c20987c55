import { checkPattern } from '@modstead/gomod/pattern'
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose'
import type { JwtIssuer } from '../../config/access/access-config.ts'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import { type FailedProof, ModsteadError } from '../../errors.ts'
import type { Credential, Judgement } from '../credential.ts'
import type { Limit, Principal } from '../principal.ts'

export interface JwtOptions {
  issuers: readonly JwtIssuer[]
  /** The key of an issuer that a token names. Rejects with a `JOSEError` where there is none. */
  keyFor: (issuer: JwtIssuer) => JWTVerifyGetKey
  /** Names of the groups of a user in the configuration. */
  groups: ReadonlyMap<string, readonly string[]>
  /** How long a token is not verified again. Milliseconds. */
  remember: number
}

/**
 * JSON Web Tokens of other issuers (RFC 7519, as RFC 8725 advises). What a token says of its algorithm only chooses among
 * those that the configuration has for its issuer; `exp`, the issuer and the audience must be there. The claims `scope`
 * and `resource_id` narrow what its bearer may do:
 *
 *     scope         words such as module:read; where it has none with a colon it is about something else
 *     resource_id   a pattern of module paths as in GOPRIVATE, or a list of them
 */
export function createJwt({ issuers, keyFor, groups, remember }: JwtOptions): Credential {
  const known = new Map(issuers.map((config) => [config.issuer, { config, key: keyFor(config) }]))

  return async ({ secret }, { now }): Promise<Judgement> => {
    const issuer = issuerIn(secret)
    if (issuer === undefined) return 'not mine'
    const found = known.get(issuer)
    if (found === undefined) return refusal('nobody whose tokens are taken here has issued it')
    const { config, key } = found
    try {
      const { payload } = await jwtVerify(secret, key, {
        algorithms: [...config.algorithms],
        issuer: config.issuer,
        audience: [...config.audience],
        clockTolerance: config.clockSkew / 1000,
        requiredClaims: ['exp', config.subject, ...config.require.keys()],
        currentDate: new Date(now),
      })
      const principal = principalOf(payload, config, groups)
      if (typeof principal === 'string') return refusal(principal)
      const left = payload.exp! * 1000 + config.clockSkew - now
      return { principal, fresh: Math.max(0, Math.min(remember, left)) }
    } catch (error) {
      if (error instanceof errors.JOSEError) {
        return refusal(REASONS[error.code] ?? 'it cannot be verified', proofOf(error, config))
      }
      if (error instanceof ModsteadError) throw error
      throw new ModsteadError('upstream_unreachable', `the keys of the issuer ${config.name} cannot be had`, {
        cause: error,
        next: 'ask again in half a minute; who runs this server finds the reason in its log',
      })
    }
  }
}

/** What is wrong, by the codes of jose: no more than the bearer of the token can see in it. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWT_CLAIM_VALIDATION_FAILED:
    'its claims are not those that this server asks for, or it is not valid yet',
}

/** `iss` of what looks like a JWT, unproven; `''` where it has none; `undefined` for what is no JWT. */
function issuerIn(secret: string): string | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]*$/.test(secret)) return undefined
  try {
    decodeProtectedHeader(secret)
    const { iss } = decodeJwt(secret)
    return typeof iss === 'string' ? iss : ''
  } catch (error) {
    // Three words with dots between them may be a token of another kind.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}

function principalOf(
  payload: JWTPayload,
  { require, subject, groups: groupsClaim, kind }: JwtIssuer,
  configured: ReadonlyMap<string, readonly string[]>,
): Principal | string {
  for (const [claim, value] of require)
    if (value !== undefined && String(payload[claim]) !== value)
      return REASONS.ERR_JWT_CLAIM_VALIDATION_FAILED!
  const id = payload[subject]
  if (!isName(id)) return `its ${subject} cannot be a name here`
  const limit = limitOf(payload)
  if (typeof limit === 'string') return limit
  const own = kind === 'user' ? (configured.get(id) ?? []) : []
  return {
    id,
    kind,
    groups: [...new Set([...textsIn(payload[groupsClaim]), ...own])],
    claims: payload,
    rights: [],
    ...(limit !== undefined && { limit }),
  }
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
function proofOf(error: errors.JOSEError, { subject, kind }: JwtIssuer): FailedProof {
  if (!(error instanceof errors.JWTExpired)) return { result: 'failed' }
  const id = error.payload[subject]
  return { result: 'expired', ...(isName(id) && { principal: { id, kind } }) }
}

function isName(id: unknown): id is string {
  return typeof id === 'string' && /^[^\s\p{Cc}]{1,256}$/u.test(id)
}

function refusal(problem: string, proof: FailedProof = { result: 'failed' }): Judgement {
  return {
    refusal: `the JSON Web Token of the request is not taken: ${problem}`,
    next: 'get a new one for this server from where it came, and compare the clocks',
    proof,
  }
}
