import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ModsteadError } from '../errors.ts'
import { rootOfGit } from './working-tree.ts'

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
    if (isMissing(error) || (await rootOfGit(folder)) === undefined) return []
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

/** There is no git on this machine. */
function isMissing(error: unknown): boolean {
  return (error as { code?: string | number }).code === 'ENOENT'
}

function gitFailed(cause: unknown): ModsteadError {
  const { stderr } = cause as { stderr?: string }
  // Git's last word; what stands above it are hints, or the commands that it was given.
  const reason = /^fatal: (.*)$/m.exec(stderr ?? '')?.[1]
  const sentence = 'git cannot say what is committed in this folder'
  return new ModsteadError('bad_request', reason === undefined ? sentence : `${sentence}: ${reason}`, {
    cause,
    next: 'make a first commit where there is none, or publish what is there with --allow-dirty',
  })
}
