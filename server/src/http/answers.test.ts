import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ModsteadError } from '../errors.ts'
import type { Answer, LiveZip, StoredZip } from '../proxy/answer.ts'
import {
  ask,
  bytesAnswer,
  createTableMirror,
  fileAnswer,
  MODIFIED,
  startServer,
  type Reply,
} from './http.fixture.ts'

const INFO = '/example.com/mod/@v/v1.0.0.info'
const ZIP = '/example.com/mod/@v/v1.0.0.zip'
const LIST = '/example.com/mod/@v/list'
const ETAG = `"${sha256('{"Version":"v1.0.0"}')}"`

test('the headers of an immutable file, from the proxy room and from memory', async (t) => {
  const { port, proxy } = await startServer(t)
  proxy.answers.set(INFO, () => bytesAnswer('{"Version":"v1.0.0"}'))
  const cold = await ask(port, INFO)
  const warm = await ask(port, INFO)
  assert.equal(proxy.served.length, 1)
  for (const reply of [cold, warm]) {
    assert.equal(reply.status, 200)
    assert.equal(reply.text, '{"Version":"v1.0.0"}')
    const { date, connection, ...headers } = reply.headers
    assert.ok(Math.abs(Date.parse(date!) - Date.now()) < 5000)
    assert.equal(connection, 'close')
    assert.deepEqual(headers, {
      'content-type': 'application/json',
      'content-length': '20',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: ETAG,
      'last-modified': 'Mon, 06 May 2024 07:08:09 GMT',
      'x-go-mod': 'example.com/mod',
      'x-content-type-options': 'nosniff',
    })
  }
})

const LIVES: [more: Partial<Answer>, cacheControl: string][] = [
  [{}, 'public, max-age=31536000, immutable'],
  [{ private: true }, 'private, max-age=31536000, immutable'],
  [{ life: { until: 0, fresh: 60, stale: 600 } }, 'public, max-age=60, stale-while-revalidate=600'],
  [
    { life: { until: 0, fresh: 0.5, stale: 0 }, private: true },
    'private, max-age=0, stale-while-revalidate=0',
  ],
]

test('Cache-Control', async (t) => {
  const { port, proxy } = await startServer(t)
  for (const [more, expected] of LIVES) {
    proxy.answers.set(LIST, () => bytesAnswer('v1.0.0\n', more))
    proxy.change({ realm: 'public', module: more.module ?? bytesAnswer('').module })
    assert.equal((await ask(port, LIST)).headers['cache-control'], expected)
  }
})

test('HEAD equals GET, without the body', async (t) => {
  const mirror = createTableMirror('sum.golang.org', {
    latest: 'head',
    'lookup/golang.org/x/mod@v0.1.0': 'record',
  })
  const { port, proxy } = await startServer(t, { databases: [mirror], config: { memory: 100_000 } })
  const big = Buffer.alloc(200_000, 'x')
  proxy.answers.set(INFO, () => bytesAnswer('{}'))
  proxy.answers.set(LIST, () => bytesAnswer('', { contentType: 'text/plain; charset=utf-8' }))
  proxy.answers.set(ZIP, () => fileAnswer(big, { sha256: sha256(big) }))
  const paths = [INFO, INFO, LIST, ZIP, '/', '/healthz', '/readyz', '/metrics', '/nope', '/Bad/@v/list']
  paths.push(
    '/latest',
    '/lookup/golang.org/x/mod@v0.1.0',
    '/sumdb/sum.golang.org/supported',
    '/none.example/@v/list',
  )
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  for (const path of paths) {
    const head = await ask(port, path, { method: 'HEAD', agent })
    const get = await ask(port, path, { agent })
    assert.equal(head.status, get.status, path)
    assert.deepEqual({ ...head.headers, date: '' }, { ...get.headers, date: '' }, path)
    assert.equal(head.body.length, 0)
    assert.equal(get.headers['content-length'], String(get.body.length), path)
  }
})

