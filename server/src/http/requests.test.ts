import assert from 'node:assert/strict'
import type http from 'node:http'
import net from 'node:net'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { ModulePath } from '@modstead/gomod/path'
import { TIMEOUTS } from './listener.ts'
import { ask, askRaw, bytesAnswer, createTableMirror, MODULE, startServer } from './http.fixture.ts'

const INFO = '/example.com/mod/@v/v1.0.0.info'
const HOST = 'Host: x\r\n'
const CLOSE = `${HOST}Connection: close\r\n\r\n`

const BROKEN: [title: string, request: string, status: number, text: RegExp][] = [
  ['not HTTP', 'hello\r\n\r\n', 405, /method/],
  ['an unknown method', `BREW ${INFO} HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['a method in lower case', `get ${INFO} HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['no version', `GET ${INFO} FTP/1.1\r\n${CLOSE}`, 400, /rules of HTTP/],
  ['a space in the target', `GET /a b HTTP/1.1\r\n${CLOSE}`, 400, /rules of HTTP/],
  ['a NUL in the target', `GET /a\0b HTTP/1.1\r\n${CLOSE}`, 400, /./],
  ['bytes that are not ASCII', `GET /\xc3\xbc/@v/list HTTP/1.1\r\n${CLOSE}`, 400, /./],
  ['a header without a colon', `GET / HTTP/1.1\r\n${HOST}nonsense\r\n\r\n`, 400, /rules of HTTP/],
  [
    'two lengths',
    `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    400,
    /rules of HTTP/,
  ],
  ['headers beyond 16 KiB', `GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431, /16 KiB/],
  ['many headers beyond 16 KiB', `GET / HTTP/1.1\r\n${HOST}${'a: b\r\n'.repeat(6000)}\r\n`, 431, /16 KiB/],
  ['a target beyond 2 KiB', `GET /${'x'.repeat(3000)} HTTP/1.1\r\n${CLOSE}`, 414, /2048/],
  ['no Host', `GET ${INFO} HTTP/1.1\r\nConnection: close\r\n\r\n`, 400, /no Host/],
  ['POST', `POST ${INFO} HTTP/1.1\r\n${HOST}Content-Length: 4\r\n\r\nabcd`, 405, /GET or HEAD/],
  [
    'POST of JSON',
    `POST / HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 1\r\n\r\n{`,
    405,
    /GET/,
  ],
  [
    'PUT without end',
    `PUT / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nffffff\r\n`,
    405,
    /GET or HEAD/,
  ],
  ['DELETE', `DELETE /healthz HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['PROPFIND', `PROPFIND / HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${CLOSE}`, 405, /GET or HEAD/],
  ['GET *', `GET * HTTP/1.1\r\n${CLOSE}`, 400, /not a path/],
  ['climbing', `GET /../../etc/passwd HTTP/1.1\r\n${CLOSE}`, 404, /nothing at/],
  ['an unknown page', `GET /nope HTTP/1.1\r\n${CLOSE}`, 404, /nothing at \/nope/],
]

test('broken and refused requests get a status and a sentence, and nobody else hears of them', async (t) => {
  const { port, proxy, observer } = await startServer(t)
  proxy.answers.set(INFO, () => bytesAnswer('{}'))
  for (const [title, request, status, text] of BROKEN) {
    const reply = await askRaw(port, Buffer.from(request, 'latin1'))
    const [head = '', body = ''] = reply.split('\r\n\r\n', 2)
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), `${title}: ${head}`)
    assert.match(head, /\r\nContent-Type: text\/plain; charset=utf-8(\r\n|$)/i, title)
    assert.match(head, /\r\nConnection: close(\r\n|$)/i, title)
    assert.match(head, /\r\nDate: /i, title)
    assert.match(head, new RegExp(`\r\nContent-Length: ${body.length}(\r\n|$)`, 'i'), title)
    if (status === 405) assert.match(head, /\r\nAllow: GET, HEAD(\r\n|$)/i, title)
    assert.match(body, text, title)
    assert.match(body, /^(.+\n){2,3}$/, title)
  }
  assert.deepEqual(proxy.served, [])
  assert.deepEqual(observer.lines, [])
  assert.equal((await ask(port, INFO)).status, 200, 'others are unharmed')
})

test('a client that breaks off what was refused harms nobody', async (t) => {
  const { port, observer } = await startServer(t)
  for (const request of [
    `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`,
    'nonsense\r\n\r\n',
    `POST / HTTP/1.1\r\n${HOST}\r\n`,
  ]) {
    const socket = net.connect(port, '127.0.0.1')
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.once('data', () => {
      socket.write('more')
      socket.resetAndDestroy()
    })
    socket.once('close', () => resolve())
    socket.write(request)
    await promise
  }
  while (observer.gauges.get('modstead_http_connections')!() > 0) await wait(1)
  assert.equal((await ask(port, '/healthz')).status, 200)
})

test('no Host is refused from memory too', async (t) => {
  const { port, proxy } = await startServer(t)
  proxy.answers.set(INFO, () => bytesAnswer('{}'))
  await ask(port, INFO)
  assert.match(await askRaw(port, `GET ${INFO} HTTP/1.1\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 400 /)
})

