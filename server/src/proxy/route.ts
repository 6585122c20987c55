import type { ModulePath } from '@modstead/gomod/path'
import { compilePatterns, type PatternSet } from '@modstead/gomod/pattern'
import type { RouteConfig } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import type { ChecksumDatabase } from './checksums.ts'
import type { Origin, RouteLimits } from './origin.ts'
import type { Realm } from './store.ts'
import { createUplinks } from './uplinks.ts'

/** One place in a route's list. `then` says which failure lets the next be asked. */
export interface RouteOrigin {
  origin: Origin
  then: 'absent' | 'any'
}

/** What the configuration says about the modules under some patterns, with the origins it names at hand. */
export interface Route {
  patterns: PatternSet
  modules: readonly string[]
  /** All of them, in the order of the configuration. */
  origins: readonly RouteOrigin[]
  /** Name of the upload origin in its list: what is published is kept, and nobody is asked in its place. */
  upload?: string
  /** Shares of modules for which an origin is asked first, by its name. */
  weights?: Readonly<Record<string, number>>
  /** The same in the order in which they are asked for a module: weights choose the first. */
  originsFor(module: ModulePath): readonly RouteOrigin[]
  /** How the list ends: `off` asks nobody, and is no absence; `ourselves`: no origin is left but this server. */
  end: 'off' | 'ourselves' | 'list'
  limits: RouteLimits
  realm: Realm
  private: boolean
  /** Its modules are the server's own: everybody may read them. */
  builtIn?: true
  /** The name is private at another site: nobody is asked, and nothing of that is said. */
  elsewhere?: true
  /** The database that must prove each version; absent where the configuration says `off`. */
  checksum: ChecksumDatabase | undefined
  lookAhead: boolean
  /** Its versions are entered into the checksum log. */
  log: boolean
  /** Milliseconds, as in `RouteConfig`. */
  fresh: number
  stale: number
  absent: number
}

export interface Router {
  /**
   * The first route whose patterns match. A parent path of a private pattern is as secret as that: where a public route
   * would have it, the private route gets it.
   */
  routeOf(module: ModulePath): Route
}

/** Joins the configured routes with the origins and checksum databases that were made for their names. */
export function createRouter(
  routes: readonly RouteConfig[],
  origins: ReadonlyMap<string, Origin>,
  databases: ReadonlyMap<string, ChecksumDatabase>,
  uploads: readonly string[] = [],
): Router {
  const names = { origins, databases, uploads }
  return routerOf(routes.map((route) => compileRoute(route, names, route.private ? 'default' : 'public')))
}

/** The first of these routes whose patterns match. */
export function routerOf(compiled: readonly Route[]): Router {
  return {
    routeOf(module) {
      let parent: Route | undefined
      for (const route of compiled) {
        if (route.patterns.matches(module)) return route.private ? route : (parent ?? route)
        if (route.private && route.patterns.couldBeParentOf(module)) parent ??= route
      }
      if (parent !== undefined) return parent
      throw new ModsteadError('fetch_disabled', `no route is configured for ${module}`, {
        next: 'add a route whose patterns match it',
      })
    },
  }
}

/** What was made for the names that routes have. */
export interface RouteNames {
  origins: ReadonlyMap<string, Origin>
  databases: ReadonlyMap<string, ChecksumDatabase>
  /** Names of the origins that are uploads. */
  uploads: readonly string[]
}

/** One route of the configuration, whose modules are kept in `realm`. */
export function compileRoute(
  config: RouteConfig,
  { origins, databases, uploads }: RouteNames,
  realm: Realm,
): Route {
  const upload = config.from.find(({ origin }) => uploads.includes(origin))
  const list: RouteOrigin[] = []
  let end: Route['end'] = 'list'
  for (const entry of config.from) {
    if (entry.origin === 'off') {
      end = 'off'
      break
    }
    const origin = origins.get(entry.origin)
    // One that is missing here is an upload, or was dropped because it is this server itself.
    if (origin !== undefined) list.push({ origin, then: entry.then })
    else if (!uploads.includes(entry.origin)) end = 'ourselves'
  }
  if (end === 'ourselves' && list.length > 0) end = 'list'
  return {
    patterns: compilePatterns(config.modules),
    modules: config.modules,
    origins: list,
    ...(upload !== undefined && { upload: upload.origin }),
    ...(config.weights !== undefined && { weights: config.weights }),
    originsFor: createUplinks(list, config.weights),
    end,
    limits: {
      ...(config.hosts !== undefined && { hosts: config.hosts }),
      ...(config.private && { private: true }),
    },
    realm,
    private: config.private,
    checksum: config.checksum === 'off' ? undefined : databases.get(config.checksum),
    lookAhead: config.lookAhead,
    log: config.log !== false,
    fresh: config.fresh,
    stale: config.staleWhileRevalidate,
    absent: config.absent,
  }
}
