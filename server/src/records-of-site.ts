import type { TokenRecord, TokenRecords } from './access/tokens/access-tokens.ts'
import type { ApiRecords } from './http/api/endpoints.ts'
import type { Catalog } from './proxy/catalog.ts'
import type { Realm } from './proxy/store.ts'

/** Whose records they are. */
export interface RecordsOwner {
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  tenant?: string | undefined
  realm: Realm
}

/** What a site reads and changes of the catalog. */
export type SiteRecords = ApiRecords & TokenRecords

/** What is read of the catalog for it. */
export type CatalogRecords = Omit<SiteRecords, 'acts'> & Pick<Catalog, 'actsIn'>

interface Page {
  limit: number
  before?: string
}

/**
 * The records of the catalog that are this site's: its tokens, what was done in its realm, and incidents there and with
 * public modules. Those of others are as if they were not there, whoever knows their ids, and cost nothing to pass over.
 */
export function recordsOfSite({ tenant, realm }: RecordsOwner, records: CatalogRecords): SiteRecords {
  const seen: readonly Realm[] = realm === 'public' ? [realm] : [realm, 'public']
  // What is public is changed by whoever runs the server.
  const changed: readonly Realm[] = tenant === undefined ? seen : [realm]
  const isOurToken = (token: TokenRecord): boolean => token.tenant === tenant

  return {
    async token(id) {
      const token = await records.token(id)
      return token !== undefined && isOurToken(token) ? token : undefined
    },
    async tokens(options) {
      const last = options.before === undefined ? undefined : await records.token(options.before)
      if (last !== undefined && !isOurToken(last)) return []
      return records.tokens({ ...options, tenant: tenant ?? '' })
    },
    addToken: (token) => records.addToken(tenant === undefined ? token : { ...token, tenant }),
    async revokeToken(id, by) {
      const token = await records.token(id)
      return token !== undefined && isOurToken(token) ? records.revokeToken(id, by) : undefined
    },
    touchTokens: (uses) => records.touchTokens(uses),
    async incident(id) {
      const row = await records.incident(id)
      return row !== undefined && seen.includes(row.realm) ? row : undefined
    },
    incidents: (options) => newestOf(options, seen, (realm) => records.incidents({ ...options, realm })),
    async acknowledge(id, remark) {
      const row = await records.incident(id)
      return row !== undefined && changed.includes(row.realm) ? records.acknowledge(id, remark) : undefined
    },
    acts: (options) => newestOf(options, changed, (realm) => records.actsIn(realm, options)),
  }
}

/** A page of the rows of several realms, the newest first, as their ids tell. */
async function newestOf<Row extends { id: string }>(
  { limit }: Page,
  realms: readonly Realm[],
  read: (realm: Realm) => Promise<Row[]>,
): Promise<Row[]> {
  const pages = await Promise.all(realms.map(read))
  return pages
    .flat()
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit)
}
