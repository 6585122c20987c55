import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { Parts } from './parts.ts'
import type { Realm } from './store.ts'
import { storeKeyOf, type Wanted } from './wanted.ts'

/**
 * Whether a publication of this version was begun and has not ended. What of it is stored and no fact yet counts as
 * absent: it may be undone, and what was a fact for a moment would be one for ever.
 */
export async function isHalfPublished(
  { catalog }: Pick<Parts, 'catalog'>,
  { realm, module, version }: { realm: Realm; module: ModulePath; version: Version },
): Promise<boolean> {
  const acts = await catalog.unfinished(realm, module)
  return acts.some((act) => act.act === 'publish' && act.version === version)
}

/**
 * Whether a file that was found in the store and is no fact may become one, because somebody else put it there. To be
 * asked once it was opened: a publication that ended since then either is a fact or took its files with it.
 */
export async function mayBecomeFact(
  parts: Pick<Parts, 'catalog' | 'store'>,
  wanted: Wanted,
): Promise<boolean> {
  if (await isHalfPublished(parts, { ...wanted, realm: wanted.route.realm })) return false
  return (await parts.store.open(storeKeyOf(wanted))) !== undefined
}
