import { EventEmitter } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { RunningServer, StartServer } from './context.ts'
import { run } from './main.ts'

export interface Given {
  args: readonly string[]
  /** Contents of `modstead.yaml` in the working folder. */
  yaml?: string
  env?: Record<string, string>
  start?: StartServer
  isTTY?: boolean
  /** What is piped into it; a stream stands for a terminal. */
  stdin?: string | Buffer | PassThrough
  /** Called once the server runs. */
  running?: (events: EventEmitter) => void
  /** Called while it still starts. */
  starting?: (events: EventEmitter) => void
}

export interface Ran {
  code: number
  stdout: string
  stderr: string
}

export const RUNNING: RunningServer = { addresses: ['http://127.0.0.1:6637'], stop: () => Promise.resolve() }

/** Runs a command line in this process, in a folder of its own, with a stand-in for the process. */
export async function runHere(given: Given): Promise<Ran> {
  const {
    args,
    yaml,
    env = {},
    start = () => Promise.resolve(RUNNING),
    isTTY = false,
    stdin = '',
    running,
    starting,
  } = given
  const cwd = await mkdtemp(join(tmpdir(), 'modstead-cli-'))
  const events = new EventEmitter()
  const written = { stdout: '', stderr: '' }
  const output = (name: 'stdout' | 'stderr') => ({ isTTY, write: (text: string) => (written[name] += text) })
  try {
    if (yaml !== undefined) await writeFile(join(cwd, 'modstead.yaml'), yaml)
    const code = await run(args, {
      env: { GOENV: 'off', ...env },
      cwd,
      home: cwd,
      user: 'gopher',
      stdin: () =>
        stdin instanceof PassThrough
          ? Object.assign(stdin, { isTTY: true })
          : Readable.from([Buffer.from(stdin)]),
      stdout: output('stdout'),
      stderr: output('stderr'),
      events,
      version: '1.2.3',
      load: () => import('../ask-module.ts'),
      loadUpstream: () => import('../ask-upstream.ts'),
      start: async (options) => {
        setImmediate(() => starting?.(events))
        const server = await start(options)
        setImmediate(() => running?.(events))
        return server
      },
    })
    const listeners = events.eventNames()
    if (listeners.length > 0) throw new Error(`still listening to ${listeners.join()}`)
    return {
      code,
      stdout: written.stdout.replaceAll(cwd, '/cwd'),
      stderr: written.stderr.replaceAll(cwd, '/cwd'),
    }
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}
