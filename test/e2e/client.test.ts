// The laptop helper as people get it and use it: installed by the real `go` from modstead over TLS, signed in, and asked
// for credentials by `go`.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { hash } from '@node-rs/bcrypt'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type Certificates, HOST, makeCertificates, startTunnel } from '../support/company-host.ts'
import { collect, type CommandResult } from '../support/command.ts'
import type { GoHome } from '../support/go.ts'
import { createSignInBrowser } from '../support/sign-in-browser.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const ADDRESS = `https://${HOST}`
const HELPER = `${HOST}/modstead/client`
const PRIVATE = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })

const PUBLIC = makeModule({ module: 'example.com/open', version: 'v1.0.0' })

interface Place {
  stage: Stage
  certificates: Certificates
  /** A `go` that knows nothing but GOPROXY and GONOSUMDB. */
  laptop(env?: Record<string, string>): Promise<Laptop>
}

interface Laptop {
  go: GoHome
  /** The helper, installed. */
  program: string
  /** Runs it; `said` hears what it says while it runs. */
  client(
    args: readonly string[],
    env?: Record<string, string>,
    said?: (text: string) => void,
  ): Promise<CommandResult>
}

async function place(t: TestContext, access: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-client-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const certificates = await makeCertificates(folder)
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      flags: ['--log-requests'],
      configOf: (upstream) => `
publicUrl: ${ADDRESS}
tls: { cert: "${certificates.cert}", key: "${certificates.key}" }
origins: { up: { url: "${upstream}" } }
access:
  anonymous: none
${access}
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [PRIVATE, PUBLIC]) putModule(stage.tree, made)
  const tunnel = await startTunnel(t, () => stage.modstead.port)
  return {
    stage,
    certificates,
    async laptop(env = {}) {
      const go = await stage.go({
        proxy: ADDRESS,
        env: {
          SSL_CERT_FILE: certificates.ca,
          HTTPS_PROXY: tunnel.url,
          GONOSUMDB: `corp.example,${HELPER}`,
          ...env,
        },
      })
      const program = join(go.folder, 'gopath', 'bin', 'client')
      const surroundings = {
        PATH: process.env.PATH ?? '',
        HOME: go.folder,
        SSL_CERT_FILE: certificates.ca,
        HTTPS_PROXY: tunnel.url,
      }
      return {
        go,
        program,
        client(args, more = {}, said) {
          const child = spawn(program, args, {
            env: { ...surroundings, ...more },
            stdio: ['ignore', 'pipe', 'pipe'],
          })
          child.stderr.on('data', (text: Buffer) => said?.(text.toString()))
          return collect(child)
        },
      }
    },
  }
}

suite('go install', () => {
  test('from a server that lets nobody read without signing in', async (t) => {
    const { laptop, stage } = await place(t, '')
    const { go, client } = await laptop()
    await go.ok(['install', `${HELPER}@latest`])
    const { stdout } = await client(['version'])
    assert.match(stdout, /^client v0\.1\.0-0\.\d{14}-[0-9a-f]{12}\n$/)
    const refused = await go.run(['list', '-m', '-versions', PRIVATE.module])
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /401 Unauthorized/)
    assert.deepEqual(
      stage.upstream.requests.filter(({ path }) => path.includes(HOST)),
      [],
      'nobody else hears the name of the host',
    )
    // The public checksum database is not asked either, even by those who did not leave it out.
    const careless = await go.run(['mod', 'download', `${HELPER}@latest`], {
      env: { GONOSUMDB: '', GOMODCACHE: join(go.folder, 'other') },
    })
    assert.notEqual(careless.code, 0)
    assert.match(careless.stderr, new RegExp(`go env -w GONOSUMDB=.*${HELPER}`))
  })

  test('with GOPROXY=direct, by the import page, and everywhere with the same hash', async (t) => {
    const { laptop } = await place(t, '')
    const sums = []
    for (const proxy of [ADDRESS, 'direct']) {
      const { go } = await laptop({ GOPROXY: proxy })
      const told = await go.ok(['mod', 'download', '-json', `${HELPER}@latest`])
      const { Sum, GoModSum, Version } = JSON.parse(told) as Record<string, string>
      sums.push([Sum, GoModSum, Version])
      await go.ok(['install', `${HELPER}@${Version}`])
    }
    assert.deepEqual(sums[0], sums[1])
  })

  test('with a log of our own, which proves it', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'modstead-client-'))
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    const { skey, vkey } = generateKey('sum.corp.example')
    await writeFile(join(folder, 'key'), `${skey}\n`, { mode: 0o600 })
    const stage = await setStage(t, {
      configured: true,
      checksums: false,
      modstead: {
        configOf: (upstream) => `
origins: { up: { url: "${upstream}" } }
routes: [{ modules: "*", from: [up] }]
checksumLog: { key: "file:${join(folder, 'key')}" }
`,
      },
    })
    const go = await stage.go({ sumdb: vkey })
    await go.ok(['install', 'modstead.invalid/modstead/client@latest'])
  })
})

test('every tenant has it, below the name of its own host and for nobody else', async (t) => {
  const stage = await setStage(t, {
    configured: true,
    checksums: false,
    modstead: {
      configOf: (upstream) => `
publicUrl: ${ADDRESS}
access: { anonymous: none }
origins: { up: { url: "${upstream}" } }
routes: [{ modules: "*", from: [up] }]
tenants:
  acme: { hosts: [go.acme.example], access: { anonymous: none } }
  other: { access: { anonymous: none } }
`,
    },
  })
  const status = async (path: string, host = HOST) => (await stage.get(path, { headers: { host } })).status
  const acme = '/go.acme.example/modstead/client/@latest'
  const everywhere = '/modstead.invalid/modstead/client/@latest'
  assert.equal(await status(acme, 'go.acme.example'), 200)
  for (const path of [
    everywhere,
    `/t/acme${everywhere}`,
    `/t/acme${acme}`,
    `/t/other${everywhere}`,
    `/t/other/${HELPER}/@latest`,
  ])
    assert.equal(await status(path), 200, path)
  const told = await stage.get(acme, { headers: { host: 'go.acme.example' } })
  const { Version } = JSON.parse(told.body.toString()) as { Version: string }
  const zip = `/go.acme.example/modstead/client/@v/${Version}.zip`
  assert.equal(await status(zip, 'go.acme.example'), 200)
  for (const path of [acme, zip])
    for (const at of ['', '/t/other']) assert.equal(await status(at + path), 401, at + path)
})

suite('a CI job', () => {
  test('exchanges the token that its CI system gives it, without any stored secret', async (t) => {
    const { publicKey, privateKey } = await generateKeyPair('RS256')
    const folder = await mkdtemp(join(tmpdir(), 'modstead-client-'))
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    const jwks = join(folder, 'jwks.json')
    await writeFile(
      jwks,
      JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256' }] }),
    )
    const idToken = (project: string) =>
      new SignJWT({ project_path: project, ref: 'main', ref_type: 'branch', ref_protected: 'true' })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .setIssuer('https://gitlab.corp.example')
        .setAudience(ADDRESS)
        .setSubject(`project_path:${project}:ref_type:branch:ref:main`)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey)
    const { laptop, stage } = await place(
      t,
      `  bindings: [{ to: "workload:ci-app", role: viewer, modules: corp.example/team-a }]
  workloads:
    gitlab:
      type: gitlab
      issuer: https://gitlab.corp.example
      audience: ${ADDRESS}
      jwks: ${jwks}
      rules:
        - { when: { project_path: corp/app, ref_protected: "true" }, as: "workload:ci-app" }
`,
    )
    const { go, client, program } = await laptop()
    // As in a pipeline: GOAUTH is set before the helper is there.
    const env = { GOAUTH: `netrc;${program} goauth` }
    await go.ok(['install', `${HELPER}@latest`], { env })
    const secret = await idToken('corp/app')
    const other = await client(['login', '--ci', ADDRESS], { MODSTEAD_ID_TOKEN: await idToken('corp/other') })
    assert.equal(other.code, 1)
    assert.match(other.stderr, /no rule/)
    assert.match(other.stderr, /^ {2}project_path: corp\/other$/m)
    const signedIn = await client(['login', '--ci', ADDRESS], { MODSTEAD_ID_TOKEN: secret })
    assert.equal(signedIn.code, 0, signedIn.stderr)
    assert.match(signedIn.stdout, /as workload ci-app;/)
    const cwd = await go.project()
    await go.ok(['get', `${PRIVATE.module}@v1.0.0`], { cwd, env })
    assert.ok(!(stage.modstead.logs() + signedIn.stdout + signedIn.stderr).includes(secret))
  })
})

const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()

suite('a developer', () => {
  const password = 'alice-Geheim-1'

  async function signedIn(t: TestContext) {
    const folder = await mkdtemp(join(tmpdir(), 'modstead-client-'))
    t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    const users = join(folder, 'users')
    await writeFile(users, `alice:${(await hash(password, { cost: 5 })).replace(/^\$2b/, '$2y')}\n`)
    const made = await place(
      t,
      `  htpasswd: ${users}
  bindings: [{ to: "user:alice", role: viewer, modules: corp.example/team-a }]
`,
    )
    const { stage, certificates } = made
    const laptop = await made.laptop()
    await laptop.go.ok(['install', `${HELPER}@latest`])
    const ca = await readFile(certificates.ca, 'utf8')
    const browser = createSignInBrowser({
      url: stage.modstead.url,
      origin: ADDRESS,
      ca,
      user: 'alice',
      password,
    })
    const login = (answer: 'approve' | 'deny') => {
      let answered: Promise<void> | undefined
      let text = ''
      const running = laptop.client(['login', ADDRESS], {}, (said) => {
        text += said
        const [, code] = /confirm the code ([A-Z]{4}-[A-Z]{4})/.exec(text) ?? []
        if (code !== undefined) answered ??= browser.answerDevice(code, answer)
      })
      return running.then(async (result) => (await answered, result))
    }
    const folderOfSessions = join(laptop.go.folder, '.config', 'modstead')
    const session = async () => {
      const [name = ''] = (await readdir(folderOfSessions)).filter((name) => name.endsWith('.json'))
      return join(folderOfSessions, name)
    }
    const env = { GOAUTH: `netrc;${laptop.program} goauth` }
    const refreshes = () =>
      stage.modstead
        .logs()
        .split('\n')
        .filter((line) => line.includes('"/auth/token"')).length
    return { ...laptop, stage, login, session, env, refreshes, folderOfSessions, ca }
  }

  test('signs in with the device flow, builds with GOAUTH, and is out at once after the sign-out', async (t) => {
    const { go, client, stage, login, session, env, folderOfSessions, ca } = await signedIn(t)
    const denied = await login('deny')
    assert.equal(denied.code, 1)
    assert.match(denied.stderr, /was refused in the browser/)

    const approved = await login('approve')
    assert.equal(approved.code, 0, approved.stderr)
    assert.match(approved.stdout, /^Signed in to https:\/\/go\.corp\.example as user alice;/)
    assert.equal((await stat(folderOfSessions)).mode & 0o777, 0o700)
    assert.equal((await stat(await session())).mode & 0o777, 0o600)

    const cwd = await go.project({
      'main.go': `package main\n\nimport _ "${PRIVATE.module}"\n\nfunc main() {}\n`,
    })
    await go.ok(['mod', 'tidy'], { cwd, env })
    await go.ok(['build', './...'], { cwd, env })
    assert.match((await client(['whoami'])).stdout, /^user alice at https:\/\/go\.corp\.example\n/)

    // The token is the same, but the session is ended on the server.
    const { access_token: token } = JSON.parse(await readFile(await session(), 'utf8')) as {
      access_token: string
    }
    const out = await client(['logout'])
    assert.deepEqual([out.code, out.stdout], [0, `Signed out of ${ADDRESS}\n`])
    const info = await stage.get(`/${PRIVATE.module}/@v/v1.0.0.info`, {
      ca,
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(info.status, 401)
    const again = await go.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
      env: { ...env, GOMODCACHE: join(go.folder, 'other') },
    })
    assert.notEqual(again.code, 0)
    assert.match(again.stderr, /401 Unauthorized/)
    const output = stage.modstead.logs() + approved.stdout + approved.stderr
    for (const secret of [token, password]) assert.ok(!output.includes(secret), 'a secret was printed')
  })

  test('compares go.sum with the checksum database', async (t) => {
    const { go, client, login, env, stage } = await signedIn(t)
    await login('approve')
    const cwd = await go.project()
    for (const { module } of [PRIVATE, PUBLIC]) await go.ok(['get', `${module}@v1.0.0`], { cwd, env })
    const settings = {
      ...env,
      GOENV: 'off',
      GOPROXY: ADDRESS,
      GOSUMDB: stage.sumdb.gosumdb(),
      GONOSUMDB: 'corp.example',
      GOTOOLCHAIN: 'local',
      GOVCS: '*:off',
    }
    const fine = await client(['verify', cwd], settings)
    assert.equal(fine.code, 0, fine.stderr)
    assert.match(
      fine.stdout,
      /^2 of 4 lines agree with \S+; 2 are left out of it by GONOSUMDB and agree with what GOPROXY serves\n$/,
    )
    const sums = await readFile(join(cwd, 'go.sum'), 'utf8')
    await writeFile(join(cwd, 'go.sum'), sums.replace(/^(example\.com\/open v1\.0\.0 h1:)..../m, '$1AAAA'))
    const wrong = await client(['verify', cwd], settings)
    assert.equal(wrong.code, 1)
    assert.match(wrong.stdout, /^DIFFERENT {5}example\.com\/open@v1\.0\.0\n {2}go\.sum has +h1:AAAA/)
    const unproven = await client(['verify', cwd], { ...settings, GONOSUMDB: '' })
    assert.equal(unproven.code, 1)
    assert.match(unproven.stdout, /not compared +corp\.example\/team-a\/lib@v1\.0\.0: /)
  })

  test('whose session was ended elsewhere is told so, and the server is asked once', async (t) => {
    const { client, login, session, refreshes } = await signedIn(t)
    await login('approve')
    const file = await session()
    const kept = JSON.parse(await readFile(file, 'utf8')) as object
    await client(['logout'])
    await writeFile(file, JSON.stringify({ ...kept, obtained: ago(24), expires: ago(1) }), { mode: 0o600 })
    const before = refreshes()
    for (let i = 0; i < 3; i++) {
      const { code, stdout, stderr } = await client(['goauth'])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /the session with https:\/\/go\.corp\.example was ended; run: client login/)
    }
    assert.equal(refreshes() - before, 1)
  })

  test('whose token has ended: many go at once, and one refresh', async (t) => {
    const { go, login, session, env, refreshes } = await signedIn(t)
    await login('approve')
    const file = await session()
    const kept = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>
    await writeFile(file, JSON.stringify({ ...kept, obtained: ago(24), expires: ago(1) }), { mode: 0o600 })
    const before = refreshes()
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        go.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
          env: { ...env, GOMODCACHE: join(go.folder, `cache-${i}`) },
        }),
      ),
    )
    for (const { code, stderr } of runs) assert.equal(code, 0, stderr)
    assert.equal(refreshes() - before, 1)
    const renewed = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>
    assert.notEqual(renewed.refresh_token, kept.refresh_token)
  })
})
