import { moduleHistory } from '../../test/support/git-repositories.ts'
import { compare } from '../compare.ts'
import { median, number, type Figure, type Row } from '../figure.ts'
import { askVersion, download, moduleOf, setGitScene, type GitScene, type Transport } from '../git-scene.ts'

const ROUNDS = 7
/** Of each repository: 400 KB of sources, and a history that is not wanted. */
const REPOSITORY = { versions: 30, files: 100, fileBytes: 4000 }
const VERSION = 'v1.20.0'
const STARTS = 3

/** A version of a repository that was never seen before. */
export const gitFirst: Row = {
  name: 'git-first',
  title: 'First version of a repository never seen, against `go` with GOPROXY=direct and an empty cache',
  async run() {
    const figures: Figure[] = []
    for (const transport of ['http', 'file'] as const) figures.push(...(await runOver(transport)))
    figures.push(await firstOfAll())
    return figures
  },
}

async function runOver(transport: Transport): Promise<Figure[]> {
  const scene = await setGitScene(transport)
  try {
    const fresh = freshModules(scene)
    const theirs = {
      measure: async () => download(await scene.direct(), await fresh(), VERSION),
    }
    return [
      await compare({
        name: `${transport}: .info, .mod and .zip`,
        ours: { measure: async () => askVersion(scene, await fresh(), VERSION) },
        theirs,
        rounds: ROUNDS,
        unit: 'ms',
        times: true,
        limit: { atLeast: 1 },
      }),
      await compare({
        name: `${transport}: go mod download through modstead`,
        ours: { measure: async () => download(await scene.through(), await fresh(), VERSION) },
        theirs,
        rounds: ROUNDS,
        unit: 'ms',
        times: true,
        limit: {},
      }),
    ]
  } finally {
    await scene.close()
  }
}

/** The first version that a modstead is asked for in its life, when its workers have not begun yet. */
async function firstOfAll(): Promise<Figure> {
  const took: number[] = []
  for (let start = 0; start < STARTS; start++) {
    const scene = await setGitScene('http')
    try {
      took.push(await askVersion(scene, await freshModules(scene)(), VERSION))
    } finally {
      await scene.close()
    }
  }
  const detail = `${STARTS} starts, slowest ${number(Math.max(...took))} ms`
  return { name: 'http: the very first after a start', value: median(took), unit: 'ms', detail }
}

/** Makes modules one after the other, each with a repository of its own. */
function freshModules(scene: GitScene): () => Promise<string> {
  let count = 0
  return async () => {
    const name = `first${++count}`
    const repository = await scene.repository(name)
    await repository.importAll(moduleHistory({ module: moduleOf(name), ...REPOSITORY }))
    return moduleOf(name)
  }
}
