import type { ModulePath } from '@modstead/gomod/path'
import { compilePatterns, type PatternSet } from '@modstead/gomod/pattern'
import type { RouteConfig } from '../config/config.ts'
import type { Route, Router } from './route.ts'

/** Whether a name is private at some site, or could stand above one that is. */
export type IsPrivateName = (module: ModulePath) => boolean

interface SiteRoute {
  patterns: PatternSet
  private: boolean
}

/**
 * The names that are private at any of these sites, each given by its routes in order. As in a router, the first route
 * that matches decides, and what could be above a private pattern is as secret as that.
 *
 * A pattern that says nothing of the host (`*`) keeps no name: all of the world's modules would be one site's.
 */
export function createPrivateNames(sites: readonly (readonly RouteConfig[])[]): IsPrivateName {
  const named = (modules: readonly string[]): readonly string[] =>
    modules.filter((pattern) => !/^[*?]+(\/|$)/.test(pattern))
  const secret = sites.map((routes) => routes.flatMap((route) => (route.private ? named(route.modules) : [])))
  // Most names are private nowhere: they are compared with all patterns at once.
  const all = compilePatterns(secret.flat())
  const compiled = sites
    .filter((_, index) => secret[index]!.length > 0)
    .map((routes) =>
      routes.flatMap((route): SiteRoute[] => {
        if (!route.private) return [{ patterns: compilePatterns(route.modules), private: false }]
        const modules = named(route.modules)
        return modules.length === 0 ? [] : [{ patterns: compilePatterns(modules), private: true }]
      }),
    )
  return (module) =>
    (all.matches(module) || all.couldBeParentOf(module)) &&
    compiled.some((routes) => isPrivateAt(routes, module))
}

function isPrivateAt(routes: readonly SiteRoute[], module: ModulePath): boolean {
  let above = false
  for (const route of routes) {
    if (route.patterns.matches(module)) return above || route.private
    if (route.private && route.patterns.couldBeParentOf(module)) above = true
  }
  return above
}

/**
 * A router under which a name that is private at any site is asked of nobody, and of no checksum database, unless its own
 * route is private: the site answers as for what is not there. What was published to it, or fetched before, stays.
 */
export function withoutPrivateNames(router: Router, isPrivateName: IsPrivateName): Router {
  const silent = new Map<Route, Route>()
  return {
    routeOf(module) {
      const route = router.routeOf(module)
      if (route.private || !isPrivateName(module)) return route
      let twin = silent.get(route)
      if (twin === undefined) {
        const { weights: _, ...rest } = route
        twin = {
          ...rest,
          origins: [],
          originsFor: () => [],
          end: 'list',
          checksum: undefined,
          lookAhead: false,
          elsewhere: true,
        }
        silent.set(route, twin)
      }
      return twin
    },
  }
}
