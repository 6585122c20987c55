import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { TlsConfig } from '../config/config.ts'
import { temporaryFolder } from '../observe/test-support.ts'
import { ask, bytesAnswer, fileAnswer, startServer } from './http.fixture.ts'
import { TIMEOUTS } from './listener.ts'

const INFO = '/example.com/mod/@v/v1.0.0.info'
const ZIP = '/example.com/mod/@v/v1.0.0.zip'
const MIB = 1 << 20
const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

test('TLS: files arrive, http/1.1 is agreed, and the minimum version holds', async (t) => {
  const { port, proxy, url } = await startServer(t, { config: { tls: testTls('TLSv1.3'), memory: 4 * MIB } })
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  proxy.answers.set(INFO, () => bytesAnswer('{"a":1}'))
  const big = Buffer.alloc(5 * MIB, 'z')
  proxy.answers.set(ZIP, () => fileAnswer(big))
  for (let i = 0; i < 2; i++) assert.equal((await askTls(port, INFO)).toString(), '{"a":1}')
  assert.ok((await askTls(port, ZIP)).equals(big))
  assert.match((await askTls(port, '/')).toString(), new RegExp(`GOPROXY=https://127\\.0\\.0\\.1:${port}<`))
  const offers: [options: tls.ConnectionOptions, agreed: string | false | RegExp][] = [
    [{ ALPNProtocols: ['h2', 'http/1.1'] }, 'http/1.1'],
    [{}, false],
    [{ ALPNProtocols: ['h2'] }, /no.application.protocol|ECONNRESET/i],
    [{ maxVersion: 'TLSv1.2' }, /protocol version|ECONNRESET/i],
  ]
  for (const [options, agreed] of offers) {
    const handshake = connectTls(t, port, options)
    if (agreed instanceof RegExp) await assert.rejects(handshake, agreed)
    else assert.equal((await handshake).alpnProtocol, agreed)
  }
})

