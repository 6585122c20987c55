import { moduleHistory } from '../../test/support/git-repositories.ts'
import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
import { askVersion, download, moduleOf, setGitScene, type GitScene, type Transport } from '../git-scene.ts'

const ROUNDS = 3
const REPOSITORY = { versions: 60, files: 100, fileBytes: 4000 }
const VERSIONS = Array.from({ length: 50 }, (_, index) => `v1.${index + 5}.0`)

/** Many versions of one repository, one after the other, from nothing. */
export const gitFifty: Row = {
  name: 'git-fifty',
  title: 'Fifty versions of a repository never seen, against `go`, which keeps its clone between them',
  async run() {
    const figures: Figure[] = []
    for (const transport of ['http', 'file'] as const) figures.push(...(await runOver(transport)))
    return figures
  },
}

async function runOver(transport: Transport): Promise<Figure[]> {
  const scene = await setGitScene(transport)
  try {
    const shared = { rounds: ROUNDS, unit: 's', scale: 1000, times: true } as const
    const ours = { measure: () => askAll(scene) }
    return [
      await compare({
        name: `${transport}: against 50 × go mod download`,
        ours,
        theirs: { measure: () => downloadEach(scene) },
        ...shared,
        limit: { atLeast: 5 },
      }),
      await compare({
        name: `${transport}: against one go mod download of all`,
        ours,
        theirs: {
          measure: async () => download(await scene.direct(), await freshModule(scene), ...VERSIONS),
        },
        ...shared,
        limit: {},
      }),
    ]
  } finally {
    await scene.close()
  }
}

async function askAll(scene: GitScene): Promise<number> {
  const module = await freshModule(scene)
  let took = 0
  for (const version of VERSIONS) took += await askVersion(scene, module, version)
  return took
}

async function downloadEach(scene: GitScene): Promise<number> {
  const module = await freshModule(scene)
  const go = await scene.direct()
  let took = 0
  for (const version of VERSIONS) took += await download(go, module, version)
  return took
}

let count = 0

async function freshModule(scene: GitScene): Promise<string> {
  const name = `fifty${++count}`
  const repository = await scene.repository(name)
  await repository.importAll(moduleHistory({ module: moduleOf(name), ...REPOSITORY }))
  return moduleOf(name)
}
