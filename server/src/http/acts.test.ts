import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { test, type TestContext } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { streamBody } from './stream-body.ts'
import { refuse } from './refuse.ts'
import { askRaw, bytesAnswer, startServer, type Reply, type Running } from './http.fixture.ts'

const CI = 'ci-0123456789abcdef'
const OPS = 'ops-0123456789abcdef'
const tokens = [
  { name: 'ci', token: CI, may: ['publish'] },
  { name: 'ops', token: OPS, may: ['publish', 'delete'] },
] as const
const ZIP = '/go.corp.example/lib/@v/v1.0.0.zip'
const VERSION = '/go.corp.example/lib/@v/v1.0.0'
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

interface Sent {
  headers?: http.OutgoingHttpHeaders
  body?: Buffer | string
  chunked?: boolean
}

/** One request on a connection of its own, with its body; gives the answer, whenever it comes. */
function send(server: Running, method: string, path: string, { headers = {}, body, chunked }: Sent = {}) {
  return new Promise<Reply>((resolve, reject) => {
    const length = body === undefined || chunked ? {} : { 'Content-Length': Buffer.byteLength(body) }
    const request = http.request(
      {
        host: '127.0.0.1',
        port: server.port,
        method,
        path,
        agent: false,
        headers: { ...length, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const { statusCode: status = 0, headers } = response
          resolve({ status, headers, body: bytes, text: bytes.toString() })
        })
      },
    )
    request.on('error', reject)
    if (chunked) request.flushHeaders()
    request.end(body)
  })
}

const started = (t: TestContext, config = {}) => startServer(t, { config: { tokens, ...config } })

