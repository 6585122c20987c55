// Tenants: what one does and has makes no difference to what another is told, whatever it asks.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeModule, putModule, type TestModule } from '../support/test-module.ts'
import {
  bearer,
  type Got,
  SECRETS,
  send,
  type Sent,
  setTenants,
  type SiteName,
  type TenantsStage,
} from '../support/tenants.ts'

const lib = (of: string, version = 'v1.0.0', module = 'corp.example/lib'): TestModule =>
  makeModule({
    module,
    version,
    goMod: `module ${module} // ${of}\n\ngo 1.21\n`,
    files: { 'lib.go': `package lib\n\nconst Of = "${of}"\n` },
  })

const ACME = lib('ACME-ONLY')
/** Only acme has it. */
const SECRET = lib('ACME-ONLY', 'v1.0.0', 'corp.example/secret')
const PUBLISHED = lib('ACME-ONLY', 'v1.2.0', 'up.example/lib')
const BETA = lib('beta')
const PUBLIC = makeModule({ module: 'example.com/open', version: 'v1.0.0' })
/** Served by acme's own origin without proof, and by nobody else. */
const UNPROVEN = lib('ACME-ONLY', 'v1.0.0', 'own.example/lib')

async function stage(t: TestContext, options?: Parameters<typeof setTenants>[1]): Promise<TenantsStage> {
  const place = await setTenants(t, options)
  for (const made of [ACME, lib('ACME-ONLY', 'v1.1.0'), SECRET, UNPROVEN]) putModule(place.trees.acme, made)
  putModule(place.trees.beta, BETA)
  putModule(place.trees.root, PUBLIC)
  return place
}

const files = (made: TestModule, kinds = ['info', 'mod', 'zip']) =>
  kinds.map((kind) => `/${made.module}/@v/${made.version}.${kind}`)

/** Everything that acme can do leaves traces: files, lists, incidents, acts, tokens, memory. */
async function useAcme({ modstead, trees }: TenantsStage): Promise<void> {
  const asAcme = (path: string, sent: Sent = {}) =>
    send(modstead.port, `/t/acme${path}`, { ...sent, headers: { ...bearer(SECRETS.acme), ...sent.headers } })
  for (const made of [ACME, SECRET, UNPROVEN])
    for (const path of [...files(made), `/${made.module}/@v/list`, `/${made.module}/@latest`])
      for (let i = 0; i < 2; i++) assert.equal((await asAcme(path)).status, 200, path)
  const published = await asAcme(files(PUBLISHED)[2]!, { method: 'PUT', body: PUBLISHED.zip })
  assert.equal(published.status, 201, published.text)
  const gone = lib('ACME-ONLY', 'v1.3.0', 'up.example/lib')
  assert.equal((await asAcme(files(gone)[2]!, { method: 'PUT', body: gone.zip })).status, 201)
  const deleted = await asAcme('/up.example/lib/@v/v1.3.0', {
    method: 'DELETE',
    headers: { 'modstead-reason': 'ACME-ONLY reason' },
  })
  assert.equal(deleted.status, 200, deleted.text)
  // An incident: the tree gives other contents of a version whose hash is known.
  const other = lib('ACME-ONLY changed', 'v1.1.0')
  assert.equal((await asAcme('/corp.example/lib/@v/v1.1.0.mod')).status, 200)
  putModule(
    trees.acme,
    makeModule({
      module: other.module,
      version: other.version,
      goMod: 'module corp.example/lib\n\ngo 1.22\n',
    }),
  )
  await asAcme('/corp.example/lib/@v/v1.1.0.zip')
  const token = await asAcme('/api/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ note: 'ACME-ONLY' }),
  })
  assert.equal(token.status, 201, token.text)
}

