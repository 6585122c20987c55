import { type Kysely, sql } from 'kysely'
import { compileStatement, placeholder } from './placeholder.ts'
import type {
  ActsTable,
  AuthRecordsTable,
  DirectoryUsersTable,
  IncidentsTable,
  MarksTable,
  Schema,
  SnapshotsTable,
  PromotionsTable,
  TokensTable,
  VersionsTable,
} from './schema.ts'

import { AUTH_COLUMNS } from './auth-records.ts'
import { PROMOTION_COLUMNS } from './promotion-rows.ts'
import { DIRECTORY_USER_COLUMNS } from './directory-rows.ts'
import { TOKEN_COLUMNS } from './token-rows.ts'

export type Writes = ReturnType<typeof compileWrites>

/** What changes the catalog, and what has to be looked up for it. Values are named like the columns. */
export function compileWrites(db: Kysely<Schema>) {
  const more = (column: 'modules' | 'versions' | 'zip_bytes' | 'incidents' | 'open_incidents') =>
    sql<number>`${sql.ref(column)} + ${placeholder(column)}`
  return {
    module: compileStatement(
      db
        .selectFrom('modules')
        .select('id')
        .where('realm', '=', placeholder('realm'))
        .where('path', '=', placeholder('path')),
    ),
    addModule: compileStatement(
      db
        .insertInto('modules')
        .values(values<{ realm: string; path: string }>('realm', 'path'))
        .returning('id'),
    ),
    name: compileStatement(db.selectFrom('names').select('id').where('name', '=', placeholder('name'))),
    addName: compileStatement(
      db.insertInto('names').values(values<{ name: string }>('name')).returning('id'),
    ),
    /** Whether a module has any version. */
    anyVersion: compileStatement(
      db
        .selectFrom('versions')
        .select('module')
        .where('module', '=', placeholder('module'))
        .limit(sql.lit(1)),
    ),
    putVersion: compileStatement(
      db
        .insertInto('versions')
        .values(values<VersionsTable>('module', 'version', ...FACTS, 'first_seen', 'last_used'))
        .onConflict((conflict) =>
          conflict.columns(['module', 'version']).doUpdateSet((eb) => {
            return Object.fromEntries(FACTS.map((column) => [column, eb.ref(`excluded.${column}`)]))
          }),
        ),
    ),
    touch: compileStatement(
      db
        .updateTable('versions')
        .set({ last_used: placeholder('last_used') })
        .where('module', '=', placeholder('module'))
        .where('version', '=', placeholder('version'))
        .where('last_used', '<', placeholder('last_used')),
    ),
    markGone: compileStatement(
      db
        .updateTable('versions')
        .set({ gone: placeholder('gone') })
        .where('module', '=', placeholder('module'))
        .where('version', '=', placeholder('version')),
    ),
    putSnapshot: compileStatement(
      db
        .insertInto('snapshots')
        .values(values<SnapshotsTable>('module', 'query', ...ANSWER))
        .onConflict((conflict) =>
          conflict.columns(['module', 'query']).doUpdateSet((eb) => {
            return Object.fromEntries(ANSWER.map((column) => [column, eb.ref(`excluded.${column}`)]))
          }),
        ),
    ),
    sameIncident: compileStatement(
      MISMATCH.reduce(
        (query, column) => query.where(column, '=', placeholder(column)),
        db.selectFrom('incidents').selectAll(),
      ),
    ),
    lastIncident: compileStatement(
      db.selectFrom('incidents').select('id').orderBy('id', 'desc').limit(sql.lit(1)),
    ),
    addIncident: compileStatement(
      db
        .insertInto('incidents')
        .values(values<IncidentsTable>('id', 'at', 'outcome', ...MISMATCH, ...SIGHTINGS)),
    ),
    seenAgain: compileStatement(
      db
        .updateTable('incidents')
        .set({ count: sql<number>`${sql.ref('count')} + ${sql.lit(1)}`, last_at: placeholder('last_at') })
        .where('id', '=', placeholder('id')),
    ),
    acknowledge: compileStatement(
      db
        .updateTable('incidents')
        .set(values<Pick<IncidentsTable, (typeof ACKNOWLEDGEMENT)[number]>>(...ACKNOWLEDGEMENT))
        .where('id', '=', placeholder('id')),
    ),
    lastAct: compileStatement(db.selectFrom('acts').select('id').orderBy('id', 'desc').limit(sql.lit(1))),
    addAct: compileStatement(db.insertInto('acts').values(values<ActsTable>(...ACT))),
    endAct: compileStatement(
      db
        .updateTable('acts')
        .set({ outcome: placeholder('outcome') })
        .where('id', '=', placeholder('id')),
    ),
    putMark: compileStatement(
      db
        .insertInto('marks')
        .values(values<MarksTable>('module', 'version', 'published', 'deletion'))
        .onConflict((conflict) =>
          conflict.columns(['module', 'version']).doUpdateSet((eb) => ({
            published: eb.ref('excluded.published'),
            deletion: eb.ref('excluded.deletion'),
          })),
        ),
    ),
    lastPromotion: compileStatement(
      db.selectFrom('promotions').select('id').orderBy('id', 'desc').limit(sql.lit(1)),
    ),
    addPromotion: compileStatement(
      db.insertInto('promotions').values(values<PromotionsTable>(...PROMOTION_COLUMNS)),
    ),
    addToken: compileStatement(db.insertInto('tokens').values(values<TokensTable>(...TOKEN_COLUMNS))),
    revokeToken: compileStatement(
      db
        .updateTable('tokens')
        .set(values<Pick<TokensTable, 'revoked_at' | 'revoked_by'>>('revoked_at', 'revoked_by'))
        .where('id', '=', placeholder('id')),
    ),
    touchToken: compileStatement(
      db
        .updateTable('tokens')
        .set(values<Pick<TokensTable, 'last_used'>>('last_used'))
        .where('id', '=', placeholder('id')),
    ),
    addAuthRecord: compileStatement(
      db
        .insertInto('auth_records')
        .values(values<AuthRecordsTable>(...AUTH_COLUMNS))
        .onConflict((conflict) => conflict.doNothing())
        .returning('id'),
    ),
    changeAuthRecord: compileStatement(
      db
        .updateTable('auth_records')
        .set(
          values<Omit<AuthRecordsTable, 'scope' | 'kind' | 'id'>>('subject', 'body', 'expires', 'revision'),
        )
        .where('scope', '=', placeholder('scope'))
        .where('kind', '=', placeholder('kind'))
        .where('id', '=', placeholder('id'))
        .where('revision', '=', placeholder('read'))
        .returning('id'),
    ),
    removeAuthRecord: compileStatement(
      db
        .deleteFrom('auth_records')
        .where('scope', '=', placeholder('scope'))
        .where('kind', '=', placeholder('kind'))
        .where('id', '=', placeholder('id'))
        .returning('id'),
    ),
    sweepAuthRecords: compileStatement(
      db.deleteFrom('auth_records').where('expires', '<=', placeholder('until')),
    ),
    putDirectoryUser: compileStatement(
      db
        .insertInto('directory_users')
        .values(values<DirectoryUsersTable>(...DIRECTORY_USER_COLUMNS))
        .onConflict((conflict) =>
          conflict
            .columns(['tenant', 'id'])
            .doUpdateSet((eb) =>
              Object.fromEntries(
                DIRECTORY_USER_COLUMNS.map((column) => [column, eb.ref(`excluded.${column}`)]),
              ),
            ),
        ),
    ),
    dropDirectoryUser: compileStatement(
      db
        .deleteFrom('directory_users')
        .where('tenant', '=', placeholder('tenant'))
        .where('id', '=', placeholder('id')),
    ),
    addTotals: compileStatement(
      db
        .updateTable('totals')
        .set({
          modules: more('modules'),
          versions: more('versions'),
          zip_bytes: more('zip_bytes'),
          incidents: more('incidents'),
          open_incidents: more('open_incidents'),
        })
        .where('id', '=', sql.lit(1)),
    ),
  }
}

const FACTS = [
  ...(['h1', 'go_mod_h1', 'zip_size', 'zip_sha256', 'info', 'time', 'origin', 'proven_by'] as const),
  'git_commit' as const,
]
const ANSWER = ['body', 'fetched', 'changed', 'origin', 'etag', 'last_modified'] as const
const ACT = ['id', 'at', 'who', 'act', 'outcome', 'realm', 'module', 'version', 'h1', 'reason'] as const
/** What makes two incidents the same. */
const MISMATCH = ['module', 'version', 'realm', 'kind', 'source', 'expected', 'found'] as const

const SIGHTINGS = ['count', 'last_at'] as const
const ACKNOWLEDGEMENT = ['acknowledged_at', 'acknowledged_by', 'note'] as const

/** A row of placeholders, each named like its column. */
function values<Row>(...columns: (keyof Row & string)[]): Row {
  return Object.fromEntries(columns.map((column) => [column, placeholder(column)])) as Row
}
