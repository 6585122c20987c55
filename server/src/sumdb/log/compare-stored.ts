import { equalHash } from '@modstead/gomod/dirhash'
import { ModsteadError } from '../../errors.ts'
import type { VersionFacts } from '../../proxy/catalog.ts'
import type { Realm, StoreKey } from '../../proxy/store.ts'
import type { Finding } from './finding.ts'
import type { LoggedVersion } from './logged-version.ts'
import type { RecordedVersion } from './verify-log.ts'

/** What a modstead has of versions, besides their records. */
export interface StoredVersions {
  /** Where a version may be stored. */
  realms: readonly Realm[]
  /** The hashes that the catalog knows. */
  facts(realm: Realm, version: LoggedVersion): Pick<VersionFacts, 'h1' | 'goModH1'> | undefined
  /** The hash of a stored file, as its bytes are; `undefined` where it is not stored. Throws `store_unavailable`. */
  hash(key: StoreKey & { kind: 'zip' | 'mod' }): Promise<string | undefined>
  /** Told of each file that was read. */
  compared(kind: 'zip' | 'mod'): void
}

/** Compares a record with what is known and stored of its version. What is not known or not stored is nothing wrong. */
export async function* compareStored(
  version: RecordedVersion,
  stored: StoredVersions,
): AsyncGenerator<Finding> {
  const { id, module, version: v } = version
  for (const realm of stored.realms) {
    const place = realm === 'public' ? '' : ` (realm ${realm})`
    const name = `${module}@${v}${place}`
    const facts = stored.facts(realm, version)
    for (const { kind, file, logged, known } of [
      { kind: 'zip', file: 'zip', logged: version.h1, known: facts?.h1 },
      { kind: 'mod', file: 'go.mod', logged: version.goModH1, known: facts?.goModH1 },
    ] as const) {
      if (known !== undefined && !equalHash(known, logged))
        yield {
          what: 'catalog',
          name,
          problem: `the catalog knows the hash ${known} of its ${file}, and record ${id} says ${logged}`,
        }
      yield* compareFile(stored, { realm, module, version: v, kind }, { name, file, logged, id })
    }
  }
}

async function* compareFile(
  stored: StoredVersions,
  key: StoreKey & { kind: 'zip' | 'mod' },
  { name, file, logged, id }: { name: string; file: string; logged: string; id: number },
): AsyncGenerator<Finding> {
  const { kind } = key
  try {
    const found = await stored.hash(key)
    if (found === undefined) return
    stored.compared(kind)
    if (!equalHash(found, logged))
      yield {
        what: kind,
        name,
        problem: `the stored ${file} has the hash ${found}, and record ${id} says ${logged}`,
      }
  } catch (error) {
    if (!(error instanceof ModsteadError)) throw error
    yield { what: kind, name, problem: error.message }
  }
}
