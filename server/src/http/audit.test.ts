import assert from 'node:assert/strict'
import http from 'node:http'
import { test, type TestContext } from 'node:test'
import type { AuditEvent } from '../audit/event.ts'
import { auditEventSchema } from '../audit/event.ts'
import type { AuditTrail } from '../audit/trail.ts'
import { readEvents } from '../audit/read-events.ts'
import { verifyAudit } from '../audit/verify.ts'
import { createIdentify } from '../access/identify.ts'
import { createAccess } from '../access/access.ts'
import { networkOf } from '../access/network.ts'
import { createDecide } from '../access/decide.ts'
import { createConfigTokens } from '../access/tokens/config-tokens.ts'
import type { Credential } from '../access/credential.ts'
import { createIds } from '../audit/ids.ts'
import { openKeys } from '../audit/key.ts'
import { createMask } from '../audit/mask.ts'
import { createRetention } from '../audit/retention.ts'
import { createTrail } from '../audit/trail.ts'
import { openWriter } from '../audit/writer.ts'
import type { AuditConfig } from '../config/audit/audit-config.ts'
import { ModsteadError } from '../errors.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { openAuditFiles } from '../store/audit-files.ts'
import { ask, type Asked, bytesAnswer, fileAnswer, type Running, startServer } from './http.fixture.ts'

const SECRETS = {
  reader: 'reader-GEHEIM-0123456789',
  publisher: 'publisher-GEHEIM-0123456',
  stranger: 'stranger-GEHEIM-0123456',
  typed: 'typed-GEHEIM-into-the-name',
}
const PRIVATE = '/corp.example/lib'

interface Place extends Running {
  trail: AuditTrail
  /** The events since the last call. */
  events(): Promise<AuditEvent[]>
  get(path: string, asked?: Asked): ReturnType<typeof ask>
  verify(): Promise<string[]>
}

/** Says that a credential is of a kind, whatever it is. */
const expired: Credential = ({ secret }) =>
  secret.startsWith('expired')
    ? { refusal: 'not valid', proof: { result: 'expired', principal: { id: 'bob', kind: 'user' } } }
    : secret.startsWith('locked')
      ? {
          refusal: 'not valid',
          proof: { result: 'blocked_by_circuit', principal: { id: 'eve', kind: 'user' } },
        }
      : 'not mine'

async function place(t: TestContext, more: Partial<AuditConfig> = {}): Promise<Place> {
  // Before the folder goes.
  const closing: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closing) await close()
  })
  const files = await openAuditFiles(await temporaryFolder(t))
  const { signer, verifierKey, verifiers } = await openKeys(files, [])
  const newId = createIds()
  const observer = createTestObserver()
  const rotate = { size: 1 << 20, age: 1e9 }
  const writer = await openWriter({ files, signer, verifierKey, verifiers, rotate, newId, log: observer.log })
  const retention = createRetention({ files, disk: more.disk ?? 1e9, keep: 1e9, needed: () => Infinity })
  await retention.look(writer)
  const mask = createMask(more.mask ?? 'none', 'key')
  const trail = createTrail({
    files,
    writer,
    retention,
    newId,
    mask,
    sync: 60_000,
    onFull: more.onFull ?? 'block',
    observer,
    networkOf,
  })
  const tokens = [
    { name: 'reader', token: SECRETS.reader, may: [] },
    { name: 'publisher@corp.example', token: SECRETS.publisher, may: ['publish', 'delete', 'audit'] },
  ] as const
  const access = createAccess({
    identify: createIdentify({ credentials: [createConfigTokens(tokens), expired] }),
    decide: createDecide(
      {
        anonymous: ['*'],
        admins: [],
        roles: new Map(),
        bindings: [
          { to: [{ kind: 'service', name: 'reader' }], role: 'viewer', modules: ['corp.example/lib'] },
        ],
      },
      { isPrivate: (module) => module.startsWith('corp.example') },
    ),
    open: false,
    closed: false,
  })
  const server = await startServer(t, {
    access,
    audit: trail,
    config: {
      audit: {
        downloads: 1,
        mask: 'none',
        folder: '',
        rotate,
        keep: 1,
        disk: 1,
        onFull: 'block',
        sync: 1,
        sinks: [],
        ...more,
      },
      trustedProxies: {
        networks: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
        unix: false,
        header: 'x-forwarded-for',
        forwardedHost: false,
      },
      hooks: new Map([['gl', { name: 'gl', type: 'gitlab', secret: 'hook-GEHEIM-0123456789' }]]),
    },
  })
  closing.push(
    () => server.server.stop(0),
    () => trail.close(),
  )
  for (const path of ['/example.com/mod', PRIVATE]) {
    server.proxy.answers.set(`${path}/@v/v1.0.0.info`, () =>
      bytesAnswer('{"Version":"v1.0.0"}', { module: path.slice(1) as never }),
    )
    server.proxy.answers.set(`${path}/@v/v1.0.0.zip`, () =>
      fileAnswer(Buffer.alloc(5_000, 'z'), { module: path.slice(1) as never }),
    )
    server.proxy.answers.set(`${path}/@v/list`, () =>
      bytesAnswer('v1.0.0\n', { module: path.slice(1) as never }),
    )
  }
  const at = { segment: 0, at: 0 }
  return {
    ...server,
    // That of the log, and not of the server.
    observer,
    trail,
    async events() {
      // An answer is recorded when its response is closed, which may be after the client has it.
      await new Promise((resolve) => setTimeout(resolve, 20))
      await trail.flush()
      const all: AuditEvent[] = []
      for await (const found of readEvents(files, {}, at))
        for (const event of found) all.push(auditEventSchema.parse(event))
      return all
    },
    get: (path, asked) => ask(server.port, path, asked),
    verify: async () =>
      (await verifyAudit({ files, verifiers, patience: 1 })).findings.map(({ what }) => what),
  }
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
const brief = ({ event_type, auth_result, kind, user_principal, status, code }: AuditEvent) =>
  [event_type, auth_result, kind, user_principal, status, code].join(' ')

