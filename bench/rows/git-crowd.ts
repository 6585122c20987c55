import { moduleHistory } from '../../test/support/git-repositories.ts'
import { quantile, number, type Figure, type Row } from '../figure.ts'
import { askFile, askVersion, moduleOf, readMetric, setGitScene, type Transport } from '../git-scene.ts'

const REQUESTS = 200
const TAGS = 10
const BEFORE = 20
const NAME = 'crowded'
const HISTORY = { module: moduleOf(NAME), files: 100, fileBytes: 4000 }
const ZIPS = 'modstead_origin_requests_total{origin="git",kind="zip",result="ok"}'

/** Many requests at once for new tags of one repository: what can be shared is done once. */
export const gitCrowd: Row = {
  name: 'git-crowd',
  title: `${REQUESTS} requests at once for the zips of ${TAGS} new tags of a known repository`,
  async run() {
    const figures: Figure[] = []
    for (const transport of ['http', 'file'] as const) figures.push(...(await runOver(transport)))
    return figures
  },
}

async function runOver(transport: Transport): Promise<Figure[]> {
  const scene = await setGitScene(transport)
  const { modstead, git } = scene
  try {
    const repository = await scene.repository(NAME)
    await repository.importAll(moduleHistory({ ...HISTORY, versions: BEFORE }))
    await askVersion(scene, HISTORY.module, 'v1.0.0')
    await repository.importAll(moduleHistory({ ...HISTORY, versions: TAGS, first: BEFORE }))
    git.requests.length = 0
    const builtBefore = await readMetric(modstead, ZIPS)
    const started = performance.now()
    const times: number[] = []
    const zips = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, index) => {
        const version = `v1.${BEFORE + (index % TAGS)}.0`
        const zip = await askFile(modstead, HISTORY.module, `${version}.zip`)
        times.push(performance.now() - started)
        return `${version} ${zip.toString('base64')}`
      }),
    )
    const built = (await readMetric(modstead, ZIPS)) - builtBefore
    const slowest = `slowest answer ${number(Math.max(...times))} ms, median ${number(quantile(times, 0.5))} ms`
    const exactly = (count: number) => ({ unit: '' as const, atLeast: count, atMost: count })
    return [
      // Only over http the server counts.
      ...(transport === 'http'
        ? [
            { name: 'http: fetches', value: git.count('fetch'), ...exactly(1) },
            { name: 'http: requests for names', value: git.count('discovery'), ...exactly(1) },
          ]
        : []),
      { name: `${transport}: zips built`, value: built, ...exactly(TAGS), detail: slowest },
      { name: `${transport}: different zips given`, value: new Set(zips).size, ...exactly(TAGS) },
    ]
  } finally {
    await scene.close()
  }
}
