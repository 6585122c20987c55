import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTokenId } from '../../access/tokens/token-format.ts'
import { startApi } from './api.fixture.ts'

test('a developer makes a token, sees it, uses it and revokes it: the next request is refused', async (t) => {
  const { tokenFor, call, observer } = await startApi(t)
  const developer = await tokenFor('developer')
  const body = { note: ' laptop ', can: ['module:read'], modules: ['corp.example/team'], expires: '30d' }
  const made = await call(developer, '/tokens', { method: 'POST', body: JSON.stringify(body) })
  assert.equal(made.status, 201, made.text)
  const { id, token, expires, ...rest } = made.json as { id: string; token: string; expires: string }
  assert.ok(isTokenId(id))
  assert.match(token, /^mst_/)
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 30 * 86_400_000) < 60_000)
  const shown = {
    owner: 'user:developer',
    tenant: null,
    note: 'laptop',
    state: 'valid',
    modules: ['corp.example/team'],
  }
  assert.deepEqual(
    { ...rest, created: undefined },
    {
      ...shown,
      permissions: ['module:read'],
      created: undefined,
      lastUsed: null,
      revoked: null,
    },
  )
  const who = await call(token, '/whoami')
  assert.equal(who.status, 200, who.text)
  assert.deepEqual(who.json.limit, { permissions: ['module:read'], modules: ['corp.example/team'] })
  assert.ok(!(await call(developer, `/tokens/${id}`)).text.includes(token))
  const revoked = await call(developer, `/tokens/${id}`, { method: 'DELETE' })
  assert.deepEqual([revoked.status, revoked.json.state], [200, 'revoked'])
  assert.equal((await call(token, '/whoami')).status, 401)
  // Again, and the first one holds.
  const again = await call(developer, `/tokens/${id}`, { method: 'DELETE' })
  assert.deepEqual(again.json.revoked, revoked.json.revoked)
  assert.ok(!JSON.stringify(observer.lines).includes(token))
})

test('page by page, the newest first; those of others only for who may see them', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const admin = await tokenFor('admin', { created: 0 })
  const viewer = await tokenFor('viewer', { created: 1 })
  const developer = await tokenFor('developer', { created: 2 })
  for (let i = 0; i < 5; i++) await tokenFor('developer', { created: 3 + Math.floor(i / 2) })
  const seen: string[] = []
  const times: string[] = []
  for (let next = ''; ;) {
    const { json } = await call(admin, `/tokens?limit=3${next}`)
    const page = json as { tokens: { id: string; created: string }[]; nextBefore?: string }
    seen.push(...page.tokens.map(({ id }) => id))
    times.push(...page.tokens.map(({ created }) => created))
    if (page.nextBefore === undefined) break
    next = `&before=${page.nextBefore}`
  }
  assert.equal(new Set(seen).size, 8)
  assert.deepEqual(times, times.toSorted().toReversed())
  const own = await call(developer, '/tokens')
  assert.equal((own.json.tokens as unknown[]).length, 6)
  assert.equal(((await call(admin, '/tokens?owner=user:developer')).json.tokens as unknown[]).length, 6)
  assert.equal((await call(developer, '/tokens?owner=user:admin')).status, 403)
  assert.equal((await call(viewer, '/tokens')).status, 403)
  // What one may not see does not exist.
  const [foreign] = seen.slice(-1)
  assert.equal((await call(developer, `/tokens/${foreign}`)).status, 404)
  assert.equal((await call(developer, `/tokens/${foreign}`, { method: 'DELETE' })).status, 404)
  assert.equal((await call(admin, `/tokens/${foreign}`)).status, 200)
})

test('whoever holds a role for some modules makes tokens; and none is wider than what it was asked with', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const make = (token: string, body: object) =>
    call(token, '/tokens', { method: 'POST', body: JSON.stringify(body) })
  const ann = await tokenFor('ann')
  assert.equal((await make(ann, {})).status, 201)
  assert.equal((await make(ann, { for: 'user:root' })).status, 403)
  const narrow = await tokenFor('ann', { permissions: ['token:create', 'module:read'] })
  const wider = await make(narrow, { can: ['module:publish'] })
  assert.equal(wider.status, 403, wider.text)
  assert.deepEqual((await make(narrow, {})).json.permissions, ['module:read', 'token:create'])
  const ofModules = await tokenFor('ann', { modules: ['corp.example/team/x'] })
  assert.equal((await make(ofModules, {})).status, 403)
  const reader = await tokenFor('ann', { permissions: ['module:read'] })
  assert.equal((await make(reader, {})).status, 403)
  assert.equal((await call(reader, '/tokens')).status, 403)
  const root = await tokenFor('root')
  const service = await make(root, { for: 'service:ci', expires: 'never' })
  assert.deepEqual([service.json.owner, service.json.expires], ['service:ci', null])
})

