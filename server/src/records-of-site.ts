import type { TokenRecord, TokenRecords } from './access/tokens/access-tokens.ts'
import type { ApiRecords } from './http/api/endpoints.ts'
import type { ActRow, IncidentRow } from './proxy/catalog.ts'
import type { Realm } from './proxy/store.ts'

/** Whose records they are. */
export interface RecordsOwner {
  /** The name of the tenant; absent for the site that is nobody's in particular. */
  tenant?: string | undefined
  realm: Realm
}

/** What a site reads and changes of the catalog. */
export type SiteRecords = ApiRecords & TokenRecords

/** Rows read at once while those of others are passed over. */
const PAGE = 200

/**
 * The records of the catalog that are this site's: its tokens, what was done in its realm, and incidents there and with
 * public modules. Those of others are as if they were not there, whoever knows their ids.
 */
export function recordsOfSite({ tenant, realm }: RecordsOwner, records: SiteRecords): SiteRecords {
  const isOurToken = (token: TokenRecord): boolean => token.tenant === tenant
  // What is public is changed by whoever runs the server.
  const isInRealm = (row: { realm: Realm }): boolean =>
    row.realm === realm || (tenant === undefined && row.realm === 'public')
  const isSeen = (row: { realm: Realm }): boolean => row.realm === realm || row.realm === 'public'

  return {
    async token(id) {
      const token = await records.token(id)
      return token !== undefined && isOurToken(token) ? token : undefined
    },
    async tokens(options) {
      const last = options.before === undefined ? undefined : await records.token(options.before)
      if (last !== undefined && !isOurToken(last)) return []
      return pageOf(options, isOurToken, (page) => records.tokens({ ...options, ...page }))
    },
    addToken: (token) => records.addToken(tenant === undefined ? token : { ...token, tenant }),
    async revokeToken(id, by) {
      const token = await records.token(id)
      return token !== undefined && isOurToken(token) ? records.revokeToken(id, by) : undefined
    },
    touchTokens: (uses) => records.touchTokens(uses),
    async incident(id) {
      const row = await records.incident(id)
      return row !== undefined && isSeen(row) ? row : undefined
    },
    incidents: (options) =>
      pageOf<IncidentRow>(options, isSeen, (page) => records.incidents({ ...options, ...page })),
    async acknowledge(id, remark) {
      const row = await records.incident(id)
      return row !== undefined && isInRealm(row) ? records.acknowledge(id, remark) : undefined
    },
    acts: (options) => pageOf<ActRow>(options, isInRealm, (page) => records.acts({ ...options, ...page })),
  }
}

/** A page of the rows that are kept, made of as many pages as it takes. */
async function pageOf<Row extends { id: string }>(
  { limit, before }: { limit: number; before?: string },
  isKept: (row: Row) => boolean,
  read: (page: { limit: number; before?: string }) => Promise<Row[]>,
): Promise<Row[]> {
  const found: Row[] = []
  let last = before
  for (;;) {
    const rows = await read({ limit: PAGE, ...(last !== undefined && { before: last }) })
    for (const row of rows) if (isKept(row) && found.length < limit) found.push(row)
    if (found.length >= limit || rows.length < PAGE) return found
    last = rows.at(-1)!.id
  }
}
