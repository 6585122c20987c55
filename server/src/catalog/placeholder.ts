/**
 * Queries that kysely builds and checks once, and that run a million times: compiled with placeholders where values
 * will be, into the text of a statement and the names of its values in order.
 */
import type { Compilable } from 'kysely'

/** Plain data, so that it can be sent to another thread. `row` is there for the types only: what the query gives. */
export interface CompiledStatement<Row> {
  sql: string
  /** For each `?` of the statement, the name of the value that belongs there. */
  names: string[]
  row?: Row
}

class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** Stands for a value in a query that will be compiled: as a `never`, it fits wherever a value may be. */
export function placeholder(name: string): never {
  return new Placeholder(name) as never
}

export function compileStatement<Row>(query: Compilable<Row>): CompiledStatement<Row> {
  const { sql, parameters } = query.compile()
  const names = parameters.map((parameter) => {
    if (parameter instanceof Placeholder) return parameter.name
    throw new TypeError(
      `a compiled statement has the value ${String(parameter)}, and no placeholder, in: ${sql}`,
    )
  })
  return { sql, names }
}
