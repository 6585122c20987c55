import { ModsteadError } from '../errors.ts'

/** SQLite's primary result code of an error of node:sqlite; `undefined` for any other value. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined
  return error.errcode & 0xff
}

/** A database file, as people know it. */
export interface DatabaseFile {
  /** `catalog`. */
  what: string
  /** `catalog.db`. */
  file: string
}

const CATALOG: DatabaseFile = { what: 'catalog', file: 'catalog.db' }

/**
 * What an error of SQLite is to the rest of the server: `store_unavailable` for a failure of the medium, and any other
 * error as it is. `doing` completes "modstead could not …".
 */
export function catalogError(error: unknown, doing: string, file: DatabaseFile = CATALOG): Error {
  const reason = REASONS[sqliteCode(error) ?? -1]
  if (reason === undefined) return error instanceof Error ? error : new Error(String(error))
  const [why, next] = reason(file)
  const details = { cause: error, next: `The administrator of this server can help: ${next}.` }
  return new ModsteadError('store_unavailable', `modstead could not ${doing}: ${why}`, details)
}

type Reason = (file: DatabaseFile) => [reason: string, next: string]

/** By the codes of sqlite3.h. */
const REASONS: Record<number, Reason> = {
  5: ({ what, file }) => [
    `another program has its ${what} locked`,
    `let nothing but modstead write to ${file}`,
  ],
  7: () => ['it has no memory left', 'give it more memory'],
  8: ({ what }) => [
    `its ${what} is read-only`,
    'give its user write access to the data folder, and check the disk',
  ],
  10: () => ['its disk reported an error', 'check the disk and the free space, then the system log'],
  11: ({ what, file }) => [`its ${what} is damaged`, `restore ${file} from a backup`],
  13: () => ['its disk is full', 'free some space for the data folder, modstead goes on by itself'],
  14: ({ what, file }) => [
    `its ${what} cannot be opened`,
    `check that ${file} is there, and its permissions`,
  ],
  26: ({ what, file }) => [`its ${what} is not a database`, `restore ${file} from a backup`],
}

/** Whether an error came from the disk, or from what guards it, and not from a statement or its values. */
export function isMediumError(error: unknown): boolean {
  return String(sqliteCode(error)) in REASONS
}
