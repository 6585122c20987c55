// Who reads what: the real `go` over TLS with tokens and passwords, before a private module.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { hash } from '@node-rs/bcrypt'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { runCommand } from '../support/command.ts'
import type { GoHome } from '../support/go.ts'
import { ask, type HttpAnswer } from '../support/http.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
const PRIVATE = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
const OTHER = makeModule({ module: 'corp.example/team-b/lib', version: 'v1.0.0' })
const PUBLIC = makeModule({ module: 'example.com/open', version: 'v1.0.0' })
const PASSWORDS = { alice: 'alice-Geheim-1', bob: 'bob-Geheim-2' }
const CI = 'ci-0123456789abcdef'

interface Place {
  stage: Stage
  /** The token alone, as the command prints it. */
  token(...args: string[]): Promise<string>
  command(...args: string[]): ReturnType<typeof runCommand>
  get(path: string, headers?: Record<string, string>, method?: string): Promise<HttpAnswer>
  /** A `go` with this line of ~/.netrc. */
  go(login?: { user: string; password: string }): Promise<GoHome>
  /** The htpasswd file, which may be written again. */
  users: string
}

async function place(t: TestContext, more: string | ((folder: string) => string) = ''): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-access-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const users = join(folder, 'users')
  await writeFile(join(folder, 'jwks.json'), '{"keys":[]}')
  const lines = Object.entries(PASSWORDS).map(async ([user, password]) => {
    return `${user}:${(await hash(password, { cost: 5 })).replace(/^\$2b/, '$2y')}\n`
  })
  await writeFile(users, (await Promise.all(lines)).join(''))
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      flags: ['--log-requests'],
      env: { CI_TOKEN: CI },
      configOf: (upstream) => `
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
origins: { up: { url: "${upstream}" } }
tokens: { ci: { token: "\${CI_TOKEN}" } }
access:
  htpasswd: ${users}
  groups: { team-a: [alice] }
  bindings:
    - { to: "group:team-a, service:ci", role: developer, modules: corp.example/team-a }
${typeof more === 'string' ? more : more(folder)}
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [PRIVATE, OTHER, PUBLIC]) putModule(stage.tree, made)
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const command = (...args: string[]) =>
    runCommand([...args, '--data-dir', stage.modstead.dataDir], { cwd: folder, env: { USER: 'oncall' } })
  return {
    stage,
    users,
    command,
    async token(...args) {
      const { code, stdout, stderr } = await command('token', 'create', ...args)
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^mst_[0-9A-Za-z]{46}\n$/)
      return stdout.trim()
    },
    get: (path, headers = {}, method = 'GET') => ask(stage.modstead.url, path, { ca, headers, method }),
    async go(login) {
      const go = await stage.go({
        env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' },
      })
      if (login !== undefined)
        await writeFile(
          join(go.folder, '.netrc'),
          `machine 127.0.0.1:${stage.modstead.port} login ${login.user} password ${login.password}\n`,
          { mode: 0o600 },
        )
      return go
    },
  }
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('a private module is read with a token by go over TLS, and not after it was revoked', async (t) => {
  const { go, token, command, get, stage } = await place(t)
  const secret = await token('--for', 'user:alice', '--note', 'laptop')
  const [, id = ''] = /^mst_(.{12})/.exec(secret) ?? []
  const alice = await go({ user: '__token__', password: secret })
  const cwd = await alice.project()
  await alice.ok(['get', `${PRIVATE.module}@v1.0.0`], { cwd })
  await alice.ok(['get', `${PUBLIC.module}@v1.0.0`], { cwd })

  // Where no file can be written: in the address, which go keeps out of its own messages.
  const { port } = stage.modstead
  const noFile = await go()
  await noFile.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
    env: { GOPROXY: `https://__token__:${secret}@127.0.0.1:${port}` },
  })

  const zip = modulePath(PRIVATE)
  for (let i = 0; i < 20; i++) assert.equal((await get(`${zip}.zip`, bearer(secret))).status, 200)
  assert.equal((await get(`${zip}.zip`, { 'x-auth-token': secret })).status, 200)
  const listed = await command('token', 'list')
  assert.match(listed.stdout, new RegExp(`^${id}  user:alice  valid; expires .*; last used .*; laptop$`, 'm'))
  assert.ok(!listed.stdout.includes(secret))

  const revoked = await command('token', 'revoke', id)
  assert.deepEqual([revoked.code, revoked.stderr], [0, ''])
  const after = await get(`${zip}.zip`, bearer(secret))
  assert.equal(after.status, 401)
  assert.match(after.body.toString(), /expired, was revoked, or was never issued here/)
  const again = await alice.run(['mod', 'download', '-x', `${PRIVATE.module}@v1.0.0`], {
    cwd,
    env: { GOMODCACHE: join(alice.folder, 'other') },
  })
  assert.notEqual(again.code, 0)
  assert.match(again.stderr, /401 Unauthorized/)
  assert.match(
    (await command('token', 'list')).stdout,
    new RegExp(`^${id} .* revoked; revoked .* by user oncall;`, 'm'),
  )
  for (const kept of [secret, CI]) assert.ok(!stage.modstead.logs().includes(kept))
})

