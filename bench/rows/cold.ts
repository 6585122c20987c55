import { cp, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createGoHome } from '../../test/support/go.ts'
import { sharedModuleCache, type ModuleCache } from '../../test/support/module-cache.ts'
import { createModuleTree } from '../../test/support/module-tree.ts'
import { startUpstream, type UpstreamRequest } from '../../test/support/upstream.ts'
import { median, number, type Figure, type Row } from '../figure.ts'
import { CPUS } from '../pinned.ts'
import { setScene } from '../scene.ts'

/** The slow upstream: milliseconds before each answer, bytes per second of each. */
const SLOW = { latency: 80, rate: 2 << 20 }
const ROUNDS = 2
/** `go` works on this many requests at a time; fixed, so that the figures of machines can be compared. */
const GOMAXPROCS = '2'

interface Run {
  /** Seconds. */
  took: number
  /** Bytes of the .info, .mod and .zip files that the client has afterwards. */
  needed: number
}

/** The first build of a project: nothing is stored, and the upstream is slow. */
export const cold: Row = {
  name: 'cold',
  title: 'Cold, behind an upstream that waits 80 ms and sends 2 MiB/s per response',
  async run() {
    const cache = await sharedModuleCache()
    const warm = await runGo(cache, `file://${cache.download}`, ['mod', 'download'])
    const direct: number[] = []
    const through: { took: number; wasted: number }[] = []
    for (let round = 0; round < ROUNDS; round++) {
      direct.push(await runDirect(cache))
      through.push(await runThrough(cache, ['mod', 'download']))
    }
    const took = median(through.map((run) => run.took))
    const largest = Math.max(...(await zipSizes(cache)))
    const floor = largest / SLOW.rate + SLOW.latency / 1000 + warm.took
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
        detail: `${number(took)} s against ${number(floor)} s: the largest zip's transfer and ${number(warm.took)} s of the client's own work`,
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
    return (await runGo(cache, upstream.url, ['mod', 'download'])).took
  } finally {
    await upstream.close()
  }
}

/** One command through a modstead that has nothing yet. */
async function runThrough(cache: ModuleCache, args: readonly string[]) {
  const scene = await setScene({ tree: createModuleTree(cache.download), conditions: SLOW })
  try {
    const { took, needed } = await runGo(cache, scene.modstead.url, args)
    const { requests } = scene.upstream
    const isFile = ({ path }: UpstreamRequest): boolean => /\.(info|mod|zip)$/.test(path)
    const fetched = requests.filter(isFile).reduce((sum, { bytes }) => sum + bytes, 0)
    const zips = requests.filter(({ path }) => path.endsWith('.zip')).length
    return { took, wasted: fetched / needed, zips }
  } finally {
    await scene.close()
  }
}

/** Runs `go` in a copy of the project, from an empty module cache. */
async function runGo(cache: ModuleCache, proxy: string, args: readonly string[]): Promise<Run> {
  // On both CPUs: this is about waiting, and the client's own work stands in the floor.
  const cpus = CPUS && { cpus: `${CPUS.server},${CPUS.load}` }
  const go = await createGoHome({ proxy, env: { GOMAXPROCS }, ...cpus })
  try {
    const cwd = join(go.folder, 'project')
    await cp(cache.project, cwd, { recursive: true })
    const { code, stderr, took } = await go.run(args, { cwd })
    if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`)
    return { took: took / 1000, needed: sum(await fileSizes(join(go.modCache, 'cache', 'download'))) }
  } finally {
    await go.close()
  }
}

async function zipSizes(cache: ModuleCache): Promise<number[]> {
  return fileSizes(cache.download, /\.zip$/)
}

async function fileSizes(folder: string, pattern = /\.(info|mod|zip)$/): Promise<number[]> {
  const paths = (await readdir(folder, { recursive: true })).filter((path) => pattern.test(path))
  return Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
