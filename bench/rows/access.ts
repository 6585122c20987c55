import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
import { wrk } from '../load.ts'
import { putSized, setScene, type Scene } from '../scene.ts'
import { runCommand } from '../../test/support/command.ts'
import { ask } from '../../test/support/http.ts'

const ROUNDS = 9
const SMALL_ZIP = 32 << 10
const ROUTES = 'routes: [{ modules: bench.example, from: [up], private: true, checksum: off }]\n'
const ACCESS = `
access:
  bindings: [{ to: "user:alice", role: developer, modules: bench.example }]
limits:
  principal: { requests: 100000000/1m, bytes: 1000TB/1h, cold: 100000/1m }
  address: { requests: 100000000/1m, bytes: 1000TB/1h }
  tenant: { requests: 100000000/1m }
`

/**
 * Small answers from memory with an access token, a role check and limits, and with an audit log of every download
 * besides, against the same server without any of it. Metrics are on everywhere.
 */
export const access: Row = {
  name: 'access',
  title: 'Warm small answers with token, role check, limits and audit to file, against the same without',
  async run() {
    const scenes: Scene[] = []
    const start = async (more: string) => {
      const scene = await setScene({
        modsteadOf: (upstream) => ({ config: `origins: { up: { url: "${upstream}" } }\n${ROUTES}${more}` }),
      })
      scenes.push(scene)
      return scene
    }
    try {
      const guarded = await start(ACCESS)
      const audited = await start(`${ACCESS}audit: { disk: 100GiB }\n`)
      const open = await start('')
      const tokenOf = async ({ modstead: { dataDir } }: Scene) => {
        const made = await runCommand(['token', 'create', '--for', 'user:alice', '--data-dir', dataDir], {
          cwd: dataDir,
        })
        return { authorization: `Bearer ${made.stdout.trim()}` }
      }
      const sides = [
        { scene: guarded, headers: await tokenOf(guarded), what: 'token and role' },
        { scene: audited, headers: await tokenOf(audited), what: 'token, role and audit' },
      ]
      const figures: Figure[] = []
      const { base } = putSized(open.tree, SMALL_ZIP)
      for (const { scene } of sides) putSized(scene.tree, SMALL_ZIP)
      for (const [name, path] of [
        ['.info', `${base}.info`],
        ['32 KiB zip', `${base}.zip`],
      ] as const) {
        for (const { scene, headers } of [...sides, { scene: open, headers: {} }])
          for (let i = 0; i < 2; i++) {
            const { status } = await ask(scene.modstead.url, path, { headers })
            if (status !== 200) throw new Error(`${path} gave ${status}`)
          }
        const measure = async (scene: Scene, sent?: Record<string, string>) =>
          (await wrk(scene.modstead.url + path, sent && { headers: sent })).answers
        for (const { scene, headers, what } of sides)
          figures.push(
            await compare({
              name: `${name}, ${what}`,
              ours: { measure: () => measure(scene, headers), pid: scene.modstead.pid },
              theirs: { measure: () => measure(open), pid: open.modstead.pid },
              rounds: ROUNDS,
              unit: 'requests/s',
              limit: { atLeast: 0.85 },
            }),
          )
      }
      return figures
    } finally {
      for (const scene of scenes) await scene.close()
    }
  },
}
