import { createFilterTemplate } from '../../config/access/ldap-filter.ts'
import type { LdapConfig, LdapServer } from '../../config/access/ldap.ts'
import type { ModsteadError } from '../../errors.ts'
import { createTrust, type Trust } from '../trust.ts'
import { connect, type Connection } from './connect.ts'
import type { Connections } from './connections.ts'
import { findAccount } from './directory.ts'
import { claimsOf, isEnded, textsOf } from './entries.ts'
import { requestFailure, unavailable } from './failures.ts'
import { createGroupReader } from './groups.ts'
import { createSearch, type Search } from './search.ts'

/** What one server of a directory said, step by step, up to the one that failed. */
export interface Examination {
  url: string
  /** What was done, and what came of it. */
  steps: [what: string, found: string][]
  failure?: ModsteadError
}

/** Asks each server of a directory what a sign-in and a sync ask. Throws `config_invalid` as `openDirectory`. */
export async function examineDirectory(config: LdapConfig, user?: string): Promise<Examination[]> {
  const trust = createTrust({ name: 'access.ldap', ...(config.ca !== undefined && { ca: config.ca }) })
  const examinations: Examination[] = []
  for (const server of config.servers) examinations.push(await examineServer(server, config, trust, user))
  return examinations
}

async function examineServer(
  server: LdapServer,
  config: LdapConfig,
  trust: Trust,
  user: string | undefined,
): Promise<Examination> {
  const { bind, timeout } = config
  const steps: Examination['steps'] = []
  const signal = AbortSignal.timeout(60_000)
  let connection: Connection | undefined
  try {
    connection = await connect({ server, trust: trust.ownHost, timeout, signal })
    steps.push(['connection', `${server.host} port ${server.port}`], ['TLS', connection.security()])
    if (bind !== undefined) await connection.bind(bind.dn, bind.password)
    steps.push(['bind', bind?.dn ?? 'none: bindDn is not set'])
    const search = createSearch(onlyOn(connection), signal)
    await examineBases(server, config, search, steps)
    if (user !== undefined) await examineUser(server, config, search, user, steps)
    return { url: server.url, steps }
  } catch (error) {
    return { url: server.url, steps, failure: requestFailure(server, 'when this server signed in', error) }
  } finally {
    connection?.close()
  }
}

async function examineBases(
  server: LdapServer,
  { users, groups }: LdapConfig,
  search: Search,
  steps: Examination['steps'],
): Promise<void> {
  const { PresenceFilter } = await import('ldapts')
  const anyOf = ({ base, scope, name }: Pick<LdapConfig['users'], 'base' | 'scope' | 'name'>, what: string) =>
    search.some({ base, scope, filter: new PresenceFilter({ attribute: name }), attributes: [name] }, 1, what)
  if ((await anyOf(users, 'for any user')).length === 0)
    throw unavailable(server, `shows no entry with ${users.name} below ${users.base}`, {
      next: 'check base and name in access.ldap.users, and what the bindDn may read',
    })
  steps.push(['users', `there are entries with ${users.name} below ${users.base}`])
  if (groups === undefined) steps.push(['groups', 'not asked for: access.ldap.groups is not set'])
  else if (groups.base !== '') {
    if ((await anyOf(groups, 'for any group')).length === 0)
      throw unavailable(server, `shows no entry with ${groups.name} below ${groups.base}`, {
        next: 'check base and name in access.ldap.groups, and what the bindDn may read',
      })
    steps.push(['groups', `there are entries with ${groups.name} below ${groups.base}`])
  }
}

async function examineUser(
  server: LdapServer,
  { users, groups, attributes }: LdapConfig,
  search: Search,
  user: string,
  steps: Examination['steps'],
): Promise<void> {
  const byName = await createFilterTemplate(users.filter)
  const { count, entry, id } = await findAccount(search, users, byName, user)
  if (entry === undefined)
    throw unavailable(
      server,
      `has ${count === 0 ? 'nobody' : 'more than one'} of the name ${user} below ${users.base}`,
      {
        next: `check base and filter in access.ldap.users: ${users.filter}`,
      },
    )
  steps.push([`user ${user}`, entry.dn])
  if (id === undefined)
    throw unavailable(server, `has no ${users.name} of this user that can be a name here`, {
      next: 'names are up to 256 characters, without spaces and colons: set access.ldap.users.name',
    })
  steps.push(
    ['name here', `user:${id}`],
    ['may sign in', isEnded(entry, Date.now()) ? 'no: the account has ended' : 'yes'],
  )
  const wanted = [...attributes.values(), ...(groups?.memberOf === undefined ? [] : [groups.memberOf])]
  const whole = (wanted.length > 0 && (await search.entry(entry.dn, wanted, 'for its attributes'))) || entry
  if (groups !== undefined) {
    const reader = await createGroupReader(groups, search)
    const direct = (await reader.direct(whole, id)).map(
      ({ dn, name }) => name ?? `${dn} (its name cannot be one here)`,
    )
    const all = await reader.groupsOf(whole, id)
    const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '))
    steps.push(['groups', list(direct.toSorted())])
    steps.push(['by groups of groups', list(all.filter((name) => !direct.includes(name)))])
  }
  for (const [claim, attribute] of attributes) {
    const found = claimsOf(whole, new Map([[claim, attribute]]))[claim]
    steps.push([
      `attribute ${claim}`,
      found === undefined ? `no ${attribute}` : textsOf(whole, attribute).join(', '),
    ])
  }
}

/** Searches on this one connection. */
function onlyOn(connection: Connection): Connections {
  const search: Connections['search'] = async (doing, work) => {
    try {
      return await work(connection)
    } catch (error) {
      throw requestFailure(connection.server, doing, error)
    }
  }
  return { search, alone: search, close: connection.close }
}
