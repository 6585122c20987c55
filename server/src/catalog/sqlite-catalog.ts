import { DatabaseSync } from 'node:sqlite'
import type { AuthRecords } from '../access/issued/records.ts'
import type { DirectoryRecords } from '../access/ldap/known-users.ts'
import type { TokenRecords } from '../access/tokens/access-tokens.ts'
import { workerUrl } from '../observe/worker-url.ts'
import type { Observer } from '../observe/observer.ts'
import type { Catalog } from '../proxy/catalog.ts'
import type { PromotionRecords } from '../proxy/promotions.ts'
import type { QuotaRecords } from '../proxy/quotas.ts'
import { createAuthRecords } from './auth-records.ts'
import { prepareCatalog } from './catalog-database.ts'
import { decodeDirectoryUser } from './directory-rows.ts'
import { addFacts } from './facts.ts'
import { readIncidents } from './read-incidents.ts'
import { decodePromotion } from './promotion-rows.ts'
import { MAX_ACT_ID, MAX_PROMOTION_ID } from './record-ids.ts'
import { decodeAct, decodeIncident, decodeMark, decodeSnapshot, decodeTrace, decodeVersion } from './rows.ts'
import { catalogError } from './sqlite-errors.ts'
import { READS } from './sqlite-statements.ts'
import { prepareAll } from './statement.ts'
import { decodeToken } from './token-rows.ts'
import { createWriter } from './writer.ts'

export interface SqliteCatalogOptions {
  observer: Observer
}

/**
 * The catalog in a SQLite file, which is created or migrated as needed. Reads run at once in this thread and take
 * microseconds; writes go through one writer in a thread of its own, and are on the disk when they settle.
 * Throws `data_folder` when the file was written by a newer modstead or is damaged, `store_unavailable` when its disk
 * fails.
 */
