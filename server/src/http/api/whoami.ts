import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { grantsOf } from '../../access/decide.ts'
import type { Principal } from '../../access/principal.ts'
import type { AccessConfig } from '../../config/access/access-config.ts'
import { PERMISSIONS } from '../../config/permissions.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'

const permission = z.enum(PERMISSIONS)

/** Who asks, and what that somebody may do whatever it is about. */
export function whoamiEndpoint(
  access: Pick<Access, 'decide'>,
  settings: Pick<AccessConfig, 'admins' | 'bindings'> | undefined,
): ApiEndpoint {
  return endpoint({
    method: 'GET',
    path: '/whoami',
    needs: 'signed-in',
    summary: 'Who the credential of the request proves, and what it allows.',
    gives: z
      .object({
        kind: z.enum(['user', 'service', 'workload']),
        id: z.string(),
        groups: z.array(z.string()),
        tenant: z.string().optional(),
        permissions: z.array(permission).meta({
          description: 'What is allowed for all modules, or is about none. Bindings may allow more for some.',
        }),
        bindings: z
          .array(z.object({ role: z.string(), modules: z.array(z.string()).optional() }))
          .meta({ description: 'The roles that somebody has, and for which modules: absent for all.' }),
        limit: z
          .object({ permissions: z.array(permission), modules: z.array(z.string()).optional() })
          .optional()
          .meta({ description: 'What the credential was narrowed to.' }),
      })
      .meta({ id: 'Principal' }),
    answer: ({ principal }) => ({
      kind: principal.kind,
      id: principal.id,
      groups: principal.groups,
      ...(principal.tenant !== undefined && { tenant: principal.tenant }),
      permissions: PERMISSIONS.filter((permission) => access.decide(principal, { permission }) === 'allow'),
      bindings: rolesOf(principal, settings),
      ...(principal.limit && { limit: principal.limit }),
    }),
  })
}

function rolesOf(
  principal: Principal,
  settings: Pick<AccessConfig, 'admins' | 'bindings'> | undefined,
): { role: string; modules?: string[] }[] {
  if (settings === undefined) return []
  const { admin, bindings } = grantsOf(principal, settings)
  return [
    ...(admin ? [{ role: 'admin' }] : []),
    ...bindings.map(({ role, modules }) => ({ role, ...(modules && { modules: [...modules] }) })),
  ]
}
