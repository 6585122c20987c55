import { startModstead } from '../../test/support/modstead.ts'
import { median, number, type Row } from '../figure.ts'
import { CPUS } from '../pinned.ts'

const STARTS = 7

/** From the start of the process on an empty folder to its first answer. */
export const start: Row = {
  name: 'start',
  title: 'Start on an empty folder to the first answer',
  async run() {
    const times: number[] = []
    // One more than is counted: the first fills the compile cache, as the first start after an update does.
    for (let i = 0; i <= STARTS; i++) {
      const modstead = await startModstead({ upstream: 'off', ...(CPUS && { cpu: CPUS.server }) })
      times.push(modstead.startedIn)
      await modstead.stop()
      await modstead.close()
    }
    const [first = Number.NaN, ...counted] = times
    const detail = `${STARTS} starts, slowest ${number(Math.max(...counted))}, the first ${number(first)} ms`
    return [{ name: 'median', value: median(counted), unit: 'ms', atMost: 500, detail }]
  },
}
