import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask, askRaw, bytesAnswer, createTableProxy, startServer, type TableProxy } from './http.fixture.ts'
import type { TenantSite } from './sites.ts'

const PATH = '/example.com/mod/@v/v1.0.0.mod'

function tenantSite(name: string, hosts: readonly string[] = []): TenantSite & { proxy: TableProxy } {
  const proxy = createTableProxy()
  proxy.answers.set(PATH, () => bytesAnswer(`of ${name}`, { contentType: 'text/plain; charset=utf-8' }))
  return {
    name,
    hosts,
    proxy,
    databases: [],
    pushes: { onPush: () => 'unknown' },
    records: {} as TenantSite['records'],
    config: { pathPrefix: '', routes: [], sumdb: [], vanity: [], hooks: new Map(), tokens: [] },
  }
}

async function start(t: TestContext, { pathPrefix = '', memory = 16 << 20 } = {}) {
  const acme = tenantSite('acme', ['go.acme.example'])
  const beta = tenantSite('beta')
  const running = await startServer(t, { tenants: [acme, beta], config: { pathPrefix, memory } })
  const get = async (target: string, host?: string): Promise<string> => {
    const { status, text } = await ask(running.port, target, host === undefined ? {} : { headers: { host } })
    return status === 200 ? text : String(status)
  }
  running.proxy.answers.set(PATH, () =>
    bytesAnswer('of nobody', { contentType: 'text/plain; charset=utf-8' }),
  )
  return { ...running, acme, beta, get }
}

test('a request finds its site by path and by host, cold and from memory', async (t) => {
  const rows: [target: string, host: string | undefined, answer: string][] = [
    [PATH, undefined, 'of nobody'],
    [`/t/acme${PATH}`, undefined, 'of acme'],
    [`/t/beta${PATH}`, undefined, 'of beta'],
    [PATH, 'go.acme.example', 'of acme'],
    [PATH, 'GO.ACME.example.:8443', 'of acme'],
    [`http://go.acme.example${PATH}`, 'x', 'of acme'],
    [`http://x/t/beta${PATH}`, 'x', 'of beta'],
    // A tenant's host is that tenant's alone.
    [`/t/beta${PATH}`, 'go.acme.example', '404'],
    [`http://go.acme.example/t/beta${PATH}`, 'x', '404'],
    [`/t/gamma${PATH}`, undefined, '404'],
    [`/t/acme/t/beta${PATH}`, undefined, '404'],
    [`/t/%61cme${PATH}`, undefined, '404'],
    [`/%74/acme${PATH}`, undefined, '404'],
    [`/t/${PATH}`, undefined, '404'],
    ['/t/acme/healthz', undefined, '404'],
    ['/healthz', undefined, 'alive\n'],
    [PATH, 'x.go.acme.example', 'of nobody'],
  ]
  const { get, acme, beta, proxy } = await start(t)
  for (let round = 0; round < 3; round++)
    for (const [target, host, answer] of rows) {
      const got = await get(target, host)
      assert.equal(answer === '404' && got === '400' ? '404' : got, answer, `${target} ${host}`)
    }
  // In absolute form nothing is looked for in memory.
  const asked = [acme.proxy, beta.proxy, proxy].map(
    ({ served }) => served.filter((path) => path === PATH).length,
  )
  assert.deepEqual(asked, [1 + 3, 1 + 3, 1])
})

test('behind a prefix the tenants are behind it, too; the root of a tenant is its home page', async (t) => {
  const { get } = await start(t, { pathPrefix: '/goproxy' })
  assert.equal(await get(`/goproxy/t/acme${PATH}`), 'of acme')
  assert.equal(await get(`/t/acme${PATH}`), '404')
  assert.equal(await get(PATH, 'go.acme.example'), 'of acme')
  for (const [target, host, address] of [
    ['/goproxy/t/acme', undefined, /^http:\/\/127\.0\.0\.1:\d+\/goproxy\/t\/acme$/],
    ['/goproxy/t/beta/?x=y', undefined, /\/goproxy\/t\/beta$/],
    ['/', 'go.acme.example:8080', /^http:\/\/go\.acme\.example:8080$/],
    ['/goproxy', undefined, /\/goproxy$/],
  ] as const)
    assert.match(/GOPROXY=([^\s<"&]+)/.exec(await get(target, host))?.[1] ?? '', address)
})

test('other methods, pipelined requests and two Host headers find no other site', async (t) => {
  const { port, acme, beta } = await start(t)
  const put = await ask(port, '/t/acme/example.com/mod/@v/v1.0.0.zip', { method: 'PUT', body: 'x' })
  assert.equal(put.status, 403)
  assert.match(put.text, /nobody may publish/)
  const one = (target: string, host: string) => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n`
  const text = await askRaw(
    port,
    `${one(`/t/beta${PATH}`, 'x')}\r\n${one(PATH, 'go.acme.example')}\r\n${one(PATH, 'x')}Connection: close\r\n\r\n`,
  )
  assert.deepEqual(
    [...text.matchAll(/\r\n\r\n(of (?:acme|beta|nobody))/g)].map(([, body]) => body),
    ['of beta', 'of acme', 'of nobody'],
  )
  const before = [acme.proxy.served.length, beta.proxy.served.length]
  const two = await askRaw(port, `${one(PATH, 'x')}Host: go.acme.example\r\nConnection: close\r\n\r\n`)
  assert.doesNotMatch(two, /of acme/)
  assert.deepEqual([acme.proxy.served.length, beta.proxy.served.length], before)
})

test('one site cannot drive out of memory what another is given', async (t) => {
  const { get, acme, beta } = await start(t, { memory: 3 << 20 })
  await get(`/t/beta${PATH}`)
  await get(`/t/beta${PATH}`)
  for (let i = 0; i < 400; i++) {
    const path = `/example.com/mod/@v/v1.1.${i}.mod`
    acme.proxy.answers.set(path, () => bytesAnswer(Buffer.alloc(10_000, i)))
    await get(`/t/acme${path}`)
  }
  await get(`/t/beta${PATH}`)
  assert.deepEqual(beta.proxy.served, [PATH])
})

test('many hosts that clients make up change nothing, and the right one is still found', async (t) => {
  const { get } = await start(t)
  for (let i = 0; i < 2_500; i++) assert.equal(await get(PATH, `h${i}.example`), 'of nobody')
  assert.equal(await get(PATH, 'go.acme.example'), 'of acme')
})
