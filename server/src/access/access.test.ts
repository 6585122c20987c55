import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import { createAccess } from './access.ts'
import { accessOfTokens } from './access-of-tokens.ts'
import { createAccessTokens, TOKEN_FRESH, type TokenRecord } from './tokens/access-tokens.ts'
import { createConfigTokens } from './tokens/config-tokens.ts'
import { createDecide } from './decide.ts'
import { createIdentify } from './identify.ts'
import { peopleOf } from './people.ts'
import { newToken } from './tokens/token-format.ts'

const CI = 'ci-0123456789abcdef'
const OPS = 'ops:0123456789abcdef'
const TOKENS = [
  { name: 'ci', token: CI, may: ['publish'] },
  { name: 'ops', token: OPS, may: ['publish', 'delete', 'audit'] },
] as const
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const from = (authorization?: string) => ({
  headers: authorization === undefined ? {} : { authorization },
  address: '192.0.2.1',
})

async function refused(attempt: Promise<unknown>, code: ErrorCode): Promise<ModsteadError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof ModsteadError, `expected ${code}`)
  assert.equal(error.code, code)
  return error
}

test('without access: everybody reads, and tokens may do what is said of them', async () => {
  const access = accessOfTokens(TOKENS)
  const unknown = from('Bearer nobody knows this')
  assert.ok(access.mayRead({ headers: unknown.headers, socket: {} }, 'corp.example/x'))
  assert.equal((await access.require(unknown, 'module:read', 'corp.example/x')).kind, 'anonymous')
  for (const header of [`Bearer ${CI}`, basic(`anybody:${CI}`), basic(`:${CI}`)])
    assert.equal((await access.require(from(header), 'module:publish', 'x.example/y')).id, 'ci', header)
  assert.equal((await access.require(from(basic(`u:${OPS}`)), 'audit:read')).id, 'ops')
  const error = await refused(access.require(from(`Bearer ${CI}`), 'module:delete'), 'not_permitted')
  assert.equal(error.message, 'the token ci may not delete')
  await refused(access.require(from(), 'module:publish'), 'unauthenticated')
  for (const wrong of [`${CI}x`, CI.slice(0, -1)]) {
    const { message, next } = await refused(
      access.require(from(`Bearer ${wrong}`), 'audit:read'),
      'unauthenticated',
    )
    assert.ok(!`${message} ${next}`.includes(CI.slice(0, 6)))
  }
})

test('without tokens nobody may do anything, and the next step is said', async () => {
  const nobody = accessOfTokens([])
  for (const [permission, word] of [
    ['module:publish', 'publish'],
    ['module:delete', 'delete'],
    ['audit:read', 'audit'],
  ] as const) {
    const error = await refused(nobody.require(from(`Bearer ${CI}`), permission), 'not_permitted')
    assert.match(error.message, new RegExp(`^nobody may ${word} .*no tokens`))
    assert.ok(error.next?.includes(`may: [${word}]`), error.next)
  }
})

/** Access with issued tokens, a clock, and a count of how often tokens are looked up. */
function issued(tenant?: string) {
  const { token, id, hash } = newToken()
  const record: TokenRecord = { id, hash, owner: { kind: 'user', name: 'alice' }, note: '', created: 0 }
  const state = { looked: 0, touched: 0, record: record as TokenRecord | undefined }
  const clock = { now: 0 }
  const records = {
    async token(wanted: string) {
      state.looked++
      return wanted === id ? state.record : undefined
    },
    async touchTokens() {
      state.touched++
    },
  }
  const access = createAccess({
    identify: createIdentify({
      credentials: [
        createConfigTokens(TOKENS),
        createAccessTokens({
          records,
          tenant,
          people: peopleOf(new Map([['alice', ['a']]])),
          onTouchFailed: (error) => assert.fail(String(error)),
        }),
      ],
      now: () => clock.now,
    }),
    decide: createDecide(
      {
        anonymous: ['*'],
        admins: [],
        roles: new Map(),
        bindings: [{ to: [{ kind: 'group', name: 'a' }], role: 'viewer', modules: ['corp.example/a'] }],
      },
      { isPrivate: (module) => module.startsWith('corp.example') },
    ),
    open: false,
    closed: false,
  })
  const request = (headers: IncomingHttpHeaders = { authorization: `Bearer ${token}` }) => ({
    headers,
    socket: {},
  })
  return { access, state, clock, token, record, request }
}