test('each path writes one event, and it is the right one', async (t) => {
  const { get, events, verify, proxy } = await place(t)
  proxy.answers.set('/example.com/limited/@latest', () => {
    throw new ModsteadError('rate_limited', 'slowly')
  })
  const info = '/example.com/mod/@v/v1.0.0.info'
  const zip = '/example.com/mod/@v/v1.0.0.zip'
  const reader = bearer(SECRETS.reader)
  const cases: [what: string, path: string, asked: Asked, expected: string[]][] = [
    ['cold', info, {}, ['download ok info  200 ']],
    ['from memory', info, {}, ['download ok info  200 ']],
    ['the description of the API', '/api/v1/openapi.json', {}, []],
    ['HEAD from memory', info, { method: 'HEAD' }, ['download ok info  200 ']],
    ['a file', zip, {}, ['download ok zip  200 ']],
    ['a range', zip, { headers: { range: 'bytes=0-99' } }, ['download ok zip  206 ']],
    [
      'not modified',
      info,
      { headers: { 'if-modified-since': 'Fri, 01 Jan 2027 00:00:00 GMT' } },
      ['download ok info  304 '],
    ],
    ['a list', '/example.com/mod/@v/list', {}, ['list ok list  200 ']],
    ['absent', '/example.com/none/@latest', {}, ['list ok latest  404 not_found']],
    ['limited', '/example.com/limited/@latest', {}, ['refusal denied latest  429 rate_limited']],
    ['nobody', `${PRIVATE}/@v/list`, {}, ['refusal denied list  401 unauthenticated']],
    [
      'a wrong token',
      `${PRIVATE}/@v/list`,
      { headers: bearer(SECRETS.stranger) },
      ['authentication failed list  401 unauthenticated'],
    ],
    [
      'the same again',
      `${PRIVATE}/@v/list`,
      { headers: bearer(SECRETS.stranger) },
      ['authentication failed list  401 unauthenticated'],
    ],
    [
      'a token where the name belongs',
      info,
      { headers: { authorization: `Basic ${btoa(`${SECRETS.typed}:x`)}` } },
      ['authentication failed info  401 unauthenticated'],
    ],
    [
      'expired',
      `${PRIVATE}/@v/list`,
      { headers: bearer('expired-GEHEIM') },
      ['authentication expired list bob 401 unauthenticated'],
    ],
    [
      'locked',
      `${PRIVATE}/@v/list`,
      { headers: bearer('locked-GEHEIM') },
      ['authentication blocked_by_circuit list eve 401 unauthenticated'],
    ],
    [
      'a token for the first time',
      `${PRIVATE}/@v/v1.0.0.zip`,
      { headers: reader },
      ['authentication ok  reader 0 ', 'download ok zip reader 200 '],
    ],
    ['and again', `${PRIVATE}/@v/v1.0.0.zip`, { headers: reader }, ['download ok zip reader 200 ']],
    [
      'without the right',
      '/corp.example/other/@v/list',
      { headers: reader },
      ['refusal denied list reader 403 not_permitted'],
    ],
    [
      'publishing without it',
      `${PRIVATE}/@v/v1.0.1.zip`,
      { method: 'PUT', body: 'x', headers: reader },
      ['refusal denied publish reader 403 not_permitted'],
    ],
    [
      'publishing',
      `${PRIVATE}/@v/v1.0.1.zip`,
      { method: 'PUT', body: 'x', headers: bearer(SECRETS.publisher) },
      [
        'authentication ok publish publisher@corp.example 0 ',
        'publish ok publish publisher@corp.example 201 ',
      ],
    ],
    [
      'deleting',
      `${PRIVATE}/@v/v1.0.1`,
      { method: 'DELETE', headers: { ...bearer(SECRETS.publisher), 'modstead-reason': 'broken' } },
      ['delete ok delete publisher@corp.example 200 '],
    ],
    [
      'the API',
      '/api/v1/incidents?limit=5',
      { headers: bearer(SECRETS.publisher) },
      ['admin ok api publisher@corp.example 200 '],
    ],
    [
      'the API without a right',
      '/api/v1/incidents',
      { headers: reader },
      ['refusal denied api reader 403 not_permitted'],
    ],
    [
      'a hook',
      '/hooks/gl',
      {
        method: 'POST',
        body: '{}',
        headers: {
          'content-type': 'application/json',
          'x-gitlab-token': 'hook-GEHEIM-0123456789',
          'x-gitlab-event': 'Issue Hook',
        },
      },
      ['hook ok hook  202 '],
    ],
    [
      'a hook with a wrong secret',
      '/hooks/gl',
      {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json', 'x-gitlab-token': 'wrong-GEHEIM' },
      },
      ['refusal failed hook  403 bad_signature'],
    ],
    ['a page', '/', {}, []],
    [
      'a page with a wrong credential',
      '/',
      { headers: bearer(SECRETS.stranger) },
      ['authentication failed page  401 unauthenticated'],
    ],
    ['a probe', '/healthz', {}, []],
    ['metrics', '/metrics', {}, []],
    ['nothing there', '/nothing', {}, []],
  ]
  const all: AuditEvent[] = []
  for (const [what, path, asked, expected] of cases) {
    await get(path, asked)
    const found = await events()
    // That a credential is taken is recorded beside what it was for.
    assert.deepEqual(
      found.map(brief).map((text) => text.replace(/^(authentication ok) \w*/, '$1 ')),
      expected.map((text) => text.replace(/^(authentication ok) \w*/, '$1 ')),
      what,
    )
    all.push(...found)
  }
  const text = JSON.stringify(all)
  assert.ok(!/GEHEIM|limit=5/.test(text), text)
  assert.deepEqual(await verify(), [])
  const published = all.find(({ event_type }) => event_type === 'publish')!
  assert.deepEqual([published.module, published.version], ['corp.example/lib', 'v1.0.1'])
  const deleted = all.find(({ event_type }) => event_type === 'delete')!
  assert.equal(deleted.detail, 'broken')
  assert.equal(all.find(({ status }) => status === 206)!.bytes, 100)
  assert.equal(all.find(({ kind, status }) => kind === 'zip' && status === 200)!.bytes, 5_000)
  assert.ok(all.every(({ client_ip }) => client_ip === '127.0.0.1'))
})

