import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { openIssued } from '../open-issued.ts'
import { ALICE, bearer, ISSUER, setUp, USUAL } from './issued/issued.fixture.ts'
import type { AuthKey } from './issued/records.ts'
import { outlastTokens } from './outlast.ts'
import { peopleOf } from './people.ts'
import { createAccessTokens } from './tokens/access-tokens.ts'
import { issueToken } from './tokens/issue-token.ts'

/** A medium that fails from a moment on. */
function failing() {
  const disk = { gone: false }
  const look = async <T>(read: () => Promise<T>): Promise<T> => {
    if (disk.gone) throw new ModsteadError('store_unavailable', 'the disk is gone')
    return read()
  }
  return { disk, look }
}

const unavailable = { code: 'store_unavailable' }

test('a token that was good goes on for a minute without the catalog; a revoked or unknown one never', async (t) => {
  const { open, clock } = await setUp(t)
  const { catalog } = await open()
  let used = 0
  const { disk, look } = failing()
  const medium = { ...catalog, token: async (id: string) => look(async () => catalog.token(id)) }
  const { records, looks } = outlastTokens(medium, { now: () => clock.now, onUse: () => used++ })
  const judge = createAccessTokens({
    records: looks,
    people: peopleOf(new Map()),
    onTouchFailed: () => undefined,
  })
  const who = async (secret: string) => bearer(await judge({ secret }, { address: '', now: clock.now }))?.id
  const make = async () => {
    const owner = { kind: 'user', name: 'alice' } as const
    const { token, record } = issueToken({ owner, note: '', expires: clock.now + 50_000 }, clock.now)
    await records.addToken(record)
    return { token, id: record.id }
  }
  const [good, unseen, revoked, elsewhere] = [await make(), await make(), await make(), await make()]
  for (const { token } of [good, revoked, elsewhere]) assert.equal(await who(token), 'alice')
  await records.revokeToken(revoked.id, 'test')
  // By another process; this one has seen it.
  await catalog.revokeToken(elsewhere.id, 'test')
  assert.equal(await who(elsewhere.token), undefined)
  disk.gone = true
  assert.equal(await who(good.token), 'alice')
  assert.equal(used, 1)
  assert.equal(await who(elsewhere.token), undefined)
  await assert.rejects(who(revoked.token), unavailable)
  await assert.rejects(who(unseen.token), unavailable)
  clock.now += 50_000
  assert.equal(await who(good.token), undefined, 'it has expired')
  clock.now += 10_000
  await assert.rejects(who(good.token), unavailable)
})

test('a session goes on for a minute without the catalog, unless it was ended', async (t) => {
  const { open, clock, observer } = await setUp(t)
  const { catalog } = await open()
  const { disk, look } = failing()
  const authRecord = async (key: AuthKey) => look(async () => catalog.authRecord(key))
  const { sessions, credential } = await openIssued({
    access: { issued: USUAL, workloads: [] },
    records: { ...catalog, authRecord },
    observer,
    env: {},
    closing: [],
    issuer: ISSUER,
    now: () => clock.now,
  })
  const judge = async (secret: string) =>
    credential(peopleOf(new Map()))({ secret }, { address: '', now: clock.now })
  const begin = async () => (await sessions.begin({ principal: ALICE, via: 'password' })).accessToken
  const [good, ended] = [await begin(), await begin()]
  const exchanged = (await sessions.exchange({ principal: ALICE }, 3_600)).accessToken
  for (const token of [good, ended, exchanged]) assert.equal(bearer(await judge(token))?.id, 'alice')
  await sessions.end(ended)
  disk.gone = true
  for (const token of [good, exchanged]) assert.equal(bearer(await judge(token))?.id, 'alice')
  assert.ok((observer.counts.get('modstead_auth_outage_looks_total') ?? 0) > 0)
  await assert.rejects(judge(ended), unavailable)
  clock.now += 60_000
  await assert.rejects(judge(good), unavailable)
})
