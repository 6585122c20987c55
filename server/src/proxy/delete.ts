import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { ActTools } from './acts.ts'
import type { Deletion } from './catalog.ts'
import { knownVersion } from './known-version.ts'
import type { Parts } from './parts.ts'
import type { Route } from './route.ts'
import { settleAct } from './settle-acts.ts'
import { turnOf } from './turns.ts'
import { KINDS, storeKeyOf } from './wanted.ts'

export interface DeletionOrder {
  module: ModulePath
  version: Version
  who: string
  /** One line of text: shown to whoever asks for the version, and recorded. */
  reason: string
}

export interface DeletedVersion {
  module: ModulePath
  version: Version
  /** The hash that its contents had; absent where they were never here. */
  h1?: string
  deletion: Deletion
  /** It had been deleted before: that holds, and nothing new is recorded. */
  again: boolean
}

export interface Deletions {
  /**
   * Deletes one version for good: its files go, its hashes stay. Throws `publish_disabled` for modules that are public
   * facts, `not_found` where nothing is known of the version.
   */
  delete(order: DeletionOrder): Promise<DeletedVersion>
}

export function createDeletions(tools: ActTools, parts: Parts): Deletions {
  const { router, changed, turns, counter } = tools
  const { store, catalog, observer, shutdown } = parts

  function routeFor(module: ModulePath): Route {
    const route = router.routeOf(module)
    if (route.private || route.upload !== undefined) return route
    throw new ModsteadError(
      'publish_disabled',
      `${module} is a public module, and public versions are not deleted`,
      {
        next: 'a route with from: [off] keeps what is not stored out; what is stored is a fact that others have too',
      },
    )
  }

  async function remove(route: Route, order: DeletionOrder): Promise<DeletedVersion> {
    const { module, version, who, reason } = order
    const { realm } = route
    const row = await knownVersion(tools, parts, { route, module, version })
    if (row === undefined) {
      throw new ModsteadError('not_found', `nothing is known here of ${module}@${version}`, {
        next: 'check the spelling; what only an origin has is to be deleted there',
      })
    }
    const found = { module, version, ...(row.h1 !== undefined && { h1: row.h1 }) }
    if (row.deleted !== undefined) {
      // One that arrived since may have stayed, where the disk failed.
      for (const kind of KINDS) await store.remove(storeKeyOf({ route, module, version, kind }))
      return { ...found, deletion: row.deleted, again: true }
    }
    const act = await catalog.begin({ act: 'delete', realm, who, reason, ...found })
    changed({ realm, module })
    changed({ realm, module, version })
    await settleAct(parts, act)
    counter.add(1, 'delete', 'done')
    observer.log.warn({ act: act.id, who, realm, ...found, reason }, 'a version was deleted')
    return { ...found, deletion: { at: act.at, who, reason }, again: false }
  }

  return {
    async delete(order) {
      if (shutdown.aborted) throw new ModsteadError('shutting_down', 'this modstead is shutting down')
      const { module } = order
      const route = routeFor(module)
      return turns.take(turnOf(route, module), () => remove(route, order))
    },
  }
}