test('ranges and conditions, from memory, from the proxy room and from disk', async (t) => {
  const zip = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251))
  const etag = `"${sha256(zip)}"`
  for (const [where, memory] of [
    ['memory', 4 << 20],
    ['disk', 1000],
  ] as const) {
    const { port, proxy } = await startServer(t, { config: { memory } })
    proxy.answers.set(ZIP, () => fileAnswer(zip, { sha256: sha256(zip), modified: MODIFIED }))
    proxy.answers.set(INFO, () => bytesAnswer('{"Version":"v1.0.0"}'))
    for (const round of ['first', 'second']) {
      const get = (headers: http.OutgoingHttpHeaders) => ask(port, ZIP, { headers })
      const title = `${where} ${round}`
      const whole = await get({})
      assert.deepEqual(
        [whole.status, whole.headers['accept-ranges'], whole.headers.etag],
        [200, 'bytes', etag],
        title,
      )
      assert.ok(whole.body.equals(zip))
      const part = await get({ range: 'bytes=10-19', 'if-range': etag })
      assert.equal(part.status, 206, title)
      assert.deepEqual(part.body, zip.subarray(10, 20))
      assert.equal(part.headers['content-range'], 'bytes 10-19/100000')
      assert.equal(part.headers['content-length'], '10')
      assert.equal(part.headers.etag, etag)
      assert.equal(part.headers['x-go-mod'], 'example.com/mod')
      assert.deepEqual((await get({ range: 'bytes=-3' })).body, zip.subarray(-3))
      assert.ok((await get({ range: 'bytes=99990-' })).body.equals(zip.subarray(99_990)))
      assert.equal((await get({ range: 'bytes=0-1,3-4' })).status, 200)
      assert.equal((await get({ range: 'bytes=0-1', 'if-range': '"x"' })).status, 200)
      const beyond = await get({ range: 'bytes=100000-' })
      assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */100000'], title)
      assertRefusal(beyond)
      const unchanged = await get({ 'if-none-match': etag })
      assert.equal(unchanged.status, 304, title)
      assert.equal(unchanged.headers.etag, etag)
      assert.equal(unchanged.headers['cache-control'], 'public, max-age=31536000, immutable')
      assert.equal(unchanged.headers['content-type'], undefined)
      assert.equal(unchanged.headers['content-length'], undefined)
      assert.equal((await get({ 'if-modified-since': MODIFIED.toUTCString() })).status, 304)
      const failed = await get({ 'if-match': '"x"' })
      assert.equal(failed.status, 412)
      assertRefusal(failed)
      const head = await ask(port, ZIP, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
      assert.deepEqual([head.status, head.headers['content-length']], [200, '100000'])
      const info = await ask(port, INFO, { headers: { range: 'bytes=0-1' } })
      assert.deepEqual(
        [info.status, info.headers['accept-ranges']],
        [200, undefined],
        'only zips come in parts',
      )
      assert.equal((await ask(port, INFO, { headers: { 'if-none-match': ETAG } })).status, 304)
    }
  }
})

test('an empty list is an empty 200', async (t) => {
  const { port, proxy } = await startServer(t)
  proxy.answers.set(LIST, () => bytesAnswer('', { contentType: 'text/plain; charset=utf-8' }))
  for (let i = 0; i < 2; i++) {
    const reply = await ask(port, LIST)
    assert.deepEqual([reply.status, reply.headers['content-length'], reply.text], [200, '0', ''])
  }
  assert.equal(proxy.served.length, 1)
})

