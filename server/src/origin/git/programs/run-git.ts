import { closeSync, fstatSync, openSync } from 'node:fs'
import { GIT_SETTINGS, settingsEnvironment, type GitSetting } from './git-environment.ts'
import { startProgram } from './program.ts'

export interface GitRun {
  /** What git is told. Everything that a stranger chose stands behind `--end-of-options`, or goes through `input`. */
  args: readonly string[]
  /** The bare repository it works in; absent for what needs none. */
  gitDir?: string
  /** Settings for this run, besides those of every run. Secrets go here: other users cannot see them. */
  settings?: readonly GitSetting[]
  /** Variables of the environment besides those of every run. */
  environment?: Readonly<Record<string, string>>
  input?: string | Buffer
  /** A file for standard output, which is made. */
  output?: string
  signal: AbortSignal
  /** Milliseconds: `total` for the whole run, `idle` between two pieces of output, progress included. */
  deadlines: { total: number; idle?: number }
  /** Bytes of standard output at most; a file is looked at now and then, and at the end. */
  limit: number
}

export interface GitOutcome {
  /** The exit status; -1 where a signal that was not ours ended it. */
  status: number
  stdout: Buffer
  /** The last lines of what git said, without control characters. */
  said: string
}

/** Why a run was ended before it was over. */
export type GitStop = 'total' | 'idle' | 'limit'

/** A run that was ended because it took too long or said too much. */
export class GitStopped extends Error {
  override readonly name = 'GitStopped'
  readonly reason: GitStop

  constructor(reason: GitStop) {
    super(`git was ended: ${reason}`)
    this.reason = reason
  }
}

/** How often the size of an output file is looked at. Milliseconds. */
const EVERY = 200

/**
 * Runs git once, away from every setting of this machine and its users. Gives its output whatever its status is.
 * Throws `GitStopped`, the signal's reason, `internal` where there is no git, and what making the output file
 * throws.
 */
export async function runGit(run: GitRun): Promise<GitOutcome> {
  const { output, signal } = run
  signal.throwIfAborted()
  if (output === undefined) return runInto(undefined, run)
  const file = openSync(output, 'wx')
  return runInto(file, run).finally(() => closeSync(file))
}

async function runInto(file: number | undefined, run: GitRun): Promise<GitOutcome> {
  const { args, gitDir, input, signal, deadlines, limit } = run
  const git = startProgram({
    command: 'git',
    args: gitDir === undefined ? args : [`--git-dir=${gitDir}`, ...args],
    env: { ...settingsEnvironment([...GIT_SETTINGS, ...(run.settings ?? [])]), ...run.environment },
    ...(file !== undefined && { output: file }),
    signal,
  })
  const chunks: Buffer[] = []
  let size = 0
  let stopped: GitStop | undefined
  const stop = (reason: GitStop): void => {
    stopped ??= reason
    git.end()
  }
  const total = setTimeout(stop, deadlines.total, 'total')
  const idle = deadlines.idle === undefined ? undefined : setTimeout(stop, deadlines.idle, 'idle')
  const watch = (): void => {
    if (file !== undefined && fstatSync(file).size > limit) stop('limit')
  }
  const watching = file === undefined ? undefined : setInterval(watch, EVERY)
  git.stderr.on('data', () => idle?.refresh())
  git.stdout.on('data', (chunk: Buffer) => {
    idle?.refresh()
    size += chunk.length
    if (size > limit) stop('limit')
    else chunks.push(chunk)
  })
  git.stdin.end(input ?? '')
  try {
    const status = await git.ended
    watch()
    if (stopped !== undefined) throw new GitStopped(stopped)
    signal.throwIfAborted()
    return { status, stdout: Buffer.concat(chunks, size), said: plain(git.said()) }
  } finally {
    clearTimeout(total)
    clearTimeout(idle)
    clearInterval(watching)
  }
}

/** Progress is rewritten in place with carriage returns: only what stands at the end of each line counts. */
function plain(said: string): string {
  return said
    .split('\n')
    .map((line) => line.split('\r').findLast((part) => part !== '') ?? '')
    .filter((line) => line !== '')
    .join('\n')
}
