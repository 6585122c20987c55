import type { Permission } from '../config/permissions.ts'
import { ModsteadError } from '../errors.ts'
import type { Decision } from './decide.ts'
import { described, type Principal } from './principal.ts'

/** Where no token can allow what is asked for. */
export function nobodyMay(permission: Permission): ModsteadError {
  const what = WORDS[permission]
  return new ModsteadError('not_permitted', `nobody may ${what} on this server: it has no tokens`, {
    next: `who runs it has to add to its configuration: tokens: { NAME: { token: SECRET, may: [${what}] } }`,
  })
}

/**
 * What is told of a decision: the same for every module that no right reaches, there or not. `hostAsked`: bindings alone
 * did not decide. `host`: the header of the request.
 */
export function refusal(
  decision: Exclude<Decision, 'allow'>,
  principal: Principal,
  permission: Permission,
  module: string | undefined,
  hostAsked: boolean,
  host?: string,
): ModsteadError {
  const what = WORDS[permission]
  const reading = permission === 'module:read'
  if (decision === 'absent')
    return new ModsteadError('not_found', `${described(principal)} may read nothing at ${module} itself`, {
      next: hostAsked
        ? 'write the whole path of the module, or ask for the right to read its repository at the git host'
        : 'what is below that path may be there: write the whole path of the module',
    })
  const about = module === undefined || !reading ? '' : ` ${module}`
  if (decision === 'unauthenticated')
    return new ModsteadError(
      'unauthenticated',
      `to ${what}${about} takes a token, and the request has none`,
      {
        ...(reading && {
          next: `give go a token for this host, in ~/.netrc${netrcMachine(host)} or by GOAUTH, over https: /settings here tells how`,
        }),
      },
    )
  const { limit } = principal
  // Its bearer may be allowed what the token is not.
  if (limit !== undefined && !limit.permissions.includes(permission))
    return new ModsteadError(
      'not_permitted',
      `${described(principal)} may not ${what}${about} with this token: it was narrowed to ${limit.permissions.join(' ') || 'nothing'}`,
      { next: `use another, or make one that may do more: the permission is ${permission}` },
    )
  return new ModsteadError('not_permitted', `${described(principal)} may not ${what}${about}`, {
    ...(reading && {
      next: hostAsked
        ? 'ask for the right to read its repository at the git host'
        : 'ask who runs this server for a binding to a role that reads it',
    }),
  })
}

/** `go` finds a line of netrc by the host as the address has it, with its port: one without it counts for 443 alone. */
function netrcMachine(host = ''): string {
  const [, port] = /^[\w.-]{1,100}:(\d{1,5})$/.exec(host) ?? []
  return port === undefined || Number(port) === 443 ? '' : ` (machine ${host} login USER password TOKEN)`
}

const WORDS: Readonly<Record<Permission, string>> = {
  'module:read': 'read',
  'module:publish': 'publish',
  'module:delete': 'delete',
  'cache:manage': 'manage the cache',
  'policy:write': 'change policies',
  'token:create': 'create tokens',
  'audit:read': 'audit',
}
