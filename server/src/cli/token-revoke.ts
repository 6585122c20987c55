import { untilNoneIsFresh } from '../access/tokens/access-tokens.ts'
import { isTokenId, tokenId } from '../access/tokens/token-format.ts'
import { openCatalogBeside } from '../catalog/catalog-beside.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { catalogIn } from '../store/data-folder.ts'
import { recordAct } from './audit/leave.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead token revoke ID`: when it returns, no request that arrives after that is let in by the token. Done again, the
 * first one holds. Throws `not_found`, `config_invalid` for what is no id, and what `openCatalogBeside` throws.
 */
export async function revokeToken(given: string, flags: Flags, context: CommandContext): Promise<number> {
  const id = isTokenId(given) ? given : tokenId(given)
  if (id === undefined)
    throw new ModsteadError(
      'config_invalid',
      'what was given is neither the id of a token nor a whole token',
      {
        next: 'modstead token list shows the ids; a token is mst_ and 46 letters and digits',
      },
    )
  const { config } = await readConfig(context, flags)
  const by = `user ${context.user}`
  const token = openCatalogBeside(catalogIn(config.dataDir)).revokeToken(id, by)
  if (token?.revoked === undefined)
    throw new ModsteadError('not_found', `there is no token ${id} in ${config.dataDir}`, {
      next: 'modstead token list shows those that are there',
    })
  await recordAct(config, context, { action: 'token.revoke', detail: id })
  await untilNoneIsFresh()
  const { at, by: who } = token.revoked
  context.stdout.write(`${id} is revoked since ${new Date(at).toISOString()}, by ${who}\n`)
  return EXIT.ok
}
