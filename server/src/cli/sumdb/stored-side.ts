import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readCatalogVersions } from '../../catalog/read-versions.ts'
import { isNothingThere } from '../../disk-errors.ts'
import { hashStored } from '../../store/hash-stored.ts'
import { compareStored, type StoredVersions } from '../../sumdb/log/compare-stored.ts'
import { countOf } from './count.ts'
import type { LocalLog } from './local-log.ts'
import type { ComparedSide } from './verify.ts'

/** Public modules, and private ones of the one realm that there is. */
const REALMS = ['public', 'default']

/** `--store`: the catalog and the stored files of the data folder, every zip and go.mod of them hashed again. */
export async function openStoredSide({ data }: Pick<LocalLog, 'data'>): Promise<ComparedSide> {
  const roots = { public: join(data, 'public'), realms: join(data, 'realms') }
  const path = join(data, 'catalog.db')
  const catalog = (await isThere(path)) ? readCatalogVersions(path) : undefined
  const counts = { zip: 0, mod: 0 }
  const stored: StoredVersions = {
    realms: REALMS,
    facts: (realm, { module, version }) => catalog?.version(realm, module, version),
    hash: (key) => hashStored(roots, key),
    compared: (kind) => void counts[kind]++,
  }
  return {
    async *compare(versions) {
      for (const version of versions) yield* compareStored(version, stored)
    },
    summary: () => `${countOf(counts.zip, 'stored zip')} and ${countOf(counts.mod, 'go.mod file')} hashed`,
    close: async () => catalog?.close(),
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isNothingThere(error)) return false
      throw error
    },
  )
}
