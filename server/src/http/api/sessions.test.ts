import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi } from './api.fixture.ts'

test('everybody sees and ends their own sessions, and those of others by permission', async (t) => {
  const { sessions, call, tokenFor } = await startApi(t)
  const begin = (id: string) =>
    sessions.begin({
      principal: { kind: 'user', id, groups: ['dev'] },
      via: 'oidc:gitlab:c2lnbi1pbg',
      upstream: 'theirs',
    })
  const [ann, viewer, other] = [await begin('ann'), await begin('viewer'), await begin('viewer')]
  const idsOf = async (token: string, query = '') => {
    const { status, json, text } = await call(token, `/sessions${query}`)
    for (const secret of [ann.refreshToken, 'theirs']) assert.ok(!text.includes(secret))
    return status === 200 ? (json.sessions as { id: string }[]).map(({ id }) => id).sort() : status
  }
  assert.deepEqual(await idsOf(ann.accessToken), [ann.sessionId])
  assert.deepEqual(await idsOf(viewer.accessToken), [viewer.sessionId, other.sessionId].sort())
  assert.deepEqual(
    await idsOf(viewer.accessToken, '?subject=user:viewer'),
    [viewer.sessionId, other.sessionId].sort(),
  )
  assert.equal(await idsOf(viewer.accessToken, '?subject=user:ann'), 403)
  assert.equal(await idsOf(viewer.accessToken, '?subject=ann'), 400)
  assert.equal(await idsOf(''), 401)
  const narrowed = await tokenFor('viewer', { permissions: ['module:read'] })
  assert.equal(await idsOf(narrowed), 403, 'a token for modules is for modules')

  const end = async (token: string, id: string) =>
    (await call(token, `/sessions/${id}`, { method: 'DELETE' })).status
  assert.equal(await end(viewer.accessToken, ann.sessionId), 404, 'it is not there for who may not see it')
  assert.equal(await end(narrowed, other.sessionId), 404)
  assert.equal(await end(await tokenFor('operator'), ann.sessionId), 403)
  assert.equal(await end(viewer.accessToken, 'AAAAAAAAAAAA'), 404)
  assert.equal(await end(viewer.accessToken, other.sessionId), 200)
  assert.equal((await call(other.accessToken, '/whoami')).status, 401)

  const admin = await tokenFor('admin')
  assert.deepEqual(await idsOf(admin), [ann.sessionId, viewer.sessionId].sort())
  assert.equal(await end(admin, ann.sessionId), 200)
  assert.equal((await call(ann.accessToken, '/whoami')).status, 401)
  assert.equal(await end(viewer.accessToken, viewer.sessionId), 200, 'the one that asks')
})
