import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ModsteadOptions {
  /** The value of `--upstream`; absent: what the environment says. */
  upstream?: string
  /** Port to listen at; default: a free one. */
  port?: number
  /** A data folder to use and keep; default: one of its own, deleted at the end. */
  dataDir?: string
  /** The text of a configuration file. */
  config?: string
  /** GOSUMDB, GOPRIVATE, MODSTEAD_* … The rest of the machine's environment is not passed on. */
  env?: Record<string, string>
  /** More flags. */
  flags?: readonly string[]
  /** CPU to pin it to. */
  cpu?: number
  /** `https` when the configuration brings a certificate. */
  scheme?: 'http' | 'https'
  /** Runs before the server in the same shell: `ulimit -f 100`. */
  shell?: string
}

export interface Modstead {
  /** Base URL without a path. */
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly dataDir: string
  /** Milliseconds from the start of the process to the first answer. */
  readonly startedIn: number
  /** Everything written so far, both streams. */
  logs(): string
  /** Resolves when the logs match, with the match; rejects with the logs after five seconds. */
  logged(pattern: RegExp): Promise<RegExpExecArray>
  /** Resident memory in bytes. */
  memory(): Promise<number>
  /** SIGTERM; rejects unless it ends by itself with code 0. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM if it still runs, then deletes the data folder if it was its own. */
  close(): Promise<void>
}

/** MODSTEAD_ENTRY tests another build, such as an installed package. */
const ENTRY =
  process.env.MODSTEAD_ENTRY ?? fileURLToPath(new URL('../../server/bin/modstead.mjs', import.meta.url))
const START_MS = 60_000
const STOP_MS = 20_000

/** A port nobody listens at now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Starts the real server as a child process and waits until it answers. */
export async function startModstead(options: ModsteadOptions = {}): Promise<Modstead> {
  const port = options.port ?? (await freePort())
  const home = await mkdtemp(join(tmpdir(), 'modstead-home-'))
  const dataDir = options.dataDir ?? join(home, 'data')
  const args = [ENTRY, 'serve', '--listen', `127.0.0.1:${port}`, '--data-dir', dataDir]
  if (options.upstream !== undefined) args.push('--upstream', options.upstream)
  if (options.config !== undefined) {
    await writeFile(join(home, 'modstead.yaml'), options.config)
    args.push('--config', join(home, 'modstead.yaml'))
  }
  args.push(...(options.flags ?? []))
  let command = [process.execPath, ...args]
  if (options.cpu !== undefined) command = ['taskset', '-c', String(options.cpu), ...command]
  if (options.shell !== undefined) command = ['sh', '-c', `${options.shell}; exec "$@"`, 'sh', ...command]

  const started = performance.now()
  const child = spawn(command[0]!, command.slice(1), {
    env: { PATH: process.env.PATH ?? '', HOME: home, GOSUMDB: 'off', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    try {
      return await ended
    } finally {
      clearTimeout(late)
    }
  }

  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const url = `${options.scheme ?? 'http'}://127.0.0.1:${port}`
  await waitUntilReady(`${url}/healthz`, running, started + START_MS).catch(async (error: Error) => {
    await end('SIGKILL')
    await rm(home, { recursive: true, force: true })
    throw new Error(`${error.message}; it said:\n${output}`)
  })
  return {
    url,
    port,
    pid: child.pid!,
    dataDir,
    startedIn: performance.now() - started,
    logs: () => output,
    async logged(pattern) {
      const deadline = Date.now() + 5_000
      for (;;) {
        const found = pattern.exec(output)
        if (found !== null) return found
        if (Date.now() > deadline) throw new Error(`${String(pattern)} was not logged:\n${output}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async memory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024
    },
    async stop() {
      const code = await end('SIGTERM')
      if (code !== 0) throw new Error(`the server ended with ${code} after SIGTERM; it said:\n${output}`)
    },
    async kill() {
      await end('SIGKILL')
    },
    async close() {
      if (running()) await end('SIGTERM')
      await rm(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Polls tightly: how long the start took is measured with it. */
async function waitUntilReady(url: string, running: () => boolean, deadline: number): Promise<void> {
  while (!(await answers(url))) {
    if (!running()) throw new Error('the server ended before it answered')
    if (performance.now() > deadline) throw new Error(`the server did not answer within ${START_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: START_MS, rejectUnauthorized: false }
    const request = url.startsWith('https:') ? getSecure(url, options) : getPlain(url, options)
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
