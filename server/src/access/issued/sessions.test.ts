import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, bearer, DAY, HOUR, setUp } from './issued.fixture.ts'
import type { IssuedSession, Rechecked } from './sessions.ts'

const never = new AbortController().signal
const ALICE_SIGNED_IN = { principal: ALICE, via: 'password' }

function tokensOf(given: IssuedSession | { refused: string }): IssuedSession {
  assert.ok('accessToken' in given, JSON.stringify(given))
  return given
}

function refusedBy(given: IssuedSession | { refused: string }): string {
  assert.ok('refused' in given, 'it was renewed')
  return given.refused
}

test('a session is begun, known by its access token, renewed and ended', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, judge } = await open({ groups: new Map([['alice', ['team-a']]]) })
  const first = await sessions.begin(ALICE_SIGNED_IN)
  assert.match(first.refreshToken, /^msr_[0-9A-Za-z]{62}$/)
  assert.equal(first.expiresIn, 86_400)
  const principal = bearer(await judge(first.accessToken))
  assert.deepEqual(principal, {
    id: 'alice',
    kind: 'user',
    groups: ['dev', 'team-a'],
    claims: {},
    renewed: true,
    rights: [],
    expires: clock.now + DAY,
  })

  clock.now += 23 * HOUR
  const second = tokensOf(await sessions.refresh(first.refreshToken, never))
  assert.equal(second.sessionId, first.sessionId)
  assert.notEqual(second.refreshToken, first.refreshToken)
  clock.now += 2 * HOUR
  assert.equal(bearer(await judge(first.accessToken)), undefined, 'it has expired')
  assert.equal(bearer(await judge(second.accessToken))?.id, 'alice')

  assert.deepEqual(await sessions.end(second.sessionId), { session: second.sessionId })
  assert.equal(bearer(await judge(second.accessToken)), undefined)
  assert.match(refusedBy(await sessions.refresh(second.refreshToken, never)), /not valid/)
  assert.equal(await sessions.end(second.sessionId), undefined)
})

test('an old refresh token ends its session, but for one whose answer may have been lost', async (t) => {
  const { clock, open, observer } = await setUp(t)
  const { sessions, judge } = await open()
  const first = await sessions.begin(ALICE_SIGNED_IN)
  const lost = tokensOf(await sessions.refresh(first.refreshToken, never))
  const second = tokensOf(await sessions.refresh(first.refreshToken, never))
  assert.notEqual(second.refreshToken, lost.refreshToken)
  const third = tokensOf(await sessions.refresh(second.refreshToken, never))
  clock.now += 30_000
  assert.match(refusedBy(await sessions.refresh(second.refreshToken, never)), /used before/)
  assert.equal(bearer(await judge(third.accessToken)), undefined)
  assert.match(refusedBy(await sessions.refresh(third.refreshToken, never)), /not valid/)
  assert.equal(observer.lines.filter(({ message }) => message.includes('used twice')).length, 1)
})

test('asking again and again does not make the time longer in which that is allowed', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions } = await open()
  const first = await sessions.begin(ALICE_SIGNED_IN)
  for (let i = 0; i < 3; i++) {
    tokensOf(await sessions.refresh(first.refreshToken, never))
    clock.now += 10_000
  }
  assert.match(refusedBy(await sessions.refresh(first.refreshToken, never)), /used before/)
})

test('whoever has the lost answer ends the session with it', async (t) => {
  const { open } = await setUp(t)
  const { sessions } = await open()
  const first = await sessions.begin(ALICE_SIGNED_IN)
  const stolen = tokensOf(await sessions.refresh(first.refreshToken, never))
  const own = tokensOf(await sessions.refresh(first.refreshToken, never))
  assert.match(refusedBy(await sessions.refresh(stolen.refreshToken, never)), /used before/)
  assert.match(refusedBy(await sessions.refresh(own.refreshToken, never)), /not valid/)
})

test('who knows the id of a session can neither renew nor end it by a made-up token', async (t) => {
  const { open } = await setUp(t)
  const { sessions } = await open()
  const [one, two] = [await sessions.begin(ALICE_SIGNED_IN), await sessions.begin(ALICE_SIGNED_IN)]
  const { withCheck } = await import('../tokens/token-format.ts')
  const forged = withCheck(`msr_${one.sessionId}${two.refreshToken.slice(16, 60)}`)
  assert.match(refusedBy(await sessions.refresh(forged, never)), /not valid/)
  assert.equal(await sessions.end(forged), undefined)
  for (const odd of [
    '',
    'msr_',
    one.accessToken,
    `${one.refreshToken}x`,
    one.refreshToken.slice(0, -1),
    'msr_'.padEnd(66, 'x'),
  ])
    assert.match(refusedBy(await sessions.refresh(odd, never)), /not valid/)
  tokensOf(await sessions.refresh(one.refreshToken, never))
})

test('sessions outlive a restart, and all processes on the catalog agree', async (t) => {
  const { open } = await setUp(t)
  const [one, two] = [await open(), await open()]
  const begun = await one.sessions.begin(ALICE_SIGNED_IN)
  assert.equal(bearer(await two.judge(begun.accessToken))?.id, 'alice')
  const outcomes = await Promise.all([
    one.sessions.refresh(begun.refreshToken, never),
    two.sessions.refresh(begun.refreshToken, never),
  ])
  // Within the overlap both get tokens, and the ones that came first are old by now.
  const good = outcomes.filter((outcome) => 'accessToken' in outcome)
  assert.ok(good.length >= 1, JSON.stringify(outcomes))
  await one.catalog.close()
  const later = await open()
  assert.equal(bearer(await later.judge(begun.accessToken))?.id, 'alice')
  await two.sessions.end(begun.sessionId)
  assert.equal(bearer(await later.judge(begun.accessToken)), undefined)
})

