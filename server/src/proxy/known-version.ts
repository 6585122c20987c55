import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { VersionRow } from './catalog.ts'
import type { Parts } from './parts.ts'
import type { Route } from './route.ts'
import { settleVersion } from './settle-acts.ts'
import type { SmallFiles } from './small-files.ts'
import { FOR_CLIENT } from './wanted.ts'
import type { Zips } from './zips.ts'

/**
 * What is known of a version that is about to be published or deleted, once earlier acts on it have ended. Files that
 * other tools put into the store become facts first, if they are good: their hashes hold, and outlive them. Only for
 * whoever has the turn of the module.
 */
export async function knownVersion(
  { files, zips }: { files: SmallFiles; zips: Zips },
  parts: Pick<Parts, 'catalog' | 'store'>,
  { route, module, version }: { route: Route; module: ModulePath; version: Version },
): Promise<VersionRow | undefined> {
  const { catalog } = parts
  await settleVersion(parts, { realm: route.realm, module, version })
  const row = await catalog.version(route.realm, module, version)
  if (row?.deleted !== undefined) return row
  await zips.stored({ route, module, version, kind: 'zip' }, FOR_CLIENT)
  for (const kind of ['mod', 'info'] as const)
    await files.stored({ route, module, version, kind }, FOR_CLIENT)
  return catalog.version(route.realm, module, version)
}
