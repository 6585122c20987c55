import { fstatSync } from 'node:fs'
import { GIT_SETTINGS, settingsEnvironment } from './git-environment.ts'
import { startProgram } from './program.ts'

export interface ArchiveOrder {
  /** The clone that has the commit. */
  gitDir: string
  /** Full hash of the commit. */
  hash: string
  /** Folder of the repository whose files are wanted: `''` is its root. */
  folder: string
}

/** Why there is no archive: the commit is not one that can be taken, or the clone cannot be read. */
export interface ArchiveProblem {
  problem: 'archive' | 'clone'
  message: string
}

/** How often the size of the archive is looked at. Milliseconds. */
const EVERY = 200

/**
 * Lets git write the files of a commit as it would check them out, as a tar into an open file: line endings and
 * encodings are converted. Throws the reason of `signal`.
 */
export async function archive(
  { gitDir, hash, folder }: ArchiveOrder,
  options: {
    /** File descriptor. */
    output: number
    /** Bytes that the archive may have, and milliseconds that git may take. */
    most: number
    deadline: number
    signal: AbortSignal
  },
): Promise<ArchiveProblem | undefined> {
  const { output, most, deadline, signal } = options
  const args = ['archive', '--format=tar', '--end-of-options', hash, ...(folder === '' ? [] : [folder])]
  const git = startProgram({
    command: 'git',
    args: [`--git-dir=${gitDir}`, ...args],
    env: settingsEnvironment(GIT_SETTINGS),
    output,
    signal,
  })
  git.stdin.end()
  let stopped: ArchiveProblem | undefined
  const stop = (message: string): void => {
    stopped ??= { problem: 'archive', message }
    git.end()
  }
  const watching = setInterval(() => {
    if (fstatSync(output).size > most) stop(`its files have more than ${most} bytes`)
  }, EVERY)
  const timer = setTimeout(() => stop(`git did not give its files within ${deadline} ms`), deadline)
  try {
    const status = await git.ended
    signal.throwIfAborted()
    if (status === 0 && fstatSync(output).size > most) stop(`its files have more than ${most} bytes`)
    if (stopped !== undefined || status === 0) return stopped
    return { problem: 'clone', message: git.said() }
  } finally {
    clearInterval(watching)
    clearTimeout(timer)
  }
}