test('a published zip: 201 with its hashes, and 200 where nothing changed', async (t) => {
  const server = await started(t)
  const created = await send(server, 'PUT', ZIP, { headers: bearer(CI), body: 'zip' })
  assert.equal(created.status, 201)
  assert.equal(
    created.text,
    'published go.corp.example/lib@v1.0.0 h1:zip\ngo.corp.example/lib@v1.0.0/go.mod h1:mod\n',
  )
  assert.equal(created.headers.location, ZIP)
  assert.equal(created.headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(created.headers['cache-control'], 'no-store')
  const same = await send(server, 'PUT', ZIP, { headers: bearer(CI), body: '' })
  assert.equal(same.status, 200)
  assert.match(same.text, /^unchanged /)
  assert.deepEqual(server.proxy.acted, [
    {
      act: 'publish',
      module: 'go.corp.example/lib',
      version: 'v1.0.0',
      who: 'ci',
      size: 3,
      sha256: undefined,
    },
    { bytes: 'zip' },
    {
      act: 'publish',
      module: 'go.corp.example/lib',
      version: 'v1.0.0',
      who: 'ci',
      size: 0,
      sha256: undefined,
    },
    { bytes: '' },
  ])
  assert.equal(server.observer.counts.get('modstead_http_requests_total publish 2xx'), 2)
})

test('chunked, with a digest, under a prefix, with escaped letters and as Basic', async (t) => {
  const server = await started(t, { pathPrefix: '/goproxy' })
  const sha256 = createHash('sha256').update('zip').digest()
  const reply = await send(server, 'PUT', '/goproxy/go.corp.example/!lib/@v/v1.0.0-!r!c.zip', {
    headers: {
      Authorization: `Basic ${Buffer.from(`anybody:${OPS}`).toString('base64')}`,
      'Content-Digest': `sha-512=:AAAA:, sha-256=:${sha256.toString('base64')}:`,
    },
    body: 'zip',
    chunked: true,
  })
  assert.equal(reply.status, 201, reply.text)
  assert.equal(reply.headers.location, '/goproxy/go.corp.example/!lib/@v/v1.0.0-!r!c.zip')
  const [act] = server.proxy.acted
  assert.deepEqual(act, {
    act: 'publish',
    module: 'go.corp.example/Lib',
    version: 'v1.0.0-RC',
    who: 'ops',
    size: undefined,
    sha256: sha256.toString('hex'),
  })
})

test('a deletion needs its permission and a reason', async (t) => {
  const server = await started(t)
  const reason = { 'Modstead-Reason': Buffer.from('größer als gedacht').toString('latin1') }
  const reply = await send(server, 'DELETE', VERSION, { headers: { ...bearer(OPS), ...reason } })
  assert.deepEqual([reply.status, reply.text], [200, 'deleted go.corp.example/lib@v1.0.0 h1:zip\n'])
  assert.deepEqual(server.proxy.acted, [
    {
      act: 'delete',
      module: 'go.corp.example/lib',
      version: 'v1.0.0',
      who: 'ops',
      reason: 'größer als gedacht',
    },
  ])
  const bad = [undefined, ' ', 'x'.repeat(401), '\xff\xfe', 'a\u0085b']
  for (const value of bad) {
    const headers = { ...bearer(OPS), ...(value !== undefined && { 'Modstead-Reason': value }) }
    const { status, text } = await send(server, 'DELETE', VERSION, { headers })
    assert.equal(status, 400, text)
    assert.match(text, /reason/)
  }
  assert.equal(server.proxy.acted.length, 1)
})

const REFUSED: [
  title: string,
  method: string,
  path: string,
  headers: http.OutgoingHttpHeaders,
  status: number,
][] = [
  ['no token', 'PUT', ZIP, {}, 401],
  ['a wrong token', 'PUT', ZIP, bearer('wrong-0123456789abcdef'), 401],
  ['no token for a deletion', 'DELETE', VERSION, { 'Modstead-Reason': 'x' }, 401],
  ['a token that may not delete', 'DELETE', VERSION, { ...bearer(CI), 'Modstead-Reason': 'x' }, 403],
  ['a .mod', 'PUT', ZIP.replace('.zip', '.mod'), bearer(CI), 405],
  ['a list', 'PUT', '/go.corp.example/lib/@v/list', bearer(CI), 405],
  ['a page', 'PUT', '/healthz', bearer(CI), 405],
  ['all versions of a module', 'DELETE', '/go.corp.example/lib', bearer(OPS), 405],
  ['a file of a version', 'DELETE', ZIP, bearer(OPS), 405],
  ['a list of versions', 'DELETE', '/go.corp.example/lib/@v/list', bearer(OPS), 405],
  ['every version', 'DELETE', '/go.corp.example/lib/@v/*', bearer(OPS), 400],
  ['a branch', 'PUT', '/go.corp.example/lib/@v/main.zip', bearer(CI), 400],
  ['no canonical version', 'PUT', '/go.corp.example/lib/@v/v1.zip', bearer(CI), 400],
  ['a version of another major', 'PUT', '/go.corp.example/lib/@v/v2.0.0.zip', bearer(CI), 400],
  ['an unescaped upper-case letter', 'PUT', '/go.corp.example/Lib/@v/v1.0.0.zip', bearer(CI), 400],
  ['an escaped slash', 'PUT', '/go.corp.example%2Flib/@v/v1.0.0.zip', bearer(CI), 400],
  ['a way up', 'PUT', '/go.corp.example/../lib/@v/v1.0.0.zip', bearer(CI), 400],
  ['a query', 'DELETE', `${VERSION}?force`, bearer(OPS), 400],
  ['a compressed body', 'PUT', ZIP, { ...bearer(CI), 'Content-Encoding': 'gzip' }, 400],
  ['a part', 'PUT', ZIP, { ...bearer(CI), 'Content-Range': 'bytes 0-3/9' }, 400],
]

test('what is refused before anything of it is read', async (t) => {
  const server = await started(t)
  for (const [title, method, path, headers, status] of REFUSED) {
    const reply = await send(server, method, path, { headers, body: 'zip' })
    assert.equal(reply.status, status, `${title}: ${reply.text}`)
    assert.match(reply.text, /^[^\n]+\n[^\n]+\n$/, title)
    assert.equal((reply.headers['www-authenticate'] ?? '').startsWith('Basic realm='), status === 401, title)
    assert.ok(!reply.text.includes('0123456789'), 'no token is repeated')
  }
  assert.deepEqual(server.proxy.acted, [])
  assert.ok(!JSON.stringify(server.observer.lines).includes('0123456789'), 'nor logged')
})

test('without tokens nothing is taken, and the next step is said', async (t) => {
  const server = await startServer(t)
  const { status, text } = await send(server, 'PUT', ZIP, { headers: bearer(CI), body: 'zip' })
  assert.equal(status, 403)
  assert.match(text, /no tokens\n.*tokens: \{/)
})

test('a refusal reaches a client that is in the middle of sending', async (t) => {
  const server = await started(t)
  server.proxy.acts.publish = () => Promise.reject(new ModsteadError('payload_too_large', 'it is too large'))
  for (const token of [CI, 'wrong-0123456789abcdef']) {
    const reply = await send(server, 'PUT', ZIP, { headers: bearer(token), body: Buffer.alloc(8 << 20) })
    assert.equal(reply.status, token === CI ? 413 : 401)
    assert.equal(reply.headers.connection, 'close')
  }
})

test('a client that asks first is told to go on only when its zip is wanted', async (t) => {
  const server = await started(t)
  for (const [token, expected] of [
    [CI, ['continue', 201]],
    ['wrong-0123456789abcdef', [401]],
  ] as const) {
    const events: unknown[] = []
    await new Promise<void>((resolve, reject) => {
      const headers = { ...bearer(token), Expect: '100-continue', 'Content-Length': 3 }
      const options = {
        host: '127.0.0.1',
        port: server.port,
        method: 'PUT',
        path: ZIP,
        agent: false,
        headers,
      }
      const request = http.request(options, (response) => {
        events.push(response.statusCode)
        response.resume().on('end', resolve)
      })
      request.on('continue', () => {
        events.push('continue')
        request.end('zip')
      })
      request.on('error', reject)
      request.flushHeaders()
    })
    assert.deepEqual(events, expected)
  }
})

test('a body that breaks off is not taken for whole', async (t) => {
  const server = await started(t)
  const head = `PUT ${ZIP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${CI}\r\n`
  for (const rest of ['Content-Length: 10\r\n\r\nzip', 'Transfer-Encoding: chunked\r\n\r\n3\r\nzip\r\n']) {
    const socket = net.connect(server.port, '127.0.0.1')
    await new Promise((resolve) => socket.write(head + rest, resolve))
    while (!server.proxy.acted.some((act) => 'act' in act))
      await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
    while (server.observer.counts.get('modstead_http_requests_total publish aborted') === undefined)
      await new Promise((resolve) => setImmediate(resolve))
    assert.ok(!server.proxy.acted.some((act) => 'bytes' in act))
    server.proxy.acted.length = 0
    server.observer.counts.clear()
  }
})

test('a client that pauses too long is told so, and one that goes away is not waited for', async (t) => {
  const codes: string[] = []
  const server = http.createServer((req, res) => {
    const read = async (): Promise<void> => {
      for await (const chunk of streamBody(req, res, 50)) assert.ok(chunk.length > 0)
    }
    read()
      .catch((error: unknown) => {
        codes.push(error instanceof ModsteadError ? error.code : String(error))
        return refuse(error, req, res)
      })
      .catch((error: unknown) => codes.push(String(error)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const head = 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nzip'
  assert.match(await askRaw(port, head), /^HTTP\/1\.1 408 [^]*for 0\.05 seconds\n/)
  const socket = net.connect(port, '127.0.0.1', () => socket.end(head))
  socket.resume()
  await once(socket, 'close')
  assert.deepEqual(codes, ['request_timeout', 'aborted'])
})

test('bytes beyond the announced length are no part of the zip', async (t) => {
  const server = await started(t)
  const head = `PUT ${ZIP} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${CI}\r\nContent-Length: 3\r\n\r\n`
  const answer = await askRaw(server.port, `${head}zip and more`)
  // Whether the answer is out before the rest is seen to be no request is a matter of time.
  assert.match(answer, /^$|^HTTP\/1\.1 201 /)
  assert.deepEqual(server.proxy.acted.at(-1), { bytes: 'zip' })
})

test('a connection serves on after it was published over', async (t) => {
  const server = await started(t)
  server.proxy.answers.set('/go.corp.example/lib/@v/list', () => bytesAnswer('v1.0.0\n'))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const ports = new Set<number>()
  for (const [method, path] of [
    ['PUT', ZIP],
    ['GET', '/go.corp.example/lib/@v/list'],
    ['PUT', ZIP],
  ] as const) {
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, method, path, agent, headers: bearer(CI) }
      const request = http.request(options, (response) => {
        ports.add(response.socket.localPort!)
        response.resume().on('end', () => resolve(response.statusCode))
      })
      request.on('error', reject)
      request.end(method === 'PUT' ? 'zip' : undefined)
    })
    assert.equal(status, method === 'PUT' ? 201 : 200)
  }
  assert.equal(ports.size, 1)
})
