import { type Kysely, sql } from 'kysely'
import { compileStatement, placeholder } from './placeholder.ts'
import type { Schema } from './schema.ts'

export type Reads = ReturnType<typeof compileReads>

/** What is asked of the catalog. Values are named like the columns; `path` and `realm` are those of the module. */
export function compileReads(db: Kysely<Schema>) {
  const module = db
    .selectFrom('modules')
    .where('modules.realm', '=', placeholder('realm'))
    .where('modules.path', '=', placeholder('path'))
  const incidents = db.selectFrom('incidents').selectAll()
  const acts = db.selectFrom('acts').selectAll()
  const authRecords = db
    .selectFrom('auth_records')
    .selectAll()
    .where('scope', '=', placeholder('scope'))
    .where('kind', '=', placeholder('kind'))
  const page = { before: placeholder('before'), limit: placeholder('limit') }
  const incidentPage = (rows: typeof incidents) =>
    compileStatement(rows.where('id', '<', page.before).orderBy('id', 'desc').limit(page.limit))
  const incidentsIn = incidents.where('realm', '=', placeholder('realm'))
  const tokensBefore = db
    .selectFrom('tokens')
    .selectAll()
    .where((is) =>
      is.or([
        is('created', '<', placeholder('created')),
        is.and([is('created', '=', placeholder('created')), is('id', '<', placeholder('id'))]),
      ]),
    )
    .orderBy('created', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
  // As the index has it.
  const tokensInBefore = tokensBefore.where(
    sql<string>`coalesce(${sql.ref('tenant')}, '')`,
    '=',
    placeholder('tenant'),
  )
  return {
    version: compileStatement(
      module
        .innerJoin('versions', 'versions.module', 'modules.id')
        .where('versions.version', '=', placeholder('version'))
        .leftJoin('names as origins', 'origins.id', 'versions.origin')
        .leftJoin('names as databases', 'databases.id', 'versions.proven_by')
        .leftJoin('marks', (join) =>
          join.onRef('marks.module', '=', 'versions.module').onRef('marks.version', '=', 'versions.version'),
        )
        .leftJoin('acts', 'acts.id', 'marks.deletion')
        .select(['versions.h1', 'go_mod_h1', 'zip_size', 'zip_sha256', 'info', 'time'])
        .select(['first_seen', 'last_used', 'origins.name as origin', 'databases.name as proven_by'])
        .select(['git_commit', 'gone'])
        .select(['published', 'acts.at as deleted_at', 'acts.who as deleted_by', 'acts.reason']),
    ),
    marks: compileStatement(
      module
        .innerJoin('marks', 'marks.module', 'modules.id')
        .select(['marks.version', 'marks.published', 'marks.deletion']),
    ),
    act: compileStatement(acts.where('id', '=', placeholder('id'))),
    actsBefore: compileStatement(acts.where('id', '<', page.before).orderBy('id', 'desc').limit(page.limit)),
    actsInBefore: compileStatement(
      acts
        .where('realm', '=', placeholder('realm'))
        .where('id', '<', page.before)
        .orderBy('id', 'desc')
        .limit(page.limit),
    ),
    begunActsBefore: compileStatement(
      acts
        .where('outcome', '=', sql.lit('begun'))
        .where('id', '<', page.before)
        .orderBy('id', 'desc')
        .limit(page.limit),
    ),
    unfinishedActs: compileStatement(
      acts
        .where('outcome', '=', sql.lit('begun'))
        .where('realm', '=', placeholder('realm'))
        .where('module', '=', placeholder('path'))
        .orderBy('id'),
    ),
    traces: compileStatement(
      module
        .innerJoin('versions', 'versions.module', 'modules.id')
        .where((is) => is.or([is('git_commit', 'is not', null), is('gone', 'is not', null)]))
        .select(['version', 'git_commit', 'gone']),
    ),
    snapshot: compileStatement(
      module
        .innerJoin('snapshots', 'snapshots.module', 'modules.id')
        .where('snapshots.query', '=', placeholder('query'))
        .innerJoin('names', 'names.id', 'snapshots.origin')
        .select(['body', 'fetched', 'changed', 'names.name as origin', 'etag', 'last_modified']),
    ),
    incident: compileStatement(incidents.where('id', '=', placeholder('id'))),
    incidentsBefore: incidentPage(incidents),
    openIncidentsBefore: incidentPage(incidents.where('acknowledged_at', 'is', null)),
    acknowledgedIncidentsBefore: incidentPage(incidents.where('acknowledged_at', 'is not', null)),
    incidentsInBefore: incidentPage(incidentsIn),
    openIncidentsInBefore: incidentPage(incidentsIn.where('acknowledged_at', 'is', null)),
    acknowledgedIncidentsInBefore: incidentPage(incidentsIn.where('acknowledged_at', 'is not', null)),
    token: compileStatement(db.selectFrom('tokens').selectAll().where('id', '=', placeholder('id'))),
    tokenOwners: compileStatement(
      db
        .selectFrom('tokens')
        .select('owner')
        .distinct()
        .where('owner_kind', '=', sql.lit('user'))
        .where('revoked_at', 'is', null)
        .where(sql<string>`coalesce(${sql.ref('tenant')}, '')`, '=', placeholder('tenant')),
    ),
    directoryUsers: compileStatement(
      db.selectFrom('directory_users').selectAll().where('tenant', '=', placeholder('tenant')),
    ),
    tokens: compileStatement(db.selectFrom('tokens').selectAll().orderBy('created').orderBy('id')),
    tokensBefore: compileStatement(tokensBefore),
    zipBytes: compileStatement(
      db
        .selectFrom('modules')
        .where('modules.realm', '=', placeholder('realm'))
        .innerJoin('versions', 'versions.module', 'modules.id')
        .leftJoin('marks', (join) =>
          join.onRef('marks.module', '=', 'versions.module').onRef('marks.version', '=', 'versions.version'),
        )
        .where('marks.deletion', 'is', null)
        .select((eb) => eb.fn.sum<number | null>('versions.zip_size').as('bytes')),
    ),
    promoted: compileStatement(
      db
        .selectFrom('promotions')
        .selectAll()
        .where('tenant', '=', placeholder('tenant'))
        .where('module', '=', placeholder('module'))
        .orderBy('id', 'desc')
        .limit(sql.lit(1)),
    ),
    promotionsBefore: compileStatement(
      db
        .selectFrom('promotions')
        .selectAll()
        .where('tenant', '=', placeholder('tenant'))
        .where('id', '<', placeholder('before'))
        .orderBy('id', 'desc')
        .limit(placeholder('limit')),
    ),
    tokensOfBefore: compileStatement(
      tokensBefore
        .where('owner_kind', '=', placeholder('owner_kind'))
        .where('owner', '=', placeholder('owner')),
    ),
    tokensInBefore: compileStatement(tokensInBefore),
    tokensOfInBefore: compileStatement(
      tokensInBefore
        .where('owner_kind', '=', placeholder('owner_kind'))
        .where('owner', '=', placeholder('owner')),
    ),
    authRecord: compileStatement(authRecords.where('id', '=', placeholder('id'))),
    authRecords: compileStatement(
      authRecords
        .where('expires', '>', placeholder('after'))
        .orderBy('expires')
        .orderBy('id')
        .limit(sql.lit(1000)),
    ),
    authRecordsOf: compileStatement(
      authRecords
        .where('expires', '>', placeholder('after'))
        .where('subject', '=', placeholder('subject'))
        .orderBy('expires')
        .orderBy('id')
        .limit(sql.lit(1000)),
    ),
    totals: compileStatement(
      db
        .selectFrom('totals')
        .select(['modules', 'versions', 'zip_bytes', 'incidents', 'open_incidents'])
        .where('id', '=', sql.lit(1)),
    ),
  }
}
