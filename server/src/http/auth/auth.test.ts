import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createAccess } from '../../access/access.ts'
import { createDecide } from '../../access/decide.ts'
import { createIdentify } from '../../access/identify.ts'
import { ALICE, setUp } from '../../access/issued/issued.fixture.ts'
import { issueTokens } from '../../access/workloads/workloads.fixture.ts'
import { issueToken } from '../../access/tokens/issue-token.ts'
import { withCheck } from '../../access/tokens/token-format.ts'
import { createTestTrail } from '../../audit/trail.fixture.ts'
import type { AuditTrail } from '../../audit/trail.ts'
import { ask, type Asked, askRaw, type Reply, startServer } from '../http.fixture.ts'

const FORM = 'application/x-www-form-urlencoded'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

async function serve(
  t: TestContext,
  {
    prefix = '',
    audit,
    publicUrl = 'https://go.corp.example',
  }: { prefix?: string; audit?: AuditTrail; publicUrl?: string } = {},
) {
  const { open, clock } = await setUp(t)
  clock.now = Date.now()
  const gitlab = await issueTokens(t, clock)
  const issuer = `https://go.corp.example${prefix}`
  const issued = await open({ issuer, workloads: [gitlab.issuer] })
  const access = createAccess({
    identify: createIdentify({ credentials: [issued.credential] }),
    decide: createDecide(
      { anonymous: ['*'], admins: [], roles: new Map(), bindings: [] },
      { isPrivate: () => false },
    ),
    open: false,
    closed: false,
  })
  const server = await startServer(t, {
    access,
    issued,
    records: issued.catalog,
    ...(audit && { audit }),
    config: {
      publicUrl,
      pathPrefix: prefix,
      log: { level: 'info', format: 'json', requests: true },
    },
  })
  const post = (path: string, fields: Record<string, string> | string, more: Asked = {}) =>
    ask(server.port, path, {
      method: 'POST',
      body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
      headers: { 'content-type': FORM },
      ...more,
    })
  const whoami = (token: string) =>
    ask(server.port, '/auth/whoami', { headers: { authorization: `Bearer ${token}` } })
  return { ...server, ...issued, clock, gitlab, post, whoami }
}

function said(reply: Reply): Record<string, unknown> {
  assert.equal(reply.headers['content-type'], 'application/json', reply.text)
  assert.equal(reply.headers['cache-control'], 'no-store')
  for (const name of Object.keys(reply.headers)) assert.ok(!/cookie|access-control/.test(name), name)
  return JSON.parse(reply.text) as Record<string, unknown>
}

