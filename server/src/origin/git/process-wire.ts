import { spawn } from 'node:child_process'
import { AWAY, killGroup } from './run-git.ts'
import { passMessage } from './packets.ts'

/** A program that speaks git's protocol version 2 over its standard input and output. */
export interface ProgramOptions {
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  signal: AbortSignal
}

/**
 * Starts a program that serves a repository, sends it one request, and gives its answer: what it says of itself before
 * is passed over. The program ends with the answer, or when nobody reads on.
 */
export async function* converse(request: string, options: ProgramOptions): AsyncGenerator<Buffer> {
  const { command, args, env, signal } = options
  signal.throwIfAborted()
  const child = spawn(command, args, {
    cwd: AWAY,
    detached: true,
    env: { ...env, GIT_PROTOCOL: 'version=2' },
  })
  const leave = (): void => killGroup(child.pid)
  signal.addEventListener('abort', leave, { once: true })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)))
  child.stdin.on('error', () => child.stdin.destroy())
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  ended.catch(() => undefined) // heard of below
  try {
    child.stdin.end(request)
    yield* afterAdvertisement(child.stdout)
    const status = await ended
    signal.throwIfAborted()
    if (status !== 0) throw new ProgramFailed(said || `${command} ended with ${status}`)
  } finally {
    signal.removeEventListener('abort', leave)
    if (child.exitCode === null && child.signalCode === null) leave()
  }
}

/** The program failed, in its own words. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
}

/** The bytes after the first flush packet, which ends what a server says of itself. No more of it is held than a packet. */
async function* afterAdvertisement(output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of output) {
    if (held === undefined) {
      yield chunk
      continue
    }
    const bytes: Buffer = Buffer.concat([held, chunk])
    const { passed, ended } = passMessage(bytes)
    held = ended ? undefined : bytes.subarray(passed)
    if (ended && passed < bytes.length) yield bytes.subarray(passed)
  }
}
