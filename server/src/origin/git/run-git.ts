import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { ModsteadError } from '../../errors.ts'
import { GIT_SETTINGS, settingsEnvironment, type GitSetting } from './git-environment.ts'

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
  /** Bytes of standard output at most; of a file about so many. */
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
 * Where git is started: no repository with settings of its own, and no folder that may be gone, which would look as if
 * there were no git.
 */
export const AWAY = '/'

/** Bytes of standard error that are kept: the end of it, where the reason stands. */
const SAID = 8 << 10

/**
 * Runs git once, away from every setting of this machine and its users. Gives its output whatever its status is.
 * Throws `GitStopped`, the signal's reason, `internal` where there is no git, and what making the output file throws.
 */
export function runGit(run: GitRun): Promise<GitOutcome> {
  const { args, gitDir, input, output, signal, deadlines, limit } = run
  signal.throwIfAborted()
  const file = output === undefined ? undefined : openSync(output, 'wx')
  const outcome = Promise.withResolvers<GitOutcome>()
  const child = spawn('git', gitDir === undefined ? [...args] : [`--git-dir=${gitDir}`, ...args], {
    cwd: AWAY,
    // A group of its own, so that the helpers that git starts end with it.
    detached: true,
    env: { ...settingsEnvironment([...GIT_SETTINGS, ...(run.settings ?? [])]), ...run.environment },
    stdio: ['pipe', file ?? 'pipe', 'pipe'],
  })
  const chunks: Buffer[] = []
  let size = 0
  let said = Buffer.alloc(0)
  let stopped: unknown

  const stop = (reason: unknown): void => {
    stopped ??= reason
    killGroup(child.pid)
  }
  const leave = (): void => stop(signal.reason)
  const total = setTimeout(() => stop(new GitStopped('total')), deadlines.total)
  const idle =
    deadlines.idle === undefined ? undefined : setTimeout(() => stop(new GitStopped('idle')), deadlines.idle)
  signal.addEventListener('abort', leave, { once: true })

  const watching =
    file === undefined
      ? undefined
      : setInterval(() => {
          if (fstatSync(file).size > limit) stop(new GitStopped('limit'))
        }, EVERY)
  child.stdout?.on('data', (chunk: Buffer) => {
    idle?.refresh()
    size += chunk.length
    if (size > limit) stop(new GitStopped('limit'))
    else chunks.push(chunk)
  })
  child.stderr!.on('data', (chunk: Buffer) => {
    idle?.refresh()
    said = Buffer.concat([said, chunk]).subarray(-SAID)
  })
  // A git that ends before it has read its input breaks the pipe; its status says why.
  child.stdin!.on('error', () => child.stdin!.destroy())
  child.on('error', (cause) => outcome.reject(noGit(cause)))
  child.on('close', (status) => {
    clearTimeout(total)
    clearTimeout(idle)
    clearInterval(watching)
    if (file !== undefined) closeSync(file)
    signal.removeEventListener('abort', leave)
    if (stopped !== undefined) outcome.reject(stopped)
    else outcome.resolve({ status: status ?? -1, stdout: Buffer.concat(chunks, size), said: plain(said) })
  })
  child.stdin!.end(input ?? '')
  return outcome.promise
}

/** Ends a program and all that it started. Harmless when it has ended already. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What it means that git cannot be started. */
export function noGit(cause: Error): ModsteadError {
  return new ModsteadError('internal', `git cannot be run: ${cause.message}`, {
    cause,
    next: 'install git 2.37 or newer where modstead runs, and make sure that PATH leads to it',
  })
}

/** Progress is rewritten in place with carriage returns: only what stands at the end of each line counts. */
function plain(said: Buffer): string {
  return said
    .toString()
    .split('\n')
    .map((line) => line.split('\r').findLast((part) => part !== '') ?? '')
    .filter((line) => line !== '')
    .join('\n')
}
