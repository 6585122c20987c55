import { checkPattern, claimsAllParents, compilePatterns } from '@modstead/gomod/pattern'
import { KNOWN_SUMDBS } from '@modstead/gomod/sumdb/known'
import type { RouteConfig, RouteEntry, SumdbConfig } from './config.ts'
import { type BuildContext, complain, shown } from './context.ts'
import type { GoEnvironment } from './go-environment.ts'
import { splitProxyList } from './goproxy-list.ts'
import { parseHostPattern } from './host-pattern.ts'
import { didYouMean } from './nearest.ts'
import { formatKeyPath, type KeyPath } from './problems.ts'
import { routeSchema, type FileRoute } from './schema.ts'

/** What routes refer to. */
export interface RouteSurroundings {
  /** Names of all origins that are given, those included in which there are mistakes. */
  originNames: readonly string[]
  sumdb: readonly SumdbConfig[]
  /** Something is wrong with how the checksum databases are given, so that their names are not known. */
  sumdbBroken: boolean
  /** The list of the route for everything: what comes from nowhere else is asked there. */
  defaultList: readonly RouteEntry[]
  /** The default list was asked for on the command line, and stands in for that of the file's route for everything. */
  forced: boolean
  /** There is a checksum log of our own. */
  log: boolean
}

const DIRECT: RouteEntry = { origin: 'direct', then: 'absent' }

/** The routes of the file, with a last one for everything. */
export function buildRoutes(
  context: BuildContext,
  routes: readonly FileRoute[],
  surroundings: RouteSurroundings,
): RouteConfig[] {
  const built = routes.map((route, index) => buildRoute(context, ['routes', index], route, surroundings))
  const last = built.findIndex((route) => route.modules.includes('*'))
  if (last < 0) return [...built, plainRoute(['*'], surroundings)]
  if (last < built.length - 1)
    context.warn(`routes[${last}] matches every module, so that the routes after it are never used`)
  if (surroundings.forced) built[last] = { ...built[last]!, from: surroundings.defaultList }
  return built
}

/**
 * The routes that `go` itself would follow. GONOPROXY names modules that are asked of no proxy: they are private.
 * GONOSUMDB names modules that no checksum database is asked about.
 */
export function routesOfGo(
  context: BuildContext,
  go: GoEnvironment,
  surroundings: RouteSurroundings,
): RouteConfig[] {
  const noProxy = goPatterns(context, 'GONOPROXY', go.GONOPROXY.value)
  const noSumdb = goPatterns(context, 'GONOSUMDB', go.GONOSUMDB.value)
  const routes: RouteConfig[] = []
  if (noProxy.length > 0)
    routes.push({ ...plainRoute(noProxy, surroundings), private: true, from: [DIRECT], checksum: 'off' })
  const proven = noProxy.filter((pattern) => !noSumdb.includes(pattern))
  if (proven.length > 0 && surroundings.sumdb.length > 0 && !surroundings.log)
    context.warn(
      `GONOPROXY has ${proven.join(', ')} and GONOSUMDB has not: modstead keeps these names to itself, so no checksum ` +
        'database proves them; write routes in a configuration file to say otherwise',
    )
  const unproven = noSumdb.filter((pattern) => !noProxy.includes(pattern))
  // Toolchains are always proven, as `go` does it, whatever GONOSUMDB says.
  if (compilePatterns(unproven).matches('golang.org/toolchain'))
    routes.push(plainRoute(['golang.org/toolchain'], surroundings))
  if (unproven.length > 0) routes.push({ ...plainRoute(unproven, surroundings), checksum: 'off' })
  return [...routes, plainRoute(['*'], surroundings)]
}

/** The names of origins that only private routes ask. */
export function reservedOrigins(routes: readonly FileRoute[]): Set<string> {
  const named = (wanted: boolean) =>
    new Set(routes.filter((route) => route.private === wanted).flatMap((route) => wordsOf(route.from ?? [])))
  const open = named(false)
  return new Set([...named(true)].filter((name) => !open.has(name)))
}

/** Warns of origins that are configured and never asked, and of private names that public origins would hear. */
export function warnOfRoutes(
  context: BuildContext,
  routes: readonly RouteConfig[],
  origins: Iterable<string>,
): void {
  const asked = (wanted: boolean) =>
    new Set(
      routes
        .filter((route) => route.private === wanted)
        .flatMap(({ from }) => from.map((entry) => entry.origin)),
    )
  const open = asked(false)
  const secret = asked(true)
  for (const name of origins) {
    if (!open.has(name) && !secret.has(name)) context.warn(`no route asks the origin ${name}`)
    if (open.has(name) && secret.has(name))
      context.warn(
        `a private route asks the origin ${name}, which other routes ask as well: it will hear private names`,
      )
  }
  for (const pattern of routes.filter((route) => route.private).flatMap((route) => route.modules))
    if (claimsAllParents(pattern))
      context.warn(
        `the private pattern ${pattern} makes every path that could stand above such a module private too`,
      )
}

