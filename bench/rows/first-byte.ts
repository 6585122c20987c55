import { ask } from '../../test/support/http.ts'
import { median, type Row } from '../figure.ts'
import { putSized, setScene } from '../scene.ts'

const SAMPLES = 30
const ZIP_BYTES = 3 << 20

/** How long the first byte of a cold zip is on its way through modstead. */
export const firstByte: Row = {
  name: 'first-byte',
  title: 'First byte of a cold zip, after the first byte from the upstream',
  async run() {
    const scene = await setScene({ conditions: { latency: 20, rate: 50 << 20 } })
    try {
      const delays: number[] = []
      for (let i = 0; i < SAMPLES; i++) {
        const { base, zip } = putSized(scene.tree, ZIP_BYTES, `v1.${i}.0`)
        let received: number | undefined
        const { body } = await ask(scene.modstead.url, `${base}.zip`, {
          onData: () => (received ??= performance.now()),
        })
        if (!body.equals(zip)) throw new Error('the zip is not what the upstream has')
        const sent = scene.upstream.requests.find(({ path }) => path === `${base}.zip`)?.firstByte
        delays.push(received! - sent!)
      }
      const detail = `${SAMPLES} zips of 3 MiB, largest ${Math.max(...delays).toFixed(1)} ms`
      return [{ name: 'median delay', value: median(delays), unit: 'ms', atMost: 10, detail }]
    } finally {
      await scene.close()
    }
  },
}
