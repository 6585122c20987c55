import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { verifierKeyOf } from '@modstead/gomod/note'
import { describeFileError } from '../config/file-errors.ts'
import type { Flags } from '../config/settings.ts'
import { keyFileProblem, signerKeyProblem } from '../config/signer-key.ts'
import { ModsteadError } from '../errors.ts'
import { type CommandContext, EXIT } from './context.ts'
import { readConfig } from './read-config.ts'

/**
 * `modstead sumdb key`: the verifier key of the signer key in `file`, or of the configuration, alone on a line. Throws
 * `config_invalid` where there is none, and where others than its owner may read or change the file.
 */
export async function printVerifierKey(
  file: string | undefined,
  flags: Flags,
  context: CommandContext,
): Promise<number> {
  const key = file === undefined ? await configured(flags, context) : await ofFile(resolve(context.cwd, file))
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

async function ofFile(path: string): Promise<string> {
  const [facts, text] = await Promise.all([stat(path), readFile(path, 'utf8')]).catch((cause: unknown) => {
    throw new ModsteadError('config_invalid', describeFileError(path, cause), {
      next: 'name a file that "modstead sumdb init" made, as its owner',
      cause,
    })
  })
  const exposed = keyFileProblem(path, facts, process.platform)
  if (exposed !== undefined)
    throw new ModsteadError('config_invalid', exposed, {
      next: 'if anybody may have read it, replace the key: docs/checksum-database.md',
    })
  const problem = signerKeyProblem(text.trim())
  if (problem === undefined) return verifierKeyOf(text.trim())
  throw new ModsteadError('config_invalid', `${path}: ${problem}`, {
    next: 'name a file that "modstead sumdb init" made',
  })
}
