import { accessSchema } from '../access/access-schema.ts'
import { buildAccess, warnOfClosedRoutes } from '../access/access.ts'
import { buildChecksumLog } from '../checksum-log.ts'
import { warnOfHighWater } from '../high-water.ts'
import type { ChecksumLogConfig, Config, OriginConfig, RouteConfig, TenantConfig } from '../config.ts'
import { type BuildContext, complain, shown } from '../context.ts'
import { TENANTS_PATH } from '../fixed-paths.ts'
import { defaultGitOrigin, warnOfHosts, withHostsOfRoutes } from '../git-origins.ts'
import { buildHooks } from '../hooks.ts'
import { buildOrigins } from '../origins.ts'
import { buildTokens, uploadNames, warnOfLockout, warnOfPublishing } from '../publishing.ts'
import { buildRoutes, orderedList, reservedOrigins, warnOfRoutes } from '../routes.ts'
import type { FileTenant } from '../schema.ts'
import { buildVanity, warnOfVanity } from '../vanity.ts'
import { tenantName } from './tenant-schema.ts'
import { buildVersionMap } from './version-map.ts'
import { within } from './within.ts'

/** Realms that are not a tenant's to name: that of public facts, and that of the top level. */
const TAKEN = ['public', 'default']

/**
 * The tenants of the file. `root` is the configuration of the top level, `originNames` the origins that it names, those
 * included in which there are mistakes.
 */
export async function buildTenants(
  context: BuildContext,
  tenants: Readonly<Record<string, FileTenant>>,
  { root, originNames }: { root: Config; originNames: readonly string[] },
): Promise<TenantConfig[]> {
  const built: TenantConfig[] = []
  for (const [name, file] of Object.entries(tenants)) {
    const inner = within(context, ['tenants', name])
    if (TAKEN.includes(name))
      complain(context, ['tenants', name], 'is a realm of modstead itself: take another name')
    const hosts = hostsOf(inner, file.hosts ?? [], root, built)
    const realm = realmOf(inner, name, file)
    const checksumLog = await logOf(inner, realm, file, root, built)
    built.push(await buildTenant(inner, { name, hosts, realm, checksumLog, file, root, originNames }))
  }
  warnOfSharing(context, built)
  return built
}

interface Given {
  name: string
  hosts: readonly string[]
  realm: string
  checksumLog: ChecksumLogConfig | undefined
  file: FileTenant
  root: Config
  originNames: readonly string[]
}

async function buildTenant(context: BuildContext, given: Given): Promise<TenantConfig> {
  const { name, hosts, realm, checksumLog, file, root, originNames } = given
  const inheritsOrigins = file.inherit?.includes('origins') === true
  const origins = await buildOrigins(context, file.origins ?? {})
  const ownUploads = uploadNames(file.origins)
  const tokens = await buildTokens(context, file)
  const trustDomains = (root.tls?.clients ?? []).flatMap(({ trustDomain }) => trustDomain ?? [])
  const publicUrl = publicUrlOf(root, name, hosts)
  const access = await buildAccess(context, accessOf(context, file, root), tokens, trustDomains, publicUrl)
  const files = file.routes ?? []
  const reserved = reservedOrigins(files)
  const open = Object.entries(file.origins ?? {})
    .filter(([origin, { type }]) => type === 'goproxy' && !reserved.has(origin))
    .map(([origin]) => origin)
  const publicRoute = root.routes.find(({ modules }) => modules.includes('*'))!
  const followsRoot = open.length === 0 && !files.some(({ modules }) => modules.includes('*'))
  const inherited = inheritsOrigins ? [...originNames, ...root.origins.keys(), ...root.uploads] : []
  const built = buildRoutes(context, files, {
    originNames: [...Object.keys(file.origins ?? {}), ...inherited],
    sumdb: root.sumdb,
    sumdbBroken: false,
    defaultList: open.length > 0 ? orderedList([...open, 'direct'], 'any') : publicRoute.from,
    forced: false,
    log: file.checksumLog !== undefined,
  })
  const usesPublic =
    followsRoot || (open.length === 0 && files.some((route) => !route.private && route.from === undefined))
  if (usesPublic && !inheritsOrigins) refuseCredentials(context, publicRoute, root)
  const routes = followsRoot ? [...built.slice(0, -1), publicRoute] : built
  if (followsRoot && publicRoute.private)
    complain(context, ['routes'], 'the route for * of the top level is private: write one here')

  const direct = origins.get('direct')
  origins.delete('direct')
  for (const [origin, config] of origins)
    if (config.type === 'git') origins.set(origin, withHostsOfRoutes(config, routes))
  const own = followsRoot ? built.slice(0, -1) : built
  warnOfRoutes(context, own, origins.keys())
  warnOfHosts(context, own, origins)
  const {
    mirror: _mirror,
    audit: _audit,
    access: _access,
    checksumLog: _log,
    publicUrl: _url,
    ...rest
  } = root
  const site: Config = {
    ...rest,
    ...(publicUrl !== undefined && { publicUrl }),
    pathPrefix: '',
    origins,
    uploads: inheritsOrigins ? [...ownUploads, ...root.uploads] : ownUploads,
    tokens,
    ...(access && { access }),
    ...(checksumLog && { checksumLog }),
    direct: withHostsOfRoutes(direct?.type === 'git' ? direct : defaultGitOrigin('direct'), routes),
    routes,
    vanity: buildVanity(context, file.vanity ?? [], publicUrl),
    hooks: await buildHooks(context, file.hooks ?? {}),
    lookAhead: file.lookAhead,
    versions: buildVersionMap(context, file.versions ?? []),
    stableQuery: file.stableQuery,
    tenants: [],
  }
  warnOfPublishing(context, { ...site, uploads: ownUploads })
  warnOfLockout(context, site)
  warnOfClosedRoutes(context, site)
  warnOfVanity(context, site.vanity, routes)
  if (checksumLog) await warnOfHighWater(context, checksumLog.highWater, site.dataDir)
  const bytes = file.quotas?.bytes
  return {
    name,
    hosts,
    realm,
    inheritsOrigins,
    ownsDirect: direct !== undefined,
    followsRoot,
    quotas: bytes === undefined ? {} : { bytes },
    site,
  }
}

