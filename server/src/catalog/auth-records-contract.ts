import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { AuthQuery, AuthRecord, AuthRecords } from '../access/issued/records.ts'

export interface AuthRecordsUnderTest {
  catalog: AuthRecords
  /** The same medium, after a restart. */
  reopen(): Promise<AuthRecords>
}

const RECORD: AuthRecord = {
  scope: '',
  kind: 'session',
  id: 'one',
  subject: 'user:alice',
  body: '{"a":"ä"}',
  expires: 2_000,
  revision: 0,
}

/** What every place for the records of signing in has to do. */
export function testAuthRecords(
  name: string,
  create: (t: TestContext) => Promise<AuthRecordsUnderTest>,
): void {
  describe(`${name} auth records`, () => {
    it('keeps what was put, over a restart', async (t) => {
      const { catalog, reopen } = await create(t)
      assert.equal(await catalog.authRecord(RECORD), undefined)
      assert.equal(await catalog.putAuthRecord(RECORD), true)
      const { subject: _, ...without } = { ...RECORD, id: 'two', expires: Number.MAX_SAFE_INTEGER }
      assert.equal(await catalog.putAuthRecord(without), true)
      const later = await reopen()
      assert.deepEqual(await later.authRecord(RECORD), { ...RECORD, revision: 1 })
      assert.deepEqual(await later.authRecord(without), { ...without, revision: 1 })
    })

    it('lets one win of those who have read the same', async (t) => {
      const { catalog } = await create(t)
      const news = await Promise.all([1, 2, 3].map((n) => catalog.putAuthRecord({ ...RECORD, body: `${n}` })))
      assert.deepEqual(news.filter(Boolean).length, 1)
      const read = (await catalog.authRecord(RECORD))!
      const changes = await Promise.all(
        ['a', 'b', 'c'].map((body) => catalog.putAuthRecord({ ...read, body, expires: 3_000 })),
      )
      assert.deepEqual(changes.filter(Boolean).length, 1)
      const changed = (await catalog.authRecord(RECORD))!
      assert.deepEqual([changed.revision, changed.expires], [2, 3_000])
      assert.equal(changed.body, ['a', 'b', 'c'][changes.indexOf(true)])
      assert.equal(await catalog.putAuthRecord({ ...changed, revision: 1 }), false)
      assert.equal(await catalog.removeAuthRecord(RECORD), true)
      assert.equal(await catalog.removeAuthRecord(RECORD), false)
      assert.equal(await catalog.putAuthRecord(changed), false, 'what is gone does not come back')
    })

    it('finds those of a kind and of a subject, and nothing of another scope', async (t) => {
      const { catalog } = await create(t)
      for (const [id, more] of [
        ['late', { expires: 9_000 }],
        ['early', { expires: 1_000 }],
        ['bob', { subject: 'user:bob' }],
        ['key', { kind: 'key' }],
        ['acme', { scope: 'acme' }],
      ] as const)
        await catalog.putAuthRecord({ ...RECORD, id, ...more })
      const ids = async (of: AuthQuery) => (await catalog.authRecords(of)).map(({ id }) => id)
      assert.deepEqual(await ids({ scope: '', kind: 'session', subject: 'user:alice' }), ['early', 'late'])
      assert.deepEqual(await ids({ scope: '', kind: 'session' }), ['early', 'bob', 'late'])
      assert.deepEqual(await ids({ scope: '', kind: 'session', after: 1_000 }), ['bob', 'late'])
      assert.deepEqual(await ids({ scope: '', kind: 'session', subject: 'user:alice', after: 1_000 }), [
        'late',
      ])
      assert.deepEqual(await ids({ scope: 'acme', kind: 'session' }), ['acme'])
      assert.equal(await catalog.authRecord({ ...RECORD, id: 'acme' }), undefined)
      assert.equal(await catalog.removeAuthRecord({ ...RECORD, id: 'acme' }), false)
    })

    it('removes what had expired by then, of every scope', async (t) => {
      const { catalog } = await create(t)
      for (const [id, expires, scope] of [
        ['old', 1_000, 'acme'],
        ['just', 2_000, ''],
        ['young', 2_001, ''],
      ] as const)
        await catalog.putAuthRecord({ ...RECORD, id, expires, scope })
      await catalog.sweepAuthRecords(2_000)
      assert.deepEqual(
        (await catalog.authRecords({ scope: '', kind: 'session' })).map(({ id }) => id),
        ['young'],
      )
      assert.deepEqual(await catalog.authRecords({ scope: 'acme', kind: 'session' }), [])
    })
  })
}
