import { randomBytes } from 'node:crypto'
import type { Entry } from 'ldapts'
import { createFilterTemplate } from '../../config/access/ldap-filter.ts'
import { IN_CHAIN, type LdapGroups } from '../../config/access/ldap.ts'
import { ModsteadError } from '../../errors.ts'
import { dnKey, isBelow, nameOf, textsOf } from './entries.ts'
import type { Search } from './search.ts'

/** A group as it was found: where it is, and its name, where that can be one here. */
export interface FoundGroup {
  dn: string
  name: string | undefined
  /** Where the groups are that it is in, as it says itself. */
  memberOf: readonly string[]
}

/** Groups of groups of groups …: at most so many times. */
const DEEPEST = 16
/** Groups of one user at most. */
const MOST = 5_000

/** Finds the groups of users; what it learns of groups is remembered for as long as it is kept. */
export interface GroupReader {
  /** Names of all groups of the user at `dn`, sorted. Throws `directory_unavailable`. */
  groupsOf(user: Entry, id: string): Promise<string[]>
  /** The same before names and groups of groups: for the command that tests. */
  direct(user: Entry, id: string): Promise<FoundGroup[]>
}

/** Makes one for the time of a sync or a sign-in: it remembers which groups a group is in. */
export async function createGroupReader(config: LdapGroups, search: Search): Promise<GroupReader> {
  const { base, scope, name, nested, memberOf } = config
  const template = await createFilterTemplate(memberOf === undefined ? config.filter : '(objectClass=*)')
  const attributes = [name, ...(memberOf === undefined ? [] : [memberOf])]
  const known = new Map<string, Promise<FoundGroup[]>>()
  // A group has no user name that others could have: in place of {user} it gets one that nobody has.
  const nobody = `-${randomBytes(16).toString('hex')}`

  const found = (entry: Entry): FoundGroup => ({
    dn: entry.dn,
    name: nameOf(entry, name, 'group'),
    memberOf: memberOf === undefined ? [] : textsOf(entry, memberOf),
  })

  /** Groups that have this member. */
  async function havingMember(dn: string, user: string): Promise<FoundGroup[]> {
    const entries = await search.all(
      { base, scope, filter: template({ dn, user }), attributes },
      'for groups',
    )
    return entries.map(found)
  }

  /** Groups at these places, without those that this server may not see. */
  async function at(places: readonly string[]): Promise<FoundGroup[]> {
    const groups: FoundGroup[] = []
    for (const dn of places.filter((place) => isBelow(place, base)))
      groups.push(...(await remembered(`at ${dnKey(dn)}`, () => one(dn))))
    return groups
  }

  async function one(dn: string): Promise<FoundGroup[]> {
    const entry = await search.entry(dn, attributes, 'for a group')
    return entry === undefined ? [] : [found(entry)]
  }

  function remembered(key: string, look: () => Promise<FoundGroup[]>): Promise<FoundGroup[]> {
    let groups = known.get(key)
    if (groups === undefined) known.set(key, (groups = look()))
    return groups
  }

  const direct = (user: Entry, id: string): Promise<FoundGroup[]> =>
    memberOf === undefined ? havingMember(user.dn, id) : at(textsOf(user, memberOf))

  const above = (group: FoundGroup): Promise<FoundGroup[]> =>
    memberOf === undefined
      ? remembered(`above ${dnKey(group.dn)}`, () => havingMember(group.dn, nobody))
      : at(group.memberOf)

  const climbs = nested && !(memberOf === undefined && config.filter.includes(IN_CHAIN))
  return {
    direct,
    async groupsOf(user, id) {
      const all = new Map<string, FoundGroup>()
      let level = await direct(user, id)
      for (let depth = 0; level.length > 0 && depth < DEEPEST; depth++) {
        // Those met before are not met again: groups may be in each other.
        const fresh = level.filter(({ dn }) => !all.has(dnKey(dn)))
        for (const group of fresh) all.set(dnKey(group.dn), group)
        if (all.size > MOST)
          throw new ModsteadError(
            'directory_unavailable',
            `the directory has more than ${MOST} groups for one user`,
          )
        level = climbs ? (await Promise.all([...new Set(fresh)].map(above))).flat() : []
      }
      return [...new Set([...all.values()].flatMap(({ name }) => name ?? []))].sort()
    },
  }
}
