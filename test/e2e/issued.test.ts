// Tokens that modstead issues: jobs that exchange theirs, devices that somebody lets in, and the real `go` with both.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { openSqliteCatalog } from '../../server/src/catalog/sqlite-catalog.ts'
import { createTestObserver } from '../../server/src/observe/test-support.ts'
import { openIssued } from '../../server/src/open-issued.ts'
import { runDocumented } from '../support/documented.ts'
import { ask } from '../support/http.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
const PRIVATE = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
const OTHER = makeModule({ module: 'corp.example/team-b/lib', version: 'v1.0.0' })
const ZIP = `${modulePath(PRIVATE)}.zip`
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const ISSUED = {
  lifetime: 86_400_000,
  refresh: 86_400_000,
  rotate: 86_400_000,
  outage: 0,
  algorithm: 'HS512',
} as const

interface Tokens {
  access_token: string
  refresh_token: string
  expires_in: number
}

async function place(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-issued-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }
  await writeFile(join(folder, 'jwks.json'), JSON.stringify({ keys: [jwk] }))
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      flags: ['--log-requests'],
      configOf: (upstream) =>
        `
publicUrl: https://go.corp.example
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
origins: { up: { url: "${upstream}" } }
access:
  lockout: { addresses: false }
  groups: { team-a: [alice] }
  bindings:
    - { to: "group:team-a", role: developer, modules: corp.example/team-a }
    - { to: "workload:ci-corp/app", role: developer, modules: corp.example }
  workloads:
    gitlab:
      type: gitlab
      issuer: https://gitlab.corp.example
      audience: https://go.corp.example
      jwks: ${folder}/jwks.json
      rules:
        - { when: { ref_type: tag }, as: "workload:ci-{project_path}", untilTokenEnds: true }
        - { when: { project_path: "corp/*", ref_protected: "true" }, as: "workload:ci-{project_path}", can: [module:read], modules: corp.example/team-a }
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [PRIVATE, OTHER]) putModule(stage.tree, made)
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const post = async (path: string, fields: Record<string, string>) => {
    const { status, body } = await ask(stage.modstead.url, path, {
      ca,
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    return { status, said: JSON.parse(body.toString()) as Tokens & Record<string, unknown> }
  }
  return {
    stage,
    post,
    folder,
    /** The status of a private module for a token. */
    async read(token: string, path = ZIP): Promise<number> {
      const headers = { authorization: `Bearer ${token}` }
      return (await ask(stage.modstead.url, path, { ca, headers })).status
    },
    jobToken(claims: JWTPayload = {}): Promise<string> {
      const at = Math.floor(Date.now() / 1000)
      const usual = { project_path: 'corp/app', ref_protected: 'true', ref_type: 'branch', ref: 'main' }
      return new SignJWT({
        iss: 'https://gitlab.corp.example',
        aud: 'https://go.corp.example',
        exp: at + 300,
        ...usual,
        ...claims,
      })
        .setProtectedHeader({ alg: 'RS256', kid: 'one' })
        .sign(privateKey)
    },
    exchange: (subject_token: string) =>
      post('/auth/token', {
        grant_type: EXCHANGE,
        subject_token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      }),
    go: () => stage.go({ env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' } }),
  }
}

test('a job exchanges its token, and go downloads with what it gets until that is taken back', async (t) => {
  const { stage, exchange, jobToken, read, go, post } = await place(t)
  const own = await jobToken()
  const { status, said } = await exchange(own)
  assert.deepEqual([status, said.expires_in], [200, 900], JSON.stringify(said))
  const token = said.access_token
  const runner = await go()
  const logIn = () =>
    writeFile(
      join(runner.folder, '.netrc'),
      `machine 127.0.0.1:${stage.modstead.port} login __token__ password ${token}\n`,
      { mode: 0o600 },
    )
  await logIn()
  await runner.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`])
  // The rule narrows what the binding of the workload would allow.
  assert.equal(await read(token, `${modulePath(OTHER)}.mod`), 403)
  assert.equal(await read(own), 401, 'the token of the job itself is none for modules')

  await stage.modstead.stop()
  await stage.restart()
  await logIn()
  for (let i = 0; i < 20; i++) assert.equal(await read(token), 200)
  assert.equal((await post('/auth/revoke', { token })).status, 200)
  assert.equal(await read(token), 401)
  const again = await runner.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
    env: { GOMODCACHE: join(runner.folder, 'other'), GOPROXY: stage.modstead.url },
  })
  assert.match(again.stderr, /401 Unauthorized/)

  const none = await exchange(await jobToken({ ref_protected: 'false' }))
  assert.deepEqual([none.status, none.said.error], [400, 'invalid_grant'])
  assert.equal((none.said.claims as Record<string, string>).ref_protected, 'false')
  for (const secret of [token, own]) assert.ok(!stage.modstead.logs().includes(secret))
})

