import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/modstead.ts'
import { createModuleTree } from '../../test/support/module-tree.ts'
import { startUpstream } from '../../test/support/upstream.ts'
import { startBare } from '../bare.ts'
import { compare } from '../compare.ts'
import { Unavailable, type Figure, type Row } from '../figure.ts'
import { wrk } from '../load.ts'
import { pinned, stopChild } from '../pinned.ts'
import { putSized, warm } from '../scene.ts'

const ROUNDS = 5
const START_MS = 20_000

interface Peer {
  name: string
  /** With `{port}`, `{dir}` and `{upstream}` to be filled in. */
  command: string
}

/**
 * The warm row for other module proxies, so that its figures can be seen beside theirs. They are not installed by the
 * bench: MODSTEAD_BENCH_PEERS has `NAME=COMMAND` of each, separated by `;`. They run with an empty folder, and with
 * GOPROXY set to the upstream and GOSUMDB off.
 */
export const peers: Row = {
  name: 'peers',
  title: 'Warm small answers of other proxies, against a bare node:http server',
  optional: true,
  async run() {
    const figures: Figure[] = []
    for (const peer of peersOf(process.env.MODSTEAD_BENCH_PEERS)) figures.push(...(await measure(peer)))
    return figures
  },
}

function peersOf(text: string | undefined): Peer[] {
  const example =
    "MODSTEAD_BENCH_PEERS='goproxy=goproxy server --address 127.0.0.1:{port} --cacher-dir {dir}'"
  if (!text) throw new Unavailable(`no peers are given, as in ${example}`)
  return text.split(';').map((entry) => {
    const [, name, command] = /^\s*([^=\s]+)=(.+)$/.exec(entry) ?? []
    if (name === undefined || command === undefined)
      throw new Unavailable(`"${entry}" is not as in ${example}`)
    return { name, command }
  })
}

async function measure({ name, command }: Peer): Promise<Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'modstead-peer-'))
  const port = await freePort()
  const tree = createModuleTree()
  const upstream = await startUpstream({ tree })
  const values: Record<string, string> = { port: String(port), dir, upstream: upstream.url }
  const words = command.trim().split(/\s+/)
  const filled = words.map((word) =>
    word.replace(/\{(port|dir|upstream)\}/g, (_, key: string) => values[key]!),
  )
  const [file = '', ...args] = pinned('server', filled)
  const env = { PATH: process.env.PATH, HOME: dir, GOPROXY: upstream.url, GOSUMDB: 'off', GONOSUMDB: '*' }
  const child = spawn(file, args, { env, cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    const url = `http://127.0.0.1:${port}`
    await untilListening(url)
    const { base } = putSized(tree, 32 << 10)
    const paths = [`${base}.info`, `${base}.mod`, base.replace(/[^/]+$/, 'list'), `${base}.zip`]
    await warm(url, paths)
    const bare = await startBare({ model: url, paths })
    try {
      const figures: Figure[] = []
      for (const path of paths)
        figures.push(
          await compare({
            name: `${name}: ${path.split('/').at(-1)}`,
            ours: { measure: async () => (await wrk(url + path)).answers },
            theirs: { measure: async () => (await wrk(`http://127.0.0.1:${bare.port}${path}`)).answers },
            rounds: ROUNDS,
            unit: 'requests/s',
            limit: {},
          }),
        )
      return figures
    } finally {
      await bare.close()
    }
  } finally {
    await stopChild(child)
    await upstream.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function untilListening(url: string): Promise<void> {
  const deadline = Date.now() + START_MS
  for (;;) {
    try {
      await fetch(url)
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