test('what nobody may see is 401 without and 403 with credentials, there or not', async (t) => {
  const { get, stage } = await place(t)
  const files = [
    '/@v/list',
    '/@latest',
    '/@v/v1.0.0.info',
    '/@v/v1.0.0.mod',
    '/@v/v1.0.0.zip',
    '/@v/main.info',
  ]
  for (const file of files) {
    for (const [headers, status] of [
      [{}, 401],
      [basic('bob', PASSWORDS.bob), 403],
      [bearer(CI), 403],
    ] as const) {
      const there = await get(`/${OTHER.module}${file}`, headers)
      const not = await get(`/corp.example/team-b/not${file}`, headers)
      assert.deepEqual([there.status, not.status], [status, status], file)
      assert.equal(there.body.toString().replaceAll('/lib', '/not'), not.body.toString())
      assert.equal(there.headers['content-type'], 'text/plain; charset=utf-8')
      assert.equal('www-authenticate' in there.headers, status === 401)
    }
  }
  // What could be above private modules, for somebody who may read none below it, and for somebody who may.
  assert.equal((await get('/corp.example/@v/list')).status, 401)
  assert.equal((await get('/corp.example/@v/list', basic('bob', PASSWORDS.bob))).status, 403)
  assert.equal((await get('/corp.example/@v/list', basic('alice', PASSWORDS.alice))).status, 404)
  assert.deepEqual(
    stage.upstream.requests.map(({ path }) => path).filter((path) => path.includes('corp.example')),
    [],
  )
})

test('users of an htpasswd file: go, the pages, and a file that changes', async (t) => {
  const { get, go, users, stage } = await place(t, '  lockout: { secrets: 20 }\n')
  const alice = await go({ user: 'alice', password: PASSWORDS.alice })
  const cwd = await alice.project({
    'app.go': 'package app\n\nimport _ "corp.example/team-a/lib"\n',
  })
  // Without the module being named: go asks for every prefix of the path.
  await alice.ok(['mod', 'tidy'], { cwd })
  const path = `${modulePath(PRIVATE)}.mod`
  assert.equal((await get(path, basic('alice', PASSWORDS.alice))).status, 200)
  for (const [headers, status] of [
    [{}, 200],
    [basic('alice', PASSWORDS.alice), 200],
    [basic('alice', 'wrong'), 401],
    [basic('carol', 'wrong'), 401],
  ] as const)
    assert.equal((await get('/', headers, 'HEAD')).status, status)
  const bodies = await Promise.all(
    [basic('alice', 'wrong'), basic('carol', 'wrong')].map(async (login) =>
      (await get(path, login)).body.toString(),
    ),
  )
  assert.equal(bodies[0], bodies[1])

  await writeFile(`${users}.new`, (await readFile(users, 'utf8')).replace(/^alice:.*\n/m, ''))
  await rename(`${users}.new`, users)
  await sleep(1_100)
  assert.equal((await get(path, basic('alice', PASSWORDS.alice))).status, 401)
  assert.equal((await get(path, basic('bob', PASSWORDS.bob))).status, 403)
  for (const secret of [
    ...Object.values(PASSWORDS),
    Buffer.from(`alice:${PASSWORDS.alice}`).toString('base64'),
  ])
    assert.ok(!stage.modstead.logs().includes(secret))
})

