import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import type { VersionMapEntry } from '../config/config.ts'
import { ModsteadError } from '../errors.ts'
import { createTestObserver } from '../observe/test-support.ts'
import type { Answer } from './answer.ts'
import type { Change, ModuleProxy } from './module-proxy.ts'
import type { PromotionRecords, PromotionRow } from './promotions.ts'
import type { ModuleRequest } from './request.ts'
import { PROMOTION_FRESH, withVersionMap } from './version-map.ts'

const MODULE = 'corp.example/lib' as ModulePath
const LISTED = ['v1.3.0', 'v1.4.2', 'v1.5.0']
const START = Date.UTC(2026, 10, 1)
const DAY = 86_400_000

function createInner(mods: Record<string, string> = {}): ModuleProxy & { asked: string[] } {
  const asked: string[] = []
  const answer = (text: string, life: Answer['life']): Answer => ({
    module: MODULE,
    contentType: 'application/json',
    body: { kind: 'bytes', bytes: Buffer.from(text) },
    life,
    realm: 'acme',
    private: true,
  })
  const proxy: Pick<ModuleProxy, 'serve' | 'onChange'> = {
    async serve(request) {
      asked.push('version' in request ? `${request.kind} ${request.version}` : request.kind)
      switch (request.kind) {
        case 'list':
          return answer(`${LISTED.join('\n')}\n`, { until: Infinity, fresh: 60, stale: 3600 })
        case 'latest':
          return answer('newest', { until: Infinity, fresh: 60, stale: 3600 })
        case 'query':
          return answer(`query ${request.query}`, { until: Infinity, fresh: 60, stale: 3600 })
        case 'mod':
          return answer(mods[request.version] ?? `module ${MODULE}\n`, 'immutable')
        case 'info':
          if (request.version === 'v9.9.9') throw new ModsteadError('not_found', 'it is not there')
          return answer(`info ${request.version}`, 'immutable')
        case 'zip':
          return answer(`zip ${request.version}`, 'immutable')
      }
    },
    onChange: () => () => undefined,
  }
  return { ...(proxy as ModuleProxy), asked }
}

/** Promotions in memory, as the catalog keeps them. */
function createRecords(): PromotionRecords {
  const rows: PromotionRow[] = []
  return {
    async promote(promotion) {
      const row = { ...promotion, id: `pro-${rows.length}`, at: rows.length }
      rows.push(row)
      return row
    },
    promoted: async (tenant, module) =>
      rows.findLast((row) => row.tenant === tenant && row.module === module),
    promotions: async () => rows.toReversed(),
  }
}

function setUp(
  entries: (Partial<VersionMapEntry> & { version: string })[],
  { mods = {}, stableQuery = false }: { mods?: Record<string, string>; stableQuery?: boolean } = {},
) {
  let time = START
  const inner = createInner(mods)
  const records = createRecords()
  const observer = createTestObserver()
  const proxy = withVersionMap(inner, {
    entries: entries
      .map((entry) => ({ modules: ['corp.example'], from: -Infinity, enforce: false, ...entry }))
      .toSorted((a, b) => b.from - a.from || 0),
    stableQuery,
    tenant: 'acme',
    realm: 'acme',
    promotions: records,
    observer,
    now: () => time,
  })
  const ask = async (request: { kind: string; version?: string; query?: string }) => {
    const context = { signal: new AbortController().signal, storedOnly: false, client: {} }
    const answer = await proxy.serve({ module: MODULE, ...request } as ModuleRequest, context)
    assert.ok(answer.body.kind === 'bytes')
    return { text: answer.body.bytes.toString(), life: answer.life }
  }
  const promote = (version: string) =>
    proxy.promote(
      { module: MODULE, version: version as Version, who: 'alice', note: '' },
      new AbortController().signal,
    )
  return { proxy, inner, records, observer, ask, promote, at: (to: number) => (time = to) }
}

const refused = (reason: RegExp) => (error: unknown) =>
  error instanceof ModsteadError && error.code === 'version_not_allowed' && reason.test(error.message)

test('a module is held at one version from a time on', async () => {
  const { ask, at } = setUp([
    { version: 'LATEST' },
    { version: 'v1.4.2', from: START + DAY },
    { version: 'v1.3.0', from: START + 2 * DAY },
    { version: 'LATEST', from: START + 3 * DAY },
  ])
  const seen = async () => [(await ask({ kind: 'list' })).text, (await ask({ kind: 'latest' })).text]
  const all = `${LISTED.join('\n')}\n`
  assert.deepEqual(await seen(), [all, 'newest'])
  // What was answered before ends when the entry begins.
  assert.deepEqual((await ask({ kind: 'list' })).life, { until: START + DAY, fresh: 60, stale: 3600 })
  at(START + DAY - 1)
  assert.deepEqual((await ask({ kind: 'latest' })).life, { until: START + DAY, fresh: 0, stale: 0 })
  at(START + DAY)
  assert.deepEqual(await seen(), ['v1.4.2\n', 'info v1.4.2'])
  at(START + 2 * DAY)
  assert.deepEqual(await seen(), ['v1.3.0\n', 'info v1.3.0'])
  at(START + 3 * DAY)
  assert.deepEqual(await seen(), [all, 'newest'])
  assert.deepEqual((await ask({ kind: 'list' })).life, { until: Infinity, fresh: 60, stale: 3600 })
})

