import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose'
import { ModsteadError } from '../../errors.ts'
import { isCanonical, isCompact } from './compact.ts'

/** Somebody else whose JSON Web Tokens are taken. */
export interface TrustedIssuer {
  /** Name in the configuration. */
  name: string
  /** `iss`, exactly. */
  issuer: string
  /** One of these must be in `aud`. */
  audience: readonly string[]
  algorithms: readonly string[]
  /** How far the clocks may differ. Milliseconds. */
  clockSkew: number
  /** Claims that must be there, besides `exp`, the issuer and the audience; with this value where one is given. */
  require: ReadonlyMap<string, string | undefined>
  /** The claim that names the bearer, where one has to be there. */
  subject?: string
}

/** What came of a token: what it says, proven; or what is wrong, no more than its bearer can see in it. */
export type Verified<Issuer> = { issuer: Issuer; payload: JWTPayload } | Refused<Issuer> | 'no JWT'

/** What is wrong with a token; one that has only expired says whose it was: its signature was right. */
interface Refused<Issuer> {
  problem: string
  expired?: { issuer: Issuer; payload: JWTPayload }
}

export type VerifyJwt<Issuer> = (token: string, now: number) => Promise<Verified<Issuer>>

/**
 * Makes what verifies the tokens of these issuers (RFC 7519, as RFC 8725 advises). What a token says of its algorithm only
 * chooses among those that its issuer has; keys and addresses in its header count for nothing.
 *
 * Rejects with `upstream_unreachable` where the keys of an issuer cannot be had.
 */
export function createVerifier<Issuer extends TrustedIssuer>(
  issuers: readonly Issuer[],
  /** Finds the key that a token names. Rejects with a `JOSEError` where there is none. */
  keyFor: (issuer: Issuer) => JWTVerifyGetKey,
): VerifyJwt<Issuer> {
  const known = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, key: keyFor(issuer) }]))

  return async (token, now) => {
    const name = issuerIn(token)
    if (name === undefined) return 'no JWT'
    const found = known.get(name)
    if (found === undefined) return { problem: 'nobody whose tokens are taken here has issued it' }
    if (!isCanonical(token)) return { problem: 'it is not encoded as tokens are' }
    const { issuer, key } = found
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [...issuer.algorithms],
        issuer: issuer.issuer,
        audience: [...issuer.audience],
        clockTolerance: issuer.clockSkew / 1000,
        requiredClaims: [
          'exp',
          ...(issuer.subject === undefined ? [] : [issuer.subject]),
          ...issuer.require.keys(),
        ],
        currentDate: new Date(now),
      })
      for (const [claim, value] of issuer.require)
        if (value !== undefined && String(payload[claim]) !== value) return { problem: OTHER_CLAIMS }
      return { issuer, payload }
    } catch (error) {
      if (error instanceof errors.JWTExpired)
        return { problem: 'it has expired', expired: { issuer, payload: error.payload } }
      if (error instanceof errors.JOSEError) return { problem: problemOf(error) }
      if (error instanceof ModsteadError) throw error
      throw new ModsteadError('upstream_unreachable', `the keys of the issuer ${issuer.name} cannot be had`, {
        cause: error,
        next: 'ask again in half a minute; who runs this server finds the reason in its log',
      })
    }
  }
}

const OTHER_CLAIMS = 'its claims are not those that this server asks for'

/** The signature is looked at before the claims: who made a token up hears nothing of them. */
function problemOf(error: errors.JOSEError): string {
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'it cannot be verified'
  if (error.reason !== 'check_failed') return OTHER_CLAIMS
  if (error.claim === 'aud') return 'its audience (aud) is not the one that this server has for its issuer'
  return error.claim === 'nbf' ? 'it is not valid yet' : OTHER_CLAIMS
}

/** `iss` of what looks like a JWT, unproven; `''` where it has none; `undefined` for what is no JWT. */
function issuerIn(token: string): string | undefined {
  if (!isCompact(token)) return undefined
  try {
    decodeProtectedHeader(token)
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : ''
  } catch (error) {
    // Three words with dots between them may be a token of another kind.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
    throw error
  }
}
