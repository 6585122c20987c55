import { fork, type ChildProcess } from 'node:child_process'
import { PROGRAM_ENVIRONMENT } from '../../../config/programs.ts'
import { ModsteadError } from '../../../errors.ts'
import type { Logger } from '../../../observe/observer.ts'
import { workerUrl } from '../../../observe/worker-url.ts'
import { GitStopped, runGit, type GitOutcome, type GitRun, type GitStop } from './run-git.ts'

/** Runs git as `runGit` does, in the helper where that is possible. */
export type RunGit = (run: GitRun) => Promise<GitOutcome>

export interface GitHelper {
  run: RunGit
  /** Ends the helper and what it runs. */
  close(): void
}

/** What the helper is told; everything in it can be cloned. */
export type HelperTask = { id: number; run: Omit<GitRun, 'signal'> } | { id: number; stop: true }

/** What the helper says: that it can begin, and how each run ended. */
export type HelperReport =
  | 'ready'
  | { id: number; outcome: GitOutcome }
  | { id: number; stopped: GitStop }
  /** `code` is that of a system error. */
  | { id: number; failed: string; code?: string }

interface Pending {
  resolve(outcome: GitOutcome): void
  reject(error: unknown): void
}

/**
 * A small process that starts git in our place. To start a program Linux copies the page tables of who starts it, and
 * nothing else happens meanwhile: 5 ms for each 100 MB that a server holds, and hardly any for a process that holds none.
 * It begins with the first run. What comes before it is ready, or after it broke down, runs here.
 */
export function createGitHelper(log: Logger): GitHelper {
  const pending = new Map<number, Pending>()
  let helper: ChildProcess | undefined
  let ready = false
  let closed = false
  let count = 0

  function begin(): void {
    const child = fork(new URL(workerUrl(import.meta.url, './git-helper-process.ts')), {
      env: PROGRAM_ENVIRONMENT,
      execArgv: [],
      serialization: 'advanced',
      // A group of its own: an interrupt from the keyboard is the server's to handle.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    helper = child
    const gone = (cause: unknown): void => {
      if (helper !== child) return
      helper = undefined
      ready = false
      if (!closed) log.warn({ err: cause }, 'the process that starts git ended; the next run begins another')
      const error = new ModsteadError('internal', 'the process that starts git ended', { cause })
      for (const { reject } of pending.values()) reject(error)
      pending.clear()
    }
    child.on('error', gone)
    child.on('exit', (code, signal) => gone(new Error(`it ended with ${code ?? signal}`)))
    child.on('message', (report: HelperReport) => {
      if (report === 'ready') ready = true
      else settle(report)
    })
    rest()
  }

  function settle(report: Exclude<HelperReport, 'ready'>): void {
    const waiting = pending.get(report.id)
    pending.delete(report.id)
    if ('outcome' in report) waiting?.resolve(report.outcome)
    else if ('stopped' in report) waiting?.reject(new GitStopped(report.stopped))
    else if (report.code === undefined) waiting?.reject(new ModsteadError('internal', report.failed))
    else waiting?.reject(Object.assign(new Error(report.failed), { code: report.code }))
    rest()
  }

  /** While nothing runs in it, the helper keeps nobody from ending. */
  function rest(): void {
    if (pending.size > 0) return
    helper?.unref()
    helper?.channel?.unref()
  }

  function send(task: HelperTask): void {
    // A channel that breaks is heard of as the end of the process.
    helper?.send(task, () => undefined)
  }

  async function runThere({ signal, ...run }: GitRun): Promise<GitOutcome> {
    const id = ++count
    const done = Promise.withResolvers<GitOutcome>()
    pending.set(id, done)
    helper?.ref()
    helper?.channel?.ref()
    const leave = (): void => send({ id, stop: true })
    signal.addEventListener('abort', leave, { once: true })
    try {
      send({ id, run })
      return await done.promise
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  return {
    async run(run) {
      run.signal.throwIfAborted()
      if (helper === undefined && !closed) begin()
      return ready ? runThere(run) : runGit(run)
    },
    close() {
      closed = true
      helper?.disconnect()
    },
  }
}
