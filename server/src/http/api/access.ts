import { z } from 'zod'
import type { Access } from '../../access/access.ts'
import { grantsOf } from '../../access/decide.ts'
import { ANONYMOUS, type Principal } from '../../access/principal.ts'
import { permissionsOf } from '../../access/roles.ts'
import { parseSubject } from '../../config/access/access.ts'
import type { AccessConfig, Binding } from '../../config/access/access-config.ts'
import { formatSubject, usersByGroup } from '../../config/access/show-access.ts'
import type { TokenConfig } from '../../config/config.ts'
import { BUILT_IN_ROLES, PERMISSIONS, SHORTHAND } from '../../config/permissions.ts'
import { ModsteadError } from '../../errors.ts'
import { type ApiEndpoint, endpoint } from './endpoint.ts'

export interface AccessEndpointsOptions {
  access: Pick<Access, 'decide'>
  /** Absent: reading is open to everybody. */
  settings: Pick<AccessConfig, 'roles' | 'bindings' | 'admins'> | undefined
  tokens: readonly TokenConfig[]
  groups: AccessConfig['groups']
}

const permission = z.enum(PERMISSIONS, `is none of ${PERMISSIONS.join(', ')}`)
const role = z
  .object({ name: z.string(), builtIn: z.boolean(), permissions: z.array(permission) })
  .meta({ id: 'Role' })
const binding = z
  .object({
    to: z.array(z.string()).meta({ examples: [['group:team-a']] }),
    role: z.string(),
    modules: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Patterns; null: all, and what is about none.' }),
  })
  .meta({ id: 'Binding' })
const subject = z.string().meta({ examples: ['user:alice', 'service:ci', '$anonymous'] })

/** What the configuration says of who may do what, and what comes of it for somebody: for reviews and for "why not". */
export function accessEndpoints(options: AccessEndpointsOptions): ApiEndpoint[] {
  const { access, tokens, groups } = options
  const settings = options.settings ?? { roles: new Map(), bindings: [], admins: [] }

  /** Somebody as a credential without narrowing would prove it. */
  function principalOf(text: string): Principal {
    const subject = parseSubject(text)
    if (subject?.kind === 'everybody' && subject.name === '$anonymous') return ANONYMOUS
    if (subject === undefined || subject.kind === 'everybody' || subject.kind === 'group')
      throw new ModsteadError('bad_request', `${JSON.stringify(text)} names nobody who could sign in`, {
        next: 'write user:NAME, service:NAME, workload:NAME or $anonymous',
      })
    const { kind, name } = subject
    const token = kind === 'service' ? tokens.find((token) => token.name === name) : undefined
    return {
      id: name,
      kind,
      groups: kind === 'user' ? (groups.get(name) ?? []) : [],
      claims: {},
      rights: (token?.may ?? []).map((word) => SHORTHAND[word]),
    }
  }

  return [
    endpoint({
      method: 'GET',
      path: '/roles',
      needs: 'audit:read',
      summary: 'Roles, and what each allows.',
      gives: z.object({ roles: z.array(role) }),
      answer: () => ({
        roles: [...BUILT_IN_ROLES, ...settings.roles.keys()].map((name, i) => ({
          name,
          builtIn: i < BUILT_IN_ROLES.length,
          permissions: permissionsOf(name, settings.roles),
        })),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/bindings',
      needs: 'audit:read',
      summary: 'Who has which role for which modules, as the configuration says.',
      gives: z.object({ admins: z.array(subject), bindings: z.array(binding) }),
      answer: () => ({
        admins: settings.admins.map(formatSubject),
        bindings: settings.bindings.map(bindingJson),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/groups',
      needs: 'audit:read',
      summary: 'Groups of the configuration, with the users in them.',
      gives: z.object({ groups: z.array(z.object({ name: z.string(), users: z.array(z.string()) })) }),
      answer: () => ({
        groups: Object.entries(usersByGroup(groups)).map(([name, users]) => ({ name, users })),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/services',
      needs: 'audit:read',
      summary: 'Services that have a token in the configuration, and what it allows for all modules.',
      gives: z.object({ services: z.array(z.object({ name: z.string(), rights: z.array(permission) })) }),
      answer: () => ({
        services: tokens.map(({ name, may }) => ({ name, rights: may.map((word) => SHORTHAND[word]) })),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/principals/:subject',
      needs: 'audit:read',
      summary: 'What somebody such as user:alice holds: groups, bindings, and rights of a configured token.',
      gives: z.object({
        subject,
        groups: z.array(z.string()),
        admin: z.boolean(),
        bindings: z.array(binding),
        rights: z.array(permission),
      }),
      answer({ values }) {
        const principal = principalOf(values.subject!)
        const { admin, bindings } = grantsOf(principal, settings)
        return {
          subject: values.subject,
          groups: principal.groups,
          admin,
          bindings: bindings.map(bindingJson),
          rights: principal.rights,
        }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/access/check',
      needs: 'audit:read',
      summary: 'Whether somebody may do something, and the bindings that say so.',
      query: z.strictObject({
        subject: z.string({ error: 'is missing' }),
        permission: permission.prefault('module:read'),
        module: z.string().optional(),
      }),
      gives: z.object({
        decision: z.enum(['allow', 'absent', 'unauthenticated', 'not_permitted']),
        admin: z.boolean(),
        bindings: z.array(binding),
      }),
      answer({ query: { subject, permission, module } }) {
        const principal = principalOf(subject)
        const { admin, bindings } = grantsOf(principal, settings)
        return {
          decision: access.decide(principal, { permission, ...(module !== undefined && { module }) }),
          admin,
          bindings: bindings
            .filter(({ role }) => permissionsOf(role, settings.roles).includes(permission))
            .map(bindingJson),
        }
      },
    }),
  ]
}

function bindingJson({ to, role, modules }: Binding): z.output<typeof binding> {
  return { to: to.map(formatSubject), role, modules: modules === undefined ? null : [...modules] }
}
