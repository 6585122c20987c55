import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, bearer, DAY, HOUR, setUp } from './issued.fixture.ts'

const kidOf = (token: string) =>
  (JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid
const sign = { principal: ALICE, via: 'password' }

test('a new key signs on schedule, and the old one holds until its last token has ended', async (t) => {
  const { clock, open } = await setUp(t)
  const [one, two] = [await open(), await open()]
  const first = await one.sessions.begin(sign)
  assert.equal(kidOf((await two.sessions.begin(sign)).accessToken), kidOf(first.accessToken))

  clock.now += 30 * DAY - 1
  const last = await two.sessions.exchange({ principal: ALICE }, 3600)
  const late = await one.sessions.begin(sign)
  assert.equal(kidOf(last.accessToken), kidOf(first.accessToken))
  clock.now += 1
  const next = await one.sessions.begin(sign)
  assert.notEqual(kidOf(next.accessToken), kidOf(first.accessToken))
  assert.equal(kidOf((await two.sessions.begin(sign)).accessToken), kidOf(next.accessToken))
  for (const { judge } of [one, two])
    for (const { accessToken } of [last, late, next])
      assert.equal(bearer(await judge(accessToken))?.id, 'alice')

  clock.now += DAY - 1_002
  assert.equal(bearer(await two.judge(late.accessToken))?.id, 'alice', 'the key outlives its last token')
  clock.now += HOUR
  const { catalog } = await open()
  await catalog.sweepAuthRecords(clock.now)
  const kept = await catalog.authRecords({ scope: '', kind: 'key' })
  assert.deepEqual(
    kept.map(({ id }) => id),
    [kidOf(next.accessToken)],
  )
})

test('two processes that make a key at the same moment take the tokens of both', async (t) => {
  const { open } = await setUp(t)
  const opened = await Promise.all([open(), open(), open()])
  const tokens = await Promise.all(opened.map(({ sessions }) => sessions.begin(sign)))
  for (const { judge } of opened)
    for (const { accessToken } of tokens) assert.equal(bearer(await judge(accessToken))?.id, 'alice')
})

test('a key that was taken back counts no more at once', async (t) => {
  const { open } = await setUp(t)
  const { sessions, judge, catalog } = await open()
  const { accessToken } = await sessions.begin(sign)
  await catalog.removeAuthRecord({ scope: '', kind: 'key', id: kidOf(accessToken) })
  assert.equal(bearer(await judge(accessToken)), undefined)
})

test('keys of the configuration: the first signs, all verify, and none is kept', async (t) => {
  const { open } = await setUp(t)
  const [old, young] = ['o'.repeat(64), 'y'.repeat(64)]
  const before = await open({ issued: { keys: [old] } })
  const { accessToken } = await before.sessions.begin(sign)
  const after = await open({ issued: { keys: [young, old] } })
  assert.equal(bearer(await after.judge(accessToken))?.id, 'alice')
  const next = await after.sessions.begin(sign)
  assert.notEqual(kidOf(next.accessToken), kidOf(accessToken))
  const gone = await open({ issued: { keys: [young] } })
  assert.equal(bearer(await gone.judge(accessToken)), undefined)
  assert.equal(bearer(await gone.judge(next.accessToken))?.id, 'alice')
  assert.deepEqual(await gone.catalog.authRecords({ scope: '', kind: 'key' }), [])
})

test('another algorithm begins with a new key', async (t) => {
  const { open } = await setUp(t)
  const { accessToken } = await (await open()).sessions.begin(sign)
  const other = await open({ issued: { algorithm: 'HS256' } })
  const next = await other.sessions.begin(sign)
  assert.notEqual(kidOf(next.accessToken), kidOf(accessToken))
  for (const token of [accessToken, next.accessToken])
    assert.equal(bearer(await other.judge(token))?.id, 'alice')
})
