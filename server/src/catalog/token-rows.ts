/** Between the rows of issued tokens and the words of the access room. */
import type { TokenRecord } from '../access/tokens/access-tokens.ts'
import { PERMISSIONS } from '../config/permissions.ts'
import type { TokensTable } from './schema.ts'

export const TOKEN_COLUMNS = [
  ...(['id', 'hash', 'owner_kind', 'owner', 'note', 'permissions', 'modules'] as const),
  ...(['created', 'expires', 'last_used', 'revoked_at', 'revoked_by', 'tenant'] as const),
] as const satisfies (keyof TokensTable)[]

export function encodeToken(
  token: TokenRecord,
): Record<keyof TokensTable, string | number | Uint8Array | null> {
  return {
    id: token.id,
    hash: Buffer.from(token.hash, 'hex'),
    owner_kind: token.owner.kind,
    owner: token.owner.name,
    note: token.note,
    permissions: token.permissions?.join(' ') ?? null,
    modules: token.modules?.join(' ') ?? null,
    created: token.created,
    expires: token.expires ?? null,
    last_used: token.lastUsed ?? null,
    revoked_at: token.revoked?.at ?? null,
    revoked_by: token.revoked?.by ?? null,
    tenant: token.tenant ?? null,
  }
}

/** Permissions that this modstead does not know are left out: they allow nothing. */
export function decodeToken(row: TokensTable): TokenRecord {
  const known = (text: string) => PERMISSIONS.filter((permission) => text.split(' ').includes(permission))
  return {
    id: row.id,
    hash: Buffer.from(row.hash).toString('hex'),
    owner: { kind: row.owner_kind === 'service' ? 'service' : 'user', name: row.owner },
    note: row.note,
    ...(row.tenant !== null && { tenant: row.tenant }),
    ...(row.permissions !== null && { permissions: known(row.permissions) }),
    ...(row.modules !== null && { modules: row.modules.split(' ') }),
    created: row.created,
    ...(row.expires !== null && { expires: row.expires }),
    ...(row.last_used !== null && { lastUsed: row.last_used }),
    ...(row.revoked_at !== null && { revoked: { at: row.revoked_at, by: row.revoked_by ?? '' } }),
  }
}
