/** Between the rows of a directory's users and the words of the access room. */
import type { KnownUser } from '../access/ldap/known-users.ts'
import type { DirectoryUsersTable } from './schema.ts'

export const DIRECTORY_USER_COLUMNS = [
  ...(['tenant', 'id', 'state', 'groups', 'claims', 'checked', 'seen'] as const),
] as const satisfies (keyof DirectoryUsersTable)[]

export function encodeDirectoryUser(
  tenant: string,
  user: KnownUser,
): Record<keyof DirectoryUsersTable, string | number> {
  const { id, state, checked, seen } = user
  return {
    tenant,
    id,
    state,
    checked,
    seen,
    groups: JSON.stringify(user.groups),
    claims: JSON.stringify(user.claims),
  }
}

export function decodeDirectoryUser(row: DirectoryUsersTable): KnownUser {
  return {
    id: row.id,
    state: row.state === 'present' || row.state === 'gone' ? row.state : 'absent',
    groups: JSON.parse(row.groups) as string[],
    claims: JSON.parse(row.claims) as Record<string, unknown>,
    checked: row.checked,
    seen: row.seen,
  }
}
