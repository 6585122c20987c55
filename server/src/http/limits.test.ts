import assert from 'node:assert/strict'
import http from 'node:http'
import { test, type TestContext } from 'node:test'
import { createAccess } from '../access/access.ts'
import { createDecide } from '../access/decide.ts'
import { createIdentify } from '../access/identify.ts'
import { createConfigTokens } from '../access/tokens/config-tokens.ts'
import type { LimitsConfig } from '../config/limits/limits-config.ts'
import { createLimits } from '../limits/limits.ts'
import { createTestObserver, eventually } from '../observe/test-support.ts'
import { ask, bytesAnswer, fileAnswer, MODULE, startServer } from './http.fixture.ts'

const INFO = `/${MODULE}/@v/v1.0.0.info`
const MOD = `/${MODULE}/@v/v1.0.0.mod`
const HOUR = 3_600_000
const per = (amount: number) => ({ amount, window: HOUR })
const TOKENS = ['ann', 'ben'].map((name) => ({ name, token: `${name}-0123456789abcdef`, may: [] }))
const as = (name: string) => ({ authorization: `Bearer ${name}-0123456789abcdef` })

async function limited(t: TestContext, config: Partial<LimitsConfig>, memory = 16 << 20) {
  const observer = createTestObserver()
  const limits = createLimits({
    observer,
    config: {
      principal: {},
      anonymous: {},
      address: {},
      tenant: {},
      exempt: { subjects: [], networks: [] },
      queue: 0,
      concurrentCold: { client: 2, all: 4 },
      ...config,
    },
  })
  const access = createAccess({
    identify: createIdentify({ credentials: [createConfigTokens(TOKENS)] }),
    decide: createDecide(
      { anonymous: ['*'], admins: [], roles: new Map(), bindings: [] },
      { isPrivate: () => false },
    ),
    open: false,
    closed: false,
  })
  const running = await startServer(t, {
    limits,
    access,
    config: {
      memory,
      trustedProxies: {
        networks: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
        unix: false,
        header: 'x-forwarded-for',
        forwardedHost: false,
      },
    },
  })
  running.proxy.answers.set(INFO, () => bytesAnswer('{"Version":"v1.0.0"}'))
  running.proxy.answers.set(MOD, () => fileAnswer(Buffer.alloc(300_000)))
  const from = (address: string, headers: http.OutgoingHttpHeaders = {}, path = INFO, method = 'GET') =>
    ask(running.port, path, { method, headers: { 'x-forwarded-for': address, ...headers } })
  /** The statuses of `n` requests, one after the other. */
  const statuses = async (n: number, ...args: Parameters<typeof from>) => {
    const seen: number[] = []
    for (let i = 0; i < n; i++) seen.push((await from(...args)).status)
    return seen.join(' ')
  }
  return { ...running, observer, from, statuses }
}

test('requests count from memory as from elsewhere, and a refusal says when to come back', async (t) => {
  for (const memory of [16 << 20, 0]) {
    const { from, statuses } = await limited(t, { anonymous: { requests: per(3) } }, memory)
    assert.equal(await statuses(3, '192.0.2.1'), '200 200 200')
    const refused = await from('192.0.2.1')
    assert.equal(refused.status, 429)
    assert.match(
      refused.text,
      /^without a credential, this address has used up what limits\.anonymous\.requests/i,
    )
    assert.match(refused.text, /\nask again in \d+ minutes; /i)
    assert.equal(refused.headers['ratelimit-policy'], '"anonymous-requests";q=3;w=3600')
    const wait = refused.headers['retry-after']
    assert.ok(Number(wait) > 3_500, wait)
    assert.equal(refused.headers.ratelimit, `"anonymous-requests";r=0;t=${wait}`)
    assert.equal(refused.headers['cache-control'], 'no-store')
    assert.equal((await from('192.0.2.2')).status, 200)
    assert.equal((await from('192.0.2.1', as('ann'))).status, 200)
  }
})

