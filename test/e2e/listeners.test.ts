// The other ways to reach modstead, and to begin with it: TLS, a path prefix, a module cache that is there already.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { ask } from '../support/http.ts'
import { setStage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const A = makeModule({ module: 'example.com/A', version: 'v1.0.0' })
const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))

test('go downloads over TLS from a server with a private authority', async (t) => {
  const config = `tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }\n`
  const stage = await setStage(t, { modstead: { config, scheme: 'https' } })
  putModule(stage.tree, A)
  const go = await stage.go({ env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem` } })
  await go.ok(['get', `${A.module}@v1.0.0`], { cwd: await go.project() })

  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  assert.equal((await ask(stage.modstead.url, '/example.com/!a/@v/list', { ca })).body.toString(), 'v1.0.0\n')

  await t.test('HTTP/2 is offered by clients and not taken', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: stage.modstead.port,
      ca,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    assert.equal(socket.alpnProtocol, 'http/1.1')
    socket.destroy()
  })

  await t.test('TLS 1.1 is refused', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    const socket = connect({ host: '127.0.0.1', port: stage.modstead.port, ca, ...old })
    await assert.rejects(
      new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
    )
  })

  await t.test('plain HTTP on the TLS port gets no module', async () => {
    const plain = stage.modstead.url.replace('https', 'http')
    const answer = await ask(plain, '/example.com/!a/@v/list').catch(() => undefined)
    assert.ok(answer === undefined || answer.status >= 400)
  })
})

test('everything lives below a path prefix', async (t) => {
  const stage = await setStage(t, { modstead: { config: 'pathPrefix: /go/modules\n' } })
  putModule(stage.tree, A)
  const go = await stage.go({ proxy: `${stage.modstead.url}/go/modules` })
  await go.ok(['get', `${A.module}@v1.0.0`], { cwd: await go.project() })
  assert.ok(stage.database.requests.some(({ path }) => path.startsWith('/lookup/')))
  assert.equal((await stage.get('/example.com/!a/@v/list')).status, 404)
  assert.equal((await stage.get('/go/modules/example.com/!a/@v/list')).status, 200)
  assert.equal((await stage.get('/go/modulesexample.com/!a/@v/list')).status, 404)
})

test("a copy of Go's own download cache becomes the data folder, verified on first use", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-adopted-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const source = await setStage(t)
  const broken = makeModule({ module: 'example.com/broken', version: 'v1.0.0' })
  for (const made of [A, broken]) putModule(source.tree, made)
  const go = await source.go({ proxy: source.upstream.url, sumdb: source.sumdb.gosumdb(source.database.url) })
  const cwd = await go.project()
  for (const made of [A, broken]) await go.ok(['get', `${made.module}@v1.0.0`], { cwd })
  const data = join(folder, 'data')
  await cp(join(go.modCache, 'cache', 'download'), data, { recursive: true })
  const path = join(data, 'example.com/broken/@v/v1.0.0.zip')
  const bytes = await readFile(path)
  bytes[45]! ^= 1
  await writeFile(path, bytes)

  const stage = await setStage(t, { checksums: false, modstead: { dataDir: data } })
  await stage.disconnect()
  for (const kind of ['info', 'mod', 'zip'] as const) {
    const { status, body } = await stage.get(`${modulePath(A)}.${kind}`)
    assert.equal(status, 200, kind)
    if (kind !== 'info') assert.deepEqual(body, A[kind])
  }
  assert.equal((await stage.get('/example.com/!a/@v/list')).body.toString(), 'v1.0.0\n')
  const damaged = await stage.get(`${modulePath(broken)}.zip`)
  assert.ok(damaged.status >= 500 || !damaged.complete, `status ${damaged.status}`)

  const offline = await stage.go({ sumdb: 'off' })
  await offline.ok(['get', `${A.module}@v1.0.0`], { cwd: await offline.project() })
  assert.ok((await storedFiles(data)).has(`${modulePath(A)}.zip`))
})
