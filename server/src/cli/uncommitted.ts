import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ModsteadError } from '../errors.ts'

/** How long git may take. Milliseconds. */
const DEADLINE = 60_000
const run = promisify(execFile)

/**
 * Which of these files, given by their paths below `folder`, are not as git has them in its last commit: changed, new,
 * or ignored, like what a build left. None where the folder is in no git working tree, or there is no git.
 */
export async function uncommittedFiles(
  folder: string,
  paths: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const options = {
    cwd: folder,
    env: { ...env, GIT_OPTIONAL_LOCKS: '0' },
    timeout: DEADLINE,
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  } as const
  const git = async (...args: string[]): Promise<string[]> =>
    (await run('git', ['--no-pager', '-c', 'core.fsmonitor=false', ...args], options)).stdout
      .split('\0')
      .filter((path) => path !== '')
  try {
    await git('rev-parse', '--is-inside-work-tree')
  } catch (error) {
    if (isNoTree(error)) return []
    throw gitFailed(error)
  }
  try {
    const committed = new Set(await git('ls-tree', '-r', '-z', '--name-only', 'HEAD'))
    const changed = new Set(await git('diff', '-z', '--name-only', '--relative', '--no-ext-diff', 'HEAD'))
    return paths.filter((path) => !committed.has(path) || changed.has(path))
  } catch (error) {
    throw gitFailed(error)
  }
}

/** git is not installed, or says with its own code that this is no working tree. */
function isNoTree(error: unknown): boolean {
  const { code } = error as { code?: string | number }
  return code === 'ENOENT' || code === 128
}

function gitFailed(cause: unknown): ModsteadError {
  return new ModsteadError('bad_request', 'git cannot say what is committed in this folder', {
    cause,
    next: 'make a first commit, or publish what is there with --allow-dirty',
  })
}
