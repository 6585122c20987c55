import { resolve } from 'node:path'
import { witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { verifierKeyOf } from '@modstead/gomod/note'
import type { Flags } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'
import { readKeyFile } from './sumdb/key-file.ts'

/**
 * `modstead sumdb key`: the verifier key of the signer key in `file`, or of the configuration, alone on a line; with
 * `witness` that of the witness whose key is in `file`. Throws `config_invalid` where there is none, and where others
 * than its owner may read or change the file.
 */
export async function printVerifierKey(
  file: string | undefined,
  { settings, witness = false }: { settings: Flags; witness?: boolean },
  context: CommandContext,
): Promise<number> {
  if (file === undefined && witness)
    throw new ModsteadError('config_invalid', '--witness needs the key file of a witness', {
      next: 'name the file that "modstead sumdb init --witness" made',
    })
  const keyOf = witness ? witnessKeyOf : verifierKeyOf
  const key =
    file === undefined
      ? await configured(settings, context)
      : keyOf(await readKeyFile(resolve(context.cwd, file)))
  context.stdout.write(`${key}\n`)
  return EXIT.ok
}

async function configured(flags: Flags, context: CommandContext): Promise<string> {
  const { config } = await readConfig(context, flags)
  if (config.checksumLog !== undefined) return config.checksumLog.verifierKey
  throw new ModsteadError('config_invalid', 'the configuration has no checksumLog, so that there is no key', {
    next: 'name a key file, or a configuration with --config; "modstead sumdb init" makes a key',
  })
}