test('a refusal has an id that the client sees, and ids of requests and traces are taken where they are sane', async (t) => {
  const { get, events } = await place(t)
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const headers = {
    'x-request-id': 'abc-123',
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    'user-agent': 'x'.repeat(300),
  }
  const refused = await get(`${PRIVATE}/@v/list`, { headers })
  const [event] = await events()
  assert.equal(refused.headers['modstead-decision'], event!.decision_id)
  assert.match(refused.text, new RegExp(`^Decision: ${event!.decision_id}$`, 'm'))
  assert.match(event!.decision_id, /^[0-9A-Z]{26}$/)
  assert.equal(refused.headers['x-request-id'], 'abc-123')
  assert.deepEqual([event!.request_id, event!.trace_id, event!.user_agent.length], ['abc-123', trace, 200])
  const problem = await get('/api/v1/incidents', {})
  assert.equal(
    (JSON.parse(problem.text) as { decision: string }).decision,
    problem.headers['modstead-decision'],
  )
  const page = await get('/', { headers: { ...bearer(SECRETS.stranger), ...headers } })
  assert.equal(page.status, 401)
  assert.match(page.text, new RegExp(`^Decision: ${String(page.headers['modstead-decision'])}$`, 'm'))
  assert.equal(page.headers['x-request-id'], 'abc-123')
  await events()
  const info = '/example.com/mod/@v/v1.0.0.info'
  await get(info, { headers })
  await get(info, { headers })
  assert.deepEqual(
    new Set((await events()).map(({ request_id, trace_id }) => `${request_id} ${trace_id}`)),
    new Set([`abc-123 ${trace}`]),
  )
  for (const bad of ['x'.repeat(65), 'a b', '"', '{"a":1}', 'mst_0123456789', 'é']) {
    const odd = await get(`${PRIVATE}/@v/list`, {
      headers: { 'x-request-id': bad, traceparent: '00-zz-1-1' },
    })
    const [made] = await events()
    assert.match(made!.request_id, /^[0-9A-Z]{26}$/, bad)
    assert.equal(odd.headers['x-request-id'], made!.request_id)
    assert.equal(made!.trace_id, '')
  }
})