export async function openSqliteCatalog(
  path: string,
  { observer }: SqliteCatalogOptions,
): Promise<Catalog & TokenRecords & AuthRecords & DirectoryRecords & PromotionRecords & QuotaRecords> {
  const file = new URL(workerUrl(import.meta.url, './writer-worker.ts'))
  prepareCatalog(path)
  const database = openForReading(path)
  const reads = prepareAll(database, READS)
  const writer = createWriter({ path, file, log: observer.log })
  let closed: Promise<void> | undefined

  /** Reads are asynchronous in the interface only: they look at once, and throw what the medium says. */
  function read<T>(look: () => T): T {
    try {
      return look()
    } catch (error) {
      throw catalogError(error, 'read its catalog')
    }
  }

  /** Who asks for a module will soon have something to write. A start that nobody asks yet is spared the thread. */
  function readForClient<T>(look: () => T): T {
    writer.wake()
    return read(look)
  }

  const version = (realm: string, path: string, version: string) =>
    readForClient(() => {
      const row = reads.version.get({ realm, path, version })
      return row && decodeVersion(row)
    })

  return {
    version: async (realm, module, name) => version(realm, module, name),
    async learn(realm, module, name, facts) {
      // Most of what is learnt is known, which costs no write. The writer compares again: it has the last word.
      const known = version(realm, module, name)
      if (known !== undefined && addFacts(known, facts, `${module}@${name}`) === undefined) return
      await writer.write({ kind: 'learn', realm, module, version: name, facts })
    },
    async touch(uses) {
      if (uses.length > 0) await writer.write({ kind: 'touch', uses })
    },
    traces: async (realm, module) =>
      read(
        () =>
          new Map(reads.traces.all({ realm, path: module }).map((row) => [row.version, decodeTrace(row)])),
      ),
    async markGone(realm, module, { gone, back }) {
      if (gone.length + back.length > 0) await writer.write({ kind: 'markGone', realm, module, gone, back })
    },
    snapshot: async (realm, module, query) =>
      readForClient(() => {
        const row = reads.snapshot.get({ realm, path: module, query })
        return row && decodeSnapshot(row)
      }),
    async saveSnapshot(realm, module, query, snapshot) {
      // A copy of its own: a slice of a larger buffer would take all of that along to the other thread.
      const body = Buffer.from(new Uint8Array(snapshot.body).buffer)
      await writer.write({ kind: 'saveSnapshot', realm, module, query, snapshot: { ...snapshot, body } })
    },
    async report(incident) {
      const row = await writer.write({ kind: 'report', incident })
      if (row === undefined || !('kind' in row)) throw new TypeError('a report gives the row of its incident')
      return row
    },
    async acknowledge(id, remark) {
      const row = await writer.write({ kind: 'acknowledge', id, remark })
      if (row !== undefined && !('kind' in row)) throw new TypeError('an acknowledgement gives an incident')
      return row
    },
    incident: async (id) =>
      read(() => {
        const row = reads.incident.get({ id })
        return row && decodeIncident(row)
      }),
    incidents: async (options) => read(() => readIncidents(reads, options)),
    async begin(act) {
      const row = await writer.write({ kind: 'begin', act })
      if (row === undefined || !('act' in row)) throw new TypeError('beginning an act gives its row')
      return row
    },
    async end(id, outcome, facts) {
      await writer.write({ kind: 'end', id, outcome, facts })
    },
    acts: async ({ limit, before = MAX_ACT_ID, begun = false }) =>
      read(() => (begun ? reads.begunActsBefore : reads.actsBefore).all({ limit, before }).map(decodeAct)),
    actsIn: async (realm, { limit, before = MAX_ACT_ID }) =>
      read(() => reads.actsInBefore.all({ realm, limit, before }).map(decodeAct)),
    unfinished: async (realm, module) =>
      read(() => reads.unfinishedActs.all({ realm, path: module }).map(decodeAct)),
    marks: async (realm, module) => read(() => reads.marks.all({ realm, path: module }).map(decodeMark)),
    token: async (id) =>
      read(() => {
        const row = reads.token.get({ id })
        return row && decodeToken(row)
      }),
    tokens: async ({ limit, before, owner, tenant }) =>
      read(() => {
        const last = before === undefined ? NEWEST : reads.token.get({ id: before })
        if (last === undefined) return []
        const page = { limit, created: last.created, id: last.id }
        const of = owner && { owner_kind: owner.kind, owner: owner.name }
        const rows =
          tenant === undefined
            ? of === undefined
              ? reads.tokensBefore.all(page)
              : reads.tokensOfBefore.all({ ...page, ...of })
            : of === undefined
              ? reads.tokensInBefore.all({ ...page, tenant })
              : reads.tokensOfInBefore.all({ ...page, ...of, tenant })
        return rows.map(decodeToken)
      }),
    async addToken(token) {
      await writer.write({ kind: 'addToken', token })
    },
    async revokeToken(id, by) {
      const record = await writer.write({ kind: 'revokeToken', id, by })
      if (record !== undefined && !('owner' in record)) throw new TypeError('a revocation gives a token')
      return record
    },
    async touchTokens(uses) {
      await writer.write({ kind: 'touchTokens', uses })
    },
    async promote(promotion) {
      const row = await writer.write({ kind: 'promote', promotion })
      if (row === undefined || !('tenant' in row && 'note' in row && 'at' in row))
        throw new TypeError('a promotion gives its row')
      return row
    },
    zipBytes: async (realm) => read(() => reads.zipBytes.get({ realm })?.bytes ?? 0),
    promoted: async (tenant, module) =>
      read(() => {
        const row = reads.promoted.get({ tenant, module })
        return row && decodePromotion(row)
      }),
    promotions: async ({ tenant, limit, before = MAX_PROMOTION_ID }) =>
      read(() => reads.promotionsBefore.all({ tenant, limit, before }).map(decodePromotion)),
    ...createAuthRecords({ reads, read, write: (write) => writer.write(write) }),
    directoryUsers: async (tenant) =>
      read(() => reads.directoryUsers.all({ tenant }).map(decodeDirectoryUser)),
    // Tokens belong to no tenant by now.
    tokenOwners: async (tenant) => read(() => reads.tokenOwners.all({ tenant }).map(({ owner }) => owner)),
    async saveDirectoryUsers(tenant, users, forgotten) {
      if (users.length + forgotten.length > 0)
        await writer.write({ kind: 'saveDirectoryUsers', tenant, users, forgotten })
    },
    totals: async () =>
      read(() => {
        const { zip_bytes: zipBytes, open_incidents: openIncidents, ...rest } = reads.totals.get({})!
        return { ...rest, zipBytes, openIncidents }
      }),
    close() {
      closed ??= close()
      return closed
    },
  }

  async function close(): Promise<void> {
    await writer.flush()
    // Before the writer, for the last to close folds the write-ahead log into the file, and this one may not write.
    database.close()
    await writer.close()
  }
}

/** What stands before the first token of a list that begins with the newest. */
const NEWEST = { created: Number.MAX_SAFE_INTEGER, id: '' }

function openForReading(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 })
    database.exec('PRAGMA cache_size = -8000')
    return database
  } catch (error) {
    throw catalogError(error, 'open its catalog')
  }
}
