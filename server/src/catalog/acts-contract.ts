/** What every catalog must do about what was published and deleted: run beside `catalog-contract.ts`. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { Act } from '../proxy/catalog.ts'
import type { CatalogUnderTest } from './catalog-contract.ts'
import { someHash } from '../observe/test-support.ts'
import { path, someSha256, version } from './test-support.ts'

export function testActs(name: string, create: (t: TestContext) => Promise<CatalogUnderTest>): void {
  describe(`acts in the catalog: ${name}`, () => {
    it('knows of none at first', async (t) => {
      const { catalog } = await create(t)
      assert.deepEqual(await catalog.acts({ limit: 10 }), [])
      assert.deepEqual(await catalog.marks('default', A), [])
    })

    it('learns a publication in one step, when it is done', async (t) => {
      const { catalog, reopen } = await create(t)
      const start = Date.now()
      const begun = await catalog.begin(PUBLISH)
      assert.match(begun.id, /^act-/)
      assert.ok(begun.at >= start && begun.at <= Date.now())
      assert.equal(await catalog.version('default', A, V1), undefined)
      assert.deepEqual(await catalog.marks('default', A), [])
      assert.deepEqual(await catalog.acts({ limit: 10, begun: true }), [begun])
      await catalog.end(begun.id, 'done', FACTS)
      for (const restarted of [false, true]) {
        const view = restarted ? await reopen() : catalog
        const { firstSeen: _, lastUsed: __, ...row } = (await view.version('default', A, V1))!
        assert.deepEqual(row, { ...FACTS, published: true })
        assert.deepEqual(await view.marks('default', A), [{ version: V1, published: true, deleted: false }])
        assert.deepEqual(await view.acts({ limit: 10 }), [{ ...begun, outcome: 'done' }])
        assert.deepEqual(await view.acts({ limit: 10, begun: true }), [])
        assert.equal((await view.totals()).versions, 1)
      }
    })

    it('keeps nothing but the record of one that was undone', async (t) => {
      const { catalog } = await create(t)
      const begun = await catalog.begin(PUBLISH)
      await catalog.end(begun.id, 'undone')
      assert.equal(await catalog.version('default', A, V1), undefined)
      assert.deepEqual(await catalog.marks('default', A), [])
      assert.deepEqual(await catalog.acts({ limit: 10 }), [{ ...begun, outcome: 'undone' }])
    })

    it('refuses to end a publication with another hash, and changes nothing', async (t) => {
      const { catalog } = await create(t)
      await catalog.learn('default', A, V1, { h1: someHash('other') })
      const before = await catalog.version('default', A, V1)
      const { id } = await catalog.begin(PUBLISH)
      await assert.rejects(catalog.end(id, 'done', FACTS), { code: 'checksum_mismatch' })
      assert.deepEqual(await catalog.version('default', A, V1), before)
      assert.equal((await catalog.acts({ limit: 1 }))[0]!.outcome, 'begun')
    })

    it('counts a version as deleted from the beginning of the act, and never forgets its hash', async (t) => {
      const { catalog, reopen } = await create(t)
      await catalog.end((await catalog.begin(PUBLISH)).id, 'done', FACTS)
      const deletion = await catalog.begin(DELETE)
      const { at } = deletion
      const deleted = { at, who: 'ops', reason: 'a key was in it' }
      assert.deepEqual((await catalog.version('default', A, V1))?.deleted, deleted)
      await catalog.end(deletion.id, 'done')
      const view = await reopen()
      const row = (await view.version('default', A, V1))!
      assert.deepEqual([row.deleted, row.h1], [deleted, FACTS.h1])
      assert.deepEqual(await view.marks('default', A), [{ version: V1, published: false, deleted: true }])
    })

    it('lets a deleted version come back by being published, and go again', async (t) => {
      const { catalog } = await create(t)
      await catalog.learn('default', A, V1, FACTS)
      const acts = []
      for (const act of [DELETE, PUBLISH, DELETE]) {
        const { id } = await catalog.begin(act)
        await catalog.end(id, 'done', act === PUBLISH ? FACTS : undefined)
        acts.unshift(id)
        const row = await catalog.version('default', A, V1)
        assert.equal(row?.deleted === undefined, act === PUBLISH)
      }
      assert.deepEqual(
        (await catalog.acts({ limit: 10 })).map(({ id }) => id),
        acts,
      )
      const [last, middle] = await catalog.acts({ limit: 2 })
      assert.deepEqual(
        (await catalog.acts({ limit: 1, before: last!.id })).map(({ id }) => id),
        [middle!.id],
      )
    })

    it('keeps apart realms, modules and versions', async (t) => {
      const { catalog } = await create(t)
      await catalog.end((await catalog.begin(PUBLISH)).id, 'done', FACTS)
      for (const [realm, module, v] of [
        ['public', A, V1],
        ['default', path('example.com/b'), V1],
        ['default', A, version('v1.0.1')],
      ] as const) {
        await catalog.learn(realm, module, v, FACTS)
        const row = await catalog.version(realm, module, v)
        assert.deepEqual([row?.published, row?.deleted], [undefined, undefined])
        if (v === V1) assert.deepEqual(await catalog.marks(realm, module), [])
      }
    })

    it('tells the acts on a module that have not ended', async (t) => {
      const { catalog, reopen } = await create(t)
      const other = { ...PUBLISH, module: path('example.com/b') }
      const ended = await catalog.begin(PUBLISH)
      await catalog.end(ended.id, 'undone')
      const begun = [
        await catalog.begin(PUBLISH),
        await catalog.begin({ ...PUBLISH, version: version('v1.1.0') }),
      ]
      for (const act of [other, { ...PUBLISH, realm: 'public' }]) await catalog.begin(act)
      const view = await reopen()
      assert.deepEqual(await view.unfinished('default', A), begun)
      assert.deepEqual(await view.unfinished('default', path('example.com/c')), [])
    })

    it('refuses what can only be a defect', async (t) => {
      const { catalog } = await create(t)
      await assert.rejects(catalog.begin(DELETE), { code: 'internal' })
      await assert.rejects(catalog.end('act-0000-0000', 'done'), { code: 'internal' })
      const { id } = await catalog.begin(PUBLISH)
      await catalog.end(id, 'undone')
      await assert.rejects(catalog.end(id, 'done', FACTS), { code: 'internal' })
      assert.deepEqual(await catalog.marks('default', A), [])
    })
  })
}

const A = path('example.com/a')
const V1 = version('v1.0.0')
const FACTS = {
  h1: someHash('zip'),
  goModH1: someHash('mod'),
  zipSize: 1234,
  zipSha256: someSha256('a'),
  info: true,
  time: '2026-01-02T03:04:05Z',
  origin: 'releases',
}
const PUBLISH: Act = {
  act: 'publish',
  who: 'ci',
  realm: 'default',
  module: A,
  version: V1,
  h1: FACTS.h1,
}
const DELETE: Act = { ...PUBLISH, act: 'delete', who: 'ops', reason: 'a key was in it' }
