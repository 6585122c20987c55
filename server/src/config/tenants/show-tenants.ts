import type { Config, TenantConfig } from '../config.ts'
import { formatSize } from '../units.ts'

/** `tenants` as a file would say it. `describeSite` tells what a tenant has in common with the top level. */
export function describeTenants(
  { tenants, uploads }: Config,
  describeSite: (site: Config) => Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    tenants.map((tenant) => [tenant.name, describeTenant(tenant, uploads, describeSite)]),
  )
}

/** What it takes over from the top level is said there. */
function describeTenant(
  { hosts, realm, inheritsOrigins, ownsDirect, followsRoot, quotas, site }: TenantConfig,
  rootUploads: readonly string[],
  describeSite: (site: Config) => Record<string, unknown>,
): Record<string, unknown> {
  const own = describeSite({
    ...site,
    routes: followsRoot ? site.routes.slice(0, -1) : site.routes,
    uploads: inheritsOrigins ? site.uploads.filter((name) => !rootUploads.includes(name)) : site.uploads,
  })
  const { direct, ...origins } = own['origins'] as Record<string, unknown>
  return {
    ...(hosts.length > 0 && { hosts: [...hosts] }),
    realm,
    ...(inheritsOrigins && { inherit: ['origins'] }),
    ...own,
    origins: ownsDirect ? { ...origins, direct } : origins,
    ...(quotas.bytes !== undefined && { quotas: { bytes: formatSize(quotas.bytes) } }),
  }
}
