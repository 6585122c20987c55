import { setTimeout } from 'node:timers/promises'
import { isModulePath } from '@modstead/gomod/path'
import { isCanonicalFor } from '@modstead/gomod/version'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { remarkProblem } from '../proxy/remark.ts'
import { PROMOTION_FRESH } from '../proxy/version-map.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'
import { tenantIn } from './tenant-flag.ts'

export interface PromoteFlags {
  tenant?: string
  note?: string
}

/**
 * `modstead promote MODULE@VERSION`: the version is the stable one of its module for every request that arrives after
 * this has returned. Whether it is there is not looked at. Throws `config_invalid` for what cannot be a version, and
 * what `openCatalogBeside` throws.
 */
export async function promote(
  text: string,
  given: PromoteFlags,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const [, module = '', version = ''] = /^([^@]+)@([^@]+)$/.exec(text) ?? []
  if (!isModulePath(module) || !isCanonicalFor(module, version))
    throw new ModsteadError('config_invalid', `${JSON.stringify(text)} is not a version of a module`, {
      next: 'write MODULE@VERSION with a canonical version, such as corp.example/lib@v1.4.2',
    })
  const note = (given.note ?? '').trim()
  const problem = note === '' ? undefined : remarkProblem(note)
  if (problem !== undefined) throw new ModsteadError('config_invalid', `--note: the note ${problem}`)
  const { config } = await readConfig(context, flags)
  const tenant = given.tenant === undefined ? undefined : tenantIn(config, given.tenant)
  const row = openCatalogBeside(catalogIn(config.dataDir)).promote({
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
  return EXIT.ok
}