function failed(reply: Reply, status: number, error: string): string {
  const body = said(reply)
  assert.deepEqual([reply.status, body.error], [status, error], reply.text)
  assert.match(String(body.error_description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
  return String(body.error_description)
}

test('what there is can be found out', async (t) => {
  const { port } = await serve(t, { prefix: '/goproxy' })
  for (const path of [
    '/.well-known/oauth-authorization-server/goproxy',
    '/.well-known/oauth-authorization-server',
    '/goproxy/.well-known/oauth-authorization-server',
  ]) {
    const metadata = said(await ask(port, path))
    assert.equal(metadata.issuer, 'https://go.corp.example/goproxy')
    assert.equal(metadata.token_endpoint, 'https://go.corp.example/goproxy/auth/token')
    assert.deepEqual(metadata.grant_types_supported, [DEVICE, 'refresh_token', EXCHANGE])
  }
  const head = await ask(port, '/.well-known/oauth-authorization-server', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
})

test('metadata names the issuer that tokens name, by whichever address it was asked for', async (t) => {
  const { port } = await serve(t, { publicUrl: 'https://all.corp.example' })
  const metadata = said(await ask(port, '/.well-known/oauth-authorization-server'))
  assert.equal(metadata.issuer, 'https://go.corp.example')
  assert.equal(metadata.token_endpoint, 'https://all.corp.example/auth/token')
})

test('a device signs in, renews, is known, and signs out', async (t) => {
  const { post, whoami, devices, clock, catalog } = await serve(t)
  const begun = said(await post('/auth/device', { client_id: 'modstead' }))
  const { device_code, user_code } = begun as { device_code: string; user_code: string }
  assert.deepEqual([begun.interval, begun.expires_in], [5, 600])
  assert.match(user_code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
  assert.equal(begun.verification_uri, 'https://go.corp.example/auth/device')
  assert.equal(begun.verification_uri_complete, `https://go.corp.example/auth/device?user_code=${user_code}`)

  const redeem = () => post('/auth/token', { grant_type: DEVICE, client_id: 'modstead', device_code })
  failed(await redeem(), 400, 'authorization_pending')
  failed(await redeem(), 400, 'slow_down')
  assert.ok(await devices.approve(user_code, { principal: ALICE, via: 'password' }, 'user:alice'))
  clock.now += 10_000
  const tokens = said(await redeem())
  assert.deepEqual([tokens.token_type, tokens.expires_in], ['Bearer', 86_400])
  failed(await redeem(), 400, 'invalid_grant')

  const known = said(await whoami(String(tokens.access_token)))
  assert.partialDeepStrictEqual(known, { kind: 'user', id: 'alice', groups: ['dev'] })
  assert.ok(Date.parse(String(known.expires)) > Date.now() + 80_000_000)
  const refresh = (token: unknown) =>
    post('/auth/token', { grant_type: 'refresh_token', client_id: 'modstead', refresh_token: String(token) })
  const renewed = said(await refresh(tokens.refresh_token))
  assert.match(String(renewed.refresh_token), /^msr_/)
  failed(await refresh(tokens.access_token), 400, 'invalid_grant')
  assert.equal((await whoami(String(renewed.refresh_token))).status, 401)

  const revoke = (token: unknown) => post('/auth/revoke', { token: String(token), client_id: 'modstead' })
  assert.equal((await revoke(renewed.refresh_token)).status, 200)
  assert.equal((await revoke(renewed.refresh_token)).status, 200)
  assert.equal((await revoke('nothing.of.ours')).status, 200)
  assert.equal((await whoami(String(renewed.access_token))).status, 401)
  failed(await refresh(renewed.refresh_token), 400, 'invalid_grant')
  const { token, record } = issueToken({ owner: { kind: 'user', name: 'alice' }, note: '' }, Date.now())
  await catalog.addToken(record)
  const other = issueToken({ owner: { kind: 'user', name: 'alice' }, note: '' }, Date.now())
  const forged = withCheck(token.slice(0, 16) + other.token.slice(16, 44))
  for (const bad of [other.token, forged, `mst_${'x'.repeat(46)}`])
    assert.equal((await revoke(bad)).status, 200)
  assert.equal((await catalog.token(record.id))?.revoked, undefined)
  for (let i = 0; i < 2; i++) assert.equal((await revoke(token)).status, 200)
  assert.equal((await catalog.token(record.id))?.revoked?.by, 'its bearer')
})

test('the id of a session ends nothing', async (t) => {
  const { post, whoami, sessions } = await serve(t)
  const { sessionId, accessToken } = await sessions.begin({ principal: ALICE, via: 'password' })
  assert.equal((await post('/auth/revoke', { token: sessionId })).status, 200)
  assert.equal((await whoami(accessToken)).status, 200)
  assert.equal((await post('/auth/revoke', { token: accessToken })).status, 200)
  assert.equal((await whoami(accessToken)).status, 401)
})

test('a job exchanges its token, and is told what no rule fits', async (t) => {
  const { post, whoami, gitlab, sessions } = await serve(t)
  const exchange = (subject_token: string, more: Record<string, string> = {}) =>
    post('/auth/token', { grant_type: EXCHANGE, subject_token, subject_token_type: JWT, ...more })
  const given = said(await exchange(await gitlab.sign()))
  assert.partialDeepStrictEqual(given, {
    token_type: 'Bearer',
    expires_in: 900,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  assert.equal(given.refresh_token, undefined)
  assert.partialDeepStrictEqual(said(await whoami(String(given.access_token))), {
    kind: 'workload',
    id: 'ci-corp/app',
    groups: ['ci'],
  })

  const none = await exchange(await gitlab.sign({ ref_protected: 'false' }))
  assert.match(failed(none, 400, 'invalid_grant'), /genuine, and no rule/)
  const { claims } = said(none) as { claims: Record<string, string> }
  assert.deepEqual([claims.ref_protected, claims.project_path, claims.jti], ['false', 'corp/app', undefined])
  assert.equal(said(await exchange(await gitlab.forge())).claims, undefined)

  // Nothing that we issued ourselves is exchanged for something else.
  const { accessToken, refreshToken } = await sessions.begin({ principal: ALICE, via: 'password' })
  for (const token of [accessToken, refreshToken, String(given.access_token), 'x', 'a.b.c', 'x'.repeat(9000)])
    failed(await exchange(token), 400, 'invalid_grant')
  const good = await gitlab.sign()
  failed(await exchange(good, { audience: 'https://other.example' }), 400, 'invalid_target')
  failed(await exchange(good, { scope: 'openid' }), 400, 'invalid_scope')
  failed(await exchange(good, { subject_token_type: 'urn:x' }), 400, 'invalid_request')
  failed(await exchange(good, { requested_token_type: JWT }), 400, 'invalid_request')
  failed(await exchange(good, { actor_token: good }), 400, 'invalid_request')
  failed(await exchange(good, { client_id: 'other' }), 401, 'invalid_client')
  said(
    await exchange(good, {
      audience: 'https://go.corp.example',
      scope: 'module:read',
      client_id: 'modstead',
    }),
  )
})

test('what is no request of these endpoints', async (t) => {
  const { post, port, whoami, observer } = await serve(t)
  const cases: [status: number, body: string, more?: Asked][] = [
    [400, ''],
    [400, 'grant_type=refresh_token&grant_type=refresh_token&client_id=modstead'],
    [400, 'grant_type=refresh_token&client_id=modstead'],
    [400, 'grant_type=refresh_token&client_id=modstead&refresh_token='],
    [400, 'grant_type=password&client_id=modstead&username=a&password=b'],
    [400, 'grant_type=%&client_id=modstead'],
    [400, 'grant_type=%ff&client_id=modstead'],
    [400, 'grant_type=refresh_token&client_id=modstead&refresh_token=a%0d%0aSet-Cookie:x'],
    [400, Array.from({ length: 30 }, (_, i) => `f${i}=1`).join('&')],
    [401, 'grant_type=refresh_token&client_id=other&refresh_token=x'],
    [401, 'grant_type=refresh_token&refresh_token=x'],
    [413, `grant_type=${'x'.repeat(17_000)}`],
    [415, '{"grant_type":"refresh_token"}', { headers: { 'content-type': 'application/json' } }],
    [415, 'grant_type=x', { headers: {} }],
    [415, 'grant_type=x', { headers: { 'content-type': `${FORM}; charset=utf-16` } }],
    [415, 'grant_type=x', { headers: { 'content-type': FORM, 'content-encoding': 'gzip' } }],
    [405, '', { method: 'GET' }],
    [405, '', { method: 'PUT' }],
  ]
  for (const [status, body, more] of cases) {
    const reply = await post('/auth/token', body, more)
    assert.equal(reply.status, status, `${body.slice(0, 80)}: ${reply.text}`)
    assert.ok(typeof said(reply).error === 'string')
  }
  assert.equal((await post('/auth/whoami', '')).status, 405)
  assert.equal((await ask(port, '/auth/whoami')).status, 401)
  assert.equal(
    (await ask(port, '/auth/whoami')).headers['www-authenticate'],
    'Basic realm="modstead", Bearer',
  )
  assert.equal((await whoami('x'.repeat(9000))).status, 401)
  // A page of that name, which is not for here.
  for (const [path, method] of [
    ['/auth/device', 'GET'],
    ['/auth/device?confirm', 'POST'],
    ['/auth/other', 'POST'],
  ] as const)
    assert.notEqual((await ask(port, path, { method })).headers['content-type'], 'application/json', path)
  // A cookie is nobody's credential here.
  const cookie = await ask(port, '/auth/whoami', { headers: { cookie: '__Host-modstead=x' } })
  assert.equal(cookie.status, 401)
  const absolute = await askRaw(
    port,
    `POST http://x/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
  assert.match(absolute, /^HTTP\/1\.1 400 /)
  await ask(port, `/auth/token/msr_${'y'.repeat(62)}`)
  assert.ok(!JSON.stringify(observer.lines).includes('y'.repeat(20)), 'no token reaches the log')
})

test('an address that fails again and again waits, and a device that is patient does not', async (t) => {
  const { post } = await serve(t)
  const wrong = () =>
    post('/auth/token', { grant_type: 'refresh_token', client_id: 'modstead', refresh_token: 'msr_x' })
  for (let i = 0; i < 120; i++) assert.equal((await wrong()).status, 400)
  const limited = await wrong()
  failed(limited, 429, 'temporarily_unavailable')
  assert.equal(limited.headers['retry-after'], '60')
})

test('the audit log has who got a token and who did not, and nothing of what was only asked', async (t) => {
  const audit = createTestTrail()
  const { events } = audit
  const { post, port, gitlab, sessions, whoami, devices, clock } = await serve(t, { audit })
  const exchange = (subject_token: string) =>
    post('/auth/token', { grant_type: EXCHANGE, subject_token, subject_token_type: JWT })
  await exchange(await gitlab.sign())
  await exchange(await gitlab.sign({ ref_protected: 'false' }))
  await exchange(await gitlab.forge())
  await exchange(await gitlab.sign({ exp: 5 }))
  const { refreshToken, accessToken } = await sessions.begin({ principal: ALICE, via: 'password' })
  const client_id = 'modstead'
  await post('/auth/token', { grant_type: 'refresh_token', client_id, refresh_token: refreshToken })
  await post('/auth/token', { grant_type: 'refresh_token', client_id, refresh_token: 'msr_x' })
  // Says nothing about who somebody is.
  await ask(port, '/.well-known/oauth-authorization-server')
  const { device_code, user_code } = said(await post('/auth/device', { client_id })) as Record<string, string>
  const redeem = () => post('/auth/token', { grant_type: DEVICE, client_id, device_code: device_code! })
  await redeem()
  await devices.deny(user_code!, 'user:alice')
  clock.now += 10_000
  await redeem()
  const next = said(await post('/auth/device', { client_id })) as Record<string, string>
  await devices.approve(next.user_code!, { principal: ALICE, via: 'password' }, 'user:alice')
  await post('/auth/token', { grant_type: DEVICE, client_id, device_code: next.device_code! })
  await whoami(accessToken)
  await whoami('x.y.z')
  assert.deepEqual(
    events.map(({ event_type, auth_result, user_principal, principal_kind, detail }) =>
      [event_type, auth_result, principal_kind, user_principal, detail]
        .join(' ')
        .trim()
        .replace(/(session|device) \w{12}/g, '$1 ID'),
    ),
    [
      'authentication ok workload ci-corp/app grant exchange',
      'authentication denied anonymous  grant exchange: invalid_grant',
      'authentication failed anonymous  grant exchange: invalid_grant',
      'authentication expired anonymous  grant exchange: invalid_grant',
      'authentication ok user alice grant refresh: session ID',
      'authentication failed anonymous  grant refresh: invalid_grant',
      'authentication ok anonymous  device ID begun',
      'authentication denied anonymous  grant device: access_denied',
      'authentication ok anonymous  device ID begun',
      'authentication ok user alice grant device: session ID of device ID',
      'authentication ok user alice',
      'authentication failed anonymous',
    ],
  )
})

test('the audit log has whose session or token a bearer has ended', async (t) => {
  const audit = createTestTrail()
  const { events } = audit
  const { post, catalog, sessions } = await serve(t, { audit })
  const one = await sessions.begin({ principal: ALICE, via: 'password' })
  const two = await sessions.begin({ principal: ALICE, via: 'password' })
  const { accessToken } = await sessions.exchange({ principal: ALICE }, 900)
  const { token, record } = issueToken({ owner: { kind: 'service', name: 'ci' }, note: '' }, Date.now())
  await catalog.addToken(record)
  for (const given of [one.refreshToken, two.accessToken, accessToken, token, one.refreshToken, 'msr_x'])
    assert.equal((await post('/auth/revoke', { token: given })).status, 200)
  assert.deepEqual(
    events.map(({ event_type, action, principal_kind, user_principal, detail }) =>
      [event_type, action, principal_kind, user_principal, detail].join(' '),
    ),
    [
      `admin session.end user alice session ${one.sessionId}`,
      `admin session.end user alice session ${two.sessionId}`,
      'admin token.revoke user alice an access token without a session',
      `admin token.revoke service ci token ${record.id}`,
    ],
  )
})

test('a server that signs nobody in says so to programs', async (t) => {
  const { port } = await startServer(t, {})
  for (const [method, path] of [
    ['POST', '/auth/device'],
    ['POST', '/auth/token'],
    ['GET', '/auth/whoami'],
    ['GET', '/.well-known/oauth-authorization-server'],
  ] as const) {
    const reply = await ask(port, path, { method, ...(method === 'POST' && { body: 'client_id=modstead' }) })
    assert.equal(reply.status, 404, path)
    assert.match(reply.text, /"this server signs nobody in: access is not configured.*"code":"no_endpoint"/)
  }
})
