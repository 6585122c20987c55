import { join } from 'node:path'
import type { Config, TenantConfig } from './config/config.ts'
import type { TenantSite } from './http/sites.ts'
import { joinSite, type SharedRooms } from './join-site.ts'
import type { HeldLog } from './open-log.ts'
import { outsideUrls } from './open-databases.ts'
import { type OpenOrigins, openOrigins } from './open-origins.ts'
import { createOutside } from './origin/outside.ts'
import type { ChecksumDatabase, PromisedHashes } from './proxy/checksums.ts'
import { createRecorder } from './proxy/incidents.ts'
import type { Realm } from './proxy/store.ts'
import type { Origin } from './proxy/origin.ts'
import type { RouteNames, Router } from './proxy/route.ts'
import { type IsPrivateName, withoutPrivateNames } from './proxy/private-names.ts'
import { createTenantRouter } from './proxy/tenant-router.ts'

export interface JoinTenantsOptions {
  config: Config
  /** Where what origins keep for themselves may lie: each tenant's in a folder of its own. */
  folder: string
  /** Our id in the header that stops loops. */
  via: string
  databases: ReadonlyMap<string, ChecksumDatabase>
  /** What logs have promised, by realm: those of the tenants are added. */
  promises: Map<Realm, PromisedHashes>
  /** What the top level has. */
  root: { origins: OpenOrigins; router: Router }
  /** The names that are private at any site. */
  isPrivateName: IsPrivateName
}

export interface JoinedTenants {
  sites: TenantSite[]
  /** The configurations of the module proxies that are asked. */
  asked: OpenOrigins['asked']
  drain(given: AbortSignal): Promise<void>
}

/** Joins the rooms of every tenant on what all sites share. Throws as `openOrigins`. */
export async function joinTenants(options: JoinTenantsOptions, shared: SharedRooms): Promise<JoinedTenants> {
  const { config, folder, via, promises, root, isPrivateName } = options
  const { observer, env, closing } = shared
  const joined: { site: TenantSite; drain(given: AbortSignal): Promise<void> }[] = []
  const asked: OpenOrigins['asked'][number][] = []
  for (const tenant of config.tenants) {
    const { name, hosts, realm, site: own } = tenant
    // Hosts that one tenant names are open to its own origins, and to no other's.
    const outside = createOutside({ observer, via, env, urls: outsideUrls(own) })
    const origins = await openOrigins({
      config: own,
      folder: join(folder, 'tenants', name),
      outside,
      observer,
    })
    closing.push(() => origins.close())
    asked.push(...origins.asked)
    const router = withoutPrivateNames(
      createTenantRouter({
        routes: own.routes,
        names: namesFor(tenant, origins, options),
        last: tenant.followsRoot ? rootNames(options) : undefined,
        realm,
        root: root.router,
      }),
      isPrivateName,
    )
    const log = await openTenantLog(tenant, router, folder, shared)
    if (log !== undefined) promises.set(realm, log.promised)
    const { site, drain } = await joinSite({ config: own, tenant: name, realm, router, origins, log }, shared)
    joined.push({ site: { ...site, name, hosts }, drain })
  }
  return {
    sites: joined.map(({ site }) => site),
    asked,
    async drain(given) {
      await Promise.all(joined.map(({ drain }) => drain(given)))
    },
  }
}

/**
 * What the names in a tenant's routes stand for: its own origins; those of the public route of the top level, which its
 * routes without a list ask; and the others of the top level where it may use them.
 */
function namesFor(
  { site, inheritsOrigins, ownsDirect }: TenantConfig,
  own: OpenOrigins,
  { config, databases, root }: JoinTenantsOptions,
): RouteNames {
  const open = config.routes.find(({ modules }) => modules.includes('*'))?.from ?? []
  const origins = new Map<string, Origin>()
  for (const [name, origin] of root.origins.all)
    if (inheritsOrigins || open.some((entry) => entry.origin === name)) origins.set(name, origin)
  for (const [name, origin] of own.all)
    if (name !== 'direct' || ownsDirect || !inheritsOrigins) origins.set(name, origin)
  return { origins, databases, uploads: site.uploads }
}

function rootNames({ config, databases, root }: JoinTenantsOptions): RouteNames {
  return { origins: root.origins.all, databases, uploads: config.uploads }
}

/** Loaded where there is one. What is wrong with it is an incident of its realm, and told to whoever runs the server. */
async function openTenantLog(
  { name, realm, site }: TenantConfig,
  router: Router,
  data: string,
  { catalog, observer, env, closing, warnings }: SharedRooms,
): Promise<HeldLog | undefined> {
  if (site.checksumLog === undefined) return undefined
  const { holdLog } = await import('./open-log.ts')
  const record = createRecorder(catalog, observer)
  const log = holdLog({
    config: site.checksumLog,
    data,
    realm,
    env,
    record: (incident, explanation) => record({ ...incident, realm }, explanation),
    isProvenElsewhere(module) {
      const { checksum, log } = router.routeOf(module)
      return checksum !== undefined || !log
    },
    // The gauges are those of the log of the top level.
    observer: { ...observer, gauge: () => undefined },
  })
  closing.push(() => log.close())
  warnings.push(() => log.warnings().map((warning) => `tenants.${name}: ${warning}`))
  return log
}
