// TLS as it is run: the real go at the main address, clients with certificates at theirs, and files that are renewed.
import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import tls from 'node:tls'
import { type Issued, makeAuthority } from '../../server/src/http/tls/authority.fixture.ts'
import { runCommand } from '../support/command.ts'
import { freePort } from '../support/modstead.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const PRIVATE = makeModule({ module: 'corp.example/team-a/lib', version: 'v1.0.0' })
const PUBLIC = makeModule({ module: 'example.com/open', version: 'v1.0.0' })
const TOKEN = 'ci-0123456789abcdef'

test('go at the main address, certificates at their own, and both sides renewed while it runs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-certificates-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const at = (name: string): string => join(folder, name)
  const authority = makeAuthority(folder, 'authority')
  const local = { extensions: 'subjectAltName=IP:127.0.0.1' }
  const use = async (server: Issued): Promise<void> => {
    await copyFile(server.file, at('tls.crt'))
    await copyFile(server.file.replace(/pem$/, 'key'), at('tls.key'))
  }
  await use(authority.issue('one', local))
  authority.writeCrl(at('crl.pem'))
  const port = await freePort()
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      env: { CI_TOKEN: TOKEN },
      configOf: (upstream) => `
tls:
  cert: ${at('tls.crt')}
  key: ${at('tls.key')}
  clientCa: ${authority.ca}
  clientCrl: ${at('crl.pem')}
  clientListen: 127.0.0.1:${port}
audit: {}
origins: { up: { url: "${upstream}" } }
tokens: { ci: { token: "\${CI_TOKEN}" } }
access:
  certificates:
    - { subject: "CN=build-*,O=Corp", as: "workload:{1}", groups: ci }
  bindings:
    - { to: "group:ci, service:ci", role: viewer, modules: corp.example }
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [PRIVATE, PUBLIC]) putModule(stage.tree, made)
  const ca = await readFile(authority.ca, 'utf8')
  const agent = new https.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const get = async (path: string, pair?: Issued) => {
    const named = pair && { cert: pair.cert, key: pair.key }
    const request = https.get({ host: '127.0.0.1', port, path, ca, agent, ...named })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return { status: response.statusCode!, text: Buffer.concat(await response.toArray()).toString() }
  }

  const go = await stage.go({
    env: {
      SSL_CERT_FILE: authority.ca,
      GONOSUMDB: 'corp.example',
      GOPROXY: `https://__token__:${TOKEN}@127.0.0.1:${stage.modstead.port}`,
    },
  })
  const cwd = await go.project()
  for (const { module } of [PUBLIC, PRIVATE]) await go.ok(['get', `${module}@v1.0.0`], { cwd })

  const zip = `${modulePath(PRIVATE)}.zip`
  const build = authority.issue('build', { subject: '/O=Corp/CN=build-7' })
  for (let i = 0; i < 3; i++) assert.equal((await get(zip, build)).status, 200)
  assert.equal((await get(zip)).status, 401)
  assert.equal((await get(`${modulePath(PUBLIC)}.zip`)).status, 200)
  assert.match((await get('/', authority.issue('other'))).text, /certificate of the connection fits no rule/)

  authority.revoke(build)
  authority.writeCrl(at('crl.pem'))
  await use(authority.issue('two', local))
  process.kill(stage.modstead.pid, 'SIGHUP')
  await stage.modstead.logged(/the TLS certificate was read again/)
  await stage.modstead.logged(/the authorities of client certificates were read again/)
  assert.match((await get(zip, build)).text, /was revoked/)
  const socket = tls.connect({ port: stage.modstead.port, host: '127.0.0.1', ca })
  await once(socket, 'secureConnect')
  assert.equal(socket.getPeerCertificate().subject.CN, 'two')
  socket.destroy()
  await go.ok(['mod', 'download', `${PRIVATE.module}@v1.0.0`], {
    cwd,
    env: { GOMODCACHE: join(go.folder, 'other') },
  })

  const exported = async (): Promise<string[]> => {
    const { stdout } = await runCommand(
      ['audit', 'export', '--type', 'authentication', '--data-dir', stage.modstead.dataDir],
      { cwd: folder },
    )
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .map((event) => [event.auth_result, event.principal_kind, event.user_principal].join(' '))
  }
  // Events are on the disk within a second or so.
  let events = await exported()
  for (let i = 0; i < 20 && !events.includes('failed anonymous '); i++) {
    await sleep(250)
    events = await exported()
  }
  const missing = ['ok service ci', 'ok workload 7', 'failed anonymous '].filter(
    (event) => !events.includes(event),
  )
  assert.deepEqual(missing, [], events.join('\n'))
  assert.equal(events.filter((event) => event === 'ok workload 7').length, 1)
})