test('what is missing, forbidden or broken counts, too, and what watches this server does not', async (t) => {
  const { from, statuses, port } = await limited(t, { address: { requests: per(5) } })
  const wrong = { authorization: 'Bearer wrong-0123456789abcdef' }
  assert.equal(await statuses(2, '192.0.2.1', wrong, '/example.com/private/@v/list'), '401 401')
  assert.equal(await statuses(2, '192.0.2.1', {}, '/example.com/none/@v/list'), '404 404')
  assert.equal(await statuses(2, '192.0.2.1', {}, '/%zz/@v/list'), '400 429')
  assert.equal(await statuses(1, '192.0.2.1', {}, INFO, 'HEAD'), '429')
  for (const page of ['/healthz', '/readyz', '/metrics', '/'])
    assert.equal((await from('192.0.2.1', {}, page)).status, 200, page)
  assert.equal((await ask(port, '/healthz')).status, 200)
})

test('principals have their own, wherever they come from', async (t) => {
  const { statuses } = await limited(t, { principal: { requests: per(2) } })
  assert.equal(await statuses(2, '192.0.2.1', as('ann')), '200 200')
  assert.equal(await statuses(1, '192.0.2.2', as('ann')), '429')
  assert.equal(await statuses(2, '192.0.2.1', as('ben')), '200 200')
  assert.equal(await statuses(4, '192.0.2.1'), '200 200 200 200')
})

test('bytes count by what was sent: not for HEAD and 304, and also when a client breaks off', async (t) => {
  const { from, statuses, port } = await limited(t, { address: { bytes: per(900_000) } })
  const { headers } = await from('192.0.2.1', {}, MOD)
  assert.equal(await statuses(20, '192.0.2.1', {}, MOD, 'HEAD'), Array(20).fill(200).join(' '))
  assert.equal(
    await statuses(9, '192.0.2.1', { 'if-none-match': headers.etag }, MOD),
    Array(9).fill(304).join(' '),
  )
  assert.equal(await statuses(4, '192.0.2.1', {}, MOD), '200 200 429 429')
  assert.equal(await statuses(1, '192.0.2.1'), '429')

  const agent = new http.Agent()
  const breaking = () =>
    new Promise<void>((resolve, reject) => {
      const request = http.get(
        { host: '127.0.0.1', port, path: MOD, agent, headers: { 'x-forwarded-for': '192.0.2.2' } },
        (response) =>
          response.once('data', () => {
            request.destroy()
            resolve()
          }),
      )
      request.once('error', reject)
    })
  for (let i = 0; i < 3; i++) await breaking()
  let status = 200
  for (let i = 0; status === 200 && i < 20; i++) ({ status } = await from('192.0.2.2'))
  assert.equal(status, 429)
})

test('a request that waits is answered in its turn, and one whose client leaves is gone', async (t) => {
  const { from, observer, port } = await limited(t, {
    anonymous: { requests: { amount: 1, window: 1_000 } },
    queue: 60_000,
  })
  const waiting = () => observer.gauges.get('modstead_limit_waiting')!()
  assert.equal((await from('192.0.2.1')).status, 200)
  const gone = http.get({ host: '127.0.0.1', port, path: INFO, headers: { 'x-forwarded-for': '192.0.2.1' } })
  gone.on('error', () => undefined)
  const staying = from('192.0.2.1')
  await eventually(() => waiting() >= 1, 'somebody waits')
  gone.destroy()
  assert.equal((await staying).status, 200)
  await eventually(() => waiting() === 0, 'nobody waits any more')
})

test('the proxy hears for whom something is to be fetched, so that clients have their turns', async (t) => {
  const { from, proxy } = await limited(t, { anonymous: { cold: per(1) } })
  const { signal } = new AbortController()
  const path = `/${MODULE}/@v/v1.1.0.info`
  let release: (() => void) | undefined
  proxy.answers.set(path, async (_, { asker }) => {
    release = await asker!.begin(signal)
    return bytesAnswer('{}')
  })
  assert.equal((await from('192.0.2.1', {}, path)).status, 200)
  release!()
  proxy.change({ realm: 'public', module: MODULE, version: 'v1.1.0' })
  const refused = await from('192.0.2.1', {}, path)
  assert.equal(refused.status, 429)
  assert.match(refused.text, /limits\.anonymous\.cold allows, 1\/1h/)
  assert.equal((await from('192.0.2.2', {}, path)).status, 200)
})