test('HTTP/1.0 is answered', async (t) => {
  const { port, proxy } = await startServer(t)
  proxy.answers.set(INFO, () => bytesAnswer('{"a":1}'))
  for (let i = 0; i < 2; i++)
    assert.match(await askRaw(port, `GET ${INFO} HTTP/1.0\r\n\r\n`), /^HTTP\/1\.1 200 [^]*\r\n\r\n\{"a":1\}$/)
})

test('a request that does not arrive is answered 408, an unused connection is closed in silence', async (t) => {
  const timeouts = { ...TIMEOUTS, headers: 100, request: 200 }
  const { port } = await startServer(t, { timeouts })
  const [slow, slowBody, silent] = await Promise.all([
    askRaw(port, 'GET / HTTP/1.1\r\nHost:'),
    askRaw(port, `GET /nope HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\n`),
    askRaw(port, ''),
  ])
  assert.match(slow, /^HTTP\/1\.1 408 [^]*\r\n\r\nthe request did not arrive whole in time\n.*\n$/)
  assert.match(slowBody, /^HTTP\/1\.1 (404|408) /)
  assert.equal(silent, '')
})

test('requests in a row and pipelined on one connection are answered in order', async (t) => {
  const { port, proxy } = await startServer(t)
  for (let i = 0; i < 10; i++)
    proxy.answers.set(`/example.com/mod/@v/v1.0.${i}.info`, async () => {
      await wait(20 - 2 * i)
      return bytesAnswer(`answer ${i}`)
    })
  // The second half is answered from memory or not, whatever comes first: the order must stay.
  const order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3, 1, 9, 0, 5]
  const requests = order.map((i) => `GET /example.com/mod/@v/v1.0.${i}.info HTTP/1.1\r\n${HOST}\r\n`)
  for (let round = 0; round < 2; round++) {
    const reply = await askRaw(port, `${requests.join('')}GET /nope HTTP/1.1\r\n${CLOSE}`)
    assert.deepEqual(
      reply.match(/answer \d/g),
      order.map((i) => `answer ${i}`),
    )
    assert.match(reply, /HTTP\/1\.1 404 [^]*$/)
  }
})

test('more pipelined requests than anyone sends are refused one by one', async (t) => {
  const { port, proxy } = await startServer(t)
  const gate = Promise.withResolvers<void>()
  proxy.answers.set(INFO, async () => {
    await gate.promise
    return bytesAnswer('{}', { life: { until: 0, fresh: 0, stale: 0 } })
  })
  const requests = `GET ${INFO} HTTP/1.1\r\n${HOST}\r\n`.repeat(70)
  const reply = askRaw(port, `${requests}GET /nope HTTP/1.1\r\n${CLOSE}`)
  while (proxy.served.length < 64) await wait(1)
  await wait(20)
  assert.equal(proxy.served.length, 64)
  gate.resolve()
  const statuses = (await reply).match(/HTTP\/1\.1 \d+/g)!.map((line) => line.slice(9))
  assert.deepEqual(statuses, [...Array(64).fill('200'), ...Array(7).fill('400')])
})

