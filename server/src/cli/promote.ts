import { setTimeout } from 'node:timers/promises'
import { isModulePath, type ModulePath } from '@modstead/gomod/path'
import { compilePatterns } from '@modstead/gomod/pattern'
import { canonicalVersion, isCanonicalFor } from '@modstead/gomod/version'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import { readCatalogVersions } from '../catalog/read-versions.ts'
import type { Config } from '../config/config.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { remarkProblem } from '../proxy/remark.ts'
import type { Realm } from '../proxy/store.ts'
import { PROMOTION_FRESH } from '../proxy/version-map.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'
import { tenantIn } from './tenant-flag.ts'

/** Where the modules of everybody are, and the private ones of the server outside its tenants. */
const PUBLIC_REALM = 'public'
const DEFAULT_REALM = 'default'

export interface PromoteFlags {
  tenant?: string
  note?: string
  /** Also a version that was never seen here. */
  force?: boolean
}

/**
 * `modstead promote MODULE@VERSION`: the version is the stable one of its module for every request that arrives after
 * this has returned. Throws `config_invalid` for what cannot be a version, `not_found` for one that was never seen here
 * unless it is forced, and what `openCatalogBeside` throws.
 */
export async function promote(
  text: string,
  given: PromoteFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const [, module = '', version = ''] = /^([^@]+)@([^@]+)$/.exec(text) ?? []
  if (isModulePath(module)) refuseOtherMajor(module, version)
  if (!isModulePath(module) || !isCanonicalFor(module, version))
    throw new ModsteadError('config_invalid', `${JSON.stringify(text)} is not a version of a module`, {
      next: 'write MODULE@VERSION with a canonical version, such as corp.example/lib@v1.4.2',
    })
  const note = (given.note ?? '').trim()
  const problem = note === '' ? undefined : remarkProblem(note)
  if (problem !== undefined) throw new ModsteadError('config_invalid', `--note: the note ${problem}`)
  const { config } = await readConfig(context, flags)
  const tenant = given.tenant === undefined ? undefined : tenantIn(config, given.tenant)
  const beside = openCatalogBeside(catalogIn(config.dataDir))
  const realm = tenant?.realm ?? DEFAULT_REALM
  if (given.force !== true) refuseUnseen(catalogIn(config.dataDir), realm, module, version)
  const row = beside.promote({
    tenant: tenant?.name ?? '',
    module,
    version,
    who: `user ${context.user}`,
    note,
  })
  await recordAct(config, context, {
    action: 'version.promote',
    detail: [row.id, note].filter((text) => text !== '').join(' '),
    module,
    version,
    ...(tenant !== undefined && { tenant: tenant.name }),
  })
  // So long a running server may still believe the one before.
  await setTimeout(PROMOTION_FRESH + 50)
  const where = tenant === undefined ? '' : ` for ${tenant.name}`
  context.stdout.write(`${row.id} ${module}@${version} is the stable version${where}\n`)
  if (!usesStable(tenant?.site ?? config, module))
    context.stderr.write(
      `warning: no entry of versions says STABLE for ${module}${where}: go get ${module}@latest does not follow this\n`,
    )
  return EXIT.ok
}

/** Go asks for the major version in the path from v2 on: https://go.dev/ref/mod#major-version-suffixes. */
function refuseOtherMajor(module: ModulePath, version: string): void {
  if (canonicalVersion(version) !== version || isCanonicalFor(module, version)) return
  throw new ModsteadError(
    'config_invalid',
    `${version} is of another major version than ${module}: from v2 on the path of a module ends in its major version`,
    {
      next: `promote ${module} with a version of its own, or write the path with its major version, such as corp.example/lib/v2@v2.0.0`,
    },
  )
}

/** What nobody can get would take `@latest` from everybody. Public modules and private ones are looked at. */
function refuseUnseen(path: string, realm: Realm, module: ModulePath, version: string): void {
  const reader = readCatalogVersions(path)
  try {
    if ([realm, PUBLIC_REALM].some((realm) => reader.version(realm, module, version) !== undefined)) return
  } finally {
    reader.close()
  }
  throw new ModsteadError('not_found', `${module}@${version} was never seen here`, {
    next: `check the version, ask this server for it once (go list -m ${module}@${version}), or give --force`,
  })
}

function usesStable({ versions, stableQuery }: Config, module: ModulePath): boolean {
  return (
    stableQuery ||
    versions.some(({ version, modules }) => version === 'STABLE' && compilePatterns(modules).matches(module))
  )
}
