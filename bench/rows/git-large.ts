import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moduleHistory, type GitRepository } from '../../test/support/git-repositories.ts'
import { compare } from '../compare.ts'
import { number, type Figure, type Row } from '../figure.ts'
import {
  askVersion,
  download,
  moduleOf,
  readMetric,
  setGitScene,
  type GitScene,
  type Transport,
} from '../git-scene.ts'

const ROUNDS = 3
/** 90 MB. */
const REPOSITORY = { files: 6000, fileBytes: 15_000 }
const VERSION = 'v1.0.0'
const SAMPLE_MS = 20
/** The server at rest is measured for so long, to know what the machine adds. */
const REST_MS = 2000
const LAG = 'nodejs_eventloop_lag_p99_seconds'

/** A large module from nothing: clone, zip and hash. */
export const gitLarge: Row = {
  name: 'git-large',
  title: 'A module of 6,000 files and 90 MB, never seen, against `go` with GOPROXY=direct and an empty cache',
  async run() {
    const figures: Figure[] = []
    for (const transport of ['http', 'file'] as const) figures.push(...(await runOver(transport)))
    return figures
  },
}

async function runOver(transport: Transport): Promise<Figure[]> {
  const scene = await setGitScene(transport)
  try {
    const fresh = await createForks(scene)
    const lags: number[] = []
    const idle = await lagDuring(scene, () => new Promise<void>((resolve) => setTimeout(resolve, REST_MS)))
    const grown: number[] = []
    const ours = async (): Promise<number> => {
      const module = await fresh()
      const memory = await watchMemory(scene)
      let took = Number.NaN
      lags.push(await lagDuring(scene, async () => void (took = await askVersion(scene, module, VERSION))))
      grown.push(memory.end())
      return took
    }
    return [
      await compare({
        name: `${transport}: .info, .mod and .zip`,
        ours: { measure: ours },
        theirs: { measure: async () => download(await scene.direct(), await fresh(), VERSION) },
        rounds: ROUNDS,
        unit: 's',
        scale: 1000,
        times: true,
        limit: { atLeast: 1 },
      }),
      {
        name: `${transport}: event loop delay, p99`,
        // The first round does not count here either: code is loaded in it.
        value: Math.max(...lags.slice(1)),
        unit: 'ms',
        atMost: 20,
        detail: `${number(idle)} ms while nothing was asked`,
      },
      {
        name: `${transport}: growth of the server's memory`,
        value: Math.max(...grown) / 2 ** 20,
        unit: 'MiB',
        atMost: 128,
      },
    ]
  } finally {
    await scene.close()
  }
}

/** The p99 of the event loop's delay while something is done, in milliseconds: reading it begins a new measurement. */
async function lagDuring({ modstead }: GitScene, work: () => Promise<void>): Promise<number> {
  await readMetric(modstead, LAG)
  await work()
  return (await readMetric(modstead, LAG)) * 1000
}

async function watchMemory({ modstead }: GitScene): Promise<{ end(): number }> {
  const before = await modstead.memory()
  let peak = before
  const sampler = setInterval(() => {
    void modstead.memory().then((bytes) => (peak = Math.max(peak, bytes)))
  }, SAMPLE_MS)
  return {
    end() {
      clearInterval(sampler)
      return peak - before
    },
  }
}

/** Makes modules with the same files, each in a repository of its own that has them from the first one. */
async function createForks(scene: GitScene): Promise<() => Promise<string>> {
  const original: GitRepository = await scene.repository('large')
  const [tip = ''] = await original.importAll(
    moduleHistory({ module: moduleOf('large'), ...REPOSITORY, versions: 1 }),
  )
  let count = 0
  return async () => {
    const name = `large${++count}`
    const { folder, commit } = await scene.repository(name)
    await mkdir(join(folder, 'objects', 'info'), { recursive: true })
    await writeFile(join(folder, 'objects', 'info', 'alternates'), `${original.folder}/objects\n`)
    await commit({ from: tip, files: { 'go.mod': `module ${moduleOf(name)}\n` }, tags: [VERSION] })
    return moduleOf(name)
  }
}
