import { isIP } from 'node:net'
import { z } from 'zod'
import { type BuildContext, complain, pemFile, shown } from '../context.ts'
import { choice, count, duration, flag, path, secret, text, texts } from '../fields.ts'
import type { KeyPath } from '../problems.ts'
import { HIDDEN, resolveSecret } from '../secrets.ts'
import { formatDuration, mapValues } from '../units.ts'
import { filterProblem } from './ldap-filter.ts'

/** A directory of users and groups. Durations are milliseconds, files absolute paths. */
export interface LdapConfig {
  /** Asked in this order: the next one where one cannot be reached. */
  servers: readonly LdapServer[]
  /** PEM file with the authorities that sign the servers' certificates, besides those of the system. */
  ca?: string
  /** The account that searches; absent: nobody in particular. */
  bind?: { dn: string; password: string }
  users: { base: string; filter: string; name: string; scope: LdapScope }
  /** Absent: the directory says nothing of groups. */
  groups?: LdapGroups
  sync: number
  /** How long what is known goes on while no server can be asked. */
  keepFor: number
  /** Of each step: connecting, TLS, one request. */
  timeout: number
  connections: number
  /** Claims by name, and the attributes that give them. */
  attributes: ReadonlyMap<string, string>
}

export interface LdapServer {
  /** As configured: `ldaps://ldap.corp.example`. */
  url: string
  /** IPv6 without brackets. */
  host: string
  port: number
  security: 'tls' | 'startTls' | 'none'
}

export type LdapScope = 'one' | 'sub'

export interface LdapGroups {
  /** Finds the groups; `''` where `memberOf` does, and groups are taken wherever they are. */
  base: string
  filter: string
  name: string
  scope: LdapScope
  /** Groups of groups count too. */
  nested: boolean
  /** The attribute of users that lists their groups, in place of the filter. */
  memberOf?: string
}

const scope = choice(['sub', 'one'])
const dn = 'a distinguished name such as ou=people,dc=corp,dc=example'
const attribute = 'the name of an attribute'

export const ldapSchema = z.strictObject({
  url: texts('a URL such as ldaps://ldap.corp.example').describe(
    'The servers, asked in this order: `ldaps://HOST[:PORT]`, or `ldap://` with `startTls`.',
  ),
  startTls: flag()
    .prefault(false)
    .describe('Whether `ldap://` connections are encrypted before anything else is said.'),
  insecure: flag()
    .prefault(false)
    .describe('Allows `ldap://` without TLS: everybody on the way can read the passwords.'),
  ca: path('a PEM file').optional().describe('Authorities of the servers, besides those of the system.'),
  bindDn: text(dn)
    .optional()
    .describe('The account that searches. Default: none, where the directory allows that.'),
  bindPassword: secret('its password').optional().describe('Its password.'),
  preset: choice(['standard', 'activeDirectory'])
    .prefault('standard')
    .describe('Which filters and names stand where none are given.'),
  users: z
    .strictObject({
      base: text(dn).describe('Where users are.'),
      filter: text('a search filter with {user}')
        .optional()
        .describe(
          'Finds a user by the name that was typed, `{user}`. Default: `(&(objectClass=person)(uid={user}))`, for activeDirectory `(&(objectCategory=person)(objectClass=user)(sAMAccountName={user}))`.',
        ),
      name: text(attribute)
        .optional()
        .describe('The attribute that is the name of the user here. Default: `uid`, or `sAMAccountName`.'),
      scope: scope.prefault('sub').describe('How far below `base`: all of it, or one level.'),
    })
    .describe('How users are found.'),
  groups: z
    .strictObject({
      base: text(dn).optional().describe('Where groups are. Only with `memberOf` it may be left out.'),
      filter: text('a search filter with {dn} or {user}')
        .optional()
        .describe(
          'Finds the groups of a user: `{dn}` is where the user is, `{user}` the name. Default: `(|(member={dn})(uniqueMember={dn})(memberUid={user}))`, for activeDirectory `(&(objectClass=group)(member:1.2.840.113556.1.4.1941:={dn}))`.',
        ),
      name: text(attribute).prefault('cn').describe('The attribute that is the name of a group here.'),
      scope: scope.prefault('sub').describe('How far below `base`: all of it, or one level.'),
      nested: flag().prefault(true).describe('Whether the groups that a group is in count too.'),
      memberOf: text(attribute)
        .optional()
        .describe('The attribute of users that lists their groups: fewer questions than `filter`.'),
    })
    .optional()
    .describe('How groups are found. Default: the directory says nothing of groups.'),
  sync: duration({ min: 1_000 })
    .prefault('15m')
    .describe('How often users and groups are read again: who left a group loses it within that time.'),
  keepFor: duration()
    .prefault('1h')
    .describe('How long users who are known go on while no server can be asked.'),
  timeout: duration({ min: 100, max: 60_000, wording: ' (1m at most)' })
    .prefault('5s')
    .describe('The most that connecting, or one request, may take.'),
  connections: count({ min: 1, max: 64 })
    .prefault(4)
    .describe('Searches at a time; passwords are tried on connections of their own, as many at a time.'),
  attributes: z
    .record(z.string().regex(/^[A-Za-z][\w-]*$/), text(attribute).describe('The attribute that gives it.'))
    .optional()
    .describe('Attributes of users that rules may look at, by a name of your choice.'),
})
type FileLdap = z.output<typeof ldapSchema>

/** Active Directory resolves groups of groups itself. */
export const IN_CHAIN = ':1.2.840.113556.1.4.1941:'

