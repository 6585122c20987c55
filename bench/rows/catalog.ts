import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillCatalog, filledModule } from '../../server/src/catalog/fill.ts'
import { startModstead } from '../../test/support/modstead.ts'
import { number, quantile, type Row } from '../figure.ts'
import { CPUS } from '../pinned.ts'

const MODULES = 100_000
const VERSIONS = 10
const LISTS = 5_000

/** A catalog of the size of a large company's, and lists that are asked for the first time. */
export const catalog: Row = {
  name: 'catalog',
  title: 'One million versions of 100,000 modules in the catalog',
  async run() {
    const folder = await mkdtemp(join(tmpdir(), 'modstead-catalog-'))
    const options = { dataDir: folder, upstream: 'off', ...(CPUS && { cpu: CPUS.server }) }
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      // Once without a catalog of that size, for the folder's own files.
      const empty = await startModstead(options)
      await empty.stop()
      await fillCatalog(folder, MODULES, VERSIONS)
      const modstead = await startModstead(options)
      try {
        const times: number[] = []
        for (let i = 0; i < LISTS; i++) {
          const module = filledModule((i * 7919) % MODULES)
          times.push(await timeOf(`${modstead.url}/${module}/@v/list`, agent))
        }
        const detail = `${LISTS} different lists, median ${number(quantile(times, 0.5))} ms`
        return [
          { name: 'list, p99', value: quantile(times, 0.99), unit: 'ms', atMost: 5, detail },
          { name: "server's memory", value: (await modstead.memory()) / 2 ** 20, unit: 'MiB', atMost: 300 },
          { name: 'start to first answer', value: modstead.startedIn, unit: 'ms', atMost: 1000 },
        ]
      } finally {
        await modstead.close()
      }
    } finally {
      agent.destroy()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Milliseconds until the whole answer is there. Throws unless it is the list. */
function timeOf(url: string, agent: Agent): Promise<number> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let lines = 0
      response.on('data', (chunk: Buffer) => (lines += chunk.filter((byte) => byte === 0x0a).length))
      response.on('end', () => {
        if (response.statusCode === 200 && lines === VERSIONS) resolve(performance.now() - started)
        else reject(new Error(`${url} gave ${response.statusCode} with ${lines} lines`))
      })
    }).on('error', reject)
  })
}
