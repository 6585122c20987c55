import { GUIDE_NAMES } from '../../config/client-guides.ts'
import { addConfigFlags, configFlags } from '../config-flags.ts'
import type { CommandLine } from './command-line.ts'

const NOTES = `
What is printed follows from the configuration, and holds no secret. The page /settings of the server shows the same.

Examples:
  modstead settings
  modstead settings gitlab-ci --config /etc/modstead/modstead.yaml`

/** `modstead settings`. */
export function describeSettings({ program, context, done }: CommandLine): void {
  addConfigFlags(
    program
      .command('settings [client]')
      .description(`print how clients are set up for this modstead: ${GUIDE_NAMES.join(', ')}`)
      .addHelpText('after', NOTES),
  ).action(async (client, _options, command) =>
    done(await (await import('../settings.ts')).printSettings(client, configFlags(command), context)),
  )
}
