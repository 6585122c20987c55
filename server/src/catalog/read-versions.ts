import { DatabaseSync } from 'node:sqlite'
import type { VersionRow } from '../proxy/catalog.ts'
import type { Realm } from '../proxy/store.ts'
import { decodeVersion } from './rows.ts'
import { catalogError } from './sqlite-errors.ts'
import { READS } from './sqlite-statements.ts'
import { prepareStatement } from './statement.ts'

export interface VersionReader {
  version(realm: Realm, module: string, version: string): VersionRow | undefined
  close(): void
}

/**
 * Reads what a catalog knows of versions, beside the server that has it open; nothing is created or changed. Throws
 * `store_unavailable` where there is none or its disk fails.
 */
export function readCatalogVersions(path: string): VersionReader {
  const database = attempt('open', () => new DatabaseSync(path, { readOnly: true, timeout: 1_000 }))
  try {
    const statement = attempt('read', () => prepareStatement(database, READS.version))
    return {
      version: (realm, module, version) =>
        attempt('read', () => {
          const row = statement.get({ realm, path: module, version })
          return row && decodeVersion(row)
        }),
      close: () => database.close(),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

function attempt<T>(doing: 'open' | 'read', step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw catalogError(error, `${doing} its catalog`)
  }
}
