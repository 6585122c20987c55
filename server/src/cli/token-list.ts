import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { type TokenJson, tokenJson } from '../http/api/token-json.ts'
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
  const shown = openCatalogBeside(catalogIn(config.dataDir))
    .tokens()
    .map((token) => tokenJson(token, Date.now()))
  context.stdout.write(json ? `${JSON.stringify({ tokens: shown }, null, 2)}\n` : asText(shown))
  return EXIT.ok
}

function asText(tokens: readonly TokenJson[]): string {
  if (tokens.length === 0) return 'no tokens were made here\n'
  const lines = tokens.map((token) => {
    const { id, owner, tenant, note, state, permissions, modules, expires, lastUsed, revoked } = token
    return [
      `${id}  ${owner}  ${state}`,
      ...(tenant === null ? [] : [`tenant ${tenant}`]),
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
