import type { TlsConfig } from '../config/config.ts'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead config check`: says whether the configuration is valid, and what in it is most likely not meant. Throws
 * `config_invalid`, also for a certificate and a key that a start could not use.
 */
export async function checkConfig(flags: Flags, context: CommandContext): Promise<number> {
  const { config, sources, warnings } = await readConfig(context, flags)
  const all = [...warnings, ...(config.tls === undefined ? [] : await checkPair(config.tls))]
  for (const warning of all) context.stderr.write(`warning: ${warning}\n`)
  context.stdout.write(`The configuration is valid (${sources.join(', ') || 'defaults only'}).\n`)
  return EXIT.ok
}

async function checkPair(files: TlsConfig): Promise<string[]> {
  const { readKeyPair, untimely } = await import('../http/tls/key-pair.ts')
  const pair = await readKeyPair(files)
  if ('problem' in pair)
    throw new ModsteadError('config_invalid', `tls: ${pair.problem}`, { next: pair.next })
  const problem = untimely(pair.leaf, Date.now())
  return problem === undefined ? [] : [`the certificate ${files.cert} ${problem}`]
}