/** Every kind of address, with what a curious client may put into it. */
function questions(): [path: string, sent?: Sent][] {
  const modules = [
    'corp.example/lib',
    'corp.example/secret',
    'corp.example',
    'up.example/lib',
    'own.example/lib',
    'example.com/open',
  ]
  const versions = ['v1.0.0', 'v1.1.0', 'v1.2.0', 'v1.3.0', 'v9.9.9', 'master', 'stable']
  const rows: [string, Sent?][] = []
  for (const module of modules) {
    for (const path of [`/${module}/@v/list`, `/${module}/@latest`, `/${module}/@v/latest.info`])
      rows.push([path])
    for (const version of versions)
      for (const kind of ['info', 'mod', 'zip']) {
        rows.push([`/${module}/@v/${version}.${kind}`])
        rows.push([`/${module}/@v/${version}.${kind}`, { method: 'HEAD' }])
        rows.push([`/${module}/@v/${version}.${kind}`, { headers: { 'disable-module-fetch': 'true' } }])
        rows.push([`/${module}/@v/${version}.${kind}`, { headers: { 'if-none-match': '*' } }])
        rows.push([`/${module}/@v/${version}.${kind}`, { headers: { range: 'bytes=0-3' } }])
      }
    rows.push([`/${module}/@v/v1.2.0`, { method: 'DELETE', headers: { 'modstead-reason': 'x' } }])
    rows.push(
      [`/${module}?go-get=1`],
      [`/sumdb/sum.example.test/lookup/${module}@v1.0.0`],
      [`/lookup/${module}@v1.0.0`],
    )
  }
  for (const path of [
    '/',
    '',
    '/healthz',
    '/readyz',
    '/metrics',
    '/latest',
    '/supported',
    '/tlog/x/checkpoint',
    '/hooks/forge',
    '/hooks/other',
    '/t/acme/',
    '/t/acme/corp.example/lib/@v/list',
    '/auth/whoami',
    '/.well-known/oauth-authorization-server',
  ])
    rows.push([path])
  for (const path of [
    'incidents',
    'incidents?open=true',
    'acts',
    'tokens',
    'whoami',
    'openapi.json',
    'roles',
    'bindings',
    'principals',
    'nothing',
  ])
    rows.push([`/api/v1/${path}`])
  const push = JSON.stringify({ repository: ['corp/lib'], refs: [] })
  const signature = `sha256=${createHmac('sha256', 'hook-0123456789abcdef').update(push).digest('hex')}`
  rows.push([
    '/hooks/forge',
    {
      method: 'POST',
      body: push,
      headers: { 'content-type': 'application/json', 'x-modstead-signature': signature },
    },
  ])
  return rows
}

/** What must be the same for everybody but for the moment. */
function shown(got: Got): object {
  const headers = { ...got.headers, date: undefined, etag: undefined, 'last-modified': undefined }
  const plain = (text: string) =>
    text.replace(/127\.0\.0\.1:\d+/g, 'ADDRESS').replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
  return {
    status: got.status,
    headers: JSON.parse(plain(JSON.stringify(headers))) as object,
    text: plain(got.text),
  }
}

async function answersOf(
  place: TenantsStage,
  at: (path: string) => string,
  headers: Record<string, string>,
): Promise<Map<string, object>> {
  const { port } = place.modstead
  const answers = new Map<string, object>()
  for (const [path, sent = {}] of questions()) {
    const got = await send(port, at(path), { ...sent, headers: { ...headers, ...sent.headers } })
    assert.doesNotMatch(JSON.stringify(got), /ACME-ONLY/, `${path} ${JSON.stringify(sent)}`)
    answers.set(`${path} ${JSON.stringify({ ...sent, body: undefined })}`, shown(got))
  }
  return answers
}

const asked = ({ upstreams }: TenantsStage, name: SiteName) =>
  upstreams[name].requests.map(({ method, path }) => `${method} ${path}`).sort()

