import type { RouteConfig } from '../config/config.ts'
import { compileRoute, type Route, type RouteNames, type Router, routerOf } from './route.ts'
import type { Realm } from './store.ts'

export interface TenantRouterOptions {
  routes: readonly RouteConfig[]
  /** What the names in its routes stand for. */
  names: RouteNames
  /** The last route is that of the top level, whose names stand for these. */
  last?: RouteNames | undefined
  /** Where what only this tenant may see is kept. */
  realm: Realm
  /** The router of the top level. */
  root: Router
}

/**
 * The router of a tenant. What it fetches is its own, in its realm, unless everybody would be given the same: a public
 * module that its route asks the very origins for that the top level asks, in the same order and under the same rules,
 * and whose contents a checksum database proves. Only that is a shared fact, kept once for all.
 *
 * With any other origin, or without a proof, the answer depends on who asked, be it the list of versions alone: then
 * nothing of it may reach others, or their questions.
 */
export function createTenantRouter({ routes, names, last, realm, root }: TenantRouterOptions): Router {
  const own = routerOf(
    routes.map((route, index) =>
      compileRoute(route, last !== undefined && index === routes.length - 1 ? last : names, realm),
    ),
  )
  const shared = new Map<Route, Route>()
  return {
    routeOf(module) {
      const route = own.routeOf(module)
      if (route.private) return route
      const theirs = root.routeOf(module)
      if (!isSame(route, theirs)) return route
      let twin = shared.get(route)
      if (twin === undefined) shared.set(route, (twin = { ...route, realm: theirs.realm }))
      return twin
    },
  }
}

/** Whether two routes give the same answers, and proven ones. */
function isSame(route: Route, theirs: Route): boolean {
  return (
    !theirs.private &&
    theirs.checksum !== undefined &&
    route.checksum === theirs.checksum &&
    route.upload === undefined &&
    theirs.upload === undefined &&
    route.end === theirs.end &&
    route.origins.length === theirs.origins.length &&
    route.origins.every(({ origin, then }, i) => {
      const other = theirs.origins[i]!
      return other.origin === origin && other.then === then
    }) &&
    JSON.stringify([route.weights, route.limits]) === JSON.stringify([theirs.weights, theirs.limits])
  )
}
