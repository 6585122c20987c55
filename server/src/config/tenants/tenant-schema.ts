import { z } from 'zod'
import { choices, size, text, texts } from '../fields.ts'

/** What a tenant may take over from the top level. */
const INHERITABLE = ['origins'] as const

const TIB = 2 ** 40

/** Names of tenants and realms: parts of paths and of folders. */
export const tenantName = /^[a-z0-9][a-z0-9-]{0,31}$/

/**
 * The keys of one tenant. `site` has those that it shares with the top level, checked by the same schemas: what is a
 * route there is a route here.
 */
export function tenantSchema<Site extends z.ZodRawShape>(site: Site) {
  return z.strictObject({
    hosts: texts('a host such as go.acme.example')
      .optional()
      .describe(
        'Host names at which everything is this tenant’s. Default: none; `/t/NAME/…` leads to it at every other host.',
      ),
    realm: text('a name of a-z, 0-9 and "-"')
      .optional()
      .describe(
        'Where its private modules are kept. Two tenants with the same realm share them. Default: the name of the tenant.',
      ),
    inherit: choices(INHERITABLE)
      .optional()
      .describe(
        'What of the top level it may use: `origins`, with their credentials. Default: nothing, but for the public route for `*` where it has none and no origins of its own.',
      ),
    ...site,
    quotas: z
      .strictObject({
        bytes: size({ max: TIB, upTo: '1TiB' })
          .optional()
          .describe('Zips in its realm, all together at most. Default: no bound.'),
      })
      .optional()
      .describe('What it may take up.'),
  })
}
