import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { CompiledStatement } from './placeholder.ts'

/** Values of a statement by the names of its placeholders. Throws on a value that is missing: a defect. */
export type Values = Record<string, SQLInputValue>

/** A prepared statement that takes its values by name and gives rows of the compiled query's type. */
export interface Statement<Row> {
  get(values: Values): Row | undefined
  all(values: Values): Row[]
  run(values: Values): void
}

export function prepareStatement<Row>(
  database: DatabaseSync,
  compiled: CompiledStatement<Row>,
): Statement<Row> {
  const { sql, names } = compiled
  const statement = database.prepare(sql)
  const inOrder = (values: Values): SQLInputValue[] =>
    names.map((name) => {
      const value = values[name]
      if (value === undefined) throw new TypeError(`no value for ${name} in: ${sql}`)
      return value
    })
  return {
    get: (values) => statement.get(...inOrder(values)) as Row | undefined,
    all: (values) => statement.all(...inOrder(values)) as Row[],
    run: (values) => void statement.run(...inOrder(values)),
  }
}

type RowOf<Compiled> = Compiled extends CompiledStatement<infer Row> ? Row : never

/** The prepared form of a set of compiled statements. */
export type Prepared<Set> = { [Name in keyof Set]: Statement<RowOf<Set[Name]>> }

export function prepareAll<Set extends Record<string, CompiledStatement<unknown>>>(
  database: DatabaseSync,
  compiled: Set,
): Prepared<Set> {
  const prepared = Object.entries(compiled).map(([name, statement]) => [
    name,
    prepareStatement(database, statement),
  ])
  return Object.fromEntries(prepared) as Prepared<Set>
}
