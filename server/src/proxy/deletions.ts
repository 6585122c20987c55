import { ModsteadError } from '../errors.ts'
import type { VersionRow } from './catalog.ts'
import type { Parts } from './parts.ts'
import { storeKeyOf, type Wanted } from './wanted.ts'

/** Throws `deleted` for a version that was deleted here: nothing of it is given, nor fetched from anywhere again. */
export function refuseDeleted(
  { module, version }: Pick<Wanted, 'module' | 'version'>,
  row: VersionRow | undefined,
): void {
  if (row?.deleted === undefined) return
  const { at, who, reason } = row.deleted
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ')
  throw new ModsteadError('deleted', `${module}@${version} was deleted on ${when} UTC by ${who}: ${reason}`, {
    next: 'use another version; this one can only come back with the same contents',
  })
}

/**
 * To be called after a file from an origin was committed: whoever deletes a version writes that down first and then
 * removes its files, so that one which arrived in between is seen here.
 */
export async function dropIfDeleted({ catalog, store }: Parts, wanted: Wanted): Promise<void> {
  const row = await catalog.version(wanted.route.realm, wanted.module, wanted.version)
  if (row?.deleted === undefined) return
  await store.remove(storeKeyOf(wanted))
  refuseDeleted(wanted, row)
}
