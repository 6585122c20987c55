import { goproxyUrl } from '../config/address.ts'
import { clientGuides, GUIDE_NAMES } from '../config/client-guides.ts'
import { didYouMean } from '../config/nearest.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { settingsText } from '../http/settings-page.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead settings`: the guides for clients, or one of them. Throws `config_invalid` for a client that there is none
 * for, and where clients have no address.
 */
export async function printSettings(
  client: string | undefined,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const names: readonly string[] = GUIDE_NAMES
  if (client !== undefined && !names.includes(client))
    throw new ModsteadError(
      'config_invalid',
      `there are no settings for ${JSON.stringify(client)}${didYouMean(client, names)}`,
      {
        next: `those there are: ${names.join(', ')}`,
      },
    )
  const { config } = await readConfig(context, flags)
  const address = goproxyUrl(config, config.listen)
  if (address === undefined)
    throw new ModsteadError('config_invalid', 'clients have no address: a socket has none', {
      next: 'set publicUrl',
    })
  const guides = clientGuides(config, address).filter(({ name }) => client === undefined || name === client)
  context.stdout.write(settingsText(guides))
  return EXIT.ok
}
