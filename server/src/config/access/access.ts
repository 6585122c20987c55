import { checkPattern } from '@modstead/gomod/pattern'
import type { AccessConfig, Binding, Subject } from './access-config.ts'
import type { FileAccess } from './access-schema.ts'
import { buildCertificates } from './certificates.ts'
import { buildGitHosts } from './git-hosts.ts'
import { buildIssued } from './issued.ts'
import { buildWorkloads } from './workloads.ts'
import { buildIssuers } from './jwt.ts'
import { buildOidc } from './oidc.ts'
import { buildLdap } from './ldap.ts'
import type { Config } from '../config.ts'
import { absolutePath, type BuildContext, complain, readNamedFile, shown } from '../context.ts'
import { BUILT_IN_GROUPS, BUILT_IN_ROLES } from '../permissions.ts'
import { didYouMean } from '../nearest.ts'
import type { KeyPath } from '../problems.ts'

/** `access` of the file with its references followed. */
export async function buildAccess(
  context: BuildContext,
  file: FileAccess | undefined,
  tokens: readonly { name: string }[],
  trustDomains: readonly string[] = [],
  publicUrl?: string,
): Promise<AccessConfig | undefined> {
  if (file === undefined) return undefined
  const at: KeyPath = ['access']
  const htpasswd =
    file.htpasswd === undefined ? undefined : absolutePath(context, [...at, 'htpasswd'], file.htpasswd)
  if (file.htpasswd !== undefined)
    await readNamedFile(context, [...at, 'htpasswd'], file.htpasswd, {
      ifMissing: '"modstead user set NAME" makes it, with its first user',
    })
  const roles = new Map(Object.entries(file.roles ?? {}))
  for (const name of roles.keys())
    if (isBuiltInRole(name))
      complain(context, [...at, 'roles', name], 'is a role that every modstead has: take another name')
  const services = new Set(tokens.map(({ name }) => name))
  const subjects = (path: KeyPath, texts: readonly string[]): Subject[] =>
    texts.flatMap((text, index) => {
      const subject = parseSubject(text)
      const place = [...path, index]
      if (subject === undefined) {
        complain(context, place, `expected ${SUBJECTS}, found ${shown(context, place, text)}`)
        return []
      }
      if (subject.kind === 'service' && !services.has(subject.name) && tokens.length > 0)
        context.warn(`access names the service ${subject.name}, which no entry of tokens has by now`)
      return [subject]
    })

  const bindings = (file.bindings ?? []).map((binding, index): Binding => {
    const path = [...at, 'bindings', index]
    if (!isBuiltInRole(binding.role) && !roles.has(binding.role))
      complain(
        context,
        [...path, 'role'],
        `expected one of ${[...BUILT_IN_ROLES, ...roles.keys()].join(', ')}, found ${shown(context, [...path, 'role'], binding.role)}${didYouMean(binding.role, [...BUILT_IN_ROLES, ...roles.keys()])}`,
      )
    return {
      to: subjects([...path, 'to'], binding.to),
      role: binding.role,
      ...(binding.modules && { modules: patterns(context, [...path, 'modules'], binding.modules) }),
    }
  })
  const none = file.anonymous.length === 1 && file.anonymous[0] === 'none'
  return {
    anonymous: none ? [] : patterns(context, [...at, 'anonymous'], file.anonymous),
    ...(htpasswd !== undefined && { htpasswd }),
    ...(file.ldap && { ldap: await buildLdap(context, [...at, 'ldap'], file.ldap) }),
    groups: groupsByUser(file.groups ?? {}),
    admins: subjects([...at, 'admins'], file.admins ?? []),
    roles,
    bindings,
    issuers: await buildIssuers(context, [...at, 'jwt'], file.jwt ?? {}),
    oidc: await buildOidc(context, [...at, 'oidc'], file.oidc ?? {}, publicUrl),
    gitHosts: await buildGitHosts(context, [...at, 'gitHosts'], file.gitHosts ?? {}),
    certificates: buildCertificates(context, [...at, 'certificates'], file.certificates ?? [], trustDomains),
    workloads: await buildWorkloads(context, [...at, 'workloads'], file.workloads ?? {}),
    issued: await buildIssued(context, [...at, 'issued'], file.issued),
    remember: file.remember,
    lockout: file.lockout,
  }
}

/** Private modules that nobody may read, which is hardly ever meant. */
export function warnOfClosedRoutes(
  context: BuildContext,
  { access, routes }: Pick<Config, 'access' | 'routes'>,
): void {
  const closed = routes.find((route) => route.private)
  if (access === undefined || closed === undefined) return
  const { bindings, admins, gitHosts } = access
  if (bindings.length + admins.length + gitHosts.length === 0)
    context.warn(
      `nobody may read the private modules ${closed.modules.join(', ')}: access.bindings says who may`,
    )
}

const SUBJECTS =
  '"user:NAME", "group:NAME", "service:NAME", "workload:NAME" or a built-in group such as "$authenticated"'

/** `undefined` for what names nobody. */
export function parseSubject(text: string): Subject | undefined {
  const builtIn = BUILT_IN_GROUPS.find((group) => group === text)
  if (builtIn !== undefined) return { kind: 'everybody', name: builtIn }
  const [, kind, name] = /^(user|group|service|workload):(.+)$/.exec(text) ?? []
  // Directories have groups such as "Domain Users".
  if (kind === 'group' && name !== undefined && /^[^\s:]+( [^\s:]+)*$/.test(name)) return { kind, name }
  if (name === undefined || /[\s:]/.test(name)) {
    // What others call their workloads has colons: project_path:corp/app:ref_type:branch:ref:main
    return kind === 'workload' && name !== undefined && !/\s/.test(name) ? { kind, name } : undefined
  }
  return { kind: kind as 'user' | 'group' | 'service' | 'workload', name }
}

function isBuiltInRole(name: string): boolean {
  return BUILT_IN_ROLES.some((role) => role === name)
}

function patterns(context: BuildContext, path: KeyPath, given: readonly string[]): readonly string[] {
  for (const [index, pattern] of given.entries()) {
    const problem = checkPattern(pattern)
    const place = [...path, index]
    if (problem !== undefined)
      complain(context, place, `the pattern ${shown(context, place, pattern)} cannot be used: ${problem}`)
  }
  return given
}

function groupsByUser(groups: Readonly<Record<string, readonly string[]>>): Map<string, string[]> {
  const byUser = new Map<string, string[]>()
  for (const [group, users] of Object.entries(groups))
    for (const user of users) {
      const of = byUser.get(user)
      if (of === undefined) byUser.set(user, [group])
      else of.push(group)
    }
  return byUser
}