test('at a refresh the provider is asked who somebody is by now', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, judge, catalog } = await open()
  let say: Rechecked = { principal: { ...ALICE, groups: ['ops'] }, upstream: 'second-upstream' }
  const heard: (string | undefined)[] = []
  sessions.recheckWith('oidc', async ({ upstream }) => {
    heard.push(upstream)
    return say
  })
  let tokens = await sessions.begin({ principal: ALICE, via: 'oidc:gitlab', upstream: 'first-upstream' })
  const before = tokens.accessToken
  tokens = tokensOf(await sessions.refresh(tokens.refreshToken, never))
  assert.deepEqual(
    bearer(await judge(before))?.groups,
    ['ops'],
    'an older token has the groups of the session',
  )
  const [record] = await catalog.authRecords({ scope: '', kind: 'session' })
  assert.ok(!record!.body.includes('-upstream'), 'it is kept closed')

  say = 'unavailable'
  clock.now += 23 * HOUR
  tokens = tokensOf(await sessions.refresh(tokens.refreshToken, never))
  clock.now += HOUR
  assert.match(refusedBy(await sessions.refresh(tokens.refreshToken, never)), /cannot be reached/)
  assert.deepEqual(heard, ['first-upstream', 'second-upstream', 'second-upstream'])

  say = 'gone'
  tokens = await sessions.begin({ principal: ALICE, via: 'oidc:gitlab' })
  assert.match(refusedBy(await sessions.refresh(tokens.refreshToken, never)), /not known any more/)
  assert.equal(bearer(await judge(tokens.accessToken)), undefined)
  say = { principal: { ...ALICE, id: 'root' } }
  tokens = await sessions.begin({ principal: ALICE, via: 'oidc:gitlab' })
  assert.match(refusedBy(await sessions.refresh(tokens.refreshToken, never)), /another name/)
})

test('a session that nobody renews ends, and one person has a hundred at most', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, catalog } = await open()
  const first = await sessions.begin(ALICE_SIGNED_IN)
  clock.now += 1
  for (let i = 0; i < 100; i++) await sessions.begin(ALICE_SIGNED_IN)
  assert.equal((await sessions.list(ALICE)).length, 100)
  assert.equal(await sessions.find(first.sessionId), undefined)
  await sessions.begin({ principal: { ...ALICE, id: 'bob' }, via: 'password' })
  assert.equal((await sessions.list({ kind: 'user', id: 'bob' })).length, 1)
  clock.now += 31 * DAY
  assert.deepEqual(await sessions.list(), [])
  await sessions.begin(ALICE_SIGNED_IN)
  const { setTimeout } = await import('node:timers/promises')
  const kept = async () => (await catalog.authRecords({ scope: '', kind: 'session' })).length
  for (let i = 0; i < 500 && (await kept()) > 1; i++) await setTimeout(5)
  assert.equal(await kept(), 1)
})

test('a directory that does not know somebody any more ends all tokens of that name, and no others', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, credentialOf } = await open()
  const known = new Map([['alice', { groups: ['ops'], claims: { mail: 'a@corp.example' } }]])
  const judge = credentialOf({ find: async (user) => known.get(user) })
  const ask = async (secret: string) => bearer(await judge({ secret }, { address: '', now: clock.now }))
  const { accessToken } = await sessions.begin(ALICE_SIGNED_IN)
  const short = await sessions.exchange({ principal: ALICE }, 600)
  const job = await sessions.exchange({ principal: { kind: 'workload', id: 'alice', groups: [] } }, 600)
  const alice = await ask(accessToken)
  assert.deepEqual([alice?.groups, alice?.claims], [['dev', 'ops'], { mail: 'a@corp.example' }])
  known.clear()
  for (const token of [accessToken, short.accessToken]) assert.equal(await ask(token), undefined)
  assert.deepEqual((await ask(job.accessToken))?.claims, {})
})

test('an exchanged token has no session, an end of its own, and can be taken back', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, judge } = await open()
  const principal = { kind: 'workload', id: 'ci-app', groups: ['ci'], claims: { ref: 'main' } } as const
  const limit = { permissions: ['module:read'], modules: ['corp.example'] } as const
  const { accessToken, expiresIn } = await sessions.exchange({ principal, limit }, 900)
  assert.equal(expiresIn, 900)
  const found = bearer(await judge(accessToken))
  assert.deepEqual(found, { ...principal, rights: [], limit, expires: clock.now + 900_000 })
  clock.now += 899_990
  const near = await judge(accessToken)
  assert.ok(typeof near === 'object' && 'fresh' in near && near.fresh === 10)
  assert.ok((await sessions.end(accessToken))?.principal)
  assert.equal(bearer(await judge(accessToken)), undefined)
  const other = await sessions.exchange({ principal }, 900)
  clock.now += 900_000
  assert.equal(bearer(await judge(other.accessToken)), undefined)
})
