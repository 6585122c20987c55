import type { JWTVerifyGetKey } from 'jose'
import type { WorkloadIssuer, WorkloadRule } from '../../config/access/access-config.ts'
import { type Permission, PERMISSIONS } from '../../config/permissions.ts'
import type { IssuedSession, Sessions } from '../issued/sessions.ts'
import { createVerifier } from '../jwt/verify.ts'
import type { Limit } from '../principal.ts'
import { flatClaims, shownClaims } from './claims.ts'
import { identityOf, ruleFor } from './rules.ts'

export interface Workloads {
  /**
   * Exchanges the token that a CI or a cluster gave a job for an access token of this server (RFC 8693), under the first
   * rule that fits. The same token may be exchanged again: jobs run in parallel, and it gives nothing new.
   * `permissions` narrows further. Rejects with `upstream_unreachable` where the keys of the issuer cannot be had.
   */
  exchange(token: string, permissions?: readonly Permission[]): Promise<Exchanged>
}

export type Exchanged =
  | Pick<IssuedSession, 'accessToken' | 'expiresIn' | 'principal'>
  /**
   * Why not; with the claims of a token that is genuine, so that who wrote the job can find the mistake. `result` is what
   * the audit log says of it.
   */
  | { refused: string; result: 'failed' | 'expired' | 'denied'; claims?: Readonly<Record<string, string>> }

export interface WorkloadsOptions {
  issuers: readonly WorkloadIssuer[]
  keyFor: (issuer: WorkloadIssuer) => JWTVerifyGetKey
  sessions: Pick<Sessions, 'exchange'>
  /** Milliseconds since the epoch. */
  now: () => number
}

/** No job goes on longer with its first token. Milliseconds. */
const LONGEST_EXCHANGE = 86_400_000

export function createWorkloads({ issuers, keyFor, sessions, now }: WorkloadsOptions): Workloads {
  const verify = createVerifier(issuers, keyFor)

  return {
    async exchange(token, permissions) {
      const at = now()
      const verified = await verify(token, at)
      if (verified === 'no JWT')
        return { refused: 'the subject_token is not a JSON Web Token', result: 'failed' }
      if ('problem' in verified) {
        const result = verified.expired === undefined ? 'failed' : 'expired'
        return { refused: `the subject_token is not taken: ${verified.problem}`, result }
      }
      const { issuer, payload } = verified
      const claims = flatClaims(payload)
      const shown = shownClaims(claims)
      const rule = ruleFor(claims, issuer.rules)
      if (rule === undefined)
        return {
          refused: 'the subject_token is genuine, and no rule of this server fits its claims',
          result: 'denied',
          claims: shown,
        }
      const identity = identityOf(rule, claims)
      if (typeof identity === 'string')
        return { refused: `the subject_token is genuine, but ${identity}`, result: 'denied', claims: shown }
      const left = Math.min(payload.exp! * 1000 - at, LONGEST_EXCHANGE)
      const seconds = Math.floor((rule.untilTokenEnds ? left : rule.lifetime) / 1000)
      if (seconds < 1) return { refused: 'the subject_token is not taken: it has expired', result: 'expired' }
      const limit = limitOf(rule, permissions)
      return sessions.exchange(
        { principal: { ...identity, claims: shown }, ...(limit !== undefined && { limit }) },
        seconds,
      )
    },
  }
}

/** What both allow, the rule and who asks. */
function limitOf(rule: WorkloadRule, asked: readonly Permission[] | undefined): Limit | undefined {
  const { permissions, modules } = rule
  if (permissions === undefined && modules === undefined && asked === undefined) return undefined
  const allowed = permissions ?? PERMISSIONS
  return {
    permissions: asked === undefined ? allowed : allowed.filter((permission) => asked.includes(permission)),
    ...(modules !== undefined && { modules }),
  }
}
