import { sharedModuleCache, type ModuleCache } from '../../test/support/module-cache.ts'
import { createModuleTree } from '../../test/support/module-tree.ts'
import { startUpstream, type UpstreamRequest } from '../../test/support/upstream.ts'
import { median, number, type Figure, type Row } from '../figure.ts'
import { fileSizes, runGo } from '../go-run.ts'
import { CPUS } from '../pinned.ts'
import { setScene } from '../scene.ts'

/** The slow upstream: milliseconds before each answer, bytes per second of each. */
const SLOW = { latency: 80, rate: 2 << 20 }
const ROUNDS = 2
const DOWNLOAD = ['mod', 'download']
/** `go` runs on both CPUs: this is about waiting, and the client's own work stands in the floor. */
const cpus = CPUS && { cpus: `${CPUS.server},${CPUS.load}` }

/** The first build of a project: nothing is stored, and the upstream is slow. */
export const cold: Row = {
  name: 'cold',
  title: 'Cold, behind an upstream that waits 80 ms and sends 2 MiB/s per response',
  async run() {
    const cache = await sharedModuleCache()
    const own: number[] = []
    const direct: number[] = []
    const through: { took: number; wasted: number }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      own.push((await runGo({ cache, proxy: `file://${cache.download}`, args: DOWNLOAD, ...cpus })).took)
      direct.push(await runDirect(cache))
      through.push(await runThrough(cache, DOWNLOAD))
    }
    const took = median(through.map((run) => run.took))
    const largest = Math.max(...(await fileSizes(cache.download, /\.zip$/)))
    const floor = largest / SLOW.rate + SLOW.latency / 1000 + median(own)
    const build = await runThrough(cache, ['build', '-o', '/dev/null', './...'])
    const look = await runThrough(cache, ['list', '-m', '-u', 'all'])
    const atMost = 1.2
    const figures: Figure[] = [
      {
        name: 'go mod download, of the time directly',
        value: took / median(direct),
        unit: '',
        atMost: 0.6,
        detail: `${number(took)} s against ${number(median(direct))} s`,
      },
      {
        name: 'go mod download, of its floor',
        value: took / floor,
        unit: '',
        detail: `${number(took)} s against ${number(floor)} s: the largest zip's transfer and ${number(median(own))} s of the client's own work`,
      },
      {
        name: 'go mod download, bytes fetched of needed',
        value: median(through.map((run) => run.wasted)),
        unit: '',
        atMost,
      },
      {
        name: 'go build, bytes fetched of needed',
        value: build.wasted,
        unit: '',
        atMost,
        detail: `${number(build.took)} s`,
      },
      {
        name: 'go list -m -u all, zips fetched',
        value: look.zips,
        unit: '',
        atMost: 0,
        detail: `${number(look.took)} s`,
      },
    ]
    return figures
  },
}

async function runDirect(cache: ModuleCache): Promise<number> {
  const upstream = await startUpstream({ tree: createModuleTree(cache.download), ...SLOW })
  try {
    return (await runGo({ cache, proxy: upstream.url, args: DOWNLOAD, ...cpus })).took
  } finally {
    await upstream.close()
  }
}

/** One command through a modstead that has nothing yet. */
async function runThrough(cache: ModuleCache, args: readonly string[]) {
  const scene = await setScene({ tree: createModuleTree(cache.download), conditions: SLOW })
  try {
    const { took, needed } = await runGo({ cache, proxy: scene.modstead.url, args, ...cpus })
    const { requests } = scene.upstream
    const isFile = ({ path }: UpstreamRequest): boolean => /\.(info|mod|zip)$/.test(path)
    const fetched = requests.filter(isFile).reduce((sum, { bytes }) => sum + bytes, 0)
    const zips = requests.filter(({ path }) => path.endsWith('.zip')).length
    return { took, wasted: fetched / needed, zips }
  } finally {
    await scene.close()
  }
}
