import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import { migrate } from './migrate.ts'
import { catalogError, sqliteCode } from './sqlite-errors.ts'
import { MIGRATIONS } from './sqlite-statements.ts'

/** Opens the database file for writing. A transaction is on the disk when its COMMIT returns. */
export function openForWriting(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  try {
    database.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA cache_size = -16000')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Creates or migrates the tables as needed. Throws `data_folder` for a file that a newer modstead wrote, or that is
 * damaged, and `store_unavailable` for a failing disk.
 */
export function prepareCatalog(path: string): void {
  try {
    createPrivately(path)
    const database = openForWriting(path)
    try {
      migrate(database, MIGRATIONS)
    } finally {
      database.close()
    }
  } catch (error) {
    throw DAMAGE.has(sqliteCode(error)) ? damaged(path, error) : catalogError(error, 'open its catalog')
  }
}

/** The catalog knows the names of private modules: only its owner may read it. SQLite copies the mode to its log. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    // It is there already, or SQLite will say why it cannot be.
    if (!(error instanceof Error && 'syscall' in error)) throw error
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGE: ReadonlySet<number | undefined> = new Set([11, 26])

function damaged(path: string, cause: unknown): ModsteadError {
  return new ModsteadError('data_folder', `the catalog ${path} is damaged`, {
    cause,
    next: 'Restore it from a backup, or move it away: then modstead verifies every stored file anew on its first use.',
  })
}
