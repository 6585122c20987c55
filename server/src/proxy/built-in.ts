import type { ModulePath } from '@modstead/gomod/path'
import { compilePatterns } from '@modstead/gomod/pattern'
import type { Origin } from './origin.ts'
import type { Route, Router } from './route.ts'
import type { Realm } from './store.ts'

/** Modules that the server has itself. */
export interface BuiltIn {
  modules: readonly ModulePath[]
  origin: Origin
  /** Where they are kept. The name of a tenant's host is that tenant's own, and so is what is named by it. */
  realm: Realm
}

/** How long its lists and its latest version are fresh, and absence remembered: they change with the program only. */
const FRESH = 60_000

/**
 * A router that knows modules which the server has itself, before all that is configured: public ones that no checksum
 * database is asked about. What could be above them is asked of nobody either, unless a route of the configuration names
 * it: `go` asks for it on its way, and it is the name of a company's host.
 */
export function withBuiltIn(router: Router, { modules, origin, realm }: BuiltIn): Router {
  const own = new Set<string>(modules)
  const patterns = compilePatterns(modules)
  const list = [{ origin, then: 'absent' as const }]
  const route: Route = {
    patterns,
    modules,
    origins: list,
    originsFor: () => list,
    end: 'list',
    limits: {},
    realm,
    private: false,
    builtIn: true,
    checksum: undefined,
    lookAhead: false,
    log: true,
    fresh: FRESH,
    stale: 0,
    absent: FRESH,
  }
  return {
    routeOf(module) {
      if (own.has(module)) return route
      const found = router.routeOf(module)
      return found.modules.includes('*') && patterns.couldBeParentOf(module) ? route : found
    },
  }
}
