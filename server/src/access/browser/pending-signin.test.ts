import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqliteCatalog } from '../../catalog/sqlite-catalog.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { createPendingSignins, PENDING } from './pending-signin.ts'

const BEGUN = { provider: 'idp', then: '/auth', state: 'state', nonce: 'nonce', verifier: 'verifier' }

test('a sign-in that was begun comes back once, in time, to its provider, in any process', async (t) => {
  const file = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog(file, { observer: createTestObserver() })
  t.after(() => catalog.close())
  const clock = { now: Date.now() }
  const open = (scope = '') => createPendingSignins({ records: catalog, scope, now: () => clock.now })
  const [one, other] = [open(), open()]

  const cookie = await one.begin(BEGUN)
  assert.match(cookie, /^[\w-]+$/)
  assert.notEqual(await one.begin(BEGUN), cookie)
  assert.equal(await other.take(cookie, 'other', 'state'), undefined)
  assert.equal(await other.take(cookie, 'idp', 'another'), undefined)
  assert.equal(await open('tenant').take(cookie, 'idp', 'state'), undefined)
  assert.deepEqual(await other.take(cookie, 'idp', 'state'), BEGUN)
  assert.equal(await one.take(cookie, 'idp', 'state'), undefined, 'it came back before')

  const late = await one.begin({ ...BEGUN, state: 'late' })
  clock.now += PENDING
  assert.equal(await one.take(late, 'idp', 'late'), undefined)
})