test('what the proxy room throws becomes its status and text', async (t) => {
  const { port, proxy, observer } = await startServer(t)
  proxy.answers.set(INFO, () => {
    throw new ModsteadError('checksum_mismatch', 'the hash differs', { incident: 'i-9', origin: 'mirror' })
  })
  const refused = await ask(port, INFO)
  assert.equal(refused.status, 502)
  assert.match(refused.text, /^the hash differs\n.*\nIncident: i-9\n$/)
  assertRefusal(refused)
  const line = observer.lines.find(({ message }) => message === 'request refused')!
  assert.equal(line.level, 'warn')
  assert.deepEqual(
    [line.fields.status, line.fields.code, line.fields.incident, line.fields.origin, line.fields.path],
    [502, 'checksum_mismatch', 'i-9', 'mirror', INFO],
  )
  proxy.answers.set(INFO, () => {
    throw new TypeError('a defect with a secret')
  })
  const broken = await ask(port, INFO)
  assert.equal(broken.status, 500)
  assert.doesNotMatch(broken.text, /secret/)
  assert.ok(observer.lines.some(({ level, fields }) => level === 'error' && fields.err instanceof TypeError))
  const absent = await ask(port, '/other.example/@v/list')
  assert.equal(absent.status, 404)
  assert.equal(observer.lines.length, 2, 'absence is nothing to log')
})

test('what the client says reaches the proxy room', async (t) => {
  const { port, proxy } = await startServer(t)
  const seen: { storedOnly: boolean; client: object }[] = []
  proxy.answers.set(LIST, (_, { storedOnly, client }) => {
    seen.push({ storedOnly, client })
    throw new ModsteadError('not_stored', 'no')
  })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  await ask(port, LIST, { agent, headers: { 'Disable-Module-Fetch': 'true' } })
  assert.equal((await ask(port, LIST, { agent })).status, 404)
  await ask(port, LIST)
  assert.deepEqual(
    seen.map(({ storedOnly }) => storedOnly),
    [true, false, false],
  )
  assert.equal(seen[0]!.client, seen[1]!.client, 'one connection is one client')
  assert.notEqual(seen[0]!.client, seen[2]!.client)
})

test('a request that has been here before is refused', async (t) => {
  const { port, proxy } = await startServer(t)
  const reply = await ask(port, INFO, { headers: { 'Modstead-Via': 'me' } })
  assert.equal(reply.status, 508)
  assertRefusal(reply)
  assert.deepEqual(proxy.served, [])
  assert.equal((await ask(port, INFO, { headers: { 'Modstead-Via': 'another' } })).status, 404)
})

test('a live zip streams as it comes', async (t) => {
  for (const size of [300_000, undefined]) {
    const { port, proxy, observer } = await startServer(t)
    const live = liveZip({ ...(size !== undefined && { size }) })
    proxy.answers.set(ZIP, () => liveAnswer(live.zip))
    const reply = ask(port, ZIP)
    for (let i = 0; i < 3; i++) live.push(Buffer.alloc(100_000, String(i)))
    live.finish()
    const { status, headers, body } = await reply
    assert.equal(status, 200)
    assert.equal(headers['content-length'], size?.toString())
    assert.equal(headers['transfer-encoding'], size === undefined ? 'chunked' : undefined)
    assert.equal(headers['content-type'], 'application/zip')
    assert.equal(headers['x-go-mod'], 'example.com/mod')
    assert.equal(body.toString(), '0'.repeat(100_000) + '1'.repeat(100_000) + '2'.repeat(100_000))
    assert.equal(observer.lines.length, 0)
  }
})

test('a live zip that fails midway is never complete, one that fails at once has its status', async (t) => {
  for (const size of [300_000, undefined]) {
    const { port, proxy, observer } = await startServer(t)
    const live = liveZip({ ...(size !== undefined && { size }) })
    proxy.answers.set(ZIP, () => liveAnswer(live.zip))
    const reply = ask(port, ZIP)
    live.push(Buffer.alloc(200_000))
    await live.taken()
    live.fail(new ModsteadError('upstream_invalid', 'not a zip'))
    await assert.rejects(reply, { code: 'ECONNRESET' })
    assert.ok(observer.lines.some(({ fields }) => fields.code === 'upstream_invalid'))

    const empty = liveZip({ ...(size !== undefined && { size }) })
    proxy.answers.set(ZIP, () => liveAnswer(empty.zip))
    empty.fail(new ModsteadError('upstream_invalid', 'not a zip'))
    const refused = await ask(port, ZIP)
    assert.equal(refused.status, 502)
    assertRefusal(refused)
  }
})

