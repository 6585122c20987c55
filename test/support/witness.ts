import { spawn } from 'node:child_process'
import { ask } from './http.ts'
import { collect, type CommandResult, ENTRY } from './command.ts'

export interface WitnessProcess {
  /** Base URL. */
  readonly url: string
  /** What its page says. */
  page(): Promise<string>
  /** SIGTERM; gives its exit code and what it said. */
  stop(): Promise<CommandResult>
  /** SIGKILL, if it still runs. */
  kill(): Promise<void>
}

const START_MS = 20_000

/** Runs `modstead sumdb witness ARGS` on a port of loopback and waits until it listens. Rejects with what it said. */
export async function startWitness(args: readonly string[], cwd: string): Promise<WitnessProcess> {
  const child = spawn(process.execPath, [ENTRY, 'sumdb', 'witness', ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = collect(child)
  const listening = Promise.withResolvers<string>()
  let output = ''
  child.stdout.on('data', (text: string) => {
    output += text
    const [, address] = /"address":"(http[^"]+)"/.exec(output) ?? []
    if (address !== undefined) listening.resolve(address)
  })
  ended.then(
    ({ code, stdout, stderr }) => listening.reject(new Error(`it ended with ${code}: ${stdout}${stderr}`)),
    listening.reject,
  )
  const late = setTimeout(() => {
    listening.reject(new Error(`it did not listen in time: ${output}`))
    child.kill('SIGKILL')
  }, START_MS)
  const url = await listening.promise.finally(() => clearTimeout(late))
  return {
    url,
    page: async () => (await ask(url, '/')).body.toString(),
    stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), START_MS)
      return ended.finally(() => clearTimeout(late))
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
