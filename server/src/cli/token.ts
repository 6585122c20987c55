import { readFile } from 'node:fs/promises'
import { resolve as resolvePath } from 'node:path'
import { TOKEN_VARIABLE } from '../config/settings.ts'
import { ModsteadError } from '../errors.ts'
import type { CommandContext } from './context.ts'

export interface TokenFlags {
  tokenFile?: string | undefined
}

/** The token that a person has given for another modstead. Throws `config_invalid` where there is none. */
export async function readToken(
  flags: TokenFlags,
  context: Pick<CommandContext, 'env' | 'cwd'>,
): Promise<string> {
  const token = await readTokenIfAny(flags, context)
  if (token !== undefined) return token
  throw new ModsteadError('config_invalid', 'there is no token to show to the server', {
    next: `set the variable ${TOKEN_VARIABLE}, or name a file with --token-file`,
  })
}

/** The same where none is needed for everything. Throws `config_invalid` for one that cannot be read, or be a token. */
export async function readTokenIfAny(
  { tokenFile }: TokenFlags,
  { env, cwd }: Pick<CommandContext, 'env' | 'cwd'>,
): Promise<string | undefined> {
  const token = tokenFile === undefined ? env[TOKEN_VARIABLE] : await read(resolvePath(cwd, tokenFile))
  if (token === undefined || token === '') return undefined
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new ModsteadError('config_invalid', 'the token has characters that no token has, such as spaces')
  return token
}

async function read(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new ModsteadError('config_invalid', `--token-file: cannot read ${path} (${code})`, { cause })
  }
}