test('the commands of the documentation give a job what go needs', async (t) => {
  const { stage, jobToken, go } = await place(t)
  const runner = await go()
  await writeFile(join(runner.folder, 'id-token'), await jobToken())
  const ran = await runDocumented({
    page: 'sign-in.md',
    heading: 'Jobs of a CI',
    places: {
      'https://go.corp.example': stage.modstead.url,
      'machine go.corp.example': `machine 127.0.0.1:${stage.modstead.port}`,
    },
    desk: runner.folder,
    env: { CURL_CA_BUNDLE: `${CERTIFICATES}ca.pem` },
  })
  assert.deepEqual([ran.code, ran.stderr], [0, ''])
  assert.equal((await stat(join(runner.folder, '.netrc'))).mode & 0o777, 0o600)
  await runner.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`])
})

test('a token holds no longer than its rule says, on a connection that is warm', async (t) => {
  const { exchange, jobToken, read } = await place(t)
  const ends = Math.floor(Date.now() / 1000) + 15
  const { said } = await exchange(await jobToken({ ref_type: 'tag', exp: ends }))
  assert.ok(said.expires_in <= 15)
  assert.equal(await read(said.access_token), 200)
  while (Date.now() < ends * 1000 - 500) await sleep(100)
  while (Date.now() < ends * 1000) await read(said.access_token)
  assert.equal(await read(said.access_token), 401)
})

test('a device is let in by another process on the data folder, and go asks it by GOAUTH', async (t) => {
  const { stage, post, read, go, folder } = await place(t)
  const begun = await post('/auth/device', { client_id: 'modstead' })
  const { device_code, user_code, verification_uri } = begun.said as unknown as Record<string, string>
  assert.equal(verification_uri, 'https://go.corp.example/auth/device')
  const redeem = () =>
    post('/auth/token', { grant_type: DEVICE, client_id: 'modstead', device_code: device_code! })
  assert.equal((await redeem()).said.error, 'authorization_pending')

  const observer = createTestObserver()
  const catalog = await openSqliteCatalog(join(stage.modstead.dataDir, 'catalog.db'), { observer })
  t.after(() => catalog.close())
  const beside = await openIssued({
    access: { issued: ISSUED, workloads: [] },
    records: catalog,
    issuer: 'https://go.corp.example',
    observer,
    env: {},
    closing: [],
  })
  const alice = { kind: 'user', id: 'alice', groups: [] } as const
  assert.ok(await beside.devices.approve(user_code!, { principal: alice, via: 'password' }, 'user:alice'))
  await sleep(5_000)
  const { status, said } = await redeem()
  assert.equal(status, 200, JSON.stringify(said))

  const helper = join(folder, 'goauth')
  await writeFile(join(folder, 'token'), said.access_token)
  await writeFile(
    helper,
    `#!/bin/sh\nprintf 'https://127.0.0.1:${stage.modstead.port}\\n\\nAuthorization: Bearer %s\\n\\n' "$(cat ${folder}/token)"\n`,
  )
  await chmod(helper, 0o755)
  const laptop = await go()
  await laptop.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`], { env: { GOAUTH: helper } })

  const refreshed = await post('/auth/token', {
    grant_type: 'refresh_token',
    client_id: 'modstead',
    refresh_token: said.refresh_token,
  })
  assert.equal(await read(refreshed.said.access_token), 200)
  // Ended in one process, over in the other.
  const session = (await beside.sessions.list(alice))[0]!
  assert.ok(await beside.sessions.end(session.id))
  for (const token of [said.access_token, refreshed.said.access_token]) assert.equal(await read(token), 401)
  for (const secret of [device_code!, said.refresh_token, said.access_token, refreshed.said.refresh_token])
    assert.ok(!stage.modstead.logs().includes(secret))
})
