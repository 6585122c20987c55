import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { methodOf, type SessionFacts, type Sessions } from '../../access/issued/sessions.ts'
import { described, type Principal } from '../../access/principal.ts'
import { isTokenId } from '../../access/tokens/token-format.ts'
import { PERMISSIONS } from '../../config/permissions.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'
import { time } from './fields.ts'

export interface SessionEndpointsOptions {
  sessions: Pick<Sessions, 'list' | 'find' | 'end'>
  access: Pick<Access, 'decide'>
  log: Logger
}

const KINDS = ['user', 'service', 'workload'] as const

const subject = z
  .string()
  .transform((text, context) => {
    const [, kind, id] = /^(user|service|workload):(\S{1,256})$/.exec(text) ?? []
    const known = KINDS.find((name) => name === kind)
    if (known !== undefined && id !== undefined) return { kind: known, id }
    context.addIssue('is none of user:NAME, service:NAME and workload:NAME')
    return z.NEVER
  })
  .meta({ examples: ['user:alice'], description: 'Whose. Default: your own, or with `audit:read` all.' })

const session = z
  .object({
    id: z.string(),
    subject: z.string(),
    groups: z.array(z.string()).meta({ description: 'As whoever vouched for them said last.' }),
    via: z.string().meta({ description: 'How the person signed in: `password`, `oidc:gitlab`.' }),
    limit: z
      .object({ permissions: z.array(z.enum(PERMISSIONS)), modules: z.array(z.string()).optional() })
      .optional(),
    created: time,
    refreshed: time.meta({ description: 'When a token was last issued for it.' }),
    expires: time.meta({ description: 'Without another refresh.' }),
  })
  .meta({ id: 'Session' })

/**
 * Sessions of who signed in: everybody sees and ends their own; those of others are seen with `audit:read`, and ended with
 * `policy:write`.
 */
export function sessionEndpoints({ sessions, access, log }: SessionEndpointsOptions): ApiEndpoint[] {
  const may = (principal: Principal, permission: 'audit:read' | 'policy:write') =>
    access.decide(principal, { permission }) === 'allow'
  const maySee = (principal: Principal) => may(principal, 'audit:read') || may(principal, 'policy:write')
  /** A credential that was narrowed to something else is not good for this. */
  const isOwn = (principal: Principal, { kind, id }: Pick<SessionFacts['principal'], 'kind' | 'id'>) =>
    principal.kind === kind && principal.id === id && principal.limit === undefined

  return [
    endpoint({
      method: 'GET',
      path: '/sessions',
      needs: 'signed-in',
      summary:
        'Sessions, those that end first come first, at most 1000: your own, or with `audit:read` of all.',
      query: z.strictObject({ subject: subject.optional() }),
      gives: z.object({ sessions: z.array(session) }),
      async answer({ principal, query }) {
        const own = principal.kind === 'anonymous' ? undefined : { kind: principal.kind, id: principal.id }
        const of = query.subject ?? (maySee(principal) ? undefined : own)
        if (!maySee(principal) && (of === undefined || !isOwn(principal, of)))
          throw new ModsteadError(
            'not_permitted',
            `${described(principal)} may not see these sessions with this credential`,
            { next: 'it takes the permission audit:read or policy:write' },
          )
        return { sessions: (await sessions.list(of)).map(sessionJson) }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/sessions/:id',
      needs: 'signed-in',
      summary:
        'Ends a session, your own, or with `policy:write` any: no request that arrives after the answer is let in by a token of it.',
      gives: session,
      async answer({ values, principal }) {
        const id = values.id!
        const found = isTokenId(id) ? await sessions.find(id) : undefined
        const own = found !== undefined && isOwn(principal, found.principal)
        // One of somebody else is not there for those who may not see it.
        if (found === undefined || !(own || maySee(principal)))
          throw new ModsteadError('not_found', `there is no session ${JSON.stringify(id)} that you may see`, {
            next: 'ask for the list: GET /api/v1/sessions',
          })
        if (!own && !may(principal, 'policy:write'))
          throw new ModsteadError('not_permitted', `${described(principal)} may not end sessions of others`, {
            next: 'it takes the permission policy:write',
          })
        await sessions.end(id)
        log.info(
          { session: id, subject: sessionJson(found).subject, by: principal.id },
          'a session was ended',
        )
        return sessionJson(found)
      },
    }),
  ]
}

function sessionJson({ id, principal, via, limit, created, refreshed, expires }: SessionFacts) {
  const at = (time: number) => new Date(time).toISOString()
  return {
    id,
    subject: `${principal.kind}:${principal.id}`,
    groups: [...principal.groups],
    via: methodOf({ via }),
    ...(limit !== undefined && { limit }),
    created: at(created),
    refreshed: at(refreshed),
    expires: at(expires),
  }
}
