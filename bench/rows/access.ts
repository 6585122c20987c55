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

/** Small answers from memory with an access token, a role check and limits, against the same server without either. */
export const access: Row = {
  name: 'access',
  title: 'Warm small answers with token, role check and limits, against the same without',
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
      const open = await start('')
      const { dataDir } = guarded.modstead
      const made = await runCommand(['token', 'create', '--for', 'user:alice', '--data-dir', dataDir], {
        cwd: dataDir,
      })
      const headers = { authorization: `Bearer ${made.stdout.trim()}` }
      const figures: Figure[] = []
      const { base } = putSized(guarded.tree, SMALL_ZIP)
      putSized(open.tree, SMALL_ZIP)
      for (const [name, path] of [
        ['.info', `${base}.info`],
        ['32 KiB zip', `${base}.zip`],
      ] as const) {
        for (const { modstead } of scenes)
          for (let i = 0; i < 2; i++) {
            const { status } = await ask(modstead.url, path, { headers })
            if (status !== 200) throw new Error(`${path} gave ${status}`)
          }
        const measure = async (scene: Scene, sent?: Record<string, string>) =>
          (await wrk(scene.modstead.url + path, sent && { headers: sent })).answers
        figures.push(
          await compare({
            name,
            ours: { measure: () => measure(guarded, headers), pid: guarded.modstead.pid },
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
