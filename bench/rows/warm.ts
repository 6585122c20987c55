import { startBare } from '../bare.ts'
import { compare } from '../compare.ts'
import type { Figure, Row } from '../figure.ts'
import { wrk } from '../load.ts'
import { putSized, setScene, TLS, warm } from '../scene.ts'

const ROUNDS = 9
const SMALL_ZIP = 32 << 10

/** Small answers from memory, against a bare node:http (or https) server that gives the same. */
function warmRow(name: string, title: string, secure: boolean): Row {
  return {
    name,
    title,
    async run() {
      const config = `tls: { cert: "${TLS.cert}", key: "${TLS.key}" }\n`
      const scene = await setScene(secure ? { modstead: { config, scheme: 'https' } } : {})
      try {
        const { base } = putSized(scene.tree, SMALL_ZIP)
        const list = base.replace(/[^/]+$/, 'list')
        const paths = [`${base}.info`, `${base}.mod`, list, `${base}.zip`]
        const { url } = scene.modstead
        await warm(url, paths, secure ? TLS.ca : undefined)
        const bare = await startBare({ model: url, paths, ...(secure && { tls: TLS }) })
        try {
          const bareUrl = `${secure ? 'https' : 'http'}://127.0.0.1:${bare.port}`
          const figures: Figure[] = []
          for (const path of paths)
            figures.push(
              await compare({
                name:
                  path === list ? 'list' : path.endsWith('.zip') ? '32 KiB zip' : path.replace(/.*\d\./, '.'),
                ours: { measure: async () => (await wrk(url + path)).answers, pid: scene.modstead.pid },
                theirs: { measure: async () => (await wrk(bareUrl + path)).answers, pid: bare.pid },
                rounds: ROUNDS,
                unit: 'requests/s',
                limit: { atLeast: 0.85 },
              }),
            )
          return figures
        } finally {
          await bare.close()
        }
      } finally {
        await scene.close()
      }
    },
  }
}

export const warmHttp = warmRow('warm', 'Warm small answers, against a bare node:http server', false)
export const warmTls = warmRow('tls', 'The same over TLS, against a bare https server', true)
