/**
 * What every catalog must do. `testCatalog` declares the tests; a new catalog runs them with one line in its own test
 * file.
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ModsteadError } from '../errors.ts'
import type { Catalog, Snapshot, VersionFacts } from '../proxy/catalog.ts'
import { someHash } from '../observe/test-support.ts'
import { INCIDENT, REMARK } from './incidents-contract.ts'
import { path, someSha256, version } from './test-support.ts'

export interface CatalogUnderTest {
  /** An empty catalog of its own, closed and deleted by the factory after the test. */
  catalog: Catalog
  /** The same catalog as another start of the server would see it. `catalog` must not be used any more. */
  reopen(): Promise<Catalog>
}

export function testCatalog(name: string, create: (t: TestContext) => Promise<CatalogUnderTest>): void {
  describe(`catalog: ${name}`, () => {
    it('knows nothing at first', async (t) => {
      const { catalog } = await create(t)
      assert.equal(await catalog.version('public', A, V1), undefined)
      assert.equal(await catalog.snapshot('public', A, 'list'), undefined)
      assert.equal(await catalog.incident('inc-0000-0000'), undefined)
      assert.deepEqual(await catalog.incidents({ limit: 10 }), [])
      assert.equal(await catalog.acknowledge('inc-0000-0000', REMARK), undefined)
      const none = { modules: 0, versions: 0, zipBytes: 0, incidents: 0, openIncidents: 0 }
      assert.deepEqual(await catalog.totals(), none)
    })

    it('learns all there is to a version, and keeps it', async (t) => {
      const { catalog, reopen } = await create(t)
      const start = Date.now()
      await catalog.learn('public', A, V1, ALL)
      for (const restarted of [false, true]) {
        const view = restarted ? await reopen() : catalog
        const { firstSeen, lastUsed, ...facts } = (await view.version('public', A, V1))!
        assert.deepEqual(facts, ALL)
        assert.ok(firstSeen >= start && firstSeen <= Date.now() && lastUsed === firstSeen)
      }
    })

    it('learns piece by piece, and seen is seen', async (t) => {
      const { catalog, reopen } = await create(t)
      await catalog.learn('public', A, V1, {})
      const { firstSeen } = (await catalog.version('public', A, V1))!
      let sum: VersionFacts = {}
      await sleep(3)
      for (const [field, value] of Object.entries(ALL)) {
        sum = { ...sum, [field]: value }
        await catalog.learn('public', A, V1, { [field]: value })
        const { lastUsed, ...rest } = (await catalog.version('public', A, V1))!
        assert.deepEqual(rest, { ...sum, firstSeen })
        assert.equal(lastUsed, firstSeen)
      }
      const { lastUsed: _, ...rest } = (await (await reopen()).version('public', A, V1))!
      assert.deepEqual(rest, { ...ALL, firstSeen })
    })

    it('never changes the commit of a version', async (t) => {
      const { catalog } = await create(t)
      await catalog.learn('default', A, V1, { commit: 'a'.repeat(40) })
      const other = catalog.learn('default', A, V1, { commit: 'b'.repeat(40) })
      await assert.rejects(other, { code: 'checksum_mismatch', message: /a{40}.*b{40}/ })
      assert.equal((await catalog.version('default', A, V1))!.commit, 'a'.repeat(40))
    })

    it('tells which versions have a commit or are gone, and takes gone ones back', async (t) => {
      const { catalog } = await create(t)
      const [v1, v2, v3] = [version('v1.0.0'), version('v2.0.0'), version('v3.0.0')]
      await catalog.learn('default', A, v1, { commit: 'a'.repeat(64) })
      await catalog.learn('default', A, v2, { info: true })
      await catalog.learn('default', A, v3, { info: true })
      assert.deepEqual(await catalog.traces('default', A), new Map([[v1, { commit: 'a'.repeat(64) }]]))
      const before = Date.now()
      await catalog.markGone('default', A, { gone: [v1, v2, 'v9.9.9'], back: [] })
      const { gone } = (await catalog.version('default', A, v2))!
      assert.ok(gone !== undefined && gone >= before && gone <= Date.now())
      assert.deepEqual([...(await catalog.traces('default', A)).keys()].sort(), [v1, v2])
      await catalog.markGone('default', A, { gone: [], back: [v1, v2] })
      assert.deepEqual(await catalog.traces('default', A), new Map([[v1, { commit: 'a'.repeat(64) }]]))
      assert.deepEqual(await catalog.traces('public', A), new Map())
    })

    it('keeps apart modules, versions and realms', async (t) => {
      const { catalog } = await create(t)
      const places = [
        ['public', A, V1],
        ['public', A, version('v1.0.0-RC1')],
        ['public', A, version('v1.0.0-rc1')],
        ['public', path('example.com/A'), V1],
        ['default', A, V1],
        ['Default', A, V1],
      ] as const
      for (const [i, [realm, module, v]] of places.entries()) {
        await catalog.learn(realm, module, v, { origin: `origin ${i}`, h1: someHash(String(i)) })
        await catalog.saveSnapshot(realm, module, `q${v}`, { ...SNAPSHOT, origin: `origin ${i}` })
      }
      for (const [i, [realm, module, v]] of places.entries()) {
        const row = await catalog.version(realm, module, v)
        assert.deepEqual([row?.origin, row?.h1], [`origin ${i}`, someHash(String(i))])
        assert.equal((await catalog.snapshot(realm, module, `q${v}`))?.origin, `origin ${i}`)
      }
      assert.equal(await catalog.version('other', A, V1), undefined)
      assert.equal(await catalog.snapshot('public', A, 'qv1.0.0-rc2'), undefined)
    })

    for (const [field, what] of [
      ['h1', 'zip'],
      ['goModH1', 'go.mod'],
    ] as const) {
      it(`refuses another ${field}, and changes nothing`, async (t) => {
        const { catalog, reopen } = await create(t)
        await catalog.learn('public', A, V1, { [field]: someHash('one') })
        const before = await catalog.version('public', A, V1)
        const totals = await catalog.totals()
        const attempt = (c: Catalog) => c.learn('public', A, V1, { ...ALL, [field]: someHash('two') })
        for (const restarted of [false, true]) {
          const view = restarted ? await reopen() : catalog
          await assert.rejects(attempt(view), (error) => {
            assert.ok(error instanceof ModsteadError && error.code === 'checksum_mismatch')
            for (const part of [what, 'example.com/a@v1.0.0', someHash('one'), someHash('two')]) {
              assert.ok(error.message.includes(part), error.message)
            }
            return true
          })
          assert.deepEqual(await view.version('public', A, V1), before)
          assert.deepEqual(await view.totals(), totals)
        }
      })
    }

    it('keeps the first value of what is no hash, but the last size and SHA-256 of the stored bytes', async (t) => {
      const { catalog } = await create(t)
      await catalog.learn('public', A, V1, ALL)
      const later = {
        time: '2021-01-01T00:00:00Z',
        origin: 'mirror',
        provenBy: 'sum.corp.example',
        info: false,
      }
      await catalog.learn('public', A, V1, { ...later, zipSize: 99, zipSha256: someSha256('b') })
      const { firstSeen: _, lastUsed: __, ...facts } = (await catalog.version('public', A, V1))!
      assert.deepEqual(facts, { ...ALL, zipSize: 99, zipSha256: someSha256('b') })
      await catalog.learn('public', A, V1, { zipSize: 100 })
      assert.equal(
        (await catalog.version('public', A, V1))?.zipSha256,
        undefined,
        'it was that of other bytes',
      )
    })

    it('lets one of two hashes win that come at once', async (t) => {
      const { catalog } = await create(t)
      const attempts = Array.from({ length: 20 }, (_, i) =>
        catalog.learn('public', A, V1, { h1: someHash(`${i % 2}`) }),
      )
      const outcomes = (await Promise.allSettled(attempts)).map(({ status }) => status)
      const { h1 } = (await catalog.version('public', A, V1))!
      const winner = h1 === someHash('0') ? 0 : 1
      assert.deepEqual(
        outcomes,
        outcomes.map((_, i) => (i % 2 === winner ? 'fulfilled' : 'rejected')),
      )
    })

    it('refuses what is no hash', async (t) => {
      const { catalog } = await create(t)
      const wrong: VersionFacts[] = [
        { h1: '' },
        { goModH1: 'h1:x' },
        { zipSha256: 'abc' },
        { zipSha256: someSha256('B') },
      ]
      for (const facts of wrong)
        await assert.rejects(catalog.learn('public', A, V1, facts), { code: 'internal' })
      assert.equal(await catalog.version('public', A, V1), undefined)
      assert.equal((await catalog.totals()).modules, 0)
    })

    it('counts what it holds', async (t) => {
      const { catalog, reopen } = await create(t)
      const many = Array.from({ length: 300 }, (_, i) =>
        catalog.learn('public', path(`example.com/m${i % 100}`), version(`v1.${i}.0`), { zipSize: i }),
      )
      await Promise.all(many)
      await catalog.saveSnapshot('public', path('example.com/only/asked'), 'list', SNAPSHOT)
      await catalog.learn('default', path('example.com/m1'), V1, { zipSize: 10 })
      await catalog.learn('default', path('example.com/m1'), V1, { zipSize: 7, info: true })
      await catalog.report(INCIDENT)
      const zipBytes = (299 * 300) / 2 + 7
      const expected = { modules: 101, versions: 301, zipBytes, incidents: 1, openIncidents: 1 }
      assert.deepEqual(await catalog.totals(), expected)
      assert.deepEqual(await (await reopen()).totals(), expected)
    })

    it('notes when versions were used', async (t) => {
      const { catalog, reopen } = await create(t)
      await catalog.learn('public', A, V1, ALL)
      const { firstSeen } = (await catalog.version('public', A, V1))!
      const at = firstSeen + 60_000
      await catalog.touch([])
      await catalog.touch([
        { realm: 'public', module: A, version: 'v9.0.0', at },
        { realm: 'public', module: 'example.com/never', version: V1, at },
        { realm: 'public', module: A, version: V1, at },
        { realm: 'public', module: A, version: V1, at: at - 5 },
      ])
      const later = await reopen()
      assert.deepEqual(await later.version('public', A, V1), { ...ALL, firstSeen, lastUsed: at })
      assert.equal((await later.totals()).versions, 1)
    })

    it('keeps the last snapshot of each question, byte by byte', async (t) => {
      const { catalog, reopen } = await create(t)
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
      await catalog.saveSnapshot('public', A, 'list', {
        ...SNAPSHOT,
        body: Buffer.from('first'),
        validators: { etag: 'x' },
      })
      const snapshots: [string, Snapshot][] = [
        ['list', { ...SNAPSHOT, body: Buffer.alloc(0) }],
        [
          'latest',
          {
            ...SNAPSHOT,
            body: bytes,
            validators: { etag: '"e"', lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' },
          },
        ],
        ['master', { ...SNAPSHOT, body: bytes.subarray(10, 20), validators: { lastModified: 'x' } }],
        ['feature#1', { ...SNAPSHOT, fetched: 5, changed: 4, origin: 'mirror' }],
      ]
      await Promise.all(
        snapshots.map(([query, snapshot]) => catalog.saveSnapshot('public', A, query, snapshot)),
      )
      for (const restarted of [false, true]) {
        const view = restarted ? await reopen() : catalog
        for (const [query, snapshot] of snapshots) {
          assert.deepEqual(await view.snapshot('public', A, query), snapshot)
        }
      }
    })

    it('finishes what it was asked before it closes', async (t) => {
      const { catalog, reopen } = await create(t)
      const writes = Array.from({ length: 200 }, (_, i) =>
        catalog.learn('public', A, version(`v1.${i}.0`), ALL),
      )
      const later = await reopen()
      await Promise.all(writes)
      assert.equal((await later.totals()).versions, 200)
    })
  })
}

const A = path('example.com/a')
const V1 = version('v1.0.0')

const ALL: VersionFacts = {
  h1: someHash('zip'),
  goModH1: someHash('mod'),
  zipSize: 12_345,
  zipSha256: someSha256('a'),
  info: true,
  time: '2020-01-02T03:04:05+02:00',
  origin: 'public',
  provenBy: 'sum.golang.org',
  commit: '0123456789abcdef0123456789abcdef01234567',
}

const SNAPSHOT: Snapshot = {
  body: Buffer.from('v1.0.0\n'),
  fetched: 1_700_000_000_123,
  changed: 1_600_000_000_000,
  origin: 'public',
}
