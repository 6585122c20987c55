import { compilePatterns, type PatternSet } from '@modstead/gomod/pattern'
import type { AccessConfig, Binding, Subject } from '../config/access/access-config.ts'
import type { Permission } from '../config/permissions.ts'
import type { Principal } from './principal.ts'
import { permissionsOf } from './roles.ts'

/**
 * What is to happen with a request:
 *
 *     allow             it goes on
 *     absent            the path stands above modules that may be read, and is none of them as far as this principal
 *                       can know: `go` asks for it on its way to those, and has to be told that nothing is there
 *     unauthenticated   nothing was presented, and it takes something
 *     not_permitted     the principal may not do this
 *
 * Names and patterns alone decide, so that whether a module exists makes no difference.
 */
export type Decision = 'allow' | 'absent' | 'unauthenticated' | 'not_permitted'

/** What is asked for: to do `permission`, with `module` where it is about one. */
export interface Question {
  permission: Permission
  module?: string
}

export type Decide = (principal: Principal, question: Question) => Decision

/** The private names of the configuration: those of private routes and what could be above them. */
export interface PrivateNames {
  isPrivate(module: string): boolean
  /** Whether everybody reads it, whatever is configured: what people sign in with. */
  isOpen?(module: string): boolean
}

interface Grant {
  to: readonly Subject[]
  permissions: readonly Permission[]
  /** Absent: every module, and what is about none. */
  modules?: PatternSet
}

/**
 * Makes the function that decides by the bindings of the configuration. What the principal holds of the credential
 * itself counts too (`rights`), and nothing goes beyond what the credential was narrowed to (`limit`).
 *
 * Public modules are read by everybody who is signed in, and by others where `anonymous` says so.
 */
export function createDecide(
  config: Pick<AccessConfig, 'anonymous' | 'admins' | 'roles' | 'bindings'>,
  { isPrivate, isOpen }: PrivateNames,
): Decide {
  const open = compilePatterns(config.anonymous)
  const grants = config.bindings.map(({ to, role, modules }): Grant => {
    const permissions = permissionsOf(role, config.roles)
    return { to, permissions, ...(modules && { modules: compilePatterns(modules) }) }
  })
  const admins: Grant = { to: config.admins, permissions: permissionsOf('admin', config.roles) }
  const limits = new WeakMap<object, PatternSet>()

  function granted(principal: Principal, { permission, module }: Question): 'here' | 'below' | 'no' {
    if (principal.rights.includes(permission)) return 'here'
    let best: 'below' | 'no' = 'no'
    for (const { to, permissions, modules } of [admins, ...grants]) {
      if (!permissions.includes(permission) || !to.some((subject) => isMeant(subject, principal, admins.to)))
        continue
      if (modules === undefined) return 'here'
      if (module === undefined) {
        // A token never does more than its owner may: for which modules somebody may make one makes no difference.
        if (permission === 'token:create') return 'here'
        continue
      }
      if (modules.matches(module)) return 'here'
      if (permission === 'module:read' && modules.couldBeParentOf(module)) best = 'below'
    }
    return best
  }

  /** Where a token of few modules is used, what it was narrowed to counts like a binding. */
  function withinLimit({ limit }: Principal, { permission, module }: Question): 'here' | 'below' | 'no' {
    if (limit === undefined) return 'here'
    if (!limit.permissions.includes(permission)) return 'no'
    if (limit.modules === undefined) return 'here'
    if (module === undefined) return 'no'
    let patterns = limits.get(limit)
    if (patterns === undefined) limits.set(limit, (patterns = compilePatterns(limit.modules)))
    if (patterns.matches(module)) return 'here'
    return permission === 'module:read' && patterns.couldBeParentOf(module) ? 'below' : 'no'
  }

  return (principal, question) => {
    const { permission, module } = question
    const refused = principal.kind === 'anonymous' ? 'unauthenticated' : 'not_permitted'
    const isPublic = permission === 'module:read' && module !== undefined && !isPrivate(module)
    // What needs no credential is not refused because of one.
    if (isPublic && (open.matches(module) || isOpen?.(module) === true)) return 'allow'
    const limit = withinLimit(principal, question)
    const rights = isPublic && principal.kind !== 'anonymous' ? 'here' : granted(principal, question)
    if (limit === 'no' || rights === 'no') return refused
    return limit === 'below' || rights === 'below' ? 'absent' : 'allow'
  }
}

/** The bindings that give a principal its roles, and whether it is among the administrators. */
export function grantsOf(
  principal: Principal,
  { admins, bindings }: Pick<AccessConfig, 'admins' | 'bindings'>,
): { admin: boolean; bindings: readonly Binding[] } {
  return {
    admin: admins.some((subject) => isMeant(subject, principal, admins)),
    bindings: bindings.filter(({ to }) => to.some((subject) => isMeant(subject, principal, admins))),
  }
}

export function isMeant({ kind, name }: Subject, principal: Principal, admins: readonly Subject[]): boolean {
  if (kind === 'group') return principal.groups.includes(name)
  if (kind !== 'everybody') return kind === principal.kind && name === principal.id
  switch (name) {
    case '$all':
      return true
    case '$anonymous':
      return principal.kind === 'anonymous'
    case '$authenticated':
      return principal.kind !== 'anonymous'
    case '$admins':
      return admins.some((subject) => subject.name !== '$admins' && isMeant(subject, principal, admins))
  }
}