const PRESETS = {
  standard: {
    users: '(&(objectClass=person)(uid={user}))',
    name: 'uid',
    groups: '(|(member={dn})(uniqueMember={dn})(memberUid={user}))',
  },
  activeDirectory: {
    users: '(&(objectCategory=person)(objectClass=user)(sAMAccountName={user}))',
    name: 'sAMAccountName',
    groups: `(&(objectClass=group)(member${IN_CHAIN}={dn}))`,
  },
} as const

/** `ldap` with its secret read. */
export async function buildLdap(context: BuildContext, at: KeyPath, file: FileLdap): Promise<LdapConfig> {
  const { bindDn, bindPassword, sync, keepFor, timeout, connections } = file
  const preset = PRESETS[file.preset]
  const servers = file.url.flatMap(
    (url, index) => parseServer(context, [...at, 'url', index], url, file) ?? [],
  )
  const ca = file.ca === undefined ? undefined : await pemFile(context, [...at, 'ca'], file.ca)
  if ((bindDn === undefined) !== (bindPassword === undefined))
    complain(context, at, 'expected both of bindDn and bindPassword, or neither')
  const password =
    bindPassword === undefined ? '' : await resolveSecret(context, [...at, 'bindPassword'], bindPassword)
  const users = {
    base: file.users.base,
    filter: file.users.filter ?? preset.users,
    name: file.users.name ?? preset.name,
    scope: file.users.scope,
  }
  await checkFilter(context, [...at, 'users', 'filter'], users.filter, ['user'])
  const groups = file.groups && (await buildGroups(context, [...at, 'groups'], file.groups, preset.groups))
  if (keepFor < sync)
    complain(context, [...at, 'keepFor'], `expected at least the time of sync, ${formatDuration(sync)}`)
  return {
    servers,
    ...(ca !== undefined && { ca }),
    ...(bindDn !== undefined && { bind: { dn: bindDn, password } }),
    users,
    ...(groups && { groups }),
    sync,
    keepFor,
    timeout,
    connections,
    attributes: new Map(Object.entries(file.attributes ?? {})),
  }
}

async function buildGroups(
  context: BuildContext,
  at: KeyPath,
  file: NonNullable<FileLdap['groups']>,
  usual: string,
): Promise<LdapGroups> {
  const { name, scope, nested, memberOf, base = '' } = file
  const filter = file.filter ?? usual
  if (memberOf === undefined && base === '') complain(context, at, 'expected base, or memberOf')
  if (memberOf !== undefined && file.filter !== undefined)
    complain(context, [...at, 'filter'], 'expected either filter or memberOf')
  await checkFilter(context, [...at, 'filter'], filter, ['dn', 'user'])
  return { base, filter, name, scope, nested, ...(memberOf !== undefined && { memberOf }) }
}

async function checkFilter(
  context: BuildContext,
  at: KeyPath,
  filter: string,
  names: readonly string[],
): Promise<void> {
  const problem = await filterProblem(filter, names)
  if (problem !== undefined)
    complain(context, at, `the filter ${shown(context, at, filter)} cannot be used: ${problem}`)
}

const FORM = 'expected a URL such as ldaps://ldap.corp.example, with a host and nothing behind it'

function parseServer(
  context: BuildContext,
  at: KeyPath,
  text: string,
  { startTls, insecure }: FileLdap,
): LdapServer | undefined {
  const [, scheme, name, port] =
    /^(ldaps?):\/\/(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/.exec(text) ?? []
  const host = name?.replace(/^\[(.*)\]$/, '$1')
  if (host === undefined || Number(port ?? 1) > 65_535 || port === '0') {
    complain(context, at, `${FORM}, found ${shown(context, at, text)}`)
    return undefined
  }
  const secure = scheme === 'ldaps'
  if (secure && startTls)
    complain(
      context,
      at,
      'expected ldap:// beside startTls: an ldaps:// connection is encrypted from its begin',
    )
  if (!secure && !startTls && !insecure && !isLoopback(host))
    complain(
      context,
      at,
      'expected ldaps://, or startTls: true: passwords would go over the network as they are; insecure: true allows that',
    )
  return {
    url: text.replace(/\/$/, ''),
    host,
    port: Number(port ?? (secure ? 636 : 389)),
    security: secure ? 'tls' : startTls ? 'startTls' : 'none',
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** `ldap` as a file would say it. */
export function describeLdap(ldap: LdapConfig): Record<string, unknown> {
  const { servers, ca, bind, users, groups, connections, attributes, sync, keepFor, timeout } = ldap
  const plain = servers.some(({ security, host }) => security === 'none' && !isLoopback(host))
  return {
    url: servers.map(({ url }) => url),
    ...(servers.some(({ security }) => security === 'startTls') && { startTls: true }),
    ...(plain && { insecure: true }),
    ...(ca !== undefined && { ca }),
    ...(bind && { bindDn: bind.dn, bindPassword: HIDDEN }),
    users: { ...users },
    ...(groups && { groups: describeGroups(groups) }),
    ...mapValues({ sync, keepFor, timeout }, formatDuration),
    connections,
    ...(attributes.size > 0 && { attributes: Object.fromEntries(attributes) }),
  }
}

function describeGroups({ base, filter, memberOf, ...rest }: LdapGroups): Record<string, unknown> {
  return { ...(base !== '' && { base }), ...(memberOf === undefined ? { filter } : { memberOf }), ...rest }
}
