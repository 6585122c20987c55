import { randomBytes } from 'node:crypto'
import type { Entry } from 'ldapts'
import type { Directory, DirectoryUser } from '../../access/ldap/directory.ts'
import { createFilterTemplate, type FilterTemplate } from '../../config/access/ldap-filter.ts'
import type { LdapConfig } from '../../config/access/ldap.ts'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import { createTrust } from '../trust.ts'
import type { Connection } from './connect.ts'
import { createConnections } from './connections.ts'
import { claimsOf, isEnded, nameOf, STANDING } from './entries.ts'
import { resultCode } from './failures.ts'
import { createGroupReader } from './groups.ts'
import { createPace } from './pace.ts'
import { createSearch, type Search } from './search.ts'

export interface LdapDirectory extends Directory {
  close(): void
}

/**
 * Results of a bind that say no to this password or account: invalidCredentials, inappropriateAuthentication,
 * constraintViolation and unwillingToPerform (accounts that are locked), noSuchObject. Any other says that the directory
 * could not judge.
 */
const REFUSED = [49, 48, 19, 53, 32]
/** Users that one search asks for. */
const TOGETHER = 50

/** A directory over LDAP (RFC 4511). Throws `config_invalid` where its authorities cannot be read. */
export async function openDirectory(config: LdapConfig, log: Logger): Promise<LdapDirectory> {
  const { users, groups, timeout, attributes } = config
  const trust = createTrust({ name: 'access.ldap', ...(config.ca !== undefined && { ca: config.ca }) })
  const connections = createConnections({ config, trust: trust.ownHost, log, now: () => performance.now() })
  const byName = await createFilterTemplate(users.filter)
  const pace = createPace()
  const wanted = [
    users.name,
    ...STANDING,
    ...attributes.values(),
    ...(groups?.memberOf === undefined ? [] : [groups.memberOf]),
  ]

  return {
    async find(typed) {
      const search = createSearch(connections, AbortSignal.timeout(3 * timeout))
      const account = await findAccount(search, users, byName, typed)
      return account.id === undefined || account.entry === undefined || isEnded(account.entry, Date.now())
        ? undefined
        : { id: account.id, dn: account.entry.dn }
    },
    async isPassword(dn, password) {
      if (password === '') return false
      const signal = AbortSignal.timeout(3 * timeout)
      const name = dn ?? `${users.name}=-${randomBytes(8).toString('hex')},${users.base}`
      const bind = async (connection: Connection): Promise<boolean> => {
        const began = performance.now()
        try {
          await connection.bind(name, password)
          return dn !== undefined
        } catch (error) {
          const code = resultCode(error)
          // A name that was made up may be none for this directory.
          if (code !== undefined && (dn === undefined || REFUSED.includes(code))) return false
          throw error
        } finally {
          if (dn === undefined) await pace.wait(began)
          else pace.took(performance.now() - began)
        }
      }
      return connections.alone('when a password was tried', bind, signal)
    },
    async read(names, signal) {
      const search = createSearch(connections, signal)
      const entries = await readEntries(search, users, byName, wanted, names, config.connections)
      if (entries.size < names.length || names.length === 0) await requireSight(search, users)
      const reader = groups && (await createGroupReader(groups, search))
      const found = new Map<string, DirectoryUser>()
      const rest = [...entries].filter(([, entry]) => !isEnded(entry, Date.now()))
      await atOnce(config.connections, rest, async ([id, entry]) => {
        const of = reader === undefined ? [] : await reader.groupsOf(entry, id)
        found.set(id, { groups: of, claims: claimsOf(entry, attributes) })
      })
      return found
    },
    close: connections.close,
  }
}

/** Who is meant by a name that was typed; no entry where there is none, or more than one. */
export async function findAccount(
  search: Search,
  users: LdapConfig['users'],
  byName: FilterTemplate,
  typed: string,
): Promise<{ count: number; entry?: Entry; id?: string }> {
  const { base, scope, name } = users
  const filter = byName({ user: typed })
  const entries = await search.some({ base, scope, filter, attributes: [name, ...STANDING] }, 2, 'for a user')
  const [entry] = entries
  if (entry === undefined || entries.length > 1) return { count: entries.length }
  const id = nameOf(entry, name, 'user')
  return { count: 1, entry, ...(id !== undefined && { id }) }
}

/** The entries of users by their names, each name that only one entry has. */
async function readEntries(
  search: Search,
  { base, scope, name }: LdapConfig['users'],
  byName: FilterTemplate,
  attributes: readonly string[],
  names: readonly string[],
  most: number,
): Promise<Map<string, Entry>> {
  const { OrFilter } = await import('ldapts')
  const wanted = new Set(names)
  const entries = new Map<string, Entry>()
  const twice = new Set<string>()
  const parts = Array.from({ length: Math.ceil(names.length / TOGETHER) }, (_, part) =>
    names.slice(part * TOGETHER, (part + 1) * TOGETHER),
  )
  await atOnce(most, parts, async (part) => {
    const filter = new OrFilter({ filters: part.map((user) => byName({ user })) })
    for (const entry of await search.all({ base, scope, filter, attributes }, 'for users')) {
      const id = nameOf(entry, name, 'user')
      if (id === undefined || !wanted.has(id)) continue
      if (entries.has(id) && entries.get(id)!.dn !== entry.dn) twice.add(id)
      entries.set(id, entry)
    }
  })
  for (const id of twice) entries.delete(id)
  return entries
}

/** Somebody is missing: throws where nobody at all can be seen, so that a right that was lost ends nobody's access. */
async function requireSight(search: Search, { base, scope, name }: LdapConfig['users']): Promise<void> {
  const { PresenceFilter } = await import('ldapts')
  const filter = new PresenceFilter({ attribute: name })
  const seen = await search.some({ base, scope, filter, attributes: [name] }, 1, 'for any user')
  if (seen.length > 0) return
  throw new ModsteadError('directory_unavailable', `the directory shows no users at all below ${base}`, {
    next: 'check base in access.ldap.users, and what the bindDn may read',
  })
}

/** Does work on all items, so many at a time; ends with the first failure. */
async function atOnce<T>(most: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const lanes = Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const item of rest) await work(item)
  })
  await Promise.all(lanes)
}