for (const [who, at, headers] of [
  ['the other tenant by its path', (path: string) => `/t/beta${path}`, bearer(SECRETS.beta)],
  [
    'the other tenant by its host',
    (path: string) => path || '/',
    { host: 'go.beta.example', ...bearer(SECRETS.beta) },
  ],
  ['the site that is nobody’s', (path: string) => path || '/', bearer(SECRETS.root)],
  ['nobody at the tenant', (path: string) => `/t/acme${path}`, {}],
  ['the other tenant’s token at the tenant', (path: string) => `/t/acme${path}`, bearer(SECRETS.beta)],
  ['the token of the top level at the tenant', (path: string) => `/t/acme${path}`, bearer(SECRETS.root)],
] as const)
  test(`what acme did makes no difference to ${who}`, async (t) => {
    const [used, unused] = await Promise.all([stage(t), stage(t)])
    await useAcme(used)
    for (const place of [used, unused])
      for (const name of ['acme', 'beta', 'root'] as const) place.upstreams[name].requests.length = 0
    const [after, before] = [await answersOf(used, at, headers), await answersOf(unused, at, headers)]
    for (const [question, answer] of after)
      // Whoever runs the server reads its figures at the site that is nobody's.
      if (who !== 'the site that is nobody’s' || !question.startsWith('/metrics'))
        assert.deepEqual(answer, before.get(question), question)
    // Whoever can count what is asked of origins learns nothing either: it took the same requests.
    for (const name of ['acme', 'beta', 'root'] as const)
      assert.deepEqual(asked(used, name), asked(unused, name), name)
    if (who !== 'nobody at the tenant') assert.ok(after.size > 300)
  })

test('each tenant has its own contents under the same names, cold and from memory, by path and by host', async (t) => {
  const { modstead, upstreams, dataDir } = await stage(t).then((place) => ({
    ...place,
    dataDir: place.modstead.dataDir,
  }))
  const { port } = modstead
  for (let round = 0; round < 3; round++)
    for (const [name, made] of [
      ['acme', ACME],
      ['beta', BETA],
    ] as const) {
      const doors: [string, Record<string, string>][] = [
        [`/t/${name}`, {}],
        ['', { host: `go.${name}.example` }],
        ['', { host: `GO.${name}.Example:${port}` }],
        [`http://go.${name}.example`, { host: 'go.other.example' }],
        [`http://127.0.0.1:${port}/t/${name}`, {}],
      ]
      for (const [start, headers] of doors) {
        const got = await send(port, `${start}${files(made)[2]!}`, {
          headers: { ...bearer(SECRETS[name]), ...headers },
        })
        assert.equal(got.status, 200, `${start} ${JSON.stringify(headers)} ${got.text}`)
        assert.equal(got.text, made.zip.toString('latin1'))
        assert.match(String(got.headers['cache-control']), /^private/)
      }
    }
  for (const name of ['acme', 'beta'] as const)
    assert.equal(asked({ upstreams } as TenantsStage, name).filter((one) => one.endsWith('.zip')).length, 1)
  assert.deepEqual((await readdir(join(dataDir, 'realms'))).sort(), ['acme', 'beta'])
})

test('nothing but its own address leads to a tenant', async (t) => {
  const place = await stage(t)
  const { port } = place.modstead
  await useAcme(place)
  const path = files(SECRET)[1]!
  const ways: [target: string, headers?: Record<string, string>][] = [
    [`/%74/acme${path}`],
    [`/t/%61cme${path}`],
    [`/t%2Facme${path}`],
    [`//t/acme${path}`],
    [`/./t/acme${path}`],
    [`/x/../t/acme${path}`],
    [`/t/beta/../acme${path}`],
    [`/t/beta/t/acme${path}`],
    [`/t/ACME${path}`],
    [`/t/acme%00${path}`],
    [`/t/acme.${path}`],
    [`/t/acme;x=1${path}`],
    [`/t//acme${path}`],
    [`/t/acme`.concat('%2f', path.slice(1))],
    [`/t/acme${path}`, { host: 'go.beta.example' }],
    [path, { host: 'go.acme.example.evil.example' }],
    [path, { host: 'evil.example:go.acme.example' }],
    [path, { host: 'go.acme.example@evil.example' }],
    [path, { host: 'x', 'x-forwarded-host': 'go.acme.example' }],
    [path, { host: 'x', forwarded: 'host=go.acme.example' }],
    [path, { host: 'x', 'x-host': 'go.acme.example', 'x-original-url': `/t/acme${path}` }],
    [`http://go.beta.example/t/acme${path}`, { host: 'go.acme.example' }],
    [`http://go.beta.example${path}`, { host: 'go.acme.example' }],
    [`ftp://go.acme.example${path}`, { host: 'x' }],
  ]
  for (const [target, headers = {}] of ways)
    for (const secret of Object.values(SECRETS)) {
      const got = await send(port, target, {
        headers: { host: 'go.root.example', ...bearer(secret), ...headers },
      })
      assert.notEqual(got.status, 200, `${target} ${JSON.stringify(headers)}`)
      assert.doesNotMatch(got.text, /ACME-ONLY/)
    }
})

