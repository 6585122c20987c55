import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { AuthKey, AuthQuery, AuthRecord } from '../access/issued/records.ts'
import type { TokenRecord } from '../access/tokens/access-tokens.ts'
import { ModsteadError } from '../errors.ts'
import type { ActRow, IncidentRow, IncidentsOptions, Remark } from '../proxy/catalog.ts'
import type { Promotion, PromotionRow } from '../proxy/promotions.ts'
import { createWriteApplier, type Write, type WriteResult } from './apply-writes.ts'
import { readAuthRecords } from './auth-records.ts'
import { openForWriting } from './catalog-database.ts'
import { pendingMigration } from './migrate.ts'
import { readIncidents } from './read-incidents.ts'
import { decodePromotion } from './promotion-rows.ts'
import { MAX_ACT_ID, MAX_PROMOTION_ID } from './record-ids.ts'
import { decodeAct, decodeIncident } from './rows.ts'
import { catalogError } from './sqlite-errors.ts'
import { MIGRATIONS, READS, WRITES } from './sqlite-statements.ts'
import { prepareAll } from './statement.ts'
import { decodeToken } from './token-rows.ts'

/** How long another program may hold the catalog. Milliseconds. */
const PATIENCE = 5_000

/** The records of a catalog that belongs to another process, for commands on the same machine. */
export interface CatalogBeside {
  incident(id: string): IncidentRow | undefined
  /** Newest first. */
  incidents(options: IncidentsOptions): IncidentRow[]
  /** As `Catalog.acknowledge`: on the disk when it returns. */
  acknowledge(id: string, remark: Remark): IncidentRow | undefined
  /** What was published and deleted, newest first: at most `limit`, of those before the act with the id `before`. */
  acts(options: { limit: number; before?: string }): ActRow[]
  /** Both as in `PromotionRecords`: a promotion is on the disk when it returns. */
  promote(promotion: Promotion): PromotionRow
  promotions(options: { tenant: string; limit: number; before?: string }): PromotionRow[]
  /** The tokens that were issued, the oldest first. */
  tokens(): TokenRecord[]
  /** Both are on the disk when they return. The first revocation holds; `undefined` where there is no such token. */
  addToken(token: TokenRecord): void
  revokeToken(id: string, by: string): TokenRecord | undefined
  /** As `AuthRecords.authRecords`, and as `removeAuthRecord`: gone from the disk when it returns. */
  authRecords(of: AuthQuery): AuthRecord[]
  removeAuthRecord(key: AuthKey): boolean
}

/**
 * The records in the SQLite file at `path`, whether a server has it open or not: nothing is created or migrated, and
 * only `acknowledge`, `promote`, `addToken`, `revokeToken` and `removeAuthRecord` write. Every call opens the file for itself.
 *
 * Each throws `data_folder` where there is no catalog, or one of an older or newer modstead, and `store_unavailable`
 * for a failing disk, a damaged file, or one that another program holds for more than five seconds.
 */
export function openCatalogBeside(path: string): CatalogBeside {
  function using<T>(doing: string, open: () => DatabaseSync, work: (database: DatabaseSync) => T): T {
    if (!existsSync(path))
      throw new ModsteadError('data_folder', `there is no catalog at ${path}`, {
        next: 'Name the data folder of a modstead with --data-dir, or its configuration with --config.',
      })
    try {
      const database = open()
      try {
        refuseOlder(database, path)
        return work(database)
      } finally {
        database.close()
      }
    } catch (error) {
      throw catalogError(error, doing)
    }
  }

  const reading = <T>(work: (database: DatabaseSync) => T): T =>
    using('read its catalog', () => new DatabaseSync(path, { readOnly: true, timeout: PATIENCE }), work)

  const write = (write: Write): WriteResult =>
    using(
      'write to its catalog',
      () => openForWriting(path),
      (database) => {
        const apply = createWriteApplier(database, { reads: READS, writes: WRITES })
        const [outcome] = apply([write], Date.now())
        if (outcome === undefined) throw new TypeError('a write has an outcome')
        if ('error' in outcome) throw outcome.error
        return outcome.result
      },
    )

  return {
    incident: (id) =>
      reading((database) => {
        const row = prepareAll(database, { incident: READS.incident }).incident.get({ id })
        return row && decodeIncident(row)
      }),
    incidents: (options) =>
      reading((database) => {
        const { incidentsBefore, openIncidentsBefore, acknowledgedIncidentsBefore } = READS
        const { incidentsInBefore, openIncidentsInBefore, acknowledgedIncidentsInBefore } = READS
        const everywhere = { incidentsBefore, openIncidentsBefore, acknowledgedIncidentsBefore }
        const inRealm = { incidentsInBefore, openIncidentsInBefore, acknowledgedIncidentsInBefore }
        return readIncidents(prepareAll(database, { ...everywhere, ...inRealm }), options)
      }),
    acknowledge(id, remark) {
      const result = write({ kind: 'acknowledge', id, remark })
      if (result !== undefined && !('kind' in result))
        throw new TypeError('an acknowledgement gives an incident')
      return result
    },
    promote(promotion) {
      const result = write({ kind: 'promote', promotion })
      if (result === undefined || !('tenant' in result && 'note' in result && 'at' in result))
        throw new TypeError('a promotion gives its row')
      return result
    },
    promotions: ({ tenant, limit, before = MAX_PROMOTION_ID }) =>
      reading((database) => {
        const { promotionsBefore } = prepareAll(database, { promotionsBefore: READS.promotionsBefore })
        return promotionsBefore.all({ tenant, limit, before }).map(decodePromotion)
      }),
    tokens: () =>
      reading((database) => prepareAll(database, { tokens: READS.tokens }).tokens.all({}).map(decodeToken)),
    addToken: (token) => void write({ kind: 'addToken', token }),
    revokeToken(id, by) {
      const result = write({ kind: 'revokeToken', id, by })
      if (result !== undefined && !('owner' in result)) throw new TypeError('a revocation gives a token')
      return result
    },
    authRecords: (of) =>
      reading((database) => {
        const { authRecords, authRecordsOf } = READS
        return readAuthRecords(prepareAll(database, { authRecords, authRecordsOf }), of)
      }),
    removeAuthRecord({ scope, kind, id }) {
      const result = write({ kind: 'removeAuthRecord', scope, record: kind, id })
      return result !== undefined && 'changed' in result && result.changed
    },
    acts: ({ limit, before = MAX_ACT_ID }) =>
      reading((database) => {
        const { actsBefore } = prepareAll(database, { actsBefore: READS.actsBefore })
        return actsBefore.all({ limit, before }).map(decodeAct)
      }),
  }
}

/** The tables are those of the statements: whoever runs the server brings them up to date, and nobody beside it. */
function refuseOlder(database: DatabaseSync, path: string): void {
  if (pendingMigration(database, MIGRATIONS) === undefined) return
  throw new ModsteadError('data_folder', `the catalog ${path} was written by an older modstead`, {
    next: 'Start this modstead on that folder once: it brings the catalog up to date.',
  })
}
