// A day of several people with the real `go`: everything they did is in the audit log, once, and nobody changes it unseen.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hash } from '@node-rs/bcrypt'
import type { AuditEvent } from '../../server/src/audit/event.ts'
import { runCommand } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { startRecordingProxy } from '../support/recording-proxy.ts'
import { setStage } from '../support/stage.ts'
import { bearer as bearing, SECRETS, send, setTenants } from '../support/tenants.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
const TEAM_A = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
const TEAM_B = makeModule({ module: 'corp.example/team-b/lib', version: 'v1.0.0' })
const PUBLIC = makeModule({ module: 'example.com/open', version: 'v1.0.0' })
const UPLOAD = makeModule({ module: 'corp.example/published/lib', version: 'v1.0.0' })
const PASSWORDS = { alice: 'alice-Geheim-1', bob: 'bob-Geheim-2' }
const CI = 'ci-Geheim-0123456789abcdef'

async function office(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-audit-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const users = join(folder, 'users')
  const lines = Object.entries(PASSWORDS).map(
    async ([user, password]) => `${user}:${await hash(password, { cost: 5 })}\n`,
  )
  await writeFile(users, (await Promise.all(lines)).join(''))
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      env: { CI_TOKEN: CI },
      configOf: (upstream) => `
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
origins: { up: { url: "${upstream}" }, uploads: { type: upload } }
tokens: { ci: { token: "\${CI_TOKEN}", may: [publish, delete, audit] } }
audit: { sync: 100ms, rotate: { size: 64KiB } }
access:
  htpasswd: ${users}
  lockout: { secrets: 3, closed: 1m, addresses: false }
  groups: { team-a: [alice], team-b: [bob] }
  bindings:
    - { to: "group:team-a, service:ci", role: developer, modules: corp.example/team-a }
    - { to: "group:team-b", role: developer, modules: corp.example/team-b }
routes:
  - { modules: corp.example/published, from: [uploads], private: true }
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [TEAM_A, TEAM_B, PUBLIC]) putModule(stage.tree, made)
  const proxy = await startRecordingProxy(stage.modstead.url)
  t.after(() => proxy.close())
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const command = (...args: string[]) =>
    runCommand([...args, '--data-dir', stage.modstead.dataDir], { cwd: folder, env: { USER: 'oncall' } })
  const withConfig = (...args: string[]) => {
    const config = `audit: {}\ndataDir: ${stage.modstead.dataDir}\n`
    const file = join(folder, 'beside.yaml')
    return writeFile(file, config).then(() =>
      runCommand([...args, '--config', file], { cwd: folder, env: { USER: 'oncall' } }),
    )
  }
  return {
    stage,
    proxy,
    command,
    withConfig,
    audit: join(stage.modstead.dataDir, 'audit'),
    get: (path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) =>
      ask(proxy.url, path, { ca, headers, method, ...(body !== undefined && { body }) }),
    async go(user: string, password: string) {
      const go = await stage.go({
        env: {
          GOPROXY: proxy.url,
          SSL_CERT_FILE: `${CERTIFICATES}ca.pem`,
          GONOSUMDB: 'corp.example,example.com',
        },
      })
      const login = `machine 127.0.0.1:${proxy.port} login ${user} password ${password}\n`
      await writeFile(join(go.folder, '.netrc'), login, { mode: 0o600 })
      return go
    },
  }
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('a day is recorded: each request once, with who asked and what came of it; verifiable, and tampering is found', async (t) => {
  const { stage, proxy, command, withConfig, audit, get, go } = await office(t)
  const made = await withConfig('token', 'create', '--for', 'user:alice', '--note', 'laptop')
  assert.equal(made.code, 0, made.stderr)
  const token = made.stdout.trim()
  const zip = `${modulePath(TEAM_A)}.zip`

  // In the morning: two developers, each with what is theirs.
  const alice = await go('__token__', token)
  const cwd = await alice.project()
  await alice.ok(['get', `${TEAM_A.module}@v1.0.0`], { cwd })
  await alice.ok(['get', `${PUBLIC.module}@v1.0.0`], { cwd })
  const bob = await go('bob', PASSWORDS.bob)
  await bob.ok(['mod', 'download', `${TEAM_B.module}@v1.0.0`])
  const refused = await bob.run(['mod', 'download', `${TEAM_A.module}@v1.0.0`])
  assert.match(refused.stderr, /403 Forbidden/)
  const [, decision] = /Decision: ([0-9A-Z]{26})/.exec(refused.stderr) ?? []
  assert.ok(decision, refused.stderr)

  // A build farm, from memory, many at once.
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 40 }, () => get(zip, bearer(CI))))
  // So that a file is full and is closed, which happens once a second at most.
  await sleep(1_500)
  await get(zip, { ...bearer(CI), range: 'bytes=0-9' })
  await get(zip, bearer(CI), 'HEAD')
  // It publishes, and takes back.
  const published = modulePath(UPLOAD)
  const token2 = bearer(CI)
  await get(`${published}.zip`, token2, 'PUT', 'no zip at all')
  await get(published, token2, 'DELETE')
  await get('/api/v1/incidents', token2)

  // Somebody guesses, somebody has nothing, and a token is revoked.
  for (let i = 0; i < 6; i++) await get(zip, basic('alice', `guess-Geheim-${i}`))
  for (let i = 0; i < 3; i++) await get(zip)
  const revoked = await withConfig('token', 'revoke', token.slice(4, 16))
  assert.equal(revoked.code, 0, revoked.stderr)
  assert.equal((await get(zip, bearer(token))).status, 401)
  await sleep(500)
  const beside = await command('audit', 'verify')
  assert.equal(beside.code, 0, beside.stdout + beside.stderr)
  assert.match(
    (await command('audit', 'tail', '-n', '1000')).stdout,
    /authentication {2}failed {2}user:alice/,
  )
  await stage.modstead.stop()

  const verified = await command('audit', 'verify')
  assert.equal(verified.code, 0, verified.stdout)
  assert.match(
    verified.stdout,
    /is what was written: (\d+) events? in \d+ segments?\nsigned through event (\d+) of \2, /,
  )
  const events = await exported()
  async function exported(...flags: string[]): Promise<AuditEvent[]> {
    const { stdout, stderr, code } = await command('audit', 'export', ...flags)
    assert.equal(code, 0, stderr)
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditEvent]))
  }

  // Each request of the clients, once, with its status and bytes.
  const asRecorded = (id: string, status: number, bytes: number) => `${id} ${status} ${bytes}`
  const clients = proxy.requests.filter(({ path }) => !path.startsWith('/sumdb/'))
  const ofRequests = events.filter(({ status, request_id }) => status > 0 && request_id.startsWith('client-'))
  const known = new Set(clients.map(({ id }) => id))
  assert.deepEqual(
    ofRequests
      .filter(({ request_id }) => known.has(request_id))
      .map(({ request_id, status, bytes }) => asRecorded(request_id, status, bytes))
      .sort(),
    clients.map(({ id, status, bytes }) => asRecorded(id, status, bytes)).sort(),
  )
  assert.ok(clients.length > 220)
  assert.equal(ofRequests.length, proxy.requests.length)

  const count = (fits: (event: AuditEvent) => boolean) => events.filter(fits).length
  const isZip = ({ kind, module }: AuditEvent) => kind === 'zip' && module === TEAM_A.module
  assert.equal(
    count((event) => isZip(event) && event.user_principal === 'ci' && event.status === 200),
    201,
  )
  assert.equal(
    count((event) => isZip(event) && event.user_principal === 'alice' && event.status === 200),
    1,
  )
  assert.equal(
    count(({ auth_result }) => auth_result === 'failed'),
    4,
    'three guesses, and the revoked token',
  )
  assert.equal(
    count(({ auth_result }) => auth_result === 'blocked_by_circuit'),
    3,
  )
  assert.equal(
    count(
      ({ event_type, status, user_principal }) =>
        event_type === 'refusal' && status === 401 && user_principal === '',
    ),
    3,
  )
  assert.equal(
    count(
      ({ decision_id, status, user_principal }) =>
        decision_id === decision && status === 403 && user_principal === 'bob',
    ),
    1,
  )
  assert.deepEqual(
    events
      .filter(({ event_type }) => ['publish', 'delete'].includes(event_type))
      .map(({ event_type, code, module }) => `${event_type} ${code} ${module}`),
    [`publish bad_zip ${UPLOAD.module}`, `delete bad_request ${UPLOAD.module}`],
  )
  assert.deepEqual(
    events
      .filter(({ event_type }) => event_type === 'admin')
      .map(({ action, user_principal }) => `${action} ${user_principal}`),
    ['token.create oncall', 'GET /api/v1/incidents ci', 'token.revoke oncall'],
  )
  assert.ok(events.every(({ seq }, i) => seq === i + 1))
  assert.deepEqual(
    (await exported('--principal', 'bob', '--type', 'refusal', '--module', 'corp.example/team-a')).map(
      ({ status }) => status,
    ),
    events
      .filter(({ user_principal, event_type }) => user_principal === 'bob' && event_type === 'refusal')
      .map(({ status }) => status),
  )

  assert.deepEqual(
    (await exported('--id', decision)).map(({ user_principal }) => user_principal),
    ['bob'],
  )

  // No secret, in whatever form.
  const files = (await readdir(audit)).filter((name) => name !== 'inbox')
  const texts = await Promise.all(files.map((name) => readFile(join(audit, name), 'latin1')))
  const everything = texts.join('\n')
  for (const secret of [token, CI, ...Object.values(PASSWORDS), 'Geheim', btoa(`bob:${PASSWORDS.bob}`)])
    assert.ok(!everything.includes(secret), secret)
  assert.equal((await stat(join(audit, 'key'))).mode & 0o077, 0)

  // Somebody changes what was recorded.
  const segments = files.filter((name) => name.startsWith('segment')).sort()
  assert.ok(segments.length > 1)
  const first = join(audit, segments[0]!)
  const good = await readFile(first, 'utf8')
  const attempts: [what: string, change: () => Promise<void>, said: RegExp][] = [
    [
      'another name',
      () => writeFile(first, good.replace('"user_principal":"bob"', '"user_principal":"eve"')),
      /lines \d+ to \d+: a line of these was changed \(events \d+ to \d+\)/,
    ],
    [
      'a line less',
      () => writeFile(first, good.replace(/^\{"schema":1,"seq":7,.*\n/m, '')),
      /event 7 is missing/,
    ],
    [
      'cut',
      () => writeFile(first, good.slice(0, good.length / 2)),
      /does not go on where segment 1 ends|was cut off/,
    ],
    ['gone', () => unlink(first), /segment 1 is missing/],
  ]
  for (const [what, change, said] of attempts) {
    await change()
    const found = await command('audit', 'verify')
    assert.equal(found.code, 1, what)
    assert.match(found.stdout, said, what)
    assert.match(found.stdout, /is NOT what was written/, what)
    await writeFile(first, good)
  }
  assert.equal((await command('audit', 'verify')).code, 0)
})

test('a server that is killed loses what was not synced at most, and the log goes on and is verified', async (t) => {
  const { stage, audit, command } = await office(t)
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const get = (path: string) => ask(stage.modstead.url, path, { ca })
  const info = `${modulePath(PUBLIC)}.info`
  for (let life = 0; life < 3; life++) {
    for (let i = 0; i < 50; i++) assert.equal((await get(info)).status, 200)
    // More than `sync`.
    await sleep(500)
    const running = get(info).catch(() => undefined)
    await stage.modstead.kill()
    await running
    if (life === 1) {
      const [last = ''] = (await readdir(audit))
        .filter((name) => name.startsWith('segment'))
        .sort()
        .reverse()
      const text = await readFile(join(audit, last), 'latin1')
      await writeFile(join(audit, last), `${text}{"schema":1,"seq":9999,"event_`, 'latin1')
    }
    await stage.restart()
  }
  await stage.modstead.stop()
  const verified = await command('audit', 'verify')
  assert.equal(verified.code, 0, verified.stdout)
  assert.match(verified.stdout, /it has gone on after 1 crash/)
  const { stdout } = await command('audit', 'export', '--type', 'download')
  const kept = stdout.split('\n').filter((line) => line.includes(`"module":"${PUBLIC.module}"`)).length
  assert.ok(kept >= 150 && kept <= 153, `${kept}`)
})

