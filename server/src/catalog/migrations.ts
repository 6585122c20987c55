import { type ColumnDefinitionBuilder, type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Schema } from './schema.ts'

/** How the engines differ where a table is made. */
export interface Engine {
  /** SQLite numbers the rows of an `integer primary key` by itself; elsewhere the column must say so. */
  identityColumns: boolean
  /** Whether a table can be its own primary key: half the size, and one look-up less. */
  withoutRowid: boolean
}

/**
 * All migrations in order. A name is never changed nor used again, and what it does neither, once it was released: a
 * data folder out there has seen it. They run as compiled by compile.ts: statements with their values in them, as
 * `sql.lit` writes them, which read nothing and decide nothing.
 */
export function migrationsFor(engine: Engine): Record<string, Migration> {
  const clustered = <T extends string, C extends string>(table: CreateTableBuilder<T, C>) =>
    engine.withoutRowid ? table.modifyEnd(sql`without rowid`) : table
  const numbered = (table: string, db: Kysely<Schema>) =>
    db.schema.createTable(table).addColumn('id', 'integer', (column) => {
      return engine.identityColumns ? column.primaryKey().generatedAlwaysAsIdentity() : column.primaryKey()
    })

  return {
    '001_modules': {
      async up(db: Kysely<Schema>) {
        await numbered('names', db)
          .addColumn('name', 'text', notNull)
          .addUniqueConstraint('names_key', ['name'])
          .execute()
        await numbered('modules', db)
          .addColumn('realm', 'text', notNull)
          .addColumn('path', 'text', notNull)
          .addUniqueConstraint('modules_key', ['realm', 'path'])
          .execute()
        await clustered(
          db.schema
            .createTable('versions')
            .addColumn('module', 'integer', notNull)
            .addColumn('version', 'text', notNull)
            .addColumn('h1', 'bytea')
            .addColumn('go_mod_h1', 'bytea')
            .addColumn('zip_size', 'bigint')
            .addColumn('zip_sha256', 'bytea')
            .addColumn('info', 'smallint', notNull)
            .addColumn('time', 'text')
            .addColumn('origin', 'integer')
            .addColumn('proven_by', 'integer')
            .addColumn('first_seen', 'bigint', notNull)
            .addColumn('last_used', 'bigint', notNull)
            .addPrimaryKeyConstraint('versions_key', ['module', 'version']),
        ).execute()
        await db.schema
          .createTable('snapshots')
          .addColumn('module', 'integer', notNull)
          .addColumn('query', 'text', notNull)
          .addColumn('body', 'bytea', notNull)
          .addColumn('fetched', 'bigint', notNull)
          .addColumn('changed', 'bigint', notNull)
          .addColumn('origin', 'integer', notNull)
          .addColumn('etag', 'text')
          .addColumn('last_modified', 'text')
          .addUniqueConstraint('snapshots_key', ['module', 'query'])
          .execute()
        await db.schema
          .createTable('incidents')
          .addColumn('id', 'text', (column) => column.primaryKey())
          .addColumn('at', 'bigint', notNull)
          .addColumn('kind', 'text', notNull)
          .addColumn('realm', 'text', notNull)
          .addColumn('module', 'text', notNull)
          .addColumn('version', 'text', notNull)
          .addColumn('source', 'text', notNull)
          .addColumn('expected', 'text', notNull)
          .addColumn('found', 'text', notNull)
          .addColumn('outcome', 'text', notNull)
          .addUniqueConstraint('incidents_same', MISMATCH)
          .execute()
        await db.schema
          .createTable('totals')
          .addColumn('id', 'integer', (column) => column.primaryKey())
          .addColumn('modules', 'bigint', notNull)
          .addColumn('versions', 'bigint', notNull)
          .addColumn('zip_bytes', 'bigint', notNull)
          .addColumn('incidents', 'bigint', notNull)
          .execute()
        await db
          .insertInto('totals')
          .values({ id: sql.lit(1), modules: ZERO, versions: ZERO, zip_bytes: ZERO, incidents: ZERO })
          .execute()
      },
    },
    '002_commits': {
      async up(db: Kysely<Schema>) {
        await db.schema.alterTable('versions').addColumn('git_commit', 'bytea').execute()
        await db.schema.alterTable('versions').addColumn('gone', 'bigint').execute()
      },
    },
    '003_acts': {
      async up(db: Kysely<Schema>) {
        await db.schema
          .createTable('acts')
          .addColumn('id', 'text', (column) => column.primaryKey())
          .addColumn('at', 'bigint', notNull)
          .addColumn('who', 'text', notNull)
          .addColumn('act', 'text', notNull)
          .addColumn('outcome', 'text', notNull)
          .addColumn('realm', 'text', notNull)
          .addColumn('module', 'text', notNull)
          .addColumn('version', 'text', notNull)
          .addColumn('h1', 'text')
          .addColumn('reason', 'text')
          .execute()
        await db.schema.createIndex('acts_outcome').on('acts').columns(['outcome', 'id']).execute()
        await clustered(
          db.schema
            .createTable('marks')
            .addColumn('module', 'integer', notNull)
            .addColumn('version', 'text', notNull)
            .addColumn('published', 'smallint', notNull)
            .addColumn('deletion', 'text')
            .addPrimaryKeyConstraint('marks_key', ['module', 'version']),
        ).execute()
      },
    },
    '004_acknowledgements': {
      async up(db: Kysely<Schema>) {
        const counted = (start: number) => (column: ColumnDefinitionBuilder) =>
          column.notNull().defaultTo(sql.lit(start))
        const alter = db.schema.alterTable('incidents')
        await alter.addColumn('count', 'bigint', counted(1)).execute()
        await alter.addColumn('last_at', 'bigint', counted(0)).execute()
        await alter.addColumn('acknowledged_at', 'bigint').execute()
        await alter.addColumn('acknowledged_by', 'text').execute()
        await alter.addColumn('note', 'text').execute()
        await db
          .updateTable('incidents')
          .set((eb) => ({ last_at: eb.ref('at') }))
          .execute()
        await db.schema
          .createIndex('incidents_open')
          .on('incidents')
          .column('id')
          .where(sql.ref('acknowledged_at'), 'is', null)
          .execute()
        await db.schema.alterTable('totals').addColumn('open_incidents', 'bigint', counted(0)).execute()
        await db
          .updateTable('totals')
          .set((eb) => ({ open_incidents: eb.ref('incidents') }))
          .execute()
      },
    },
    '005_tokens': {
      async up(db: Kysely<Schema>) {
        await clustered(
          db.schema
            .createTable('tokens')
            .addColumn('id', 'text', notNull)
            .addColumn('hash', 'bytea', notNull)
            .addColumn('owner_kind', 'text', notNull)
            .addColumn('owner', 'text', notNull)
            .addColumn('note', 'text', notNull)
            .addColumn('permissions', 'text')
            .addColumn('modules', 'text')
            .addColumn('created', 'bigint', notNull)
            .addColumn('expires', 'bigint')
            .addColumn('last_used', 'bigint')
            .addColumn('revoked_at', 'bigint')
            .addColumn('revoked_by', 'text')
            .addPrimaryKeyConstraint('tokens_key', ['id']),
        ).execute()
      },
    },
    '006_auth_records': {
      async up(db: Kysely<Schema>) {
        await clustered(
          db.schema
            .createTable('auth_records')
            .addColumn('scope', 'text', notNull)
            .addColumn('kind', 'text', notNull)
            .addColumn('id', 'text', notNull)
            .addColumn('subject', 'text')
            .addColumn('body', 'text', notNull)
            .addColumn('expires', 'bigint', notNull)
            .addColumn('revision', 'bigint', notNull)
            .addPrimaryKeyConstraint('auth_records_key', ['scope', 'kind', 'id']),
        ).execute()
        await db.schema
          .createIndex('auth_records_subject')
          .on('auth_records')
          .columns(['scope', 'kind', 'subject'])
          .execute()
        await db.schema.createIndex('auth_records_expires').on('auth_records').column('expires').execute()
      },
    },
    '007_directory_users': {
      async up(db: Kysely<Schema>) {
        await clustered(
          db.schema
            .createTable('directory_users')
            .addColumn('tenant', 'text', notNull)
            .addColumn('id', 'text', notNull)
            .addColumn('state', 'text', notNull)
            .addColumn('groups', 'text', notNull)
            .addColumn('claims', 'text', notNull)
            .addColumn('checked', 'bigint', notNull)
            .addColumn('seen', 'bigint', notNull)
            .addPrimaryKeyConstraint('directory_users_key', ['tenant', 'id']),
        ).execute()
      },
    },
    '008_tenants': {
      async up(db: Kysely<Schema>) {
        await db.schema.alterTable('tokens').addColumn('tenant', 'text').execute()
        await clustered(
          db.schema
            .createTable('promotions')
            .addColumn('id', 'text', notNull)
            .addColumn('at', 'bigint', notNull)
            .addColumn('who', 'text', notNull)
            .addColumn('tenant', 'text', notNull)
            .addColumn('module', 'text', notNull)
            .addColumn('version', 'text', notNull)
            .addColumn('note', 'text', notNull)
            .addPrimaryKeyConstraint('promotions_key', ['id']),
        ).execute()
        await db.schema
          .createIndex('promotions_module')
          .on('promotions')
          .columns(['tenant', 'module', 'id'])
          .execute()
      },
    },
    '009_realms': {
      async up(db: Kysely<Schema>) {
        const inRealm = ['realm', 'id'] as const
        await db.schema
          .createIndex('acts_realm')
          .on('acts')
          .columns([...inRealm])
          .execute()
        await db.schema
          .createIndex('incidents_realm')
          .on('incidents')
          .columns([...inRealm])
          .execute()
        await db.schema
          .createIndex('incidents_realm_open')
          .on('incidents')
          .columns([...inRealm])
          .where(sql.ref('acknowledged_at'), 'is', null)
          .execute()
        await db.schema
          .createIndex('tokens_tenant')
          .on('tokens')
          .expression(sql`coalesce(${sql.ref('tenant')}, ''), ${sql.ref('created')}, ${sql.ref('id')}`)
          .execute()
      },
    },
  }
}

const ZERO = sql.lit(0)

const notNull = <T extends { notNull(): T }>(column: T): T => column.notNull()

const MISMATCH = [
  'module',
  'version',
  'realm',
  'kind',
  'source',
  'expected',
  'found',
] satisfies (keyof Schema['incidents'])[]
