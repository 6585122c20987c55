import { type BuiltInRole, type Permission, PERMISSIONS } from '../config/permissions.ts'

/**
 * What the roles allow that every modstead has:
 *
 *     viewer      reads modules
 *     developer   the same, and makes access tokens for itself
 *     publisher   the same, and publishes versions
 *     operator    reads and deletes modules, keeps the cache in order, sees incidents and the record of acts
 *     admin       everything
 */
export const ROLES: Readonly<Record<BuiltInRole, readonly Permission[]>> = {
  viewer: ['module:read'],
  developer: ['module:read', 'token:create'],
  publisher: ['module:read', 'token:create', 'module:publish'],
  operator: ['module:read', 'token:create', 'module:delete', 'cache:manage', 'audit:read'],
  admin: PERMISSIONS,
}

/** What a role allows: a built-in one, or one of `own`. Throws TypeError for one that the configuration let through. */
export function permissionsOf(
  role: string,
  own: ReadonlyMap<string, readonly Permission[]>,
): readonly Permission[] {
  const found = Object.hasOwn(ROLES, role) ? ROLES[role as BuiltInRole] : own.get(role)
  if (found === undefined) throw new TypeError(`there is no role ${role}`)
  return found
}