test('each tenant is named with what was done on its site, also from memory, and by what name a tenant is reached', async (t) => {
  const { modstead, trees } = await setTenants(t, { top: 'audit: { sync: 50ms }' })
  const made = makeModule({ module: 'corp.example/lib', version: 'v1.0.0' })
  putModule(trees.acme, made)
  putModule(trees.beta, made)
  const info = `${modulePath(made)}.info`
  const ask = (path: string, secret: string, host?: string) =>
    send(modstead.port, path, { headers: { ...bearing(secret), ...(host !== undefined && { host }) } })
  for (let i = 0; i < 2; i++) {
    assert.equal((await ask(`/t/acme${info}`, SECRETS.acme)).status, 200)
    assert.equal((await ask(info, SECRETS.beta, 'go.beta.example')).status, 200)
  }
  assert.equal((await ask(`/t/acme${info}`, SECRETS.beta)).status, 401)
  assert.equal((await ask('/api/v1/incidents', SECRETS.root)).status, 200)
  await modstead.stop()
  const { stdout, code } = await runCommand(['audit', 'export', '--data-dir', modstead.dataDir], {
    cwd: modstead.dataDir,
  })
  assert.equal(code, 0)
  const events = stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditEvent]))
  assert.deepEqual(
    events
      .filter(({ status }) => status > 0)
      .map(
        ({ tenant, event_type, auth_result, status }) => `${tenant} ${event_type} ${auth_result} ${status}`,
      )
      .sort(),
    [
      ' admin ok 200',
      'acme authentication failed 401',
      'acme download ok 200',
      'acme download ok 200',
      'beta download ok 200',
      'beta download ok 200',
    ],
  )
  const taken = events.filter(
    ({ event_type, auth_result }) => event_type === 'authentication' && auth_result === 'ok',
  )
  assert.deepEqual(taken.map(({ tenant, user_principal }) => `${tenant} ${user_principal}`).sort(), [
    ' admin',
    'acme admin',
    'beta admin',
  ])
})

test('a server that refuses everything because its log is full is not ready, and says why', async (t) => {
  const { modstead, tree } = await setStage(t, {
    configured: true,
    modstead: {
      configOf: (upstream) => `
origins: { up: { url: "${upstream}" } }
audit: { disk: 1MiB, rotate: { size: 64KiB }, sync: 50ms }
routes: [{ modules: "*", from: [up] }]
`,
    },
  })
  putModule(tree, PUBLIC)
  const get = (path: string) => ask(modstead.url, path, { headers: { 'user-agent': 'x'.repeat(200) } })
  const info = `${modulePath(PUBLIC)}.info`
  assert.equal((await get('/readyz')).status, 200)
  let status = 200
  for (let i = 0; status === 200 && i < 500; i++) {
    const answers = await Promise.all(Array.from({ length: 16 }, () => get(info)))
    status = answers.at(-1)!.status
  }
  assert.equal(status, 503)
  const ready = await get('/readyz')
  assert.equal(ready.status, 503)
  assert.match(
    ready.body.toString(),
    /^not ready\nnothing can be recorded: the audit log takes 1MiB, all that audit\.disk allows/,
  )
  assert.equal((await get('/healthz')).status, 200)
})
