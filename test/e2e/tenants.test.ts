// Tenants: what one does and has makes no difference to what another is told, whatever it asks.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generateKey } from '@modstead/gomod/note'
import { runCommand } from '../support/command.ts'
import { createGoHome } from '../support/go.ts'
import { ask } from '../support/http.ts'
import { createTestSumdb } from '../support/sumdb.ts'
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

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))

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
async function useAcme({ modstead }: TenantsStage): Promise<void> {
  const asAcme = (path: string, sent: Sent = {}) =>
    send(modstead.port, `/t/acme${path}`, { ...sent, headers: { ...bearer(SECRETS.acme), ...sent.headers } })
  for (const made of [ACME, SECRET, UNPROVEN])
    for (const path of [...files(made), `/${made.module}/@v/list`, `/${made.module}/@latest`])
      for (let i = 0; i < 2; i++) assert.equal((await asAcme(path)).status, 200, path)
  const published = await asAcme(files(PUBLISHED)[2]!, { method: 'PUT', body: PUBLISHED.zip })
  assert.equal(published.status, 201, published.text)
  assert.equal(published.headers.location, `/t/acme${files(PUBLISHED)[2]!}`)
  const gone = lib('ACME-ONLY', 'v1.3.0', 'up.example/lib')
  assert.equal((await asAcme(files(gone)[2]!, { method: 'PUT', body: gone.zip })).status, 201)
  const deleted = await asAcme('/up.example/lib/@v/v1.3.0', {
    method: 'DELETE',
    headers: { 'modstead-reason': 'ACME-ONLY reason' },
  })
  assert.equal(deleted.status, 200, deleted.text)
  const token = await asAcme('/api/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ note: 'ACME-ONLY' }),
  })
  assert.equal(token.status, 201, token.text)
  const promoted = await asAcme('/api/v1/promotions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ module: ACME.module, version: ACME.version, note: 'ACME-ONLY' }),
  })
  assert.equal(promoted.status, 201, promoted.text)
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
    '/auth',
    '/auth/signin',
    '/auth/device',
    '/auth/signout',
    '/settings',
    '/settings?for=docker',
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
    'promotions',
    'sessions',
    'groups',
    'access/check?module=corp.example/secret&permission=module:read',
    'nothing',
  ])
    rows.push([`/api/v1/${path}`])
  for (const grant of ['refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'])
    rows.push([
      '/auth/token',
      {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: grant,
          client_id: 'modstead',
          refresh_token: 'msr_x',
        }).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
    ])
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
    text
      .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
      .replace(/(\.example):\d+/g, '$1:PORT')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
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

