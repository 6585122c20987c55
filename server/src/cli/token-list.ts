import type { TokenRecord } from '../access/tokens/access-tokens.ts'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { catalogIn } from '../store/data-folder.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead token list`: all tokens that were issued on the data folder, without what would let anybody use them. Throws
 * what `openCatalogBeside` throws.
 */
export async function listTokens(
  { json = false }: { json?: boolean },
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const { config } = await readConfig(context, flags)
  const shown = openCatalogBeside(catalogIn(config.dataDir)).tokens().map(describe)
  context.stdout.write(json ? `${JSON.stringify({ tokens: shown }, null, 2)}\n` : asText(shown))
  return EXIT.ok
}

function describe(token: TokenRecord) {
  const { id, owner, note, permissions, modules, created, expires, lastUsed, revoked } = token
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString())
  const ended = expires !== undefined && expires <= Date.now()
  return {
    id,
    owner: `${owner.kind}:${owner.name}`,
    note,
    state: revoked === undefined ? (ended ? 'expired' : 'valid') : 'revoked',
    permissions: permissions ?? null,
    modules: modules ?? null,
    created: time(created),
    expires: time(expires),
    lastUsed: time(lastUsed),
    revoked: revoked === undefined ? null : { at: time(revoked.at), by: revoked.by },
  }
}

function asText(tokens: readonly ReturnType<typeof describe>[]): string {
  if (tokens.length === 0) return 'no tokens were made here\n'
  const lines = tokens.map((token) => {
    const { id, owner, note, state, permissions, modules, expires, lastUsed, revoked } = token
    return [
      `${id}  ${owner}  ${state}`,
      ...(revoked === null ? [] : [`revoked ${revoked.at} by ${revoked.by}`]),
      expires === null ? 'never expires' : `expires ${expires}`,
      lastUsed === null ? 'never used' : `last used ${lastUsed}`,
      ...(permissions === null ? [] : [`only ${permissions.join(', ')}`]),
      ...(modules === null ? [] : [`only for ${modules.join(', ')}`]),
      ...(note === '' ? [] : [note]),
    ].join('; ')
  })
  return `${lines.join('\n')}\n`
}
