import type { Flags } from '../config/settings.ts'
import { describeConfig, formatConfig } from '../config/show.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/** `modstead config show`: the configuration in effect, with every default and without secrets, as YAML or JSON. */
export async function showConfig(flags: Flags, json: boolean, context: CommandContext): Promise<number> {
  const { config, sources, warnings } = await readConfig(context, flags)
  for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`)
  if (json) context.stdout.write(`${JSON.stringify(describeConfig(config), null, 2)}\n`)
  else context.stdout.write(`# from ${sources.join(', ') || 'defaults'}\n${formatConfig(config)}`)
  return EXIT.ok
}
