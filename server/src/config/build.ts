import { isModulePath, type ModulePath } from '@modstead/gomod/path'
import { DEFAULT_GOSUMDB } from '@modstead/gomod/sumdb/known'
import type { Config, OriginConfig, RouteEntry, SumdbConfig } from './config.ts'
import { buildAccess, warnOfClosedRoutes } from './access/access.ts'
import { refuseOwnIssuer, warnOfOwnIssuer } from './access/own-issuer.ts'
import { buildAudit } from './audit/audit.ts'
import { buildChecksumLog } from './checksum-log.ts'
import { buildChecksumDatabases } from './checksums.ts'
import { absolutePath, type BuildContext, complain, shown } from './context.ts'
import { fixedPathAt } from './fixed-paths.ts'
import { describeValue, holdsSignerKey } from './explain.ts'
import { buildTokens, uploadNames, warnOfLockout, warnOfPublishing } from './publishing.ts'
import type { GoEnvironment, GoSetting } from './go-environment.ts'
import { defaultGitOrigin, warnOfHosts, withHostsOfRoutes } from './git-origins.ts'
import { parseProxyUrl, splitProxyList } from './goproxy-list.ts'
import { warnOfHighWater } from './high-water.ts'
import { buildHooks } from './hooks.ts'
import { buildLimits } from './limits/limits.ts'
import { buildOrigins, originForUrl } from './origins.ts'
import {
  buildRoutes,
  orderedList,
  reservedOrigins,
  routesOfGo,
  type RouteSurroundings,
  warnOfRoutes,
} from './routes.ts'
import type { FileConfig } from './schema.ts'
import { buildTls, warnOfCertificates } from './tls.ts'
import { buildTrustedProxies } from './trusted-proxies.ts'
import { buildTenants } from './tenants/tenants.ts'
import { buildVersionMap } from './tenants/version-map.ts'
import { buildVanity, warnOfVanity } from './vanity.ts'

/** What is given besides the values of the schema. */
export interface Surroundings {
  go: GoEnvironment
  /** Names of all origins of the file, those included in which there are mistakes. */
  originNames: readonly string[]
  /** The list of `--upstream` or `MODSTEAD_UPSTREAM`. */
  upstream?: { label: string; text: string }
  /** Notes a source that was used. */
  used(source: string): void
}

/** Resolves what the schema could not: files, secrets, names that refer to each other, and what `go` is set up to do. */
export async function buildConfig(
  context: BuildContext,
  file: FileConfig,
  surroundings: Surroundings,
): Promise<Config> {
  const { go } = surroundings
  const listen = file.listen.map((address) =>
    'socket' in address ? { socket: absolutePath(context, ['listen'], address.socket) } : address,
  )
  const trustedProxies = buildTrustedProxies(context, file)
  const tls = await buildTls(context, file.tls)
  const origins = await buildOrigins(context, file.origins ?? {})
  const uploads = uploadNames(file.origins)
  const tokens = await buildTokens(context, file)
  const trustDomains = (tls?.clients ?? []).flatMap(({ trustDomain }) => trustDomain ?? [])
  const access = await buildAccess(context, file.access, tokens, trustDomains, file.publicUrl)
  const checksumLog = await buildChecksumLog(context, file.checksumLog)
  const sumdb = buildSumdb(context, file, surroundings, checksumLog?.name)
  const lists: RouteSurroundings = {
    originNames: surroundings.originNames,
    sumdb,
    sumdbBroken: file.sumdb !== undefined && sumdb.length === 0 && !file.sumdb.includes('off'),
    defaultList: defaultList(context, file, origins, surroundings),
    forced: surroundings.upstream !== undefined,
    log: file.checksumLog !== undefined,
  }
  if (file.routes === undefined)
    for (const name of ['GONOPROXY', 'GONOSUMDB'] as const) noteGo(surroundings, name, go[name])
  const routes = file.routes ? buildRoutes(context, file.routes, lists) : routesOfGo(context, go, lists)
  const direct = origins.get('direct')
  origins.delete('direct')
  for (const [name, origin] of origins)
    if (origin.type === 'git') origins.set(name, withHostsOfRoutes(origin, routes))
  warnOfRoutes(context, routes, origins.keys())
  warnOfHosts(context, routes, origins)
  const { publicUrl, pathPrefix, memory, clones, mirror, lookAhead, log, shutdownGrace } = file
  const fixed = fixedPathAt(pathPrefix)
  if (fixed !== undefined)
    complain(context, ['pathPrefix'], `${fixed} is a path of modstead itself; take another, such as /goproxy`)
  const dataDir = absolutePath(context, ['dataDir'], file.dataDir)
  const audit = await buildAudit(context, file.audit, dataDir)
  const config: Config = {
    listen,
    ...(publicUrl !== undefined && { publicUrl }),
    pathPrefix,
    ...(tls && { tls }),
    ...(trustedProxies && { trustedProxies }),
    dataDir,
    memory,
    clones,
    origins,
    uploads,
    tokens,
    ...(access && { access }),
    ...(audit && { audit }),
    direct: withHostsOfRoutes(direct?.type === 'git' ? direct : defaultGitOrigin('direct'), routes),
    routes,
    sumdb,
    ...(checksumLog && { checksumLog }),
    vanity: buildVanity(context, file.vanity ?? [], publicUrl),
    hooks: await buildHooks(context, file.hooks ?? {}),
    versions: buildVersionMap(context, file.versions ?? []),
    stableQuery: file.stableQuery,
    tenants: [],
    ...(mirror && { mirror: { every: mirror.every, modules: modulePaths(context, mirror.modules) } }),
    lookAhead,
    limits: buildLimits(context, file.limits),
    log,
    shutdownGrace,
  }
  warnOfPublishing(context, config)
  warnOfLockout(context, config)
  warnOfClosedRoutes(context, config)
  warnOfCertificates(context, config)
  refuseOwnIssuer(context, config)
  warnOfOwnIssuer(context, config)
  if (checksumLog) await warnOfHighWater(context, checksumLog.highWater, config.dataDir)
  warnOfVanity(context, config.vanity, routes)
  const { originNames } = surroundings
  return {
    ...config,
    tenants: await buildTenants(context, file.tenants ?? {}, { root: config, originNames }),
  }
}

