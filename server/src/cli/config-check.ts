import type { Flags } from '../config/settings.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/** `modstead config check`: says whether the configuration is valid, and what in it is most likely not meant. */
export async function checkConfig(flags: Flags, context: CommandContext): Promise<number> {
  const { sources, warnings } = await readConfig(context, flags)
  for (const warning of warnings) context.stderr.write(`warning: ${warning}\n`)
  context.stdout.write(`The configuration is valid (${sources.join(', ') || 'defaults only'}).\n`)
  return EXIT.ok
}
