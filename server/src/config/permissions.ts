/** What may be allowed to somebody. Those that begin with `module:` can be limited to some modules. */
export const PERMISSIONS = [
  'module:read',
  'module:publish',
  'module:delete',
  'cache:manage',
  'policy:write',
  'token:create',
  'audit:read',
] as const
export type Permission = (typeof PERMISSIONS)[number]

/** Roles that every modstead knows, from the most to the least. What each allows stands in access/roles.ts. */
export const BUILT_IN_ROLES = ['admin', 'operator', 'publisher', 'developer', 'viewer'] as const
export type BuiltInRole = (typeof BUILT_IN_ROLES)[number]

/** Groups that need no list of members. */
export const BUILT_IN_GROUPS = ['$all', '$authenticated', '$anonymous', '$admins'] as const
export type BuiltInGroup = (typeof BUILT_IN_GROUPS)[number]

/** The words of `tokens.*.may`. */
export const SHORTHAND = {
  publish: 'module:publish',
  delete: 'module:delete',
  audit: 'audit:read',
} as const satisfies Record<string, Permission>
