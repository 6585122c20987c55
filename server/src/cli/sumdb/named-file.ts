import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode, isNothingThere } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'

/**
 * Looks at a file that somebody named on the command line before anything is done. Throws `config_invalid` where it, or
 * its folder, is not there, is no file, or may not be read. Whatever can be read is a file, pipes too. `next` is what to
 * do then.
 */
export async function checkNamedFile(path: string, next: string): Promise<void> {
  const found = await look(path, next)
  if (found === 'nothing') {
    const isAlone = (await look(dirname(path), next)) === 'folder'
    throw named(isAlone ? `there is no file ${path}` : `there is no folder ${dirname(path)}`, next)
  }
  if (found === 'folder') throw named(`${path} is a folder, and no file`, next)
  await checkAccess(path, { mode: constants.R_OK, doing: 'read', next })
}

/** As `checkNamedFile`, for a folder that a file is to be written to. */
export async function checkNamedFolder(path: string, next: string): Promise<void> {
  const found = await look(path, next)
  if (found === 'nothing') throw named(`there is no folder ${path}`, next)
  if (found === 'file') throw named(`${path} is a file, and no folder`, next)
  await checkAccess(path, { mode: constants.W_OK | constants.X_OK, doing: 'write to', next })
}

async function look(path: string, next: string): Promise<'file' | 'folder' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (error) {
    if (isNothingThere(error)) return 'nothing'
    throw named(`${path} cannot be looked at (${errorCode(error)})`, next, error)
  }
}

async function checkAccess(
  path: string,
  { mode, doing, next }: { mode: number; doing: string; next: string },
): Promise<void> {
  try {
    await access(path, mode)
  } catch (error) {
    throw named(`this user may not ${doing} ${path} (${errorCode(error)})`, next, error)
  }
}

function named(problem: string, next: string, cause?: unknown): ModsteadError {
  return new ModsteadError('config_invalid', problem, { next, ...(cause !== undefined && { cause }) })
}
