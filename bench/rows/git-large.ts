import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moduleHistory, type GitRepository } from '../../test/support/git-repositories.ts'
import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
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
  const { modstead } = scene
  try {
    const fresh = await createForks(scene)
    const lags: number[] = []
    const grown: number[] = []
    const ours = async (): Promise<number> => {
      const module = await fresh()
      // Reading it begins the next measurement.
      await readMetric(modstead, LAG)
      const memory = await watchMemory(scene)
      const took = await askVersion(scene, module, VERSION)
      grown.push(memory.end())
      lags.push((await readMetric(modstead, LAG)) * 1000)
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
      { name: `${transport}: event loop delay, p99`, value: Math.max(...lags), unit: 'ms', atMost: 20 },
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