test('a live zip that is not as long as it said is never complete', async (t) => {
  for (const length of [299_999, 300_001]) {
    const { port, proxy } = await startServer(t)
    const live = liveZip({ size: 300_000 })
    proxy.answers.set(ZIP, () => liveAnswer(live.zip))
    live.push(Buffer.alloc(100_000))
    live.push(Buffer.alloc(length - 100_000))
    live.finish()
    // On a connection that could go on: nothing but its end tells the client.
    const reply = ask(port, ZIP, { headers: { connection: 'keep-alive' } })
    const late = wait(5000, undefined, { ref: false }).then(() => 'the connection was left open')
    await assert.rejects(Promise.race([reply, late]), { code: 'ECONNRESET' })
  }
})

test('HEAD, parts and conditions of a live zip wait until it is stored', async (t) => {
  const zip = Buffer.alloc(1000, 'z')
  const stored = fileAnswer(zip, { sha256: sha256(zip) })
  const asks: { method?: string; headers?: http.OutgoingHttpHeaders }[] = [
    { method: 'HEAD' },
    { headers: { range: 'bytes=0-9' } },
    { headers: { 'if-match': '*' } },
  ]
  for (const options of asks) {
    const { port, proxy } = await startServer(t)
    const live = liveZip({ size: 1000 })
    proxy.answers.set(ZIP, () => liveAnswer(live.zip))
    const reply = ask(port, ZIP, options)
    await live.waitedFor()
    live.finish(stored)
    const { status, headers } = await reply
    assert.equal(status, options.headers?.range === undefined ? 200 : 206)
    assert.equal(headers.etag, `"${sha256(zip)}"`)

    const failing = liveZip({ size: 1000 })
    proxy.answers.set(ZIP.replace('v1.0.0', 'v1.0.1'), () => liveAnswer(failing.zip))
    const refused = ask(port, ZIP.replace('v1.0.0', 'v1.0.1'), options)
    await failing.waitedFor()
    failing.fail(new ModsteadError('upstream_invalid', 'not a zip'))
    assert.equal((await refused).status, 502)
  }
})

function liveAnswer(zip: LiveZip): Answer {
  return bytesAnswer('', { contentType: 'application/zip', body: { kind: 'live', zip } })
}

/** A live zip driven by the test: `taken` settles when all that was pushed was handed over. */
function liveZip({ size }: { size?: number }) {
  const chunks: Uint8Array[] = []
  const stored = Promise.withResolvers<StoredZip>()
  stored.promise.catch(() => undefined)
  let news = Promise.withResolvers<void>()
  let emptied = Promise.withResolvers<void>()
  const waited = Promise.withResolvers<void>()
  let end: 'no' | 'finished' | Error = 'no'
  const zip: LiveZip = {
    ...(size !== undefined && { size }),
    get stored() {
      waited.resolve()
      return stored.promise
    },
    async *chunks(signal) {
      for (;;) {
        signal.throwIfAborted()
        const chunk = chunks.shift()
        if (chunk !== undefined) {
          yield chunk
          continue
        }
        emptied.resolve()
        if (end === 'finished') return
        if (end !== 'no') throw end
        await news.promise
      }
    },
  }
  function wake(): void {
    news.resolve()
    news = Promise.withResolvers<void>()
  }
  return {
    zip,
    push(chunk: Uint8Array) {
      emptied = Promise.withResolvers<void>()
      chunks.push(chunk)
      wake()
    },
    taken: () => emptied.promise,
    waitedFor: () => waited.promise,
    finish(answer?: Answer) {
      end = 'finished'
      if (answer?.body.kind === 'file') stored.resolve({ file: answer.body.file, sha256: answer.sha256 })
      wake()
    },
    fail(error: Error) {
      end = error
      stored.reject(error)
      wake()
    },
  }
}

function assertRefusal({ headers, text }: Reply): void {
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['x-content-type-options'], 'nosniff')
  assert.equal(headers['content-length'], String(Buffer.byteLength(text)))
  assert.match(text, /^(.+\n){2,3}$/)
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}