function modulePaths(context: BuildContext, paths: readonly string[]): ModulePath[] {
  return paths.flatMap((path, index) => {
    if (isModulePath(path)) return [path]
    const at = ['mirror', 'modules', index]
    complain(
      context,
      at,
      `expected a module path such as corp.example/lib, found ${shown(context, at, path)}`,
    )
    return []
  })
}

const UNFIT_DATABASE = 'expected a checksum database as in GOSUMDB, found a text (hidden)'

/** The checksum databases of the file, or that of GOSUMDB. None may have the name of the log of our own. */
function buildSumdb(
  context: BuildContext,
  file: FileConfig,
  surroundings: Surroundings,
  ownName: string | undefined,
): SumdbConfig[] {
  const GOSUMDB = withoutOwn(context, surroundings.go.GOSUMDB, ownName)
  const given = file.sumdb ?? [GOSUMDB.value]
  const { databases, problems } = buildChecksumDatabases(given)
  if (file.sumdb === undefined) noteGo(surroundings, 'GOSUMDB', GOSUMDB)
  for (const { index, message } of problems) {
    const hidden =
      holdsSignerKey(given[index]) || (file.sumdb !== undefined && context.hidden(['sumdb', index]))
    const shown = hidden ? UNFIT_DATABASE : message
    if (file.sumdb) complain(context, ['sumdb', index], shown)
    else context.problems.add(placeOfGo('GOSUMDB', GOSUMDB), [], shown)
  }
  if (ownName !== undefined && databases.some(({ name }) => name === ownName))
    complain(
      context,
      ['sumdb'],
      `${ownName} is the name of the key of checksumLog, too: clients could not tell the two apart`,
    )
  return databases
}

/** A machine that is set up like its clients has the log of our own in GOSUMDB: that cannot prove what enters it. */
function withoutOwn(context: BuildContext, setting: GoSetting, ownName: string | undefined): GoSetting {
  if (ownName === undefined || !setting.value.startsWith(`${ownName}+`)) return setting
  context.warn(
    `GOSUMDB (${setting.source}) is the log of this modstead, which cannot prove itself: ` +
      `${DEFAULT_GOSUMDB} is used instead; write sumdb to say otherwise`,
  )
  return { value: DEFAULT_GOSUMDB, source: 'default' }
}

/**
 * The list of the route for everything: what `--upstream` says, or all proxies of the file but those that only private
 * routes name, or what GOPROXY says. Origins for URLs that have none yet are added to `origins`.
 */
function defaultList(
  context: BuildContext,
  file: FileConfig,
  origins: Map<string, OriginConfig>,
  surroundings: Surroundings,
): RouteEntry[] {
  const { upstream, go } = surroundings
  if (upstream)
    return proxyList(context, origins, { label: upstream.label, line: 0, column: 0 }, upstream.text)
  const routes = file.routes ?? []
  const complete = routes.some((route) => route.modules.includes('*'))
  if (complete && routes.every((route) => route.private || route.from !== undefined)) return []
  const reserved = reservedOrigins(routes)
  const open = Object.entries(file.origins ?? {})
    .filter(([name, { type }]) => type === 'goproxy' && !reserved.has(name))
    .map(([name]) => name)
  if (open.length > 0) return orderedList([...open, 'direct'], 'any')
  noteGo(surroundings, 'GOPROXY', go.GOPROXY)
  return proxyList(context, origins, placeOfGo('GOPROXY', go.GOPROXY), go.GOPROXY.value)
}

/** A list of URLs, origin names, `direct` and `off`, as in GOPROXY. */
function proxyList(
  context: BuildContext,
  origins: Map<string, OriginConfig>,
  place: ReturnType<typeof placeOfGo>,
  list: string,
): RouteEntry[] {
  const entries = splitProxyList(list)
  if (entries.length === 0) context.problems.add(place, [], 'the list of proxies has no entries')
  return entries.flatMap(({ text, then }) => {
    if (text === 'direct' || text === 'off' || origins.has(text)) return [{ origin: text, then }]
    const parsed = parseProxyUrl(text)
    if (typeof parsed !== 'string') return [{ origin: originForUrl(origins, parsed).name, then }]
    // A password with a comma is cut in two here: no part of such a list may be shown.
    context.problems.add(place, [], `expected ${parsed}, found ${describeValue(text, list.includes('@'))}`)
    return []
  })
}

function placeOfGo(name: string, setting: GoSetting) {
  return {
    label: setting.source === 'environment' ? name : `${name} (${setting.source})`,
    line: 0,
    column: 0,
  }
}

function noteGo(surroundings: Surroundings, name: string, setting: GoSetting): void {
  if (setting.source !== 'default') surroundings.used(`${name} (${setting.source})`)
}
