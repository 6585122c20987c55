/** What every catalog must do about incidents: run beside `catalog-contract.ts`. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Incident, IncidentRow, IncidentsOptions } from '../proxy/catalog.ts'
import { someHash } from '../observe/test-support.ts'
import type { CatalogUnderTest } from './catalog-contract.ts'

export function testIncidents(name: string, create: (t: TestContext) => Promise<CatalogUnderTest>): void {
  describe(`incidents in the catalog: ${name}`, () => {
    it('have an id that sorts and is said easily, also after a restart', async (t) => {
      const { catalog, reopen } = await create(t)
      const first = await catalog.report(INCIDENT)
      assert.match(first.id, /^inc-[0-9a-z]{4}-[0-9a-z]{4}$/)
      assert.ok(Math.abs(first.at - Date.now()) < 60_000)
      assert.deepEqual(first, { ...INCIDENT, id: first.id, at: first.at, lastAt: first.at, count: 1 })
      const others: Incident[] = []
      for (const field of ['realm', 'module', 'version', 'source', 'expected', 'found'] as const) {
        others.push({ ...INCIDENT, [field]: 'other' })
      }
      others.push(
        { ...INCIDENT, kind: 'mod' },
        { ...INCIDENT, kind: 'checksum_database', found: 'two\nlines — head\n' },
      )
      const rows = await Promise.all(others.map((incident) => catalog.report(incident)))
      const ids = [first, ...rows].map(({ id }) => id)
      assert.deepEqual(ids, [...new Set(ids)].toSorted(), 'in the order of the reports')
      const view = await reopen()
      for (const row of [first, ...rows]) assert.deepEqual(await view.incident(row.id), row)
      const next = await view.report({ ...INCIDENT, version: 'v1.0.1' })
      assert.ok(next.id > ids.at(-1)!)
    })

    it('count the same mismatch, which stays what it was at first', async (t) => {
      const { catalog, reopen } = await create(t)
      const first = await catalog.report(INCIDENT)
      await sleep(3)
      const again = await catalog.report({ ...INCIDENT, outcome: 'another sentence' })
      assert.deepEqual(again, { ...first, count: 2, lastAt: again.lastAt })
      assert.ok(again.lastAt > first.at)
      const many = await Promise.all(Array.from({ length: 20 }, () => catalog.report(INCIDENT)))
      assert.deepEqual(
        many.map(({ count }) => count),
        many.map((_, i) => i + 3),
      )
      const view = await reopen()
      assert.equal((await view.report(INCIDENT)).count, 23)
      assert.deepEqual(await view.incident(first.id), (await view.incidents({ limit: 9 }))[0])
      assert.equal((await view.totals()).incidents, 1)
    })

    it('are acknowledged once, by the first who does', async (t) => {
      const { catalog, reopen } = await create(t)
      const { id, at } = await catalog.report(INCIDENT)
      await catalog.report({ ...INCIDENT, version: 'v1.1.0' })
      assert.deepEqual(await opened(catalog), [2, 2])
      const row = (await catalog.acknowledge(id, REMARK))!
      const when = row.acknowledged!.at
      assert.ok(when >= at && when <= Date.now())
      const acknowledged = { ...REMARK, at: when }
      assert.deepEqual(row, { ...INCIDENT, id, at, lastAt: at, count: 1, acknowledged })
      assert.deepEqual(await opened(catalog), [2, 1])
      await sleep(3)
      assert.deepEqual(await catalog.acknowledge(id, { who: 'dev', note: 'me too' }), row)
      assert.deepEqual(await opened(catalog), [2, 1])
      const view = await reopen()
      assert.deepEqual(await view.incident(id), row)
      assert.deepEqual(await view.acknowledge(id, REMARK), row)
      assert.equal(await view.acknowledge('inc-zzzz-zzzz', REMARK), undefined)
      assert.deepEqual(await opened(view), [2, 1])
    })

    it('stay acknowledged when the same mismatch comes again, which is counted', async (t) => {
      const { catalog } = await create(t)
      const { id } = await catalog.report(INCIDENT)
      const row = (await catalog.acknowledge(id, REMARK))!
      await sleep(3)
      const again = await catalog.report(INCIDENT)
      assert.deepEqual(again, { ...row, count: 2, lastAt: again.lastAt })
      assert.ok(again.lastAt > row.acknowledged!.at)
      assert.deepEqual(await opened(catalog), [1, 0])
    })

    it('count the open ones also when all comes at once', async (t) => {
      const { catalog } = await create(t)
      const rows = await Promise.all(
        Array.from({ length: 10 }, (_, i) => catalog.report({ ...INCIDENT, version: `v1.${i}.0` })),
      )
      const [a, b] = [rows[3]!.id, rows[7]!.id]
      await Promise.all([a, b, a, b, a].map((id) => catalog.acknowledge(id, REMARK)))
      assert.deepEqual(await opened(catalog), [10, 8])
    })

    it('are listed from the newest, page by page, all of them or the open or the others', async (t) => {
      const { catalog } = await create(t)
      const rows: IncidentRow[] = []
      for (let i = 0; i < 7; i++) {
        const row = await catalog.report({ ...INCIDENT, version: `v1.${i}.0` })
        rows.unshift(i % 3 === 1 ? (await catalog.acknowledge(row.id, REMARK))! : row)
      }
      const isOpen = (row: IncidentRow) => row.acknowledged === undefined
      for (const [open, expected] of [
        [undefined, rows],
        [true, rows.filter(isOpen)],
        [false, rows.filter((row) => !isOpen(row))],
      ] as const) {
        const question = open === undefined ? {} : { open }
        assert.deepEqual(await catalog.incidents({ limit: 100, ...question }), expected)
        const pages = await allPages((page) => catalog.incidents({ ...page, ...question }))
        assert.deepEqual(pages.flat(), expected)
        assert.ok(pages.slice(0, -1).every(({ length }) => length === 3))
      }
    })
  })
}

/** How many incidents there are, and how many of them are open. */
async function opened(catalog: CatalogUnderTest['catalog']): Promise<[all: number, open: number]> {
  const { incidents, openIncidents } = await catalog.totals()
  return [incidents, openIncidents]
}

async function allPages(ask: (page: IncidentsOptions) => Promise<IncidentRow[]>): Promise<IncidentRow[][]> {
  const pages: IncidentRow[][] = []
  for (;;) {
    const before = pages.at(-1)?.at(-1)?.id
    const page = await ask({ limit: 3, ...(before !== undefined && { before }) })
    if (page.length === 0) return pages
    pages.push(page)
  }
}

export const REMARK = { who: 'ops', note: 'the mirror was restored from an old backup' }

export const INCIDENT: Incident = {
  kind: 'zip',
  realm: 'public',
  module: 'example.com/a',
  version: 'v1.0.0',
  source: 'mirror',
  expected: someHash('expected'),
  found: someHash('found'),
  outcome: 'refused; nothing was stored',
}
