/** kysely on node:sqlite. Everything runs on the one connection it is given, in this thread. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { SqliteAdapter, SqliteDialect, type SqliteStatement } from 'kysely'

/** kysely does not use transactions for migrations of SQLite, which has had them all along. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class NodeSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter()
  }
}

export function createNodeSqliteDialect(database: DatabaseSync): SqliteDialect {
  return new NodeSqliteDialect({
    database: {
      close: () => database.close(),
      prepare: (sql) => adapt(database.prepare(sql)),
    },
  })
}

function adapt(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  }
}
