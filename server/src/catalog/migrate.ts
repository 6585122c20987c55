import type { Kysely } from 'kysely'
import { Migrator } from 'kysely/migration'
import { ModsteadError } from '../errors.ts'
import { type Engine, migrationsFor } from './migrations.ts'
import type { Schema } from './schema.ts'

/**
 * Brings the tables up to date, each migration in a transaction of its own. Throws `data_folder` when the catalog has
 * been migrated by a newer modstead.
 */
export async function migrate(db: Kysely<Schema>, engine: Engine): Promise<void> {
  const migrations = migrationsFor(engine)
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })
  const done = await executedMigrations(db)
  const unknown = done.find((name) => !(name in migrations))
  if (unknown !== undefined) {
    const message = `the catalog was written by a newer modstead: this one does not know its migration ${unknown}`
    throw new ModsteadError('data_folder', message, {
      next: 'Start the newer modstead that wrote it, or choose another folder with --data-dir.',
    })
  }
  if (done.length === Object.keys(migrations).length) return
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

async function executedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === TABLE)) return []
  const rows = await db.withTables<{ [TABLE]: { name: string } }>().selectFrom(TABLE).select('name').execute()
  return rows.map(({ name }) => name)
}

/** Where kysely notes the migrations that were run. */
const TABLE = 'kysely_migration'
