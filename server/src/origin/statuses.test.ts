/** What each status means, which are tried again, and how often. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { ErrorCode } from '../errors.ts'
import { quotable, quotableLines } from './plain-text.ts'
import { retryAfter } from './retry.ts'
import { asked, collect, createTestObserver, failsWith, MODULE, testOrigin, VERSION } from './test-origin.ts'
import { respond, startTestUpstream, type Script } from './test-upstream.ts'

const STATUSES: readonly [status: number, code: ErrorCode, tries: number][] = [
  [201, 'upstream_failed', 1],
  [204, 'upstream_failed', 1],
  [206, 'upstream_failed', 1],
  [300, 'upstream_failed', 1],
  [304, 'upstream_failed', 1],
  [400, 'upstream_failed', 1],
  [401, 'upstream_refused', 1],
  [402, 'upstream_failed', 1],
  [403, 'upstream_refused', 1],
  [404, 'not_found', 1],
  [407, 'upstream_refused', 1],
  [408, 'upstream_failed', 1],
  [410, 'not_found', 1],
  [418, 'upstream_failed', 1],
  [429, 'upstream_refused', 1],
  [451, 'upstream_failed', 1],
  [500, 'upstream_failed', 1],
  [501, 'upstream_failed', 1],
  [502, 'upstream_failed', 2],
  [503, 'upstream_failed', 2],
  [504, 'upstream_failed', 2],
]

for (const [status, code, tries] of STATUSES) {
  test(`${status} is ${code}, asked ${tries === 1 ? 'once' : 'again'}`, async () => {
    const upstream = await startTestUpstream((_request, socket) => respond(socket, status))
    const origin = testOrigin(upstream.url, { tries: 2 })
    const error = await failsWith(
      origin.versions(MODULE, asked()),
      code,
      /^127\.0\.0\.1:\d+ \(origin public\) /,
    )
    assert.equal(error.origin, 'public')
    assert.equal(upstream.seen.length, tries)
    await origin.close()
    await upstream.close()
  })
}

test('502 twice, then the answer', async () => {
  const upstream = await startTestUpstream(({ number }, socket) =>
    number < 3 ? respond(socket, 502) : respond(socket, 200, 'v1.0.0\n'),
  )
  const observer = createTestObserver()
  const origin = testOrigin(upstream.url, {}, { observer })
  assert.deepEqual(await origin.versions(MODULE, asked()), { versions: [{ version: 'v1.0.0' }] })
  assert.equal(upstream.seen.length, 3)
  assert.equal(upstream.peak(), 1, 'the connection is used again after an error')
  assert.equal(observer.counts.get('modstead_origin_tries_total public'), 3)
  assert.equal(observer.counts.get('modstead_origin_requests_total public list ok'), 1)
  assert.equal(observer.counts.get('modstead_origin_received_bytes_total public client'), 7)
  await origin.close()
  await upstream.close()
})

test('three tries at most', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 503))
  const observer = createTestObserver()
  const origin = testOrigin(upstream.url, {}, { observer })
  await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_failed', /is out of order \(503\)$/)
  assert.equal(upstream.seen.length, 3)
  assert.equal(observer.counts.get('modstead_origin_requests_total public zip upstream_failed'), 1)
  await origin.close()
  await upstream.close()
})

test('a zip whose body breaks is not asked for again once bytes were handed on', async () => {
  const upstream = await startTestUpstream((_request, socket) => {
    respond(socket, 200, 'half', { 'content-length': '8' })
    socket.end()
  })
  const observer = createTestObserver()
  const origin = testOrigin(upstream.url, {}, { observer })
  const { chunks } = await origin.zip(MODULE, VERSION, asked())
  await failsWith(collect(chunks), 'upstream_unreachable', /after 4 of 8 bytes/)
  assert.equal(upstream.seen.length, 1)
  assert.equal(observer.counts.get('modstead_origin_requests_total public zip body upstream_unreachable'), 1)
  await upstream.close()
})

test('a small file whose body breaks is asked for again', async () => {
  const upstream = await startTestUpstream(({ number }, socket) => {
    if (number === 2) return respond(socket, 200, 'module x\n')
    respond(socket, 200, 'mod', { 'content-length': '9' })
    socket.end()
  })
  const origin = testOrigin(upstream.url)
  assert.equal((await origin.goMod(MODULE, VERSION, asked())).bytes.toString(), 'module x\n')
  await origin.close()
  await upstream.close()
})

test('connections that are refused or reset are tried again', async () => {
  const upstream = await startTestUpstream(({ number }, socket) =>
    number === 1 ? void socket.resetAndDestroy() : respond(socket, 200, ''),
  )
  const origin = testOrigin(upstream.url)
  assert.deepEqual(await origin.versions(MODULE, asked()), { versions: [] })
  assert.equal(upstream.seen.length, 2)
  await origin.close()
  await upstream.close()
  let lookups = 0
  const lookup = async () => {
    lookups++
    return [{ address: '127.0.0.1', family: 4 }]
  }
  const gone = testOrigin(`http://gone.test:${upstream.port}`, { tries: 2 }, { lookup })
  await failsWith(gone.versions(MODULE, asked()), 'upstream_unreachable', /refuses connections$/)
  assert.equal(lookups, 2)
})

test('a name without address is not tried again', async () => {
  let lookups = 0
  const lookup = async (): Promise<never> => {
    lookups++
    throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' })
  }
  const origin = testOrigin('http://nowhere.example.com', {}, { lookup })
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_unreachable',
    /^nowhere\.example\.com \(origin public\) has no address: its name is not known$/,
  )
  assert.equal(lookups, 1)
})

test('Retry-After: a short one is kept to, a long one ends the request', async () => {
  const short = await startTestUpstream(({ number }, socket) =>
    number === 1 ? respond(socket, 429, '', { 'retry-after': '1' }) : respond(socket, 200, 'v1.0.0\n'),
  )
  const origin = testOrigin(short.url)
  const started = Date.now()
  await origin.versions(MODULE, asked())
  assert.ok(Date.now() - started >= 990, 'it waits as long as the host asked for')
  await origin.close()
  await short.close()
  for (const status of [429, 503]) {
    const long = await startTestUpstream((_request, socket) =>
      respond(socket, status, '', { 'retry-after': '3600' }),
    )
    const origin = testOrigin(long.url)
    await failsWith(
      origin.versions(MODULE, asked()),
      status === 429 ? 'upstream_refused' : 'upstream_failed',
      /./,
    )
    assert.equal(long.seen.length, 1)
    await origin.close()
    await long.close()
  }
})

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.UTC(2026, 0, 1)
  const table: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['120', 120_000],
    ['-1', undefined],
    ['soon', undefined],
    ['Thu, 01 Jan 2026 00:00:03 GMT', 3000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ]
  for (const [header, expected] of table) assert.equal(retryAfter(header, now), expected, header)
})

test('the total deadline bounds all tries', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 502))
  const origin = testOrigin(upstream.url, { timeouts: { total: 50 } })
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_timeout',
    /did not finish its answer within 50 ms/,
  )
  assert.equal(upstream.seen.length, 1)
  await origin.close()
  await upstream.close()
})

test('what a host says about its error is quoted, if it is plain text', async () => {
  const table: { headers: Record<string, string>; body: string | Buffer; says: RegExp }[] = [
    {
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body: 'not found: example.com/Mod@v1.2.3:\n\tinvalid version: unknown\u0007 revision\n\nmore',
      says: / does not have it: not found: example\.com\/Mod@v1\.2\.3: invalid version: unknown revision$/,
    },
    { headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(300), says: / it: x{199}…$/ },
    { headers: { 'content-type': 'text/html' }, body: '<h1>nope</h1>', says: / does not have it$/ },
    { headers: { 'content-type': 'text/plain; charset=latin1' }, body: 'nope', says: / does not have it$/ },
    { headers: {}, body: 'nope', says: / does not have it$/ },
    { headers: { 'content-type': 'text/plain' }, body: '\n<html>nope', says: / does not have it$/ },
    {
      headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      body: gzipSync('zipped'),
      says: / does not have it: zipped$/,
    },
  ]
  for (const { headers, body, says } of table) {
    const upstream = await startTestUpstream((_request, socket) => respond(socket, 404, body, headers))
    const origin = testOrigin(upstream.url)
    await failsWith(origin.goMod(MODULE, VERSION, asked()), 'not_found', says)
    await origin.close()
    await upstream.close()
  }
})

test('the text of an error that never ends holds nobody up', async () => {
  const endless: Script = (_request, socket) => {
    respond(socket, 404, 'gone', { 'content-type': 'text/plain', 'content-length': '99999999' })
    const more = setInterval(() => socket.write('x'.repeat(4096)), 1)
    socket.on('close', () => clearInterval(more))
  }
  const upstream = await startTestUpstream(endless)
  const origin = testOrigin(upstream.url)
  await failsWith(origin.versions(MODULE, asked()), 'not_found', /does not have it: gonex+…$/)
  await upstream.close()
})

test('quotable text is one short line of visible characters', () => {
  const table: [string, string][] = [
    ['', ''],
    ['\n\n  first\n  second \n\nthird', 'first second'],
    ['a\u0000b\u001b[31mred\u200b', 'ab[31mred'],
    ['naïve 模块 🙂', 'naïve 模块 🙂'],
    ['y'.repeat(200), 'y'.repeat(200)],
    ['🙂'.repeat(201), `${'🙂'.repeat(199)}…`],
  ]
  for (const [text, expected] of table) assert.equal(quotable(text), expected)
  assert.deepEqual(quotableLines('\n cause\u0000\r\n\tnext  step\n\nmore'), ['cause', 'next step'])
  assert.deepEqual(quotableLines('a\nb\nc\nd'), ['a', 'b', 'c'])
  assert.deepEqual(quotableLines(''), [])
})

test('a host that repeats the credential it was sent does not make us tell it to others', async () => {
  const upstream = await startTestUpstream((request, socket) => {
    const sent = request.headers.authorization ?? ''
    const login = Buffer.from(sent.split(' ')[1]!, 'base64').toString()
    respond(socket, 500, `your header was ${sent}, which is ${login}, password ${login.split(':')[1]}`, {
      'content-type': 'text/plain',
    })
  })
  const credentials = { kind: 'basic', username: 'upuser', password: 'UPSECRET' } as const
  const origin = testOrigin(upstream.url, { credentials, tries: 1 })
  const error = await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_failed',
    /your header was Basic \(hidden\)/,
  )
  assert.doesNotMatch(error.message, /UPSECRET|dXB1c2Vy/)
  await origin.close()
})
