import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import type { ActRow } from '../proxy/catalog.ts'
import { catalogIn } from '../store/data-folder.ts'
import { type CommandContext, EXIT } from './context.ts'
import { pageLimit } from './page-limit.ts'
import { readConfig } from './read-config.ts'

export interface ActsListFlags {
  /** How many at most, as it was given: 1 to 200; default 50. */
  limit?: string
  /** Id of an act: only older ones. */
  before?: string
  json?: boolean
}

/**
 * `modstead acts list`: what was published and deleted, the newest first, from the data folder on this machine. A
 * server may run on it meanwhile. Throws `config_invalid` for a bad `--limit` or `--before`, and what `openCatalogBeside` throws.
 */
export async function listActs(given: ActsListFlags, flags: Flags, context: CommandContext): Promise<number> {
  const limit = pageLimit(given.limit)
  const { before } = given
  if (before !== undefined && !/^act-[0-9a-z]{4}-[0-9a-z]{4}$/.test(before))
    throw new ModsteadError('config_invalid', `--before: ${JSON.stringify(before)} is not the id of an act`, {
      next: 'write an id as the list shows it, such as act-7k3m-02pr',
    })
  const { config } = await readConfig(context, flags)
  // One more than is shown tells whether there are older ones.
  const found = openCatalogBeside(catalogIn(config.dataDir)).acts({
    limit: limit + 1,
    ...(before !== undefined && { before }),
  })
  const acts = found.slice(0, limit)
  const next = found.length > limit ? acts.at(-1)?.id : undefined
  context.stdout.write(given.json === true ? asJson(acts, next) : asText(acts, next))
  return EXIT.ok
}

function asJson(acts: readonly ActRow[], next: string | undefined): string {
  const list = acts.map(({ id, at, ...act }) => ({ id, at: new Date(at).toISOString(), ...act }))
  return `${JSON.stringify({ acts: list, ...(next !== undefined && { nextBefore: next }) }, null, 2)}\n`
}

function asText(acts: readonly ActRow[], next: string | undefined): string {
  if (acts.length === 0) return 'nothing was published or deleted here\n'
  const lines = acts.flatMap((row) => {
    const { id, at, act, outcome, who, module, version, h1, reason } = row
    const what = outcome === 'done' ? act : `${act} (${outcome})`
    const sum = h1 === undefined ? '' : ` ${h1}`
    const line = `${id}  ${new Date(at).toISOString()}  ${what} by ${who}: ${module}@${version}${sum}`
    return reason === undefined ? [line] : [line, `    reason: ${reason}`]
  })
  if (next !== undefined) lines.push(`older ones: modstead acts list --before ${next}`)
  return `${lines.join('\n')}\n`
}
