import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Permission } from '../../config/permissions.ts'
import { isCanonical, isCompact } from '../jwt/compact.ts'
import type { Limit } from '../principal.ts'
import type { SigningKeys } from './signing-keys.ts'

/** Somebody who was signed in, by whatever means. */
export interface SignedIn {
  kind: 'user' | 'service' | 'workload'
  /** 1 to 256 characters without spaces. */
  id: string
  /** As whoever vouches for them says; the groups of the configuration count besides. */
  groups: readonly string[]
  /** What rules and records may look at. */
  claims?: Readonly<Record<string, unknown>>
}

/** What an access token says. */
export interface AccessClaims {
  principal: SignedIn
  /** Absent for one that belongs to no session. */
  session?: string
  limit?: Limit
}

export interface AccessJwt {
  /** Signs a token that ends `seconds` from `now` (milliseconds since the epoch). */
  sign(claims: AccessClaims, now: number, seconds: number): Promise<string>
  /**
   * What a token says that was signed here and holds at `now`; whose it was, if it has expired; `undefined` for any
   * other that claims to be ours, and `not mine` for what does not.
   */
  verify(token: string, now: number): Promise<Verified | { expired: SignedIn } | 'not mine' | undefined>
}

export interface Verified extends AccessClaims {
  /** `jti`. */
  id: string
  /** Milliseconds since the epoch. */
  expires: number
}

/** `typ` of access tokens (RFC 9068): what else the same keys may sign is none. */
const TYPE = 'at+jwt'
/** Bytes of JSON that groups and claims may have in a token: `go` sends it with each request. */
const ROOM = 2048

/**
 * Access tokens as JSON Web Tokens (RFC 9068, as RFC 8725 advises): `iss` and `aud` are the address of this server,
 * `kind`, `sub` and `groups` say who it is, `sid` which session, and `scope` and `resource_id` narrow what the token is
 * good for, as they do in tokens of others.
 */
export function createAccessJwt(issuer: string, keys: SigningKeys): AccessJwt {
  return {
    async sign({ principal, session, limit }, now, seconds) {
      const { SignJWT } = await import('jose')
      const { id, algorithm, secret } = await keys.current(now)
      const issued = Math.floor(now / 1000)
      return new SignJWT({
        kind: principal.kind,
        // A session knows its groups itself.
        ...(session === undefined || fits(principal.groups) ? { groups: [...principal.groups] } : {}),
        ...(session !== undefined && { sid: session }),
        ...(session === undefined && fits(principal.claims ?? {}) && { claims: principal.claims ?? {} }),
        ...(limit !== undefined && { scope: limit.permissions.join(' ') }),
        ...(limit?.modules !== undefined && { resource_id: [...limit.modules] }),
      })
        .setProtectedHeader({ alg: algorithm, kid: id, typ: TYPE })
        .setIssuer(issuer)
        .setAudience(issuer)
        .setSubject(principal.id)
        .setJti(randomUUID())
        .setIssuedAt(issued)
        .setExpirationTime(issued + seconds)
        .sign(secret)
    },
    async verify(token, now) {
      if (issuerIn(token) !== issuer) return 'not mine'
      if (!isCanonical(token)) return undefined
      const { decodeProtectedHeader, errors, jwtVerify } = await import('jose')
      try {
        const { kid } = decodeProtectedHeader(token)
        const key = typeof kid === 'string' ? await keys.find(kid, now) : undefined
        if (key === undefined) return undefined
        const { payload } = await jwtVerify(token, key.secret, {
          algorithms: [key.algorithm],
          typ: TYPE,
          issuer,
          audience: issuer,
          requiredClaims: ['exp', 'iat', 'jti', 'sub', 'kind'],
          currentDate: new Date(now),
        })
        return verifiedOf(payload)
      } catch (error) {
        // The signature was right.
        if (error instanceof errors.JWTExpired) return { expired: verifiedOf(error.payload).principal }
        if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined
        throw error
      }
    },
  }
}

/** `iss` of what looks like a JWT, unproven. */
function issuerIn(token: string): unknown {
  if (!isCompact(token)) return undefined
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as unknown
    return typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** We have signed it: it has the shape that `sign` gives. */
function verifiedOf(payload: JWTPayload): Verified {
  const { jti, exp, sub, sid, kind, groups, claims, scope, resource_id: modules } = payload
  return {
    id: jti!,
    expires: exp! * 1000,
    principal: {
      kind: kind as SignedIn['kind'],
      id: sub!,
      groups: Array.isArray(groups) ? (groups as string[]) : [],
      ...(claims !== undefined && { claims: claims as Record<string, unknown> }),
    },
    ...(sid !== undefined && { session: sid as string }),
    ...(scope !== undefined && {
      limit: {
        permissions: (scope as string).split(' ').filter((word) => word !== '') as Permission[],
        ...(modules !== undefined && { modules: modules as string[] }),
      },
    }),
  }
}

function fits(value: object): boolean {
  return Buffer.byteLength(JSON.stringify(value)) <= ROOM
}