test('names that are private at one site are asked of no public origin or checksum database by another', async (t) => {
  const place = await stage(t, {
    open: true,
    acmeRoutes: '{ modules: "*.acme.example/team/lib", from: [own], private: true }',
  })
  const { modstead, upstreams, database } = place
  const names = [
    'corp.example/secret',
    'corp.example/nothing',
    'x.acme.example/team/lib',
    'x.acme.example/team',
  ]
  for (const at of ['', '/t/beta']) {
    for (const name of names) {
      if (at !== '' && name.startsWith('corp.example')) continue
      for (const path of [`/${name}/@v/list`, `/${name}/@latest`, `/${name}/@v/v1.0.0.zip`]) {
        const got = await send(modstead.port, at + path)
        assert.equal(got.status, 404, got.text)
        assert.match(got.text, /is not stored, and no origin is configured that may be asked for it/)
      }
      const lookup = await send(modstead.port, `${at}/sumdb/sum.example.test/lookup/${name}@v1.0.0`)
      assert.equal(lookup.status, 404, lookup.text)
    }
  }
  const heard = [...upstreams.root.requests, ...upstreams.beta.requests, ...database.requests]
  assert.doesNotMatch(heard.map(({ path }) => path).join('\n'), /corp\.example|acme\.example/)
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

test('an incident is seen where it happened, and holds nothing against the origin of another', async (t) => {
  const { modstead, trees } = await stage(t, { top: 'memory: 0' })
  const { port, dataDir } = modstead
  const ask = (name: SiteName, path: string, sent: Sent = {}) =>
    send(port, name === 'root' ? path : `/t/${name}${path}`, { ...sent, headers: bearer(SECRETS[name]) })
  const zip = files(ACME)[2]!
  assert.equal((await ask('acme', zip)).status, 200)
  // Its file is lost, and the origin has something else by now.
  await rm(join(dataDir, 'realms', 'acme', zip))
  putModule(trees.acme, lib('ACME-ONLY changed'))
  for (let i = 0; i < 2; i++) assert.equal((await ask('acme', zip)).status, 502)
  const theirs = await ask('beta', zip)
  assert.equal(theirs.status, 200, theirs.text)
  assert.equal(theirs.text, BETA.zip.toString('latin1'))

  const listed = async (name: SiteName) =>
    (JSON.parse((await ask(name, '/api/v1/incidents')).text) as { incidents: { id: string }[] }).incidents
  const [incident] = await listed('acme')
  assert.ok(incident)
  for (const name of ['beta', 'root'] as const) {
    assert.deepEqual(await listed(name), [])
    for (const path of [`/api/v1/incidents/${incident.id}`, `/api/v1/incidents?before=${incident.id}`])
      assert.doesNotMatch((await ask(name, path)).text, /corp\.example/)
    assert.equal((await ask(name, `/api/v1/incidents/${incident.id}`)).status, 404)
  }
  assert.equal((await ask('acme', `/api/v1/incidents/${incident.id}`)).status, 200)
})

test('an origin that is down at one tenant is asked at another, though it has the same name', async (t) => {
  const { modstead, upstreams } = await stage(t)
  const ask = (name: SiteName, path: string) =>
    send(modstead.port, `/t/${name}${path}`, { headers: bearer(SECRETS[name]) })
  await upstreams.acme.down()
  for (let i = 0; i < 10; i++)
    assert.equal((await ask('acme', `/corp.example/lib/@v/v1.0.${i}.mod`)).status, 502)
  assert.equal((await ask('beta', files(BETA)[1]!)).status, 200)
})

test('a tenant whose quota is used up is told so, and reads what it has', async (t) => {
  const { modstead, trees } = await stage(t, { more: `quotas: { bytes: ${ACME.zip.length + 10} }` })
  const ask = (path: string, sent: Sent = {}) =>
    send(modstead.port, `/t/acme${path}`, { ...sent, headers: bearer(SECRETS.acme) })
  const second = lib('ACME-ONLY', 'v1.1.0')
  putModule(trees.acme, second)
  assert.equal((await ask(files(ACME)[2]!)).status, 200)
  // Sums are believed for a second.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  for (const refused of [
    await ask(files(second)[2]!),
    await ask(files(PUBLISHED)[2]!, { method: 'PUT', body: PUBLISHED.zip }),
  ]) {
    assert.equal(refused.status, 507, refused.text)
    assert.match(refused.text, /^a zip of \d+ bytes is not taken in: \d+ of \d+ bytes are used up\n/)
  }
  for (const path of [...files(ACME), files(second)[0]!, files(second)[1]!, `/${ACME.module}/@v/list`])
    assert.equal((await ask(path)).status, 200, path)
  const beta = await send(modstead.port, `/t/beta${files(BETA)[2]!}`, { headers: bearer(SECRETS.beta) })
  assert.equal(beta.status, 200)
})

