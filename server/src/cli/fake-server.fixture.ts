// The command line with a server that does nothing, for tests of how processes end.
import type { RunningServer } from './context.ts'
import { launch } from './launch.ts'

function start(): Promise<RunningServer> {
  const alive = setInterval(() => undefined, 1000)
  if (process.env.CRASH) setTimeout(() => void Promise.reject(new Error('on purpose')), 20)
  return Promise.resolve({
    addresses: ['http://127.0.0.1:1'],
    stop: () => Promise.resolve(clearInterval(alive)),
  })
}

await launch(
  () => Promise.resolve({ start }),
  () => Promise.reject(new Error('no origins here')),
  () => Promise.reject(new Error('no checksum databases here')),
)
