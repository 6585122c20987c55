import { passMessage } from './packets.ts'
import { startProgram, type ProgramOptions } from '../programs/program.ts'

/**
 * Starts a program that serves a repository by version 2 of git's protocol over its standard input and output, sends it
 * one request, and gives its answer: what it says of itself before is passed over. The program ends with the answer, or
 * when nobody reads on.
 */
export async function* converse(
  request: string,
  options: Pick<ProgramOptions, 'command' | 'args' | 'env'> & { signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const { command, env, signal } = options
  const program = startProgram({ ...options, env: { ...env, GIT_PROTOCOL: 'version=2' } })
  try {
    program.stdin.end(request)
    yield* afterAdvertisement(program.stdout)
    const status = await program.ended
    signal.throwIfAborted()
    if (status !== 0) throw new ProgramFailed(program.said() || `${command} ended with ${status}`)
  } finally {
    program.end()
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