test('go over TLS: each tenant with its token, the same names, and public modules with their proofs', async (t) => {
  const { modstead, trees } = await stage(t, {
    scheme: 'https',
    top: `tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }`,
  })
  const { port, dataDir } = modstead
  const config = await mkdtemp(join(tmpdir(), 'modstead-tenants-'))
  t.after(() => rm(config, { recursive: true, force: true }))
  await writeFile(join(config, 'modstead.yaml'), 'tenants: { acme: { access: {} }, beta: { access: {} } }\n')
  const issue = async (tenant: string): Promise<string> => {
    const made = await runCommand(
      [
        'token',
        'create',
        '--tenant',
        tenant,
        '--for',
        'service:admin',
        '--config',
        join(config, 'modstead.yaml'),
        '--data-dir',
        dataDir,
      ],
      { cwd: config },
    )
    assert.equal(made.code, 0, made.stderr)
    return made.stdout.trim()
  }
  const tokens = { acme: await issue('acme'), beta: await issue('beta') }
  const netrc = Object.entries(tokens).map(
    ([name, token]) => `machine 127.0.0.1:${port}/t/${name} login __token__ password ${token}\n`,
  )
  const sums = new Map<string, string>()
  for (const [name, made] of [
    ['acme', ACME],
    ['beta', BETA],
  ] as const) {
    const token = tokens[name]
    const go = await createGoHome({
      proxy: `https://127.0.0.1:${port}/t/${name}`,
      sumdb: createTestSumdb({ tree: trees.root, seed: Buffer.alloc(32, 7) }).gosumdb(),
      env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' },
    })
    await writeFile(join(go.folder, '.netrc'), netrc.join(''), { mode: 0o600 })
    t.after(() => go.close())
    const cwd = await go.project({
      'main.go': `package main\n\nimport (\n\t"${made.module}"\n\t_ "${PUBLIC.module}"\n)\n\nfunc main() { println(lib.Of) }\n`,
    })
    await go.ok(['get', `${made.module}@v1.0.0`, `${PUBLIC.module}@v1.0.0`], { cwd })
    assert.match((await go.run(['run', '.'], { cwd })).stderr, name === 'acme' ? /ACME-ONLY/ : /beta/)
    sums.set(name, await readFile(join(cwd, 'go.sum'), 'utf8'))
    // At the other tenant the same token is nobody's.
    const other = name === 'acme' ? 'beta' : 'acme'
    const refused = await go.run(['list', '-m', '-versions', made.module], {
      cwd,
      env: { GOPROXY: `https://__token__:${token}@127.0.0.1:${port}/t/${other}` },
    })
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /401 Unauthorized/)
  }
  assert.match(sums.get('acme')!, new RegExp(ACME.h1.replace(/[+/]/g, '\\$&')))
  assert.doesNotMatch(sums.get('beta')!, new RegExp(ACME.h1.replace(/[+/]/g, '\\$&')))
})

test('a tenant’s own checksum log proves its modules to go, and shows nothing of itself elsewhere', async (t) => {
  const keys = generateKey('sum.acme.example')
  const place = await stage(t, {
    scheme: 'https',
    top: `tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }`,
    acme: `checksumLog: { key: "${keys.skey}" }`,
  })
  const { port } = place.modstead
  const go = await createGoHome({
    proxy: `https://__token__:${SECRETS.acme}@127.0.0.1:${port}/t/acme`,
    sumdb: keys.vkey,
    env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem` },
  })
  t.after(() => go.close())
  const cwd = await go.project()
  await go.ok(['get', `${ACME.module}@v1.0.0`, `${PUBLIC.module}@v1.0.0`], { cwd })
  const sums = await readFile(join(cwd, 'go.sum'), 'utf8')
  for (const made of [ACME, PUBLIC]) assert.ok(sums.includes(made.h1), sums)

  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const get = (path: string, secret: string) =>
    ask(`https://127.0.0.1:${port}`, path, { ca, headers: bearer(secret) })
  for (const path of [
    '/tlog/sum.acme.example/checkpoint',
    '/tlog/sum.acme.example/index',
    '/sumdb/sum.acme.example/supported',
    '/sumdb/sum.acme.example/latest',
    `/sumdb/sum.acme.example/lookup/${ACME.module}@v1.0.0`,
    '/sumdb/sum.acme.example/tile/8/data/000.p/1',
    '/sumdb/sum.acme.example/tile/8/0/000.p/1',
  ]) {
    assert.equal((await get(`/t/acme${path}`, SECRETS.acme)).status, 200, path)
    for (const [start, secret] of [
      ['/t/beta', SECRETS.beta],
      ['', SECRETS.root],
    ] as const) {
      const got = await get(start + path, secret)
      assert.equal(got.status, 404, `${start}${path}`)
      assert.doesNotMatch(got.body.toString(), /corp\.example/)
    }
  }
  // What is promised at acme holds nothing against the same name at beta.
  const beta = await get(`/t/beta${files(BETA)[2]!}`, SECRETS.beta)
  assert.deepEqual(beta.body, BETA.zip)
  assert.deepEqual((await readdir(join(place.modstead.dataDir, 'checksum-log'))).sort(), ['acme'])
})
