import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Unavailable } from './figure.ts'
import { runPinned } from './pinned.ts'

/** How long one measurement takes: short, so that many can alternate. */
const SECONDS = 1

export interface LoadResult {
  /** Per second. */
  answers: number
  /** Body bytes per second. */
  bytes: number
}

export interface WrkOptions {
  connections?: number
  seconds?: number
  headers?: Readonly<Record<string, string>>
}

/** Load of small answers with `wrk`, one thread on the load's CPU. Throws when any answer is not a 200. */
export async function wrk(
  url: string,
  { connections = 32, seconds = SECONDS, headers = {} }: WrkOptions = {},
): Promise<LoadResult> {
  if (spawnSync('wrk', ['-v']).error)
    throw new Unavailable('wrk is missing: node scripts/tools.ts installs it')
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const said = await runPinned('load', ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, ...sent, url])
  const bad = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(said)
  if (bad !== null) throw new Error(`${url}: ${bad[0]}`)
  const [, value, unit] = /Transfer\/sec:\s+([\d.]+)([KMG]?B)/.exec(said)!
  const scale = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }[unit as 'B']
  return { answers: Number(/Requests\/sec:\s+([\d.]+)/.exec(said)![1]), bytes: Number(value) * scale }
}

/** Load of large answers, with a client that does nothing but count (drain.ts): wrk itself is too slow for these. */
export async function drain(
  port: number,
  path: string,
  { connections = 2, seconds = SECONDS } = {},
): Promise<LoadResult> {
  const program = fileURLToPath(new URL('./drain.ts', import.meta.url))
  const options = JSON.stringify({ port, path, connections, seconds })
  return JSON.parse(await runPinned('load', [process.execPath, program, options])) as LoadResult
}
