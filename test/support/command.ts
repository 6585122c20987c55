import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** The launcher of the command line; MODSTEAD_ENTRY tests another build. */
export const ENTRY =
  process.env.MODSTEAD_ENTRY ?? fileURLToPath(new URL('../../server/bin/modstead.mjs', import.meta.url))

/** Runs `modstead ARGS` to its end, with nothing of the machine's environment but PATH. `stdin` is piped into it. */
export function runCommand(
  args: readonly string[],
  { cwd, env = {}, stdin = '' }: { cwd: string; env?: Record<string, string>; stdin?: string },
): Promise<CommandResult> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A command that reads nothing has ended before.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  return collect(child)
}

/** What a process says until it ends. */
export function collect(
  child: ChildProcessByStdio<Writable | null, Readable, Readable>,
): Promise<CommandResult> {
  const result = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...result }))
  })
}
