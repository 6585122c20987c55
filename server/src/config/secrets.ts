import { type BuildContext, complain, readNamedFile } from './context.ts'
import type { KeyPath } from './problems.ts'

/** What stands in for a secret wherever a configuration is shown. */
export const HIDDEN = '(hidden)'

/** Characters: what clients and hooks prove themselves with could be guessed if it were shorter. */
export const SHORTEST = 16

/**
 * The secret that a value stands for: what is in the file for `file:PATH` (one line break at its end is not part of
 * it), else the text itself. A file that cannot be read or is empty is a problem at `path`.
 */
export async function resolveSecret(context: BuildContext, path: KeyPath, value: string): Promise<string> {
  const file = secretFile(value)
  if (file === undefined) return value
  const contents = await readNamedFile(context, path, file)
  const secret = (contents ?? '').replace(/\r?\n$/, '')
  if (contents !== undefined && secret === '')
    complain(context, path, `expected a secret in ${file}, found an empty file`)
  return secret
}

/** The file that a secret is in, as it is written after `file:`; undefined where the value is the secret itself. */
export function secretFile(value: string): string | undefined {
  return value.startsWith('file:') ? value.slice('file:'.length).replace(/^\/\/(?=\/)/, '') : undefined
}
