import { moduleHistory } from '../../test/support/git-repositories.ts'
import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
import { askVersion, download, moduleOf, setGitScene, type Transport } from '../git-scene.ts'

const ROUNDS = 9
const NAME = 'tagged'
const HISTORY = { module: moduleOf(NAME), files: 100, fileBytes: 4000 }
const BEFORE = 20

/** A new tag of a repository whose clone is at hand, on both sides. */
export const gitTag: Row = {
  name: 'git-tag',
  title: 'A new tag of a known repository, against `go` with GOPROXY=direct and its clone at hand',
  async run() {
    const figures: Figure[] = []
    for (const transport of ['http', 'file'] as const) figures.push(await runOver(transport))
    return figures
  },
}

async function runOver(transport: Transport): Promise<Figure> {
  const scene = await setGitScene(transport)
  try {
    const repository = await scene.repository(NAME)
    const go = await scene.direct()
    let made = BEFORE
    await repository.importAll(moduleHistory({ ...HISTORY, versions: BEFORE }))
    // A server that has been at work: its code is compiled.
    for (let version = 0; version < BEFORE; version++)
      await askVersion(scene, HISTORY.module, `v1.${version}.0`)
    const push = async (): Promise<string> => {
      await repository.importAll(moduleHistory({ ...HISTORY, versions: 1, first: made }))
      return `v1.${made++}.0`
    }
    return await compare({
      name: `${transport}: .info, .mod and .zip`,
      ours: { measure: async () => askVersion(scene, HISTORY.module, await push()) },
      theirs: { measure: async () => download(go, HISTORY.module, await push()) },
      rounds: ROUNDS,
      unit: 'ms',
      times: true,
      limit: { atLeast: 3 },
    })
  } finally {
    await scene.close()
  }
}
