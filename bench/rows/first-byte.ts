import { ask } from '../../test/support/http.ts'
import { median, number, type Row } from '../figure.ts'
import { putSized, setScene, type Scene } from '../scene.ts'

const SAMPLES = 30
const ZIP_BYTES = 3 << 20

/** How long the first byte of a cold zip is on its way through modstead. */
export const firstByte: Row = {
  name: 'first-byte',
  title: 'First byte of a cold zip, after the first byte from the upstream',
  async run() {
    const scene = await setScene({ conditions: { latency: 20, rate: 50 << 20 } })
    try {
      const direct: number[] = []
      const through: number[] = []
      for (let i = 0; i < SAMPLES; i++) {
        const { base, zip } = putSized(scene.tree, ZIP_BYTES, `v1.${i}.0`)
        through.push(await delayOf(scene, scene.modstead.url, `${base}.zip`, zip))
        direct.push(await delayOf(scene, scene.upstream.url, `${base}.zip`, zip))
      }
      const slowest = number(Math.max(...through))
      const detail = `${SAMPLES} zips of 3 MiB, slowest ${slowest} ms; without modstead ${number(median(direct))} ms`
      return [{ name: 'median delay', value: median(through), unit: 'ms', atMost: 10, detail }]
    } finally {
      await scene.close()
    }
  },
}

async function delayOf({ upstream }: Scene, url: string, path: string, zip: Buffer): Promise<number> {
  let received = Number.NaN
  upstream.requests.length = 0
  const { body } = await ask(url, path, { onData: () => (received ||= performance.now()) })
  if (!body.equals(zip)) throw new Error('the zip is not what the upstream has')
  return received - upstream.requests.find((request) => request.path === path)!.firstByte!
}
