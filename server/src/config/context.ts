import { isAbsolute, join, resolve } from 'node:path'
import { describeValue } from './explain.ts'
import { describeFileError, isMissing } from './file-errors.ts'
import type { KeyPath, Place, Problems } from './problems.ts'
import type { Environment } from './settings.ts'
import type { FileFacts } from './signer-key.ts'

/** What building the configuration needs besides the values: where they stood, and the files they name. */
export interface BuildContext {
  problems: Problems
  /** Adds a sentence about something that works but is most likely not meant. */
  warn(message: string): void
  placeOfValue(path: KeyPath): Place
  placeOfKey(path: KeyPath): Place
  /** The value at `path` may be a secret because a variable was put into it. */
  hidden(path: KeyPath): boolean
  /** The folder that relative paths in the value at `path` start from. */
  folderOf(path: KeyPath): string
  env: Environment
  /** The user's home folder, for paths that begin with `~/`. */
  home: string
  readFile(path: string): Promise<string>
  /** Follows symbolic links, and rejects as node:fs does. */
  stat(path: string): Promise<FileFacts>
  /** Whether the file that the value at `path` names may be missing by now; default: none may. */
  mayBeMissing?(path: KeyPath): boolean
  platform: NodeJS.Platform
}

/** Notes what is wrong with the value at `path`. */
export function complain(context: BuildContext, path: KeyPath, message: string): void {
  context.problems.add(context.placeOfValue(path), path, message)
}

/** A text as messages may show it. */
export function shown(context: BuildContext, path: KeyPath, text: string): string {
  return describeValue(text, context.hidden(path))
}

/** The absolute path of a file that is named by the value at `path`. */
export function absolutePath(context: BuildContext, path: KeyPath, file: string): string {
  if (/^~[/\\]/.test(file)) return join(context.home, file.slice(2))
  return isAbsolute(file) ? file : resolve(context.folderOf(path), file)
}

/**
 * Reads the file that the value at `path` names. A file that cannot be read is a problem at that place, and gives
 * undefined; so does one that may be missing. `ifMissing` tells what makes it.
 */
export async function readNamedFile(
  context: BuildContext,
  path: KeyPath,
  file: string,
  { ifMissing }: { ifMissing?: string } = {},
): Promise<string | undefined> {
  const absolute = absolutePath(context, path, file)
  try {
    return await context.readFile(absolute)
  } catch (error) {
    if (isMissing(error) && context.mayBeMissing?.(path) === true) return undefined
    const hint = ifMissing !== undefined && isMissing(error) ? `; ${ifMissing}` : ''
    complain(context, path, `${describeFileError(absolute, error)}${hint}`)
    return undefined
  }
}

/** The absolute path of a PEM file that is named by the value at `path`, after a look that it is one. */
export async function pemFile(context: BuildContext, path: KeyPath, file: string): Promise<string> {
  const contents = await readNamedFile(context, path, file)
  if (contents !== undefined && !contents.includes('-----BEGIN '))
    complain(
      context,
      path,
      `expected a PEM file, found no "-----BEGIN" in ${absolutePath(context, path, file)}`,
    )
  return absolutePath(context, path, file)
}