/**
 * The access that the file gives a tenant. Where the top level is guarded, a tenant of which nothing is said is not open
 * to all: it has what `access: {}` means.
 */
function accessOf(context: BuildContext, file: FileTenant, root: Config): FileTenant['access'] {
  if (file.access !== undefined || root.access === undefined) return file.access
  context.warn(
    'has no access, and the top level has: private modules are closed to everybody here, as with access: {}; write access to say who may read them',
  )
  return accessSchema.parse({})
}

/** Credentials are used for nobody who was not said to use them. */
function refuseCredentials(context: BuildContext, route: RouteConfig, root: Config): void {
  const secret = route.from.find(({ origin }) =>
    hasCredentials(origin === 'direct' ? root.direct : root.origins.get(origin)),
  )
  if (secret !== undefined)
    complain(
      context,
      ['inherit'],
      `the route for * of the top level asks ${secret.origin} with credentials: write inherit: [origins] to use them here, or a route for * with origins of its own`,
    )
}

function hasCredentials(origin: OriginConfig | undefined): boolean {
  if (origin === undefined) return false
  return origin.type === 'git' ? origin.credentials.length > 0 : origin.credentials !== undefined
}

function hostsOf(
  context: BuildContext,
  given: readonly string[],
  root: Config,
  others: readonly TenantConfig[],
): string[] {
  return given.map((text, index) => {
    const path = ['hosts', index]
    const host = text.toLowerCase()
    const isName =
      /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(host)
    if (!isName || /^[\d.]+$/.test(host))
      complain(context, path, `expected a host name without a port, found ${shown(context, path, text)}`)
    const same = others.find(({ hosts }) => hosts.includes(host))
    if (same !== undefined) complain(context, path, `is the host of the tenant ${same.name}, too`)
    if (root.publicUrl !== undefined && new URL(root.publicUrl).hostname === host)
      complain(context, path, 'is the host of publicUrl, which leads to what is nobody’s in particular')
    return host
  })
}

/** The log of a tenant, which is that of its realm: two would promise for the same modules. */
async function logOf(
  context: BuildContext,
  realm: string,
  file: FileTenant,
  root: Config,
  others: readonly TenantConfig[],
): Promise<ChecksumLogConfig | undefined> {
  const log = await buildChecksumLog(context, file.checksumLog)
  if (log === undefined) return undefined
  const known = others.flatMap(({ realm, site }) =>
    site.checksumLog ? [{ realm, log: site.checksumLog }] : [],
  )
  if (root.checksumLog) known.push({ realm: 'default', log: root.checksumLog })
  const at = ['checksumLog', 'key']
  if (known.some((other) => other.log.name === log.name) || root.sumdb.some(({ name }) => name === log.name))
    complain(
      context,
      at,
      `${log.name} is the name of another checksum database here: clients could not tell them apart`,
    )
  if (known.some((other) => other.realm === realm))
    complain(context, ['checksumLog'], `the realm ${realm} has a log already, which promises for its modules`)
  if (log.highWater !== undefined && known.some((other) => other.log.highWater === log.highWater))
    complain(context, ['checksumLog', 'highWater'], 'is the file of another log')
  return log
}

function realmOf(context: BuildContext, name: string, { realm }: FileTenant): string {
  if (realm === undefined) return name
  if (!tenantName.test(realm) || realm === 'public')
    complain(
      context,
      ['realm'],
      `expected a name of a-z, 0-9 and "-", 32 characters at most, other than "public", found ${shown(context, ['realm'], realm)}`,
    )
  return realm
}

/** How clients reach the tenant: by its first host, else below the address of the server. */
function publicUrlOf(root: Config, name: string, [host]: readonly string[]): string | undefined {
  const { publicUrl, pathPrefix, listen, tls } = root
  if (host === undefined)
    return publicUrl === undefined ? undefined : publicUrl + pathPrefix + TENANTS_PATH + name
  if (publicUrl !== undefined) {
    const url = new URL(publicUrl)
    url.hostname = host
    return url.origin
  }
  const address = listen.find((one) => 'port' in one)
  const port = address === undefined ? '' : `:${address.port}`
  return new URL(`${tls === undefined ? 'http' : 'https'}://${host}${port}`).origin
}

/** Each of those who share a realm can read what another fetched or published there, as far as its own access lets it. */
function warnOfSharing(context: BuildContext, tenants: readonly TenantConfig[]): void {
  for (const { name, realm } of tenants)
    if (
      realm !== name &&
      !tenants.some((other) => other.name !== name && other.realm === realm) &&
      realm !== 'default'
    )
      context.warn(`tenants.${name}: nobody else has the realm ${realm}`)
}
