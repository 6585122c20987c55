import type { Config, TenantConfig } from '../config/config.ts'
import { didYouMean } from '../config/nearest.ts'
import { ModsteadError } from '../errors.ts'

/** The tenant that `--tenant` names. Throws `config_invalid` where the configuration has none of that name. */
export function tenantIn({ tenants }: Pick<Config, 'tenants'>, name: string): TenantConfig {
  const found = tenants.find((tenant) => tenant.name === name)
  if (found !== undefined) return found
  const names = tenants.map((tenant) => tenant.name)
  throw new ModsteadError(
    'config_invalid',
    `--tenant: the configuration has no tenant ${JSON.stringify(name)}${didYouMean(name, names)}`,
    {
      next:
        names.length === 0
          ? 'it has none at all: name the right file with --config'
          : `those it has: ${names.join(', ')}`,
    },
  )
}
