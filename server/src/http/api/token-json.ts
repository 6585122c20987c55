import { z } from 'zod'
import type { TokenRecord } from '../../access/tokens/access-tokens.ts'
import { PERMISSIONS } from '../../config/permissions.ts'
import { time } from './fields.ts'

/** An access token as the API and `--json` give it: nothing that would let anybody use it. */
export const tokenSchema = z
  .object({
    id: z.string().meta({ examples: ['4Kq0Zx81mBvT'] }),
    owner: z.string().meta({ examples: ['user:alice'] }),
    tenant: z.string().nullable().meta({ description: 'The tenant that takes it; null: none of them.' }),
    note: z.string(),
    state: z.enum(['valid', 'expired', 'revoked']),
    permissions: z
      .array(z.enum(PERMISSIONS))
      .nullable()
      .meta({ description: 'null: all that its owner may.' }),
    modules: z.array(z.string()).nullable().meta({ description: 'Patterns; null: all modules.' }),
    created: time,
    expires: time.nullable().meta({ description: 'null: never.' }),
    lastUsed: time.nullable().meta({ description: 'May lag by a minute; null: not yet.' }),
    revoked: z.object({ at: time, by: z.string() }).nullable(),
  })
  .meta({ id: 'Token' })
export type TokenJson = z.output<typeof tokenSchema>

/** `now` is milliseconds since the epoch. */
export function tokenJson(token: TokenRecord, now: number): TokenJson {
  const { id, owner, tenant, note, permissions, modules, created, expires, lastUsed, revoked } = token
  const ended = expires !== undefined && expires <= now
  return {
    id,
    owner: `${owner.kind}:${owner.name}`,
    tenant: tenant ?? null,
    note,
    state: revoked === undefined ? (ended ? 'expired' : 'valid') : 'revoked',
    permissions: permissions === undefined ? null : [...permissions],
    modules: modules === undefined ? null : [...modules],
    created: timeOf(created),
    expires: timeOf(expires),
    lastUsed: timeOf(lastUsed),
    revoked: revoked === undefined ? null : { at: timeOf(revoked.at), by: revoked.by },
  }
}

function timeOf(at: number): string
function timeOf(at: number | undefined): string | null
function timeOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}