test('a token ends no later than the one it was made with', async (t) => {
  const { tokenFor, call, sessions } = await startApi(t)
  const make = (token: string, body: object = {}) =>
    call(token, '/tokens', { method: 'POST', body: JSON.stringify(body) })
  const ends = Date.now() + 3_600_000
  const short = await tokenFor('developer', { expires: ends })
  for (const body of [{}, { expires: '30d' }])
    assert.equal((await make(short, body)).json.expires, new Date(ends).toISOString())
  const sooner = await make(short, { expires: '1m' })
  assert.ok(Date.parse(String(sooner.json.expires)) < ends)
  const rootShort = await tokenFor('root', { expires: ends })
  for (const body of [{ expires: 'never' }, { for: 'service:ci', expires: 'never' }])
    assert.equal((await make(rootShort, body)).json.expires, new Date(ends).toISOString())
  const forever = await make(await tokenFor('developer'), { expires: 'never' })
  assert.equal(forever.status, 403, forever.text)

  const principal = { kind: 'user', id: 'developer', groups: [] } as const
  const exchanged = await make((await sessions.exchange({ principal }, 60)).accessToken)
  assert.ok(Date.parse(String(exchanged.json.expires)) < ends)
  const days = ({ json }: { json: Record<string, unknown> }) =>
    Math.round((Date.parse(String(json.expires)) - Date.now()) / 86_400_000)
  const sign = { principal, via: 'password' }
  assert.equal(days(await make((await sessions.begin(sign)).accessToken)), 90)
  const limit = { permissions: ['token:create'] } as const
  assert.equal(days(await make((await sessions.begin({ ...sign, limit })).accessToken)), 1)
})

test('a token for somebody else may no more than whoever made it may with all modules', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const make = (token: string, body: object) =>
    call(token, '/tokens', { method: 'POST', body: JSON.stringify(body) })
  const keeper = await tokenFor('keeper')
  const wide = await make(keeper, { for: 'user:root', can: ['module:delete'] })
  assert.equal(wide.status, 403, wide.text)
  const { json, status } = await make(keeper, { for: 'user:root' })
  assert.equal(status, 201)
  assert.deepEqual(json.permissions, ['policy:write', 'token:create'])
  const publish = await call(String(json.token), '/whoami')
  assert.deepEqual(publish.json.permissions, ['policy:write', 'token:create'])
  const narrowed = await make(keeper, { for: 'user:root', can: ['policy:write'] })
  assert.deepEqual(narrowed.json.permissions, ['policy:write'])
  const root = await tokenFor('root')
  assert.equal((await make(root, { for: 'service:ci' })).json.permissions, null)
})

const WRONG: [body: unknown, detail: RegExp][] = [
  [{ for: 'alice' }, /for is neither user:NAME/],
  [{ for: 'workload:x' }, /for is neither/],
  [{ for: 'user:a b' }, /for is neither/],
  [{ can: [] }, /can is an empty list/],
  [{ can: ['module:everything'] }, /can\.0 is none of/],
  [{ can: 'module:read' }, /can is not a list/],
  [{ modules: ['['] }, /modules\.0 cannot be used/],
  [{ expires: 'tomorrow' }, /expires is neither/],
  [{ expires: '9999d' }, /expires is neither/],
  [{ expires: 5 }, /expires is not a text/],
  [{ note: 'a\nb' }, /note must be one line/],
  [{ role: 'admin' }, /"role", which means nothing/],
  [{ __proto__: 1, constructor: 2 }, /"constructor"/],
]

test('wishes that make no sense are refused with what is wrong', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const root = await tokenFor('root')
  for (const [body, detail] of WRONG) {
    const reply = await call(root, '/tokens', { method: 'POST', body: JSON.stringify(body) })
    assert.equal(reply.status, 400, JSON.stringify(body))
    assert.match(String(reply.json.detail), detail)
  }
})
