// Limits with real clients: a reverse proxy between, one client that floods, and a server with too much to do.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/http.ts'
import { startReverseProxy } from '../support/reverse-proxy.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const LIB = makeModule({ module: 'example.com/lib', version: 'v1.0.0' })
/** Where the reverse proxy comes from. */
const PROXY = '127.0.0.9'

function withLimits(
  t: TestContext,
  limits: string,
  more: Parameters<typeof setStage>[1] = {},
): Promise<Stage> {
  return setStage(t, {
    checksums: false,
    configured: true,
    ...more,
    modstead: {
      configOf: (upstream) => `
origins: { up: { url: "${upstream}" } }
routes: [{ modules: "*", from: [up], checksum: off, lookAhead: false }]
trustedProxies: ${PROXY}
limits: ${limits}
`,
    },
  })
}

test('go behind a reverse proxy: clients count apart, what they forge counts nothing', async (t) => {
  const stage = await withLimits(t, '{ anonymous: { requests: 12/1h }, queue: 0s }')
  putModule(stage.tree, LIB)
  const proxy = startReverseProxy({ port: stage.modstead.port, from: PROXY })
  t.after(() => proxy.close())
  const [first, second] = [await proxy.urlFor('192.0.2.10'), await proxy.urlFor('192.0.2.20')]
  const download = ['mod', 'download', '-x', `${LIB.module}@v1.0.0`]

  const one = await stage.go({ proxy: first })
  await one.ok(download)
  // The first uses up what it has, and claims to be the second.
  let refused = await ask(first, `${modulePath(LIB)}.mod`)
  for (let i = 0; refused.status === 200 && i < 20; i++)
    refused = await ask(first, `${modulePath(LIB)}.mod`, { headers: { 'x-forwarded-for': '192.0.2.20' } })
  assert.equal(refused.status, 429)
  const again = await (await stage.go({ proxy: first })).run(download)
  assert.notEqual(again.code, 0)
  assert.match(again.stderr, /429 Too Many Requests/)
  assert.match(again.stderr, /used up what limits\.anonymous\.requests allows, 12\/1h/)
  assert.match(again.stderr, /ask again in \d+ minutes/)

  await (await stage.go({ proxy: second })).ok(download)

  // Past the proxy nobody is believed: each of these claims another address.
  const statuses: number[] = []
  for (let i = 0; i < 20; i++) {
    const headers = { 'x-forwarded-for': `198.51.100.${i}`, forwarded: `for=198.51.100.${i}` }
    statuses.push((await stage.get(`${modulePath(LIB)}.mod`, { headers })).status)
  }
  assert.deepEqual(statuses, [...Array<number>(12).fill(200), ...Array<number>(8).fill(429)])
})

test('go waits for its turn, and then has what it asked for', async (t) => {
  const stage = await withLimits(t, '{ anonymous: { requests: 3/2s }, queue: 2m }')
  const modules = Array.from({ length: 3 }, (_, i) =>
    makeModule({ module: `example.com/m${i}`, version: 'v1.0.0' }),
  )
  for (const made of modules) putModule(stage.tree, made)
  const go = await stage.go()
  await go.ok(['mod', 'download', ...modules.map(({ module }) => `${module}@v1.0.0`)])
  assert.match((await stage.get('/metrics')).body.toString(), /^modstead_limit_waiting 0$/m)
})

test('a client that floods with what is not stored does not hold up another one', async (t) => {
  const release = Promise.withResolvers<void>()
  let [running, most] = [0, 0]
  const stage = await withLimits(t, '{ concurrentCold: { client: 6, all: 16 } }', {
    upstream: {
      async answer(path) {
        if (!path.startsWith('/flood.example/')) return undefined
        most = Math.max(most, ++running)
        await release.promise
        running--
        return undefined
      },
    },
  })
  t.after(() => release.resolve())
  putModule(stage.tree, LIB)
  const proxy = startReverseProxy({ port: stage.modstead.port, from: PROXY })
  t.after(() => proxy.close())
  const [flood, other] = [await proxy.urlFor('192.0.2.10'), await proxy.urlFor('192.0.2.20')]
  const gone = new AbortController()
  let answered = 0
  const asking = Array.from({ length: 300 }, async (_, i) => {
    const { status } = await ask(flood, `/flood.example/m${i}/@v/v1.0.0.zip`, { signal: gone.signal })
    answered++
    return status
  })
  const settled = Promise.allSettled(asking)
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await stage.get('/metrics')).body.toString())?.[1])
  while ((await metric('modstead_cold_waiting')) < 294) await sleep(20)

  await (await stage.go({ proxy: other })).ok(['mod', 'download', `${LIB.module}@v1.0.0`])
  assert.equal(answered, 0, 'the flood was still going on')
  assert.equal(most, 6)

  // Whoever joins what the flood waits for has a turn of its own for it.
  const joined = ask(other, '/flood.example/m299/@v/v1.0.0.zip')
  while (!stage.upstream.requests.some(({ path }) => path.includes('/m299/'))) await sleep(20)
  gone.abort()
  while ((await metric('modstead_cold_waiting')) > 0) await sleep(20)
  release.resolve()
  assert.equal((await joined).status, 404)
  await settled
  const asked = stage.upstream.requests.filter(({ path }) => path.startsWith('/flood.example/'))
  assert.ok(asked.length <= 8, `of those who left, ${asked.length} were asked for`)
})

test('with its event loop late the server fetches nothing new, and serves what it has', async (t) => {
  const stage = await withLimits(t, '{ degraded: { eventLoop: 1s } }')
  putModule(stage.tree, LIB)
  const cold = makeModule({ module: 'example.com/cold', version: 'v1.0.0' })
  putModule(stage.tree, cold)
  await (await stage.go()).ok(['mod', 'download', `${LIB.module}@v1.0.0`])
  assert.doesNotMatch((await stage.get('/readyz')).body.toString(), /degraded/)

  // A process that is stopped is one whose event loop is late.
  for (let i = 0; i < 15 && !stage.modstead.logs().includes('degraded: '); i++) {
    process.kill(stage.modstead.pid, 'SIGSTOP')
    await sleep(1_500)
    process.kill(stage.modstead.pid, 'SIGCONT')
    await sleep(100)
  }
  await stage.modstead.logged(/degraded: its event loop is late; nothing new is fetched/)
  const ready = await stage.get('/readyz')
  assert.equal(ready.status, 200)
  assert.match(ready.body.toString(), /^ready\nwarning: degraded: its event loop is late/)
  assert.match((await stage.get('/metrics')).body.toString(), /^modstead_degraded 1$/m)
  const go = await stage.go()
  await go.ok(['mod', 'download', `${LIB.module}@v1.0.0`])
  const refused = await go.run(['mod', 'download', `${cold.module}@v1.0.0`])
  assert.notEqual(refused.code, 0)
  assert.match(refused.stderr, /503 Service Unavailable/)
  assert.match(refused.stderr, /fetches nothing new now \(its event loop is late\)/)
})
