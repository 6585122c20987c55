// Users of a real directory before a private module: the real `go` over TLS, a user who leaves a group, an outage.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  changeOf,
  dnOf,
  dnOfGroup,
  GROUPS,
  PEOPLE,
  SERVICE,
  noSlapd,
  startSlapd,
} from '../../server/src/origin/ldap/test-slapd.ts'
import { runCommand } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const skip = noSlapd()

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
const PRIVATE = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
const SECRETS = [SERVICE.password, 'alice-Geheim-1', 'bob-Geheim-1']

async function place(t: TestContext, keepFor: string) {
  const slapd = await startSlapd(t)
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      flags: ['--log-requests'],
      env: { LDAP_PASSWORD: SERVICE.password },
      configOf: (upstream) => `
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
origins: { up: { url: "${upstream}" } }
access:
  ldap:
    url: ldaps://localhost:${slapd.tlsPort}
    ca: ${slapd.certificates.ca}
    bindDn: ${SERVICE.dn}
    bindPassword: "\${LDAP_PASSWORD}"
    users: { base: "${PEOPLE}" }
    groups: { base: "${GROUPS}" }
    sync: 2s
    keepFor: ${keepFor}
    timeout: 2s
  remember: 1s
  lockout: { secrets: 20 }
  bindings:
    - { to: "group:platform", role: developer, modules: corp.example/team-a }
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  putModule(stage.tree, PRIVATE)
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  return {
    slapd,
    stage,
    get: (path: string, headers: Record<string, string> = {}) =>
      ask(stage.modstead.url, path, { ca, headers }),
    async go(user: string, password: string) {
      const go = await stage.go({
        env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' },
      })
      const line = `machine 127.0.0.1:${stage.modstead.port} login ${user} password ${password}\n`
      await writeFile(join(go.folder, '.netrc'), line, { mode: 0o600 })
      return go
    },
  }
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test(
  'who is taken out of a group loses access at the next sync, with a password and with a token',
  { skip },
  async (t) => {
    const { slapd, stage, get, go } = await place(t, '1h')
    const created = await runCommand(
      ['token', 'create', '--for', 'user:alice', '--data-dir', stage.modstead.dataDir],
      { cwd: stage.modstead.dataDir },
    )
    const token = bearer(created.stdout.trim())
    const alice = await go('alice', 'alice-Geheim-1')
    const cwd = await alice.project({ 'app.go': 'package app\n\nimport _ "corp.example/team-a/lib"\n' })
    await alice.ok(['mod', 'tidy'], { cwd })
    const zip = `${modulePath(PRIVATE)}.zip`
    const password = basic('alice', 'alice-Geheim-1')
    for (const headers of [password, token, basic('ALICE', 'alice-Geheim-1')])
      assert.equal((await get(zip, headers)).status, 200)
    assert.equal((await get(zip, basic('bob', 'bob-Geheim-1'))).status, 403)
    for (const wrong of ['x', '*', 'alice-Geheim-1 ']) {
      const refused = await get(zip, basic('bob', wrong))
      assert.equal(refused.status, 401)
      assert.equal(refused.body.toString(), (await get(zip, basic('nobody', wrong))).body.toString())
    }

    // alice is in platform by way of team-a.
    await slapd.change(changeOf(dnOfGroup('team-a'), 'delete', 'member', dnOf('alice')))
    const refusals = await Promise.all(
      [password, token].map(async (headers) => {
        for (const end = Date.now() + 15_000; ; await sleep(100)) {
          const { status } = await get(zip, headers)
          if (status !== 200) return status
          assert.ok(Date.now() < end, 'access ends')
        }
      }),
    )
    assert.deepEqual(refusals, [403, 403])
    const later = await alice.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
      cwd,
      env: { GOMODCACHE: join(alice.folder, 'other') },
    })
    assert.notEqual(later.code, 0)
    assert.match(later.stderr, /403 Forbidden/)

    await slapd.change(`dn: ${dnOf('alice')}\nchangetype: delete\n`)
    for (const end = Date.now() + 15_000; (await get(zip, token)).status !== 401; await sleep(100))
      assert.ok(Date.now() < end, 'a token of somebody who is gone ends')
    assert.match((await get(zip, token)).body.toString(), /directory of users does not have any more/)
    const metrics = (await get('/metrics')).body.toString()
    assert.match(metrics, /^modstead_ldap_users 1$/m)
    assert.match(metrics, /^modstead_ldap_syncs_total\{outcome="ok"\} [1-9]/m)
    for (const secret of SECRETS) assert.ok(!stage.modstead.logs().includes(secret))
  },
)

test(
  'a directory that is down: who is known goes on for a time, and then it is no 401',
  { skip },
  async (t) => {
    const { slapd, stage, get, go } = await place(t, '8s')
    const mod = `${modulePath(PRIVATE)}.mod`
    const password = basic('alice', 'alice-Geheim-1')
    assert.equal((await get(mod, password)).status, 200)
    await slapd.kill()
    assert.equal((await get(mod, password)).status, 200)
    await sleep(1_500)
    // The password is not remembered any more, and cannot be compared.
    assert.equal((await get(mod, password)).status, 200)
    const unknown = await get(mod, basic('bob', 'bob-Geheim-1'))
    assert.equal(unknown.status, 503)
    assert.match(
      unknown.body.toString(),
      /^the directory of users \(localhost\) cannot be asked who this is\nAsk again later;/,
    )
    assert.ok(Number(unknown.headers['retry-after']) > 0)
    assert.ok(!/dc=corp|bindDn|refuses/.test(unknown.body.toString()))
    assert.match(stage.modstead.logs(), /the directory localhost refuses connections/)
    for (const end = Date.now() + 30_000; (await get(mod, password)).status === 200; await sleep(250))
      assert.ok(Date.now() < end, 'it ends')
    assert.equal((await get(mod, password)).status, 503)
    const alice = await go('alice', 'alice-Geheim-1')
    const { code, stderr } = await alice.run(['mod', 'download', `${PRIVATE.module}@v1.0.0`])
    assert.notEqual(code, 0)
    assert.match(stderr, /503 Service Unavailable/)
    assert.match(
      (await get('/readyz')).body.toString(),
      /^ready\nwarning: users and groups were last read from the directory localhost \d+ s ago\n$/,
    )
    await slapd.start()
    for (const end = Date.now() + 30_000; (await get(mod, password)).status !== 200; await sleep(250))
      assert.ok(Date.now() < end, 'it is used again')
    for (const secret of SECRETS) assert.ok(!stage.modstead.logs().includes(secret))
  },
)

test('a restart while the directory is down knows who has which token', { skip }, async (t) => {
  const { slapd, stage, get } = await place(t, '1h')
  const mod = `${modulePath(PRIVATE)}.mod`
  const { dataDir } = stage.modstead
  const created = await runCommand(['token', 'create', '--for', 'user:alice', '--data-dir', dataDir], {
    cwd: dataDir,
  })
  const token = bearer(created.stdout.trim())
  assert.equal((await get(mod, token)).status, 200)
  await stage.modstead.stop()
  await slapd.pause()
  t.after(() => slapd.resume())
  const began = performance.now()
  await stage.restart()
  assert.ok(performance.now() - began < 10_000, 'a directory that hangs delays no start')
  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const again = (headers: Record<string, string>) => ask(stage.modstead.url, mod, { ca, headers })
  assert.equal((await again(token)).status, 200)
  assert.equal((await again(basic('alice', 'alice-Geheim-1'))).status, 503)
})
