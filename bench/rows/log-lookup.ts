import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey } from '@modstead/gomod/note'
import { tilePath, widestTile } from '@modstead/gomod/tlog/tile'
import { ask } from '../../test/support/http.ts'
import { compare } from '../compare.ts'
import { type Figure, number, quantile, type Row } from '../figure.ts'
import { wrk } from '../load.ts'
import { putSized, type Scene, setScene, warm } from '../scene.ts'

const NAME = 'sum.bench.example'
const ROUNDS = 9
/** Versions that the log has before: several full tiles, and a partial one. */
const KNOWN = 600
const NEW = 200
const ZIP = 32 << 10

/** A modstead with a log of its own, whose versions nobody else proves. */
function setLogScene(dataDir: string): Promise<Scene> {
  const { skey } = generateKey(NAME)
  const config = 'checksumLog: { key: "${SUMDB_KEY}" }\nsumdb: off\n'
  return setScene({ modstead: { dataDir, config, env: { SUMDB_KEY: skey } } })
}

async function withLogScene<T>(run: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-log-'))
  const scene = await setLogScene(join(folder, 'data'))
  try {
    return await run(scene)
  } finally {
    await scene.close()
    await rm(folder, { recursive: true, force: true })
  }
}

const lookupOf = (base: string) => `/sumdb/${NAME}/lookup${base.replace('/@v/', '@')}`

/** What every client asks of the log, against the fastest answer that modstead has. */
export const logLookup: Row = {
  name: 'log-lookup',
  title: 'Lookups and tiles of the checksum log, against .info of the hot path',
  run: () =>
    withLogScene(async (scene) => {
      const { url, pid } = scene.modstead
      const bases = Array.from({ length: KNOWN }, (_, i) => putSized(scene.tree, 1_000, `v1.0.${i}`).base)
      // Looked up one after the other, for the log to be the same in each run.
      for (const base of bases) await warm(url, [lookupOf(base)])
      const size = KNOWN
      const tile = (index: number) => `/sumdb/${NAME}/${tilePath(widestTile(8, 0, index, size)!)}`
      const info = `${bases[0]}.info`
      const paths = { lookup: lookupOf(bases[0]!), 'full tile': tile(0), 'partial tile': tile(2) }
      await warm(url, [info, ...Object.values(paths)])
      const figures: Figure[] = []
      for (const [name, path] of Object.entries(paths))
        figures.push(
          await compare({
            name,
            ours: { measure: async () => (await wrk(url + path)).answers, pid },
            theirs: { measure: async () => (await wrk(url + info)).answers, pid },
            rounds: ROUNDS,
            unit: 'answers/s',
            limit: { atLeast: 0.8 },
          }),
        )
      return figures
    }),
}

/** What a new version waits for: its zip has to be there for its hash, and then a batch of the log. */
export const logNew: Row = {
  name: 'log-new',
  title: 'Lookups of new versions, while others are answered from memory',
  run: () =>
    withLogScene(async (scene) => {
      const { url } = scene.modstead
      const { base } = putSized(scene.tree, ZIP)
      await warm(url, [`${base}.info`])
      const zips: number[] = []
      const lookups: number[] = []
      const others = { ended: false }
      const load = wrk(`${url}${base}.info`, { connections: 4, seconds: 20 })
      const ended = load.finally(() => (others.ended = true))
      for (let i = 0; i < NEW && !others.ended; i++) {
        zips.push(await timeOf(url, `${putSized(scene.tree, ZIP, `v1.1.${i}`).base}.zip`))
        lookups.push(await timeOf(url, lookupOf(putSized(scene.tree, ZIP, `v1.2.${i}`).base)))
      }
      const { answers } = await ended
      const [lookup, zip] = [lookups, zips].map((times) => [quantile(times, 0.5), quantile(times, 0.99)])
      const detail = `${lookups.length} lookups: median and p99 ${lookup!.map(number).join(' and ')} ms, the zips alone ${zip!.map(number).join(' and ')} ms; ${number(answers)} others/s`
      return [
        {
          name: 'p99, beyond that of the zip',
          value: lookup![1]! - zip![1]!,
          unit: 'ms',
          atMost: 50,
          detail,
        },
      ]
    }),
}

async function timeOf(url: string, path: string): Promise<number> {
  const started = performance.now()
  const { status, body } = await ask(url, path)
  if (status !== 200) throw new Error(`${path} gave ${status}: ${body.toString('utf8', 0, 500)}`)
  return performance.now() - started
}
