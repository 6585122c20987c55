import { spawn } from 'node:child_process'
import { Readable, type Writable } from 'node:stream'
import { ModsteadError } from '../../../errors.ts'

/** A program that runs beside this one, in a group of its own: whatever it starts ends with it. */
export interface Program {
  readonly stdin: Writable
  /** What it prints; nothing where that goes to a file. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** Its status when it has ended and all its output is here; -1 where a signal ended it. Rejects where it cannot be run. */
  readonly ended: Promise<number>
  /** The end of what it said on standard error, where the reason of a failure stands. */
  said(): string
  /** Ends it, and all that it started. Harmless when it has ended already. */
  end(): void
}

export interface ProgramOptions {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  /** A file descriptor that its output goes to; default: `stdout` gives it. */
  output?: number
  /** Ends it when it fires. */
  signal?: AbortSignal
}

/**
 * Where programs are started: no repository with settings of its own, and no folder that may be gone, which would look
 * as if there were no such program.
 */
const AWAY = '/'

/** Bytes of standard error that are kept. */
const SAID = 8 << 10

/** Starts a program. Throws the reason of a signal that has fired. */
export function startProgram(options: ProgramOptions): Program {
  const { command, args, env, output = 'pipe', signal } = options
  signal?.throwIfAborted()
  const child = spawn(command, args, {
    cwd: AWAY,
    detached: true,
    env,
    stdio: ['pipe', output, 'pipe'],
  })
  const { stdin, stderr } = child as typeof child & { stdin: Writable; stderr: Readable }
  const stdout = child.stdout ?? Readable.from([])
  let said = Buffer.alloc(0)
  let over = false
  const end = (): void => {
    if (!over) endGroup(child.pid)
  }
  signal?.addEventListener('abort', end, { once: true })
  stderr.on('data', (chunk: Buffer) => (said = Buffer.concat([said, chunk]).subarray(-SAID)))
  // One that ends before it has read its input breaks the pipe; its status says why.
  stdin.on('error', () => stdin.destroy())
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => reject(cannotRun(command, cause)))
    child.on('close', (status) => resolve(status ?? -1))
  }).finally(() => {
    over = true
    signal?.removeEventListener('abort', end)
  })
  ended.catch(() => undefined) // whoever waits for the end hears of it
  return { stdin, stdout, stderr, ended, said: () => said.toString(), end }
}

/** Ends a group of programs. One that is gone, or is somebody else's by now, is nothing that could still be ended. */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const NEXT = new Map([
  ['git', 'install git 2.37 or newer where modstead runs, and make sure that PATH leads to it'],
  ['ssh', 'install an ssh client where modstead runs'],
])

function cannotRun(command: string, cause: Error): ModsteadError {
  const next = NEXT.get(command)
  return new ModsteadError('internal', `${command} cannot be run: ${cause.message}`, {
    cause,
    ...(next !== undefined && { next }),
  })
}
