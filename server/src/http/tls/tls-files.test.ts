import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import tls from 'node:tls'
import type { TlsConfig } from '../../config/config.ts'
import { createTestObserver, eventually, temporaryFolder } from '../../observe/test-support.ts'
import { openTlsFiles } from './tls-files.ts'

const DAY = 86_400_000

/** A pair of its own name, valid for two days; `more` are arguments of `openssl req`. */
function makePair(folder: string, name: string, more: readonly string[] = []): { cert: string; key: string } {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const fixed = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '2']
  const out = ['-subj', `/CN=${name}`, '-keyout', files.key, '-out', files.cert]
  execFileSync('openssl', [...fixed, ...out, ...(more.length > 0 ? more : ['-nodes'])], { stdio: 'pipe' })
  return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') }
}

/** Files of `tls` that a test can write, looked at when the test says so. */
async function open(t: TestContext, config: Partial<TlsConfig> = {}, first?: { cert: string; key: string }) {
  const folder = await temporaryFolder(t)
  const files: TlsConfig = {
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
    minVersion: 'TLSv1.2',
    ...config,
  }
  const one = first ?? makePair(folder, 'one')
  const write = (what: 'cert' | 'key', text: string) => writeFile(files[what], text)
  await write('cert', one.cert)
  await write('key', one.key)
  const observer = createTestObserver()
  const clock = { ahead: 0 }
  const opened = await openTlsFiles({
    files,
    log: observer.log,
    every: 3_600_000,
    now: () => Date.now() + clock.ahead,
  })
  t.after(() => opened.close())
  const messages = () => observer.lines.map(({ level, message }) => `${level} ${message}`)
  const current = (): string => String(opened.options().cert)
  return { folder, files, one, write, clock, opened, messages, current }
}

test('a new pair is taken, whichever file is written first', async (t) => {
  const { folder, one, write, opened, messages, current } = await open(t)
  let changes = 0
  opened.onChange(() => changes++)
  await opened.look()
  assert.deepEqual([changes, messages()], [0, []])

  const two = makePair(folder, 'two')
  await write('cert', two.cert)
  for (let i = 0; i < 3; i++) await opened.look()
  assert.equal(current(), one.cert)
  assert.equal(messages().length, 1, 'warned of once')
  assert.match(
    messages()[0]!,
    /^warn the certificate .*tls\.crt or its key cannot be used: what was there before stays/,
  )
  assert.match(opened.warnings().join(), /cannot be used: the certificate before it is in use/)
  await write('key', two.key)
  await opened.look()
  assert.deepEqual([changes, current(), opened.options().key], [1, two.cert, two.key])
  assert.match(messages()[1]!, /^info the TLS certificate was read again/)

  const three = makePair(folder, 'three')
  await write('key', three.key)
  await opened.look()
  await write('cert', three.cert)
  await opened.look()
  assert.deepEqual([changes, current()], [2, three.cert], messages().join('\n'))
})

test('what cannot be used leaves the pair before it', async (t) => {
  const { folder, files, one, write, clock, opened, messages, current } = await open(t)
  const two = makePair(folder, 'two')
  const chain = two.cert + makePair(folder, 'authority').cert
  const half = chain.slice(0, two.cert.length + 300)
  const encrypted = makePair(folder, 'locked', ['-passout', 'pass:abc123'])
  const cases: [title: string, pair: { cert: string; key: string }, warning: RegExp][] = [
    ['half a certificate', { ...two, cert: two.cert.slice(0, 200) }, /cannot be used/],
    ['half of the second one', { ...two, cert: half }, /cannot be used/],
    ['half a key', { ...two, key: two.key.slice(0, 60) }, /cannot be used/],
    ['nothing', { cert: '', key: '' }, /cannot be used/],
    ['an encrypted key', encrypted, /tls\.key is encrypted, and its password is missing/],
  ]
  for (const [title, pair, warning] of cases) {
    await write('cert', pair.cert)
    await write('key', pair.key)
    await opened.look()
    assert.equal(current(), one.cert, title)
    assert.match(messages().at(-1)!, warning, title)
    assert.match(opened.warnings().join(), warning, title)
  }
  clock.ahead = -DAY
  await write('cert', two.cert)
  await write('key', two.key)
  await opened.look()
  assert.match(
    messages().at(-1)!,
    /^warn the certificate .*tls\.crt begins at \S+Z only: what was there before/,
  )
  assert.equal(current(), one.cert)
  clock.ahead = 0
  await rm(files.key)
  await opened.look()
  assert.match(messages().at(-1)!, /tls\.key cannot be read \(ENOENT\)/)
  await write('cert', chain)
  await write('key', two.key)
  await opened.look()
  assert.equal(current(), chain)
  assert.deepEqual(opened.warnings(), [
    'the TLS certificate ends in a day, at ' + new Date(opened.ends()).toISOString(),
  ])

  clock.ahead += 3 * DAY
  const before = messages().length
  await write('cert', one.cert)
  await write('key', one.key)
  await opened.look()
  assert.equal(current(), chain, 'it has ended')
  assert.match(messages()[before]!, /has ended at/)
  // The clock was wrong, and the files are not touched again.
  clock.ahead -= 3 * DAY
  await opened.look()
  assert.equal(current(), one.cert)
})