test('TLS: version 1.2 where it is allowed, and plain HTTP is no handshake', async (t) => {
  const { port, observer } = await startServer(t, { config: { tls: testTls('TLSv1.2') } })
  assert.equal((await connectTls(t, port, { maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2')
  await assert.rejects(connectTls(t, port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
  await assert.rejects(ask(port, '/'), { code: 'ECONNRESET' })
  assert.deepEqual(observer.lines, [])
})

test('TLS: a renewed certificate reaches new connections, open ones go on, and its end can be watched', async (t) => {
  const folder = await temporaryFolder(t)
  const files = testTls('TLSv1.2')
  const tls: TlsConfig = { ...files, cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  await copyFile(files.cert, tls.cert)
  await copyFile(files.key, tls.key)
  const { port, server, observer } = await startServer(t, { config: { tls } })
  const open = await connectTls(t, port, {})
  const left = () => observer.gauges.get('modstead_tls_certificate_expires_seconds')!()
  const end = Date.parse(open.getPeerCertificate().valid_to)
  assert.ok(Math.abs(left() - (end - Date.now()) / 1000) < 60)
  assert.doesNotMatch((await askTls(port, '/readyz')).toString(), /certificate/)

  const subject = ['-subj', '/CN=renewed', '-days', '2', '-nodes']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-keyout', tls.key, '-out', tls.cert], {
    stdio: 'pipe',
  })
  await server.reload()
  const renewed = await connectTls(t, port, {})
  assert.equal(renewed.getPeerCertificate().subject.CN, 'renewed')
  assert.ok(left() < 2 * 86_400 + 60)
  assert.match(
    (await askTls(port, '/readyz')).toString(),
    /^ready\nwarning: the TLS certificate ends in a day, at /,
  )
  open.write(GET('/healthz'))
  const [answer] = (await event(open, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /)
})

test('TLS: a connection that never speaks, or never finishes its handshake, does not hold up the stop', async (t) => {
  const { port, server, observer } = await startServer(t, { config: { tls: testTls('TLSv1.2') } })
  const silent = await connectTls(t, port, {})
  const raw = net.connect(port, '127.0.0.1')
  await event(raw, 'connect')
  await until(() => observer.gauges.get('modstead_http_connections')!() === 1)
  const closed = Promise.all([event(silent, 'close'), event(raw, 'close')])
  await server.stop(5000)
  await closed
})

test('a Unix socket: served, taken over when it was left behind, refused while in use', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-socket-'))
  t.after(() => rm(folder, { recursive: true }))
  const socket = join(folder, 'a.sock')
  const config = { listen: [{ socket }] }
  // What a killed process leaves: a socket that nobody listens on.
  const listening = `require('net').createServer().listen(${JSON.stringify(socket)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', listening], { stdio: ['ignore', 'pipe', 'inherit'] })
  await event(child.stdout, 'data')
  child.kill('SIGKILL')
  await event(child, 'exit')
  assert.equal(existsSync(socket), true)
  const { url, server, proxy } = await startServer(t, { config })
  assert.equal(url, `unix:${socket}`)
  proxy.answers.set(INFO, () => bytesAnswer('over the socket'))
  const request = http.get({ socketPath: socket, path: INFO, agent: false })
  const [response] = (await event(request, 'response')) as [http.IncomingMessage]
  assert.equal((await response.toArray()).join(''), 'over the socket')
  await assert.rejects(startServer(t, { config }), {
    code: 'listen_failed',
    message: /another process listens on the socket/,
  })
  await server.stop(1000)
  assert.equal(existsSync(socket), false)
  await writeFile(socket, 'a file')
  await assert.rejects(startServer(t, { config }), { code: 'listen_failed', message: /is not a socket/ })
  assert.equal(await readFile(socket, 'utf8'), 'a file')
})

test('several addresses, all or none', async (t) => {
  const both = [
    { host: '127.0.0.1', port: 0 },
    { host: 'localhost', port: 0 },
  ]
  const { server, url } = await startServer(t, { config: { listen: both } })
  const [first, second] = server.addresses() as { host: string; port: number }[]
  assert.equal(url, `http://127.0.0.1:${first!.port}`)
  assert.equal(second!.host, 'localhost')
  assert.notEqual(first!.port, second!.port)
  const free = net.createServer().listen(0, '127.0.0.1')
  await event(free, 'listening')
  const { port } = free.address() as net.AddressInfo
  free.close()
  await event(free, 'close')
  const listen = [{ host: '127.0.0.1', port }, first!]
  await assert.rejects(startServer(t, { config: { listen } }), { code: 'listen_failed' })
  await assert.rejects(ask(port, '/'), { code: 'ECONNREFUSED' }, 'the first address is not left open')
})

test('what keeps it from listening is said in a sentence with the next step', async (t) => {
  const { server } = await startServer(t)
  const folder = await mkdtemp(join(tmpdir(), 'modstead-listen-'))
  t.after(() => rm(folder, { recursive: true }))
  const junk = join(folder, 'junk.pem')
  await writeFile(junk, 'junk')
  const good = testTls('TLSv1.2')
  const rows: [config: object, message: RegExp, next: RegExp][] = [
    [
      { listen: server.addresses() },
      /^listening on 127\.0\.0\.1:\d+ is not possible: another process/,
      /--listen/,
    ],
    [{ listen: [{ host: '192.0.2.1', port: 0 }] }, /this machine does not have the address/, /--listen/],
    [{ listen: [{ host: 'none.invalid', port: 0 }] }, /the name has no address|failed/, /--listen/],
    [
      { listen: [{ socket: join(folder, 'no/such/a.sock') }] },
      /folder does not exist|not allowed/,
      /--listen|folder/,
    ],
    [
      { tls: { ...good, cert: join(folder, 'none.pem') } },
      /none\.pem cannot be read \(ENOENT\)/,
      /tls\.cert/,
    ],
    [{ tls: { ...good, cert: junk } }, /cannot be used/, /PEM/],
    [{ tls: { ...good, key: junk } }, /cannot be used/, /PEM/],
  ]
  for (const [config, message, next] of rows)
    await assert.rejects(startServer(t, { config }), { code: 'listen_failed', message, next })
})

test('stopping lets running downloads finish and closes the rest', async (t) => {
  const { port, server, proxy } = await startServer(t)
  const gate = Promise.withResolvers<void>()
  const big = Buffer.alloc(9 * MIB, 'z')
  proxy.answers.set(ZIP, async () => {
    await gate.promise
    return fileAnswer(big)
  })
  proxy.answers.set(INFO, () => bytesAnswer('{}'))
  const agent = new http.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  await ask(port, INFO, { agent })
  const idle = Object.values(agent.freeSockets)[0]![0]!
  const unused = net.connect(port, '127.0.0.1')
  await event(unused, 'connect')
  const download = ask(port, ZIP, { headers: { connection: 'keep-alive' } })
  await until(() => proxy.served.length === 2)
  const stopped = server.stop(10_000)
  await Promise.all([event(idle, 'close'), event(unused, 'close')])
  await assert.rejects(ask(port, INFO), { code: 'ECONNREFUSED' })
  gate.resolve()
  const { status, headers, body } = await download
  assert.deepEqual([status, headers.connection, body.length], [200, 'close', big.length])
  await stopped
})

test('stopping waits for what memory gives to a slow client', async (t) => {
  const { port, server, proxy } = await startServer(t, { config: { memory: 256 * MIB } })
  const big = Buffer.alloc(30 * MIB, 'z')
  proxy.answers.set(ZIP, () => bytesAnswer(big))
  await ask(port, ZIP)
  const socket = net.connect(port, '127.0.0.1')
  let received = 0
  socket.on('data', (chunk: Buffer) => (received += chunk.length))
  socket.write(GET(ZIP))
  await event(socket, 'data')
  socket.pause()
  const stopped = server.stop(10_000)
  await wait(300)
  socket.resume()
  await Promise.all([stopped, event(socket, 'close')])
  assert.ok(received > big.length, `${received} bytes came`)
})

test('stopping breaks what does not finish in time, so that it never looks whole', async (t) => {
  const { port, server, proxy } = await startServer(t)
  const abandoned = Promise.withResolvers<unknown>()
  proxy.answers.set(ZIP, async (_, { signal }) => {
    signal.addEventListener('abort', () => abandoned.resolve(signal.reason))
    await abandoned.promise
    signal.throwIfAborted()
    return bytesAnswer('never')
  })
  const download = assert.rejects(ask(port, ZIP), { code: 'ECONNRESET' })
  await until(() => proxy.served.length === 1)
  const start = performance.now()
  await server.stop(200)
  assert.ok(performance.now() - start < 3000)
  await download
  assert.equal(((await abandoned.promise) as { code: string }).code, 'aborted')
})

test('readiness ends when stopping begins', async (t) => {
  const { port, server, proxy } = await startServer(t)
  const gate = Promise.withResolvers<void>()
  proxy.answers.set(ZIP, async () => {
    await gate.promise
    return bytesAnswer('zip')
  })
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.write(GET(ZIP))
  await until(() => proxy.served.length === 1)
  const stopped = server.stop(5000)
  socket.write(GET('/readyz'))
  gate.resolve()
  await Promise.all([stopped, event(socket, 'close')])
  assert.match(text, /\r\n\r\nzip(HTTP\/1\.1 503 [^]*this server is shutting down\n)?$/)
})

test('the proxy room hears of a client that leaves, also of one that waits behind another request', async (t) => {
  const { port, proxy, observer } = await startServer(t)
  const left: string[] = []
  for (const path of [INFO, ZIP])
    proxy.answers.set(path, async (_, { signal }) => {
      const { promise, reject } = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => {
        left.push(path)
        reject(signal.reason)
      })
      return promise
    })
  const socket = net.connect(port, '127.0.0.1')
  socket.write(GET(INFO) + GET(ZIP))
  await until(() => proxy.served.length === 2)
  socket.destroy()
  await until(() => left.length === 2)
  await until(() => observer.gauges.get('modstead_http_connections')!() === 0)
  assert.deepEqual(observer.lines, [])
  assert.equal(observer.counts.get('modstead_http_requests_total info aborted'), 1)
})

test('what slow clients keep alive is counted, and has a bound', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-slow-'))
  t.after(() => rm(folder, { recursive: true }))
  // Sockets of this kind hold little, so that the answers wait in our memory.
  const socketPath = join(folder, 'a.sock')
  const memory = 8 * MIB
  const { proxy } = await startServer(t, { config: { listen: [{ socket: socketPath }], memory } })
  const zips = Array.from({ length: 60 }, (_, i) => Buffer.alloc(900 << 10, i))
  const paths = zips.map((zip, i) => {
    const path = `/example.com/mod/@v/v1.0.${i}.zip`
    proxy.answers.set(path, () => fileAnswer(zip, { sha256: String(i) }))
    return path
  })
  const before = process.memoryUsage().external
  const sockets = await Promise.all(
    paths.map(async (path) => {
      const socket = net.connect(socketPath)
      t.after(() => socket.destroy())
      socket.write(GET(path))
      await event(socket, 'data')
      return socket.pause()
    }),
  )
  // Both ends of each connection have buffers of their own, and what is not collected yet counts too.
  const grown = process.memoryUsage().external - before
  assert.ok(grown < memory + sockets.length * (128 << 10), `${grown} bytes are held`)
  // Each of them has been given what it asked for, from wherever it came.
  for (const [i, socket] of sockets.entries()) {
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      assert.equal(chunk.at(-1), i)
    })
    socket.resume()
    await until(() => received > 700 << 10)
  }
  proxy.served.length = 0
  const again = net.connect(socketPath)
  again.write(GET(paths.at(-1)!))
  await event(again, 'data')
  again.destroy()
  const last = net.connect(socketPath)
  last.write(GET(paths.at(-1)!))
  await event(last, 'data')
  last.destroy()
  assert.ok(proxy.served.length <= 1, 'there is room again')
})

test('a client that takes nothing is given up', async (t) => {
  const timeouts = { ...TIMEOUTS, idle: 200 }
  const { port, proxy, observer } = await startServer(t, { timeouts, config: { memory: 256 * MIB } })
  proxy.answers.set(ZIP, () => bytesAnswer(Buffer.alloc(30 * MIB)))
  const socket = net.connect(port, '127.0.0.1')
  socket.write(GET(ZIP))
  await event(socket, 'data')
  socket.pause()
  await until(() => observer.gauges.get('modstead_http_connections')!() === 0)
  socket.destroy()
})

test('connections are kept for longer than go keeps them', async (t) => {
  const { port, proxy } = await startServer(t)
  proxy.answers.set(INFO, () => bytesAnswer('{}'))
  const { headers } = await ask(port, INFO, { headers: { connection: 'keep-alive' } })
  assert.ok(Number(/^timeout=(\d+)$/.exec(headers['keep-alive'] as string)![1]) > 90)
})

function testTls(minVersion: TlsConfig['minVersion']): TlsConfig {
  const at = (name: string) => fileURLToPath(new URL(`../../../test/testdata/tls/${name}`, import.meta.url))
  return { cert: at('cert.pem'), key: at('key.pem'), minVersion }
}

async function askTls(port: number, path: string): Promise<Buffer> {
  const request = https.get({ host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false })
  const [response] = (await event(request, 'response')) as [http.IncomingMessage]
  return Buffer.concat(await response.toArray())
}

/** Resolves with a socket once the handshake is done. */
async function connectTls(
  t: TestContext,
  port: number,
  options: tls.ConnectionOptions,
): Promise<tls.TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  t.after(() => socket.destroy())
  await event(socket, 'secureConnect')
  return socket
}

/** Waits for an event; an error before it rejects. */
async function event(emitter: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown[]>()
  emitter.once(name, (...values) => resolve(values))
  emitter.once('error', reject)
  return promise
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'it did not come to pass in time')
    await wait(2)
  }
}