test('users by command beside a running server: set, in with go, removed with their tokens, out', async (t) => {
  const { get, go, token, stage } = await place(t, '  lockout: { secrets: 20 }\n')
  // As on the machine of the server, with its configuration.
  const { dataDir } = stage.modstead
  const user = (args: string[], stdin = '') =>
    runCommand(['user', ...args, '--data-dir', dataDir], {
      cwd: dirname(dataDir),
      env: { USER: 'oncall', CI_TOKEN: CI },
      stdin,
    })
  const path = `${modulePath(PRIVATE)}.mod`
  const [old, fresh] = [PASSWORDS.alice, 'another-Geheim-of-alice']
  assert.equal((await get(path, basic('alice', old))).status, 200)
  const set = await user(['set', 'alice'], `${fresh}\n`)
  assert.equal(set.code, 0, set.stderr)
  await sleep(1_100)
  assert.equal((await get(path, basic('alice', old))).status, 401)
  const alice = await go({ user: 'alice', password: fresh })
  await alice.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`], { cwd: await alice.project() })
  assert.equal((await get(path, basic('bob', PASSWORDS.bob))).status, 403)

  const secret = await token('--for', 'user:alice')
  assert.equal((await get(path, bearer(secret))).status, 200)
  const removed = await user(['remove', 'alice'])
  assert.equal(removed.code, 0, removed.stderr)
  assert.match(removed.stdout, /^alice has no password any more\nuser:alice still has 1 valid access token/)
  assert.equal((await get(path, bearer(secret))).status, 200)
  await sleep(1_100)
  assert.equal((await get(path, basic('alice', fresh))).status, 401)
  const ended = await user(['remove', 'alice', '--revoke-tokens'])
  assert.equal(ended.stdout, 'ended of user:alice: 1 valid access token and 0 sessions\n', ended.stderr)
  assert.equal((await get(path, bearer(secret))).status, 401)
  const out = await alice.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
    env: { GOMODCACHE: join(alice.folder, 'other') },
  })
  assert.match(out.stderr, /401 Unauthorized/)
  assert.equal((await get(path, basic('bob', PASSWORDS.bob))).status, 403)
  for (const kept of [old, fresh, 'argon2id'])
    assert.ok(![stage.modstead.logs(), set.stdout, set.stderr].join('').includes(kept))
})

test('a stale password shuts nobody out, guessing does, and tokens go on', async (t) => {
  const { get, go, token, stage } = await place(t, '  lockout: { secrets: 3, closed: 2s }\n')
  const path = `${modulePath(PRIVATE)}.mod`
  const secret = await token('--for', 'user:alice')
  const stale = await go({ user: 'alice', password: 'of-last-year' })
  const cwd = await stale.project()
  // Every request of go is asked twice, and many at once.
  for (let i = 0; i < 3; i++) {
    const refused = await stale.run(['get', `${PRIVATE.module}/a/b/c@v1.0.0`], { cwd })
    assert.match(refused.stderr, /401 Unauthorized/)
  }
  assert.equal((await get(path, basic('alice', PASSWORDS.alice))).status, 200)
  for (let i = 0; i < 5; i++) assert.equal((await get(path)).status, 401)
  for (let i = 0; i < 5; i++) assert.equal((await get(path, bearer(`mst_${'x'.repeat(46)}`))).status, 401)
  assert.equal((await get(path, basic('bob', PASSWORDS.bob))).status, 403)

  for (const guess of ['guess-1', 'guess-2']) await get(path, basic('alice', guess))
  const closed = await get(path, basic('bob', `${PASSWORDS.bob}x`))
  assert.equal(closed.status, 401)
  // The address is closed: also for a right password that nobody has shown yet, in the words of a wrong one.
  const guessed = await get(path, basic('alice', 'guess-4'))
  assert.equal(guessed.body.toString(), closed.body.toString())
  for (const headers of [bearer(secret), basic('alice', secret), bearer(CI)])
    assert.equal((await get(path, headers)).status, 200)
  for (const kept of [secret, 'of-last-year', 'guess-1', PASSWORDS.bob])
    assert.ok(!stage.modstead.logs().includes(kept))
})

test('tokens of a build system, with a shared secret and with keys that change in a file', async (t) => {
  const shared = 'a secret of thirty-two bytes or more'
  const keys: { folder?: string } = {}
  const { get, stage } = await place(t, (folder) => {
    keys.folder = folder
    return `  jwt:
    shared: { issuer: "https://ci.example", audience: go, algorithms: [HS256], secret: "${shared}", subject: project }
    keyed: { issuer: "https://gitlab.example", audience: go, algorithms: [ES256], jwks: ${folder}/jwks.json, kind: user }
`
  })
  const exp = Math.floor(Date.now() / 1000) + 60
  const path = `${modulePath(PRIVATE)}.mod`
  const claims = { iss: 'https://ci.example', aud: 'go', exp, project: 'team-a', groups: ['team-a'] }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const sign = (payload: object) => {
    const signed = `${encode({ alg: 'HS256' })}.${encode(payload)}`
    return `${signed}.${createHmac('sha256', shared).update(signed).digest('base64url')}`
  }
  assert.equal((await get(path, bearer(sign(claims)))).status, 200)
  assert.equal((await get(path, basic('gitlab-ci-token', sign(claims)))).status, 200)
  assert.equal((await get(path, bearer(sign({ ...claims, groups: [] })))).status, 403)
  assert.equal((await get(path, bearer(sign({ ...claims, resource_id: 'corp.example/team-b' })))).status, 403)
  assert.equal((await get(path, bearer(sign({ ...claims, exp: exp - 600 })))).status, 401)
  assert.equal((await get(path, bearer(`${encode({ alg: 'none' })}.${encode(claims)}.`))).status, 401)

  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const keyed = await new SignJWT({ iss: 'https://gitlab.example', aud: 'go', exp, sub: 'alice' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(privateKey)
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }
  await writeFile(join(keys.folder!, 'jwks.json'), JSON.stringify({ keys: [jwk] }))
  // A user of that name has the groups that the configuration says.
  assert.equal((await get(path, bearer(keyed))).status, 200)
  for (const kept of [shared, keyed, sign(claims)]) assert.ok(!stage.modstead.logs().includes(kept))
})