test('every remembered path is another one under another prefix, and the same under another Host', async (t) => {
  const mirror = createTableMirror('sum.golang.org', {
    'lookup/golang.org/x/mod@v0.1.0': 'record',
    'tile/8/0/000': 'tile',
  })
  const paths = [
    '/example.com/mod/@v/list',
    '/example.com/mod/@latest',
    '/example.com/mod/@v/main.info',
    '/example.com/mod/@v/v1.0.0.info',
    '/github.com/!upper/@v/v1.0.0-!r!c1.mod',
    '/example.com/mod/@v/v1.0.0.zip',
  ]
  const sumdb = ['/lookup/golang.org/x/mod@v0.1.0', '/tile/8/0/000', '/sumdb/sum.golang.org/tile/8/0/000']
  for (const prefix of ['', '/go', '/go/team']) {
    const { port, proxy, observer } = await startServer(t, {
      databases: [mirror],
      config: { pathPrefix: prefix },
    })
    const life = { until: Date.now() + 60_000, fresh: 60, stale: 60 }
    for (const path of paths)
      proxy.answers.set(path, () => bytesAnswer(path, path.includes('v1.') ? {} : { life }))
    for (const path of [...paths, ...sumdb]) {
      assert.equal((await ask(port, prefix + path)).status, 200, path)
      const served = proxy.served.length
      const asked = mirror.asked.length
      const encoded = (prefix + path).replaceAll('!', '%21')
      for (const [target, headers] of [
        [prefix + path, {}],
        [encoded, {}],
        [prefix + path, { host: 'go.corp.example' }],
        [prefix + path, { host: 'x:1', 'x-forwarded-host': 'y', 'x-original-url': '/other' }],
      ] as [string, http.OutgoingHttpHeaders][])
        assert.equal((await ask(port, target, { headers })).status, 200, target)
      assert.deepEqual([proxy.served.length, mirror.asked.length], [served, asked], `${path} is remembered`)
      for (const other of ['/other', '/go', '/go/team', '/go/tea', '', '/GO', '/go/../go', '/go/', '/%67o']) {
        if (other === prefix || (other === '/%67o' && prefix === '/go')) continue
        const reply = await ask(port, other + path)
        assert.ok([400, 404].includes(reply.status), `${other + path} with the prefix ${prefix}`)
      }
      assert.deepEqual([proxy.served.length, mirror.asked.length], [served, asked], 'nobody was asked')
    }
    const { size } = new Set(paths)
    assert.equal(observer.gauges.get('modstead_memory_entries')!(), size + sumdb.length)
  }
})

test('memory: mutable answers end in time and by changes, uses are noted, hits are counted', async (t) => {
  const { port, proxy, observer, server } = await startServer(t)
  const list = '/example.com/mod/@v/list'
  const given: object[] = []
  let text = 'v1.0.0\n'
  proxy.answers.set(list, () =>
    bytesAnswer(text, { life: { until: Date.now() + 60_000, fresh: 1, stale: 1 } }),
  )
  proxy.answers.set(INFO, () => bytesAnswer('{}', { given: (client) => void given.push(client) }))
  for (let i = 0; i < 3; i++) assert.equal((await ask(port, list)).text, 'v1.0.0\n')
  text = 'v1.0.0\nv1.1.0\n'
  proxy.change({ realm: 'public', module: 'example.com/other' as ModulePath })
  assert.equal((await ask(port, list)).text, 'v1.0.0\n')
  proxy.change({ realm: 'public', module: MODULE })
  assert.equal((await ask(port, list)).text, 'v1.0.0\nv1.1.0\n')
  for (let i = 0; i < 3; i++) await ask(port, INFO)
  await ask(port, INFO, { method: 'HEAD' })
  await ask(port, INFO, { headers: { 'Disable-Module-Fetch': 'true' } })
  assert.equal(given.length, 3, 'the proxy room hears of copies that are given')
  assert.ok(given.every((client) => 'address' in client))
  proxy.change({ realm: 'public', module: MODULE, version: 'v1.0.0' })
  await ask(port, INFO)
  assert.deepEqual(proxy.served, [list, list, INFO, INFO])
  await server.stop(0)
  assert.deepEqual(
    proxy.uses.map(({ at, ...use }) => ({ ...use, recent: Date.now() - at < 60_000 })),
    [{ realm: 'public', module: 'example.com/mod', version: 'v1.0.0', recent: true }],
  )
  const { counts } = observer
  assert.equal(counts.get('modstead_http_requests_total list 2xx'), 5)
  assert.equal(counts.get('modstead_http_requests_total info 2xx'), 6)
  assert.equal(counts.get('modstead_http_response_bytes_total info'), 10)
  assert.equal(counts.get('modstead_memory_hits_total'), 7)
  assert.equal(counts.get('modstead_memory_misses_total'), 4)
})

test('every request is logged when that is asked for', async (t) => {
  const log = { level: 'info', format: 'json', requests: true } as const
  const { port, proxy, observer } = await startServer(t, { config: { log } })
  proxy.answers.set(INFO, () => bytesAnswer('{"a":1}'))
  for (const path of [INFO, INFO, '/', '/nope']) await ask(port, path)
  while (observer.lines.length < 4) await wait(1)
  const lines = observer.lines.map(({ message, fields }) => {
    const { ms, ...rest } = fields
    assert.equal(typeof ms, 'number')
    const line: Record<string, unknown> = { message, ...rest }
    return line
  })
  const info = {
    message: 'request',
    method: 'GET',
    path: INFO,
    status: 200,
    bytes: 7,
    module: 'example.com/mod',
  }
  assert.deepEqual(lines[0], info)
  assert.deepEqual(lines[1], { ...info, kind: 'info', memory: true })
  assert.deepEqual([lines[2]!.path, lines[2]!.status], ['/', 200])
  assert.deepEqual([lines[3]!.path, lines[3]!.status, lines[3]!.code], ['/nope', 404, 'no_endpoint'])
})

