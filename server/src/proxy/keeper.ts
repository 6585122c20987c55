import type { ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { isAbsence } from '../errors.ts'
import { parseOwnList } from './merge-lists.ts'
import type { Change } from './module-proxy.ts'
import type { MutableFiles } from './mutable.ts'
import type { Parts } from './parts.ts'
import type { Route, Router } from './route.ts'
import type { SmallFiles } from './small-files.ts'
import type { Zips } from './zips.ts'

/** Fetches versions that nobody has asked for yet: of modules that changed, and of those that are kept whole. */
export interface Keeper {
  /** See `ModuleProxy.refresh`. Never rejects: what fails is logged, and fetched when somebody asks. */
  refresh(module: ModulePath): Promise<void>
}

export function createKeeper(options: {
  router: Router
  mutable: MutableFiles
  files: SmallFiles
  zips: Zips
  parts: Parts
  changed: (change: Change) => void
}): Keeper {
  const { router, mutable, files, zips, parts, changed } = options
  const { absences, store, observer, shutdown } = parts
  // Somebody wants these, if not now: an origin that is asked for nothing ahead is asked for them.
  const behalf = { signal: shutdown, priority: 'client' } as const

  async function listOf(route: Route, module: ModulePath): Promise<Version[]> {
    try {
      const { body } = await mutable.get({ route, module, query: 'list' }, behalf)
      return parseOwnList(body).flatMap(({ version }) => (isCanonicalFor(module, version) ? [version] : []))
    } catch (error) {
      if (isAbsence(error)) return []
      throw error
    }
  }

  async function keep(route: Route, module: ModulePath, version: Version): Promise<void> {
    const wanted = { route, module, version }
    if ((await store.open({ realm: route.realm, module, version, kind: 'zip' })) !== undefined) return
    await files.get({ ...wanted, kind: 'info' }, behalf)
    await files.get({ ...wanted, kind: 'mod' }, behalf)
    await zips.fetchAhead({ ...wanted, kind: 'zip' }, undefined, 'client')
  }

  return {
    async refresh(module) {
      const route = router.routeOf(module)
      mutable.expire(route.realm, module)
      absences.forgetModule(module)
      changed({ realm: route.realm, module })
      try {
        for (const version of (await listOf(route, module)).toReversed()) {
          if (shutdown.aborted) return
          await keep(route, module, version).catch((error: unknown) =>
            observer.log.warn({ err: error, module, version }, 'a new version could not be fetched yet'),
          )
        }
      } catch (error) {
        observer.log.warn({ err: error, module }, 'a changed module could not be listed yet')
      }
    },
  }
}
