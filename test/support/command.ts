import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface CommandResult {
  code: number | null
  stdout: string
  stderr: string
}

/** The launcher of the command line; MODSTEAD_ENTRY tests another build. */
export const ENTRY =
  process.env.MODSTEAD_ENTRY ?? fileURLToPath(new URL('../../server/bin/modstead.mjs', import.meta.url))

/** Runs `modstead ARGS` to its end, with nothing of the machine's environment but PATH. */
export function runCommand(
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): Promise<CommandResult> {
  return collect(
    spawn(process.execPath, [ENTRY, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

/** What a process says until it ends. */
export function collect(child: ChildProcessByStdio<null, Readable, Readable>): Promise<CommandResult> {
  const result = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...result }))
  })
}
