import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { PERMISSIONS } from '../../config/permissions.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'

const permission = z.enum(PERMISSIONS)

/** Who asks, and what that somebody may do whatever it is about. */
export function whoamiEndpoint(access: Pick<Access, 'decide'>): ApiEndpoint {
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
      ...(principal.limit && { limit: principal.limit }),
    }),
  })
}
