/**
 * Compiles what kysely builds into plain SQL, when modstead is developed: `npm run docs` writes `sqlite-statements.ts`
 * with it. The server runs those statements and loads no query builder, which would take longer than all its own work
 * at a start.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Migration } from './migrate.ts'
import { type Engine, migrationsFor } from './migrations.ts'
import type { CompiledStatement } from './placeholder.ts'
import { compileReads } from './reads.ts'
import { compileWrites } from './writes.ts'
import type { Schema } from './schema.ts'

const SQLITE: Engine = { identityColumns: false, withoutRowid: true }

/** The text of `sqlite-statements.ts`. */
export async function sqliteStatements(): Promise<string> {
  const run: CompiledQuery[] = []
  // Nothing is executed: what a migration would run is noted, and its answers are empty.
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
    log: (event) => void run.push(event.query),
  })
  const migrations: Migration[] = []
  for (const [name, migration] of Object.entries(migrationsFor(SQLITE))) {
    await migration.up(db)
    migrations.push({ name, statements: run.splice(0).map(withoutValues) })
  }
  return `// Written by "npm run docs" from migrations.ts, reads.ts and writes.ts: edit those.
import type { Migration } from './migrate.ts'
import type { Reads } from './reads.ts'
import type { Writes } from './writes.ts'

/** All migrations in order. */
export const MIGRATIONS: readonly Migration[] = ${literal(migrations)}

export const READS: Reads = ${literal(compileReads(db))}

export const WRITES: Writes = ${literal(compileWrites(db))}
`
}

function withoutValues({ sql, parameters }: CompiledQuery): string {
  if (parameters.length === 0) return sql
  throw new TypeError(`a migration has its values in the statement itself, as sql.lit gives them: ${sql}`)
}

type Literal = string | readonly Literal[] | CompiledStatement<unknown> | { readonly [key: string]: Literal }

/** A value of texts, lists and objects as the formatter would write it, but for the width of lines. */
function literal(value: Literal | readonly Migration[] | object, indent = ''): string {
  if (typeof value === 'string') return `'${value.replace(/['\\]/g, '\\$&')}'`
  const within = `${indent}  `
  if (Array.isArray(value)) {
    const items = value.map((item: Literal) => literal(item, within))
    if (value.every((item) => typeof item === 'string' && item.length < 20)) return `[${items.join(', ')}]`
    return `[\n${items.map((item) => `${within}${item},\n`).join('')}${indent}]`
  }
  const fields = Object.entries(value).map(
    ([key, field]) => `${within}${key}: ${literal(field as Literal, within)},\n`,
  )
  return `{\n${fields.join('')}${indent}}`
}