test('checksum databases are mirrored below /sumdb and the first at the root', async (t) => {
  const first = createTableMirror('sum.golang.org', {
    latest: 'head',
    'lookup/golang.org/x/mod@v0.1.0': 'record',
    'lookup/corp.example/secret@v0.1.0': 'never',
    'tile/8/0/000': 'tile',
    'tile/8/0/001.p/3': 'partial',
  })
  const second = createTableMirror('sum.corp.example/log', { latest: 'other head' })
  const { port } = await startServer(t, { databases: [first, second] })
  const supported = await ask(port, '/sumdb/sum.corp.example/log/supported')
  assert.deepEqual([supported.status, supported.text], [200, ''])
  assert.equal((await ask(port, '/sumdb/sum.other.example/supported')).status, 404)
  assert.equal((await ask(port, '/sumdb/sum.corp.example/log/latest')).text, 'other head')
  const rows: [path: string, text: string, type: string, cacheControl: RegExp, remembered: boolean][] = [
    ['/latest', 'head', 'text/plain; charset=utf-8', /^public, max-age=60$/, false],
    ['/lookup/golang.org/x/mod@v0.1.0', 'record', 'text/plain; charset=utf-8', /immutable/, true],
    ['/tile/8/0/000', 'tile', 'application/octet-stream', /immutable/, true],
    ['/tile/8/0/001.p/3', 'partial', 'application/octet-stream', /immutable/, true],
  ]
  for (const [path, text, type, cacheControl, remembered] of rows)
    for (const prefix of ['', '/sumdb/sum.golang.org']) {
      first.asked.length = 0
      for (let i = 0; i < 2; i++) {
        const reply = await ask(port, prefix + path)
        assert.deepEqual([reply.status, reply.text, reply.headers['content-type']], [200, text, type])
        assert.match(reply.headers['cache-control']!, cacheControl)
        assert.match(reply.headers.etag!, /^"[0-9a-f]{64}"$/)
      }
      assert.equal(first.asked.length, remembered ? 1 : 2, path)
    }
  first.asked.length = 0
  const refused = await ask(port, '/lookup/corp.example/secret@v0.1.0')
  assert.equal(refused.status, 403)
  assert.match(refused.text, /\ngo env -w GONOSUMDB=corp\.example\n$/)
  assert.equal((await ask(port, '/lookup/golang.org/x/mod@v0.2.0')).status, 404)
  assert.deepEqual(first.asked, ['lookup/golang.org/x/mod@v0.2.0'], 'private names are not asked for')
})

test('the records of our own log in bulk are for who may audit, and no cache keeps them', async (t) => {
  const own = {
    ...createTableMirror('sum.corp.example', {
      'tile/8/data/000': 'records',
      'tile/8/0/000': 'hashes',
      'lookup/corp.example/m@v1.0.0': 'record',
      latest: 'head',
    }),
    own: true,
  }
  const tokens = [
    { name: 'auditor', token: 'auditor-token-0123456', may: ['audit'] as const },
    { name: 'ci', token: 'ci-token-0123456789', may: ['publish'] as const },
  ]
  const { port } = await startServer(t, { databases: [own], config: { tokens } })
  const path = '/sumdb/sum.corp.example/tile/8/data/000'
  assert.equal((await ask(port, path)).status, 401)
  assert.equal(
    (await ask(port, path, { headers: { authorization: 'Bearer ci-token-0123456789' } })).status,
    403,
  )
  assert.deepEqual(own.asked, [], 'who may is decided first')
  for (let i = 0; i < 2; i++) {
    const reply = await ask(port, path, { headers: { authorization: 'Bearer auditor-token-0123456' } })
    assert.deepEqual([reply.status, reply.text], [200, 'records'])
    assert.equal(reply.headers['cache-control'], 'private, no-store')
  }
  assert.equal((await ask(port, path)).status, 401, 'and it is not remembered for others')
  const hashes = await ask(port, '/sumdb/sum.corp.example/tile/8/0/000')
  assert.match(String(hashes.headers['cache-control']), /public/)
  const lookup = await ask(port, '/sumdb/sum.corp.example/lookup/corp.example/m@v1.0.0')
  assert.deepEqual([lookup.status, lookup.text], [200, 'record'], 'private names may be looked up in it')
  assert.match(String(lookup.headers['cache-control']), /private/)
  assert.equal((await ask(port, '/sumdb/sum.corp.example/latest')).headers['cache-control'], 'no-cache')
})