test('a token is looked up once in a while and else costs nothing; revoked, it is out at the next look', async () => {
  const { access, state, clock, token, record, request } = issued()
  const module = 'corp.example/a/lib'
  assert.ok(access.isUnknown(request()))
  assert.ok(!access.mayRead(request(), module))
  assert.equal((await access.require(from(`Bearer ${token}`), 'module:read', module)).id, 'alice')
  for (let i = 0; i < 1000; i++) assert.ok(access.mayRead(request(), module))
  assert.ok(!access.mayRead(request(), 'corp.example/b'))
  assert.ok(access.mayRead(request(), 'example.com/x'))
  assert.deepEqual([state.looked, state.touched], [1, 1])

  state.record = { ...record, revoked: { at: 1, by: 'user root' } }
  clock.now += TOKEN_FRESH
  assert.ok(!access.mayRead(request(), module))
  await refused(access.require(from(`Bearer ${token}`), 'module:read', module), 'unauthenticated')
  assert.ok(access.isUnknown(request()), 'a refusal is not remembered as somebody')
})

test('who is the same at the next look stays the same object, and whose token was narrowed does not', async () => {
  const { access, state, clock, token, record, request } = issued()
  const module = 'corp.example/a/lib'
  const same = request()
  const look = () => access.identify(from(`Bearer ${token}`))
  const first = await look()
  assert.equal(access.reader(same, module), first)
  clock.now += TOKEN_FRESH
  assert.ok(access.isUnknown(same))
  assert.equal(await look(), first)
  assert.equal(access.reader(same, module), first, 'over the connection that was there before, too')

  state.record = { ...record, modules: ['corp.example/b'] }
  clock.now += TOKEN_FRESH
  assert.ok(access.isUnknown(same))
  assert.notEqual(await look(), first)
  assert.ok(!access.mayRead(same, module))
})

test('a token is taken by the tenant that it was made for, whatever the records give', async () => {
  for (const [site, made, taken] of [
    ['acme', 'acme', true],
    ['acme', 'beta', false],
    ['acme', undefined, false],
    [undefined, 'acme', false],
  ] as const) {
    const { access, state, record, token } = issued(site)
    state.record = { ...record, ...(made !== undefined && { tenant: made }) }
    const attempt = access.require(from(`Bearer ${token}`), 'module:read', 'corp.example/a')
    if (taken) assert.equal((await attempt).id, 'alice')
    else assert.match((await refused(attempt, 'unauthenticated')).message, /was never issued here/)
  }
})

test('one connection may carry the credentials of several: none is taken for another', async () => {
  const { access, token } = issued()
  const socket = {}
  const alice = { headers: { authorization: `Bearer ${token}` }, socket }
  const ci = { headers: { authorization: `Bearer ${CI}` }, socket }
  await access.identify({ ...alice, address: '' })
  await access.identify({ ...ci, address: '' })
  for (let i = 0; i < 3; i++) {
    assert.ok(access.mayRead(alice, 'corp.example/a'))
    assert.ok(!access.mayRead(ci, 'corp.example/a'))
    assert.ok(!access.mayRead({ headers: {}, socket }, 'corp.example/a'))
    assert.ok(!access.mayRead({ headers: { ...alice.headers, 'x-auth-token': CI }, socket }, 'example.com/x'))
  }
})

test('issued tokens that are not valid, each in words of its own kind and no other', async () => {
  const { access, state, token, record } = issued()
  const ask = (secret: string) => refused(access.identify(from(`Bearer ${secret}`)), 'unauthenticated')
  const texts: string[] = []
  const other = newToken()
  texts.push((await ask(other.token)).message)
  for (const changed of [
    { ...record, expires: 1 },
    { ...record, revoked: { at: 1, by: 'x' } },
    { ...record, hash: other.hash },
    undefined,
  ]) {
    state.record = changed
    texts.push((await ask(token)).message)
  }
  assert.equal(new Set(texts).size, 1, 'expired, revoked, forged and unknown look the same')
  const { looked } = state
  for (const wrong of [token.slice(0, -1), `${token}x`, 'mst_', `mst_${'x'.repeat(8000)}`])
    assert.match((await ask(wrong)).message, /incomplete or mistyped/)
  assert.equal(state.looked, looked, 'what cannot be a token is not looked up')
})

test('a refused path above what may be read is absent, and says nothing of what is there', async () => {
  const { access, token } = issued()
  const error = await refused(
    access.require(from(`Bearer ${token}`), 'module:read', 'corp.example'),
    'not_found',
  )
  assert.match(error.message, /the user alice may read nothing at corp\.example itself/)
  await refused(access.require(from(`Bearer ${token}`), 'module:read', 'corp.example/b'), 'not_permitted')
  await refused(access.require(from(), 'module:read', 'corp.example/a'), 'unauthenticated')
})