test('other modules, other major versions and exact questions are as they were', async () => {
  const { ask, proxy } = setUp([{ version: 'v1.4.2', enforce: true }])
  const context = { signal: new AbortController().signal, storedOnly: false, client: {} }
  for (const module of ['other.example/lib', 'corp.example/lib/v2'] as ModulePath[]) {
    const { body, life } = await proxy.serve({ kind: 'list', module }, context)
    assert.ok(body.kind === 'bytes')
    assert.equal(body.bytes.toString(), `${LISTED.join('\n')}\n`)
    assert.deepEqual(life, { until: Infinity, fresh: 60, stale: 3600 })
  }
  assert.equal((await ask({ kind: 'info', version: 'v1.5.0' })).text, 'info v1.5.0')
  assert.deepEqual(await ask({ kind: 'mod', version: 'v1.5.0' }), {
    text: `module ${MODULE}\n`,
    life: 'immutable',
  })
  assert.equal((await ask({ kind: 'query', query: 'master' })).text, 'query master')
})

test('zips of other versions are refused where the map says so, and the held one never', async () => {
  const open = setUp([{ version: 'v1.4.2' }])
  assert.deepEqual(await open.ask({ kind: 'zip', version: 'v1.5.0' }), {
    text: 'zip v1.5.0',
    life: 'immutable',
  })
  const { ask, at } = setUp([
    { version: 'v1.4.2', from: START + DAY, enforce: true },
    { version: 'v1.5.0', from: START + 2 * DAY },
  ])
  // A zip that is remembered today is refused tomorrow.
  assert.deepEqual((await ask({ kind: 'zip', version: 'v1.5.0' })).life, {
    until: START + DAY,
    fresh: 60,
    stale: 0,
  })
  at(START + DAY)
  await assert.rejects(
    ask({ kind: 'zip', version: 'v1.5.0' }),
    refused(
      /^corp\.example\/lib@v1\.5\.0 is not what is used here: corp\.example\/lib is held at one version, v1\.4\.2$/,
    ),
  )
  assert.equal((await ask({ kind: 'zip', version: 'v1.4.2' })).text, 'zip v1.4.2')
  at(START + 2 * DAY)
  assert.equal((await ask({ kind: 'zip', version: 'v1.3.0' })).text, 'zip v1.3.0')
})

test('the stable version is the one promoted last, and each promotion holds at once', async () => {
  const { ask, proxy, promote, records } = setUp([{ version: 'STABLE', enforce: true }])
  assert.equal((await ask({ kind: 'list' })).text, '')
  // Not absent: go would look elsewhere.
  await assert.rejects(ask({ kind: 'latest' }), refused(/none was promoted yet/))
  await assert.rejects(ask({ kind: 'zip', version: 'v1.4.2' }), refused(/none was promoted yet/))
  const changes: Change[] = []
  const end = proxy.onChange((change) => changes.push(change))
  await promote('v1.5.0')
  assert.deepEqual(changes, [{ realm: 'acme', module: MODULE, everyVersion: true }])
  assert.equal((await ask({ kind: 'latest' })).text, 'info v1.5.0')
  await promote('v1.4.2')
  assert.equal((await ask({ kind: 'list' })).text, 'v1.4.2\n')
  await assert.rejects(ask({ kind: 'zip', version: 'v1.5.0' }), refused(/promoted last, v1\.4\.2$/))
  // A command beside the server makes promotions too.
  for (const request of [{ kind: 'list' }, { kind: 'latest' }, { kind: 'zip', version: 'v1.4.2' }] as const) {
    const { life } = await ask(request)
    assert.ok(life !== 'immutable' && life.until === START + PROMOTION_FRESH)
  }
  await records.promote({ tenant: 'beta', module: MODULE, version: 'v1.3.0' as Version, who: '', note: '' })
  assert.equal((await ask({ kind: 'latest' })).text, 'info v1.4.2')
  await assert.rejects(promote('v9.9.9'), (error: ModsteadError) => error.code === 'not_found')
  end()
  await promote('v1.5.0')
  assert.equal(changes.length, 2)
})

test('the query stable is answered where it is wanted', async () => {
  const without = setUp([])
  assert.equal((await without.ask({ kind: 'query', query: 'stable' })).text, 'query stable')
  const { ask, promote } = setUp([], { stableQuery: true })
  await assert.rejects(ask({ kind: 'query', query: 'stable' }), refused(/none was promoted yet/))
  await promote('v1.4.2')
  assert.equal((await ask({ kind: 'query', query: 'stable' })).text, 'info v1.4.2')
  // Without an entry in the map a promotion is for those who ask for it.
  assert.equal((await ask({ kind: 'latest' })).text, 'newest')
})

test('the newest version stays in the list where it retracts itself, and only there', async () => {
  const retracting = `module ${MODULE}\nretract [v1.4.0, v1.5.0]\n`
  const rows: [held: string, mods: Record<string, string>, list: string][] = [
    ['v1.3.0', { 'v1.5.0': retracting }, 'v1.3.0\nv1.5.0\n'],
    ['v1.3.0', { 'v1.5.0': `module ${MODULE}\nretract v1.4.2\n` }, 'v1.3.0\n'],
    ['v1.3.0', { 'v1.5.0': '?' }, 'v1.3.0\n'],
    ['v1.5.0', { 'v1.5.0': retracting }, 'v1.5.0\n'],
    ['v1.4.3-0.20240102030405-abcdefabcdef', { 'v1.5.0': retracting }, 'v1.5.0\n'],
    ['v1.4.3-0.20240102030405-abcdefabcdef', {}, ''],
    // Whoever holds a version that no list has any more still gets it.
    ['v1.2.7', {}, 'v1.2.7\n'],
  ]
  for (const [version, mods, list] of rows) {
    const { ask } = setUp([{ version }], { mods })
    assert.equal((await ask({ kind: 'list' })).text, list, version)
  }
})
