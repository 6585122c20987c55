import type { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'

/** One step from an older schema to the next: statements that need no values and no answers. */
export interface Migration {
  name: string
  statements: readonly string[]
}

/**
 * Brings the tables up to date, each migration in a transaction of its own. Throws `data_folder` when the catalog has
 * been migrated by a newer modstead.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  const done = knownMigrations(database, migrations)
  for (const migration of migrations) if (!done.includes(migration.name)) run(database, migration)
}

/** The name of the first migration that is still to be run; `undefined` where all were. Throws as `migrate` does. */
export function pendingMigration(
  database: DatabaseSync,
  migrations: readonly Migration[],
): string | undefined {
  const done = knownMigrations(database, migrations)
  return migrations.find(({ name }) => !done.includes(name))?.name
}

function knownMigrations(database: DatabaseSync, migrations: readonly Migration[]): string[] {
  const done = executedMigrations(database)
  const unknown = done.find((name) => !migrations.some((migration) => migration.name === name))
  if (unknown !== undefined) {
    const message = `the catalog was written by a newer modstead: this one does not know its migration ${unknown}`
    throw new ModsteadError('data_folder', message, {
      next: 'Start the newer modstead that wrote it, or choose another folder with --data-dir.',
    })
  }
  return done
}

function run(database: DatabaseSync, { name, statements }: Migration): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(CREATE_TABLE)
    for (const statement of statements) database.exec(statement)
    database.prepare(`INSERT INTO ${TABLE} VALUES (?, ?)`).run(name, new Date().toISOString())
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function executedMigrations(database: DatabaseSync): string[] {
  const exists = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(TABLE)
  if (exists === undefined) return []
  return database
    .prepare(`SELECT name FROM ${TABLE}`)
    .all()
    .map(({ name }) => String(name))
}

/** Where the migrations that were run are noted, in the form of kysely's own migrator. */
const TABLE = 'kysely_migration'
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS ${TABLE} (name varchar(255) PRIMARY KEY NOT NULL, timestamp varchar(255) NOT NULL)`
