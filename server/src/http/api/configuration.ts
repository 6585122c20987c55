import { z } from 'zod'
import { type ApiEndpoint, endpoint } from './endpoint.ts'

/** The configuration of the site as a file would say it, with every default written out and no secret in it. */
export function configurationEndpoint(described: () => Record<string, unknown>): ApiEndpoint {
  return endpoint({
    method: 'GET',
    path: '/configuration',
    needs: 'audit:read',
    summary: 'What the configuration says, with every default and without secrets: access, routes, tenants.',
    gives: z.record(z.string(), z.unknown()),
    answer: described,
  })
}