test('a share of the reads, or none of them; the rest always', async (t) => {
  for (const [share, least, most] of [
    [0, 0, 0],
    [0.5, 10, 90],
  ] as const) {
    const { get, events } = await place(t, { downloads: share })
    for (let i = 0; i < 100; i++) await get('/example.com/mod/@v/v1.0.0.info')
    await get(`${PRIVATE}/@v/list`)
    const found = await events()
    const reads = found.filter(({ event_type }) => event_type === 'download').length
    assert.ok(reads >= least && reads <= most, `${reads}`)
    assert.equal(found.length - reads, 1)
  }
})

test('names are masked', async (t) => {
  const { get, events } = await place(t, { mask: 'partial' })
  await get('/api/v1/incidents', { headers: bearer(SECRETS.publisher) })
  assert.deepEqual(
    [...new Set((await events()).map(({ user_principal }) => user_principal))],
    ['p***@corp.example'],
  )
})

test('a full disk: what would have to be recorded is refused, cold and from memory, or goes on and is counted', async (t) => {
  const info = '/example.com/mod/@v/v1.0.0.info'
  const { get, observer, events, trail } = await place(t, { disk: 2_000 })
  assert.equal((await get(info)).status, 200)
  for (let i = 0; i < 5; i++) {
    await get(info)
    await events()
  }
  const refused = await get(info)
  assert.equal(refused.status, 503)
  assert.match(refused.text, /what is done here is recorded, and that is not possible now/)
  assert.equal(
    (await get(`${PRIVATE}/@v/v1.0.1.zip`, { method: 'PUT', body: 'x', headers: bearer(SECRETS.publisher) }))
      .status,
    503,
  )
  for (const free of ['/', '/healthz', '/metrics']) assert.equal((await get(free)).status, 200, free)
  assert.match(trail.warnings().join(), /all that audit\.disk allows/)
  assert.equal(observer.counts.get('modstead_audit_dropped_total'), undefined)
  assert.ok(observer.counts.get('modstead_audit_refused_total')! >= 2)
  assert.match(
    observer.lines.map(({ message }) => message).join('\n'),
    /requests are refused, because they cannot/,
  )

  const dropping = await place(t, { disk: 2_000, onFull: 'drop' })
  for (let i = 0; i < 10; i++) {
    assert.equal((await dropping.get(info)).status, 200)
    await dropping.events()
  }
  await dropping.events()
  assert.match(dropping.trail.warnings().join(), /all that audit\.disk allows/)
})

test('clients behind one reverse proxy are told apart, over one connection and from memory', async (t) => {
  const { events, get } = await place(t)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  const from = (address: string) =>
    get('/example.com/mod/@v/v1.0.0.info', { agent, headers: { 'x-forwarded-for': address } })
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '203.0.113.9, 192.0.2.3'])
    assert.equal((await from(address)).status, 200)
  assert.deepEqual(
    (await events()).map(({ client_ip }) => client_ip),
    ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.3'],
  )
})

test('a stranger who is refused again and again shuts nobody out', async (t) => {
  const { get, events, trail } = await place(t, { disk: 300_000 })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const strange: Asked[] = [{}, { headers: bearer(SECRETS.stranger) }, { headers: bearer('locked-GEHEIM') }]
  for (let i = 0; i < 250; i++)
    await Promise.all(
      Array.from({ length: 8 }, (_, k) => get(`${PRIVATE}/@v/list`, { agent, ...strange[k % 3] })),
    )
  const alice = { headers: bearer(SECRETS.reader) }
  for (let i = 0; i < 100; i++) assert.equal((await get(`${PRIVATE}/@v/v1.0.0.zip`, alice)).status, 200)
  const before = await events()
  assert.equal(before.filter(({ status }) => status === 401).length, 60)
  assert.equal(
    before.filter(({ user_principal, status }) => user_principal === 'reader' && status === 200).length,
    100,
  )
  await trail.close()
  const sums = (await events()).map(({ auth_result, user_principal, client_ip, count }) => ({
    auth_result,
    user_principal,
    client_ip,
    count,
  }))
  assert.equal(sums.length, 3)
  assert.equal(
    sums.reduce((sum, { count }) => sum + count, 60),
    2_000,
  )
  assert.ok(sums.every(({ client_ip }) => client_ip === '127.0.0.1'))
  assert.deepEqual(sums.map(({ auth_result, user_principal }) => `${auth_result} ${user_principal}`).sort(), [
    'blocked_by_circuit eve',
    'denied ',
    'failed ',
  ])
})