test('a credential is good at its own tenant and nowhere else', async (t) => {
  const place = await stage(t)
  const { port } = place.modstead
  for (const site of ['root', 'acme', 'beta'] as const)
    for (const [name, secret] of Object.entries(SECRETS)) {
      const start = site === 'root' ? '' : `/t/${site}`
      const got = await send(port, `${start}/api/v1/whoami`, { headers: bearer(secret) })
      assert.equal(got.status, site === name ? 200 : 401, `${name} at ${site}: ${got.text}`)
    }
  // One that a tenant issued, too.
  const made = await send(port, '/t/acme/api/v1/tokens', {
    method: 'POST',
    headers: { ...bearer(SECRETS.acme), 'content-type': 'application/json' },
    body: JSON.stringify({ note: 'x' }),
  })
  const { token, id } = JSON.parse(made.text) as { token: string; id: string }
  for (const [start, status] of [
    ['/t/acme', 200],
    ['/t/beta', 401],
    ['', 401],
  ] as const)
    assert.equal(
      (await send(port, `${start}/api/v1/whoami`, { headers: bearer(token) })).status,
      status,
      start,
    )
  for (const method of ['GET', 'DELETE'])
    assert.equal(
      (await send(port, `/t/beta/api/v1/tokens/${id}`, { method, headers: bearer(SECRETS.beta) })).status,
      404,
    )
  assert.equal((await send(port, '/t/acme/api/v1/whoami', { headers: bearer(token) })).status, 200)
})

test('public modules that a checksum database proves are fetched and kept once', async (t) => {
  const { modstead, upstreams } = await stage(t)
  const { port } = modstead
  const gets = ['', '/t/acme', '/t/beta'].flatMap((start) =>
    files(PUBLIC).map((path) => {
      const secret = start === '' ? SECRETS.root : start === '/t/acme' ? SECRETS.acme : SECRETS.beta
      return send(port, start + path, { headers: bearer(secret) })
    }),
  )
  for (const got of await Promise.all(gets)) assert.equal(got.status, 200, got.text)
  for (const path of files(PUBLIC))
    assert.equal(upstreams.root.requests.filter((request) => request.path === path).length, 1, path)
})

test('the log names the tenant, and the pages of the server are not a tenant’s', async (t) => {
  const { modstead } = await stage(t, { pathPrefix: '/goproxy' })
  const { port } = modstead
  const got = await send(port, `/goproxy/t/acme${files(ACME)[0]!}`, { headers: bearer(SECRETS.acme) })
  assert.equal(got.status, 200, got.text)
  await modstead.logged(/"path":"\/corp\.example\/lib\/@v\/v1\.0\.0\.info".*"tenant":"acme"/)
  for (const page of ['/healthz', '/readyz', '/metrics']) {
    assert.equal((await send(port, page)).status, 200)
    assert.equal((await send(port, `/goproxy/t/acme${page}`)).status, 404)
    const atHost = await send(port, page, { headers: { host: 'go.acme.example' } })
    assert.doesNotMatch(atHost.text, /^(alive|ready|# HELP)/)
  }
  const home = await send(port, '/goproxy/t/acme', { headers: { accept: '*/*', ...bearer(SECRETS.acme) } })
  assert.match(home.text, /a Go module proxy for acme at http:\/\/127\.0\.0\.1:\d+\/goproxy\/t\/acme\n/)
  assert.doesNotMatch(home.text, /Stored here|healthz/)
  const byHost = await send(port, '/', {
    headers: { host: 'go.acme.example', accept: '*/*', ...bearer(SECRETS.acme) },
  })
  assert.match(byHost.text, /GOPROXY=http:\/\/go\.acme\.example\n/)
  const vanity = await send(port, '/lib?go-get=1', { headers: { host: 'go.acme.example' } })
  assert.match(vanity.text, /git\.example\/acme\/lib/)
  assert.doesNotMatch(
    (await send(port, '/lib?go-get=1', { headers: { host: 'go.beta.example' } })).text,
    /acme/,
  )
})
