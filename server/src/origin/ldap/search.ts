import type { Entry, Filter } from 'ldapts'
import type { LdapScope } from '../../config/access/ldap.ts'
import { ModsteadError } from '../../errors.ts'
import type { Connections } from './connections.ts'
import { resultCode } from './failures.ts'

export interface Query {
  base: string
  scope: LdapScope
  filter: Filter
  attributes: readonly string[]
}

/** Searches whose results are entries; what refers to other servers is not followed. All throw `directory_unavailable`. */
export interface Search {
  /** All entries, page by page (RFC 2696). */
  all(query: Query, what: string): Promise<Entry[]>
  /** At most `most` of them. */
  some(query: Query, most: number, what: string): Promise<Entry[]>
  /** The entry at `dn`; `undefined` where there is none that this server may see. */
  entry(dn: string, attributes: readonly string[], what: string): Promise<Entry | undefined>
}

/** Entries of a page, and of all pages at most. */
const PAGE = 500
const MOST = 100_000

export function createSearch(connections: Connections, signal: AbortSignal): Search {
  return {
    all: ({ base, scope, filter, attributes }, what) =>
      connections.search(
        `searching ${base} ${what}`,
        async ({ client }) => {
          const entries: Entry[] = []
          const pages = client.searchPaginated(base, {
            scope,
            filter,
            attributes: [...attributes],
            paged: { pageSize: PAGE },
          })
          for await (const { searchEntries } of pages) {
            entries.push(...searchEntries)
            if (entries.length > MOST)
              throw new ModsteadError(
                'directory_unavailable',
                `the directory has more than ${MOST} entries below ${base} ${what}`,
              )
          }
          return entries
        },
        signal,
      ),
    some: ({ base, scope, filter, attributes }, most, what) =>
      connections.search(
        `searching ${base} ${what}`,
        async ({ client }) => {
          const options = { scope, filter, attributes: [...attributes], sizeLimit: most }
          return (await client.search(base, options)).searchEntries
        },
        signal,
      ),
    entry: (dn, attributes, what) =>
      connections.search(
        `reading ${dn} ${what}`,
        async ({ client }) => {
          try {
            const { searchEntries } = await client.search(dn, { scope: 'base', attributes: [...attributes] })
            return searchEntries[0]
          } catch (error) {
            if (resultCode(error) === NO_SUCH_OBJECT) return undefined
            throw error
          }
        },
        signal,
      ),
  }
}

const NO_SUCH_OBJECT = 32