test('warnings: a certificate that ends within a week, or has ended', async (t) => {
  const { clock, opened } = await open(t)
  const at = new Date(opened.ends()).toISOString()
  for (const [before, warnings] of [
    [8 * DAY, []],
    [7 * DAY - 60_000, [`the TLS certificate ends in 6 days, at ${at}`]],
    [DAY / 2, [`the TLS certificate ends in less than a day, at ${at}`]],
    [-60_000, [`the TLS certificate has ended at ${at}`]],
  ] as const) {
    clock.ahead = opened.ends() - before - Date.now()
    const said = opened.warnings().filter((warning) => !warning.includes('begins'))
    assert.deepEqual(said, warnings)
  }
})

test('an encrypted key, with the right password and a wrong one', async (t) => {
  const pair = makePair(await temporaryFolder(t), 'locked', ['-passout', 'pass:abc123'])
  await open(t, { keyPassword: 'abc123' }, pair)
  await assert.rejects(open(t, { keyPassword: 'HUSH' }, pair), (error: Error) => {
    assert.match(error.message, /is encrypted, and its password is wrong/)
    assert.ok(!JSON.stringify(error).includes('HUSH') && !error.message.includes('HUSH'))
    return true
  })
  await assert.rejects(open(t, {}, pair), { code: 'listen_failed', message: /password is missing/ })
})

test('links as of a Kubernetes secret, seen without a word: new handshakes get them, open connections stay', async (t) => {
  const folder = await temporaryFolder(t)
  const fill = async (name: string): Promise<string> => {
    const pair = makePair(folder, name)
    await mkdir(join(folder, `..${name}`))
    await writeFile(join(folder, `..${name}`, 'tls.crt'), pair.cert)
    await writeFile(join(folder, `..${name}`, 'tls.key'), pair.key)
    await symlink(`..${name}`, join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, '..data'))
    return name
  }
  await fill('one')
  const files: TlsConfig = {
    cert: join(folder, 'tls.crt'),
    key: join(folder, 'tls.key'),
    minVersion: 'TLSv1.3',
  }
  await symlink('..data/tls.crt', files.cert)
  await symlink('..data/tls.key', files.key)
  const opened = await openTlsFiles({ files, log: createTestObserver().log, every: 10 })
  t.after(() => opened.close())
  const server = https.createServer(opened.options(), (_, res) => res.end('still here'))
  opened.onChange(() => server.setSecureContext(opened.options()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const name = async () => {
    const socket = tls.connect({ port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    return { CN, socket }
  }
  const before = await name()
  assert.equal(before.CN, 'one')
  let changed = false
  opened.onChange(() => (changed = true))
  await fill('two')
  await eventually(() => changed, 'the new links were seen')
  const after = await name()
  assert.equal(after.CN, 'two')
  before.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const chunks = await before.socket.toArray()
  assert.match(Buffer.concat(chunks).toString(), /still here/)
  after.socket.destroy()
})