function buildRoute(
  context: BuildContext,
  path: KeyPath,
  route: FileRoute,
  surroundings: RouteSurroundings,
): RouteConfig {
  const { modules, private: isPrivate, lookAhead, fresh, staleWhileRevalidate, absent } = route
  for (const [index, pattern] of modules.entries()) {
    const problem = checkPattern(pattern)
    if (problem)
      complain(
        context,
        [...path, 'modules', index],
        `the pattern ${shown(context, [...path, 'modules', index], pattern)} is no use: ${problem}`,
      )
  }
  const checksum = route.checksum ?? (isPrivate ? 'off' : defaultChecksum(surroundings))
  const databases = surroundings.sumdb.map((database) => database.name)
  if (checksum !== 'off' && !databases.includes(checksum) && !surroundings.sumdbBroken) {
    const at = [...path, 'checksum']
    complain(
      context,
      at,
      `no checksum database is named ${shown(context, at, checksum)}${didYouMean(checksum, [...databases, 'off'])}`,
    )
  }
  const from = buildList(context, path, route, surroundings)
  if (isPrivate && KNOWN_SUMDBS.has(checksum)) {
    const at = [...path, 'checksum']
    complain(
      context,
      at,
      `${checksum} is public, and names of private routes are never sent to a public checksum database: leave it out`,
    )
  }
  const { weights, hosts } = route
  checkWeights(context, path, route, from)
  checkLog(context, path, route, surroundings)
  for (const [index, host] of (hosts ?? []).entries()) {
    const problem = parseHostPattern(host)
    const at = [...path, 'hosts', index]
    if (typeof problem === 'string')
      complain(context, at, `expected ${problem}, found ${shown(context, at, host)}`)
  }
  return {
    modules,
    from,
    ...(weights && { weights }),
    ...(hosts && { hosts }),
    private: isPrivate,
    checksum,
    ...(route.log === false && { log: false }),
    lookAhead,
    fresh,
    staleWhileRevalidate,
    absent,
  }
}

/** What is left out of the log must be a pattern that clients can write into GONOSUMDB, which knows no exceptions. */
function checkLog(
  context: BuildContext,
  path: KeyPath,
  { log, modules }: FileRoute,
  surroundings: RouteSurroundings,
): void {
  const at = [...path, 'log']
  if (log !== undefined && !surroundings.log)
    context.warn(`${formatKeyPath(at)} means nothing without checksumLog`)
  if (log !== false || !surroundings.log) return
  if (modules.includes('*'))
    complain(
      context,
      at,
      'clients that leave out every module prove none: leave out checksumLog, or name the modules',
    )
  else if (compilePatterns(modules).matches('golang.org/toolchain'))
    complain(
      context,
      at,
      'go asks its checksum database about golang.org/toolchain whatever GONOSUMDB says: it cannot be left out',
    )
}

/** Weights are for origins of the route's own list, and mean something from two on. */
function checkWeights(
  context: BuildContext,
  path: KeyPath,
  { weights }: FileRoute,
  from: readonly RouteEntry[],
): void {
  if (weights === undefined) return
  const names = from.map((entry) => entry.origin)
  for (const name of Object.keys(weights)) {
    const at = [...path, 'weights', name]
    if (names.includes(name)) continue
    complain(context, at, `this route asks no origin ${shown(context, at, name)}${didYouMean(name, names)}`)
  }
  const above = Object.values(weights).filter((weight) => weight > 0).length
  if (above < 2)
    complain(
      context,
      [...path, 'weights'],
      `expected weights above 0 for two origins at least, found ${above}: fewer change nothing in the order of \`from\``,
    )
}

function buildList(
  context: BuildContext,
  path: KeyPath,
  route: FileRoute,
  { originNames, defaultList }: RouteSurroundings,
): readonly RouteEntry[] {
  const at = [...path, 'from']
  if (route.from === undefined) return route.private ? [DIRECT] : defaultList
  const names = [...originNames, 'direct', 'off']
  const words = wordsOf(route.from)
  for (const [index, word] of words.entries()) {
    const place = typeof route.from === 'string' ? at : [...at, index]
    if (!names.includes(word))
      complain(context, place, `no origin is named ${shown(context, place, word)}${didYouMean(word, names)}`)
  }
  if (typeof route.from === 'string') {
    if (route.fallback !== undefined)
      complain(
        context,
        [...path, 'fallback'],
        'has no meaning beside a text in `from`, whose "," and "|" say the same',
      )
    if (words.length === 0) complain(context, at, 'expected the name of an origin, found none')
    return splitProxyList(route.from).map((entry) => ({ origin: entry.text, then: entry.then }))
  }
  const end = words.findIndex((word) => word === 'direct' || word === 'off')
  if (end >= 0 && end < words.length - 1)
    complain(context, [...at, end + 1], `nothing is ever asked after "${words[end]}": it must stand last`)
  return orderedList(words, route.fallback ?? 'any')
}

/** A list in which each failure, or each absence, lets the next be asked. */
export function orderedList(names: readonly string[], then: RouteEntry['then']): RouteEntry[] {
  return names.map((origin, index) => ({ origin, then: index < names.length - 1 ? then : 'absent' }))
}

function wordsOf(from: string | readonly string[]): string[] {
  return typeof from === 'string' ? splitProxyList(from).map((entry) => entry.text) : [...from]
}

function plainRoute(modules: string[], surroundings: RouteSurroundings): RouteConfig {
  const {
    private: isPrivate,
    lookAhead,
    fresh,
    staleWhileRevalidate,
    absent,
  } = routeSchema.parse({ modules })
  const checksum = defaultChecksum(surroundings)
  return {
    modules,
    from: surroundings.defaultList,
    private: isPrivate,
    checksum,
    lookAhead,
    fresh,
    staleWhileRevalidate,
    absent,
  }
}

function defaultChecksum({ sumdb }: RouteSurroundings): string {
  return sumdb[0]?.name ?? 'off'
}

/** Patterns of a variable. `none` is the word people write for no module at all. */
function goPatterns(context: BuildContext, name: string, list: string): string[] {
  const patterns = list.split(',').filter((pattern) => pattern !== '' && pattern !== 'none')
  for (const pattern of patterns) {
    const problem = checkPattern(pattern)
    if (problem) context.warn(`${name}: the pattern ${JSON.stringify(pattern)} is no use: ${problem}`)
  }
  return patterns
}
