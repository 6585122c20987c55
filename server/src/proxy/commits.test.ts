import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Catalog, Incident } from './catalog.ts'
import type { Origin } from './origin.ts'
import { createIncidents } from './incidents.ts'
import { type Made, MODULE, VERSION, makeModule, pieces, read, scripted, setUp } from './proxy.fixture.ts'
import { createTraces } from './traces.ts'

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string]
const KINDS = ['info', 'mod', 'zip'] as const
const NAME = { realm: 'public', module: MODULE, version: VERSION }

/**
 * A repository whose tag leads to `at`, and notes which commit each file was asked for. It gives `made` from any
 * commit; one that is `pinned` gives the commit it is asked for, as the origin of git repositories does.
 */
function repository(name: string, made: Made, { at, pinned = true }: { at: string; pinned?: boolean }) {
  const repository = { at, asked: [] as [kind: string, commit: string | undefined][] }
  const note = (kind: string, commit: string | undefined): string => {
    repository.asked.push([kind, commit])
    return pinned && commit !== undefined ? commit : repository.at
  }
  const origin: Origin = {
    ...scripted(name, {}),
    versions: async () => ({ versions: [{ version: VERSION, commit: repository.at }] }),
    resolve: async (_module, _query, { commit }) => ({
      bytes: made.info,
      version: VERSION,
      commit: note('info', commit),
    }),
    goMod: async (_module, _version, { commit }) => ({ bytes: made.mod, commit: note('mod', commit) }),
    zip: async (_module, _version, { commit }) => ({
      size: made.zip.length,
      chunks: pieces([made.zip]),
      commit: note('zip', commit),
    }),
  }
  return { repository, origin }
}

const incidentsOf = async (catalog: Catalog): Promise<Incident[]> =>
  (await catalog.incidents({ limit: 9 })).map(
    ({ id: _id, at: _at, lastAt: _last, count: _count, ...incident }) => incident,
  )

describe('the commit a version was first seen at', () => {
  for (const first of KINDS)
    test(`is the one that all of its files are made from: ${first} first`, async (t) => {
      const { origin, repository: remote } = repository('one', await makeModule(), { at: A })
      const { file, catalog, storedFiles } = await setUp(t, { origins: [origin] })
      await read(await file(first))
      assert.equal((await catalog.version('public', MODULE, VERSION))?.commit, A)
      remote.at = B
      const rest = KINDS.filter((kind) => kind !== first)
      for (const kind of rest) await read(await file(kind))
      assert.deepEqual(remote.asked, [[first, undefined], ...rest.map((kind) => [kind, A])])
      assert.equal((await storedFiles()).length, 3)
      assert.deepEqual(await catalog.incidents({ limit: 9 }), [])
    })

  for (const kind of KINDS)
    test(`is held against an origin that gives the ${kind} of another one`, async (t) => {
      const made = await makeModule()
      const wrong = repository('wrong', made, { at: B, pinned: false })
      const { file, catalog, storedFiles } = await setUp(t, { origins: [wrong.origin] })
      await catalog.learn('public', MODULE, VERSION, { commit: A })
      await assert.rejects(file(kind).then(read), { code: 'checksum_mismatch', incident: /^inc-/ })
      assert.deepEqual(await storedFiles(), [])
      assert.deepEqual(await incidentsOf(catalog), [
        {
          ...NAME,
          kind: 'tag',
          source: 'wrong',
          expected: A,
          found: B,
          outcome: 'refused; nothing was stored',
        },
      ])
    })

  test('lets the next origin be asked', async (t) => {
    const made = await makeModule()
    const wrong = repository('wrong', made, { at: B, pinned: false })
    const right = repository('right', made, { at: A })
    const { file, catalog } = await setUp(t, { origins: [wrong.origin, right.origin], then: 'absent' })
    await catalog.learn('public', MODULE, VERSION, { commit: A })
    for (const kind of KINDS) await read(await file(kind))
    assert.deepEqual(
      right.repository.asked,
      KINDS.map((kind) => [kind, A]),
    )
  })

  for (const kind of KINDS)
    test(`may become known while the ${kind} of another one is proven: nothing of that is kept`, async (t) => {
      const { origin, repository: remote } = repository('one', await makeModule(), { at: B, pinned: false })
      const { file, catalog, storedFiles } = await setUp(t, { origins: [origin] })
      const { learn } = catalog
      catalog.learn = async (realm, module, version, facts) => {
        catalog.learn = learn
        await learn(realm, module, version, { commit: A })
        return learn(realm, module, version, facts)
      }
      await assert.rejects(file(kind).then(read), { code: 'checksum_mismatch', incident: /^inc-/ })
      assert.deepEqual(await storedFiles(), [])
      assert.equal((await incidentsOf(catalog))[0]?.kind, 'tag')
      await assert.rejects(file(kind, { storedOnly: true }), { code: 'not_stored' })
      assert.deepEqual(remote.asked, [[kind, undefined]])
    })
})

test('a hash that becomes known while other contents are proven keeps those out of the store', async (t) => {
  const [made, other] = [
    await makeModule(),
    await makeModule('package m // other\n', `module ${MODULE}\n\ngo 1.20\n`),
  ]
  for (const kind of ['mod', 'zip'] as const) {
    const { file, catalog, storedFiles } = await setUp(t, {
      origins: [scripted('one', { [kind]: other[kind] })],
    })
    const { learn } = catalog
    catalog.learn = async (realm, module, version, facts) => {
      catalog.learn = learn
      await learn(realm, module, version, { h1: made.h1, goModH1: made.goModH1 })
      return learn(realm, module, version, facts)
    }
    await assert.rejects(file(kind).then(read), { code: 'checksum_mismatch', incident: /^inc-/ })
    assert.deepEqual(await storedFiles(), [])
    const [incident] = await incidentsOf(catalog)
    const [expected, found] = kind === 'zip' ? [made.h1, other.h1] : [made.goModH1, other.goModH1]
    assert.deepEqual([incident?.kind, incident?.expected, incident?.found], [kind, expected, found])
  }
})

test('proving a commit: what is not known on either side contradicts nothing', async (t) => {
  const { catalog, observer } = await setUp(t, { origins: [] })
  const { proveCommit } = createIncidents(catalog, observer)
  const claim = { ...NAME, source: 'one' }
  for (const [known, commit] of [
    [undefined, undefined],
    [undefined, A],
    [A, undefined],
    [A, A],
  ])
    await proveCommit({ ...claim, known, commit })
  assert.deepEqual(await catalog.incidents({ limit: 9 }), [])
  await assert.rejects(proveCommit({ ...claim, known: A, commit: B }), {
    code: 'checksum_mismatch',
    message: new RegExp(`one has moved the tag of ${MODULE}@v1.0.0 to commit ${B}; it was ${A}`),
  })
})

test('a query whose answer has another commit than its version is refused', async (t) => {
  const { origin } = repository('one', await makeModule(), { at: B })
  const { serve, catalog } = await setUp(t, { origins: [origin] })
  await catalog.learn('public', MODULE, VERSION, { commit: A })
  await assert.rejects(serve({ kind: 'query', module: MODULE, query: 'main' }), {
    code: 'checksum_mismatch',
    message: /moved the tag of example\.com\/m@v1\.0\.0/,
  })
  await assert.rejects(serve({ kind: 'latest', module: MODULE }), { code: 'checksum_mismatch' })
})

describe('a new list', () => {
  test('whose tag leads elsewhere is an incident; the contents first seen go on being served', async (t) => {
    let time = Date.now()
    const made = await makeModule()
    const { origin, repository: remote } = repository('one', made, { at: A })
    const { serve, file, catalog } = await setUp(t, { origins: [origin], now: () => time })
    const list = async () => {
      // Too old to be given without waiting for the new one.
      time += 24 * 3_600_000
      return (await read(await serve({ kind: 'list', module: MODULE }))).toString()
    }
    await read(await file('zip'))
    assert.equal(await list(), 'v1.0.0\n')
    assert.deepEqual(await incidentsOf(catalog), [])
    remote.at = B
    assert.equal(await list(), 'v1.0.0\n')
    assert.deepEqual(await incidentsOf(catalog), [
      {
        ...NAME,
        kind: 'tag',
        source: 'one',
        expected: A,
        found: B,
        outcome: 'the contents first seen go on being served',
      },
    ])
    assert.deepEqual(await read(await file('zip')), made.zip)
    assert.deepEqual(await read(await file('mod')), made.mod)
    assert.deepEqual(remote.asked.at(-1), ['mod', A])
  })

  test('is compared with what is known: each move is told once, and what is gone or back is marked', async (t) => {
    const { catalog, observer } = await setUp(t, { origins: [] })
    const counted = { reports: 0 }
    const incidents = createIncidents(catalog, observer)
    const traces = createTraces(catalog, {
      ...incidents,
      report(incident) {
        counted.reports++
        return incidents.report(incident)
      },
    })
    const compare = (commit: string | undefined, gone: string[] = []) =>
      traces.compare({
        realm: 'public',
        module: MODULE,
        origin: 'one',
        listed: gone.length > 0 ? [] : [{ version: VERSION, ...(commit !== undefined && { commit }) }],
        gone,
      })
    const row = () => catalog.version('public', MODULE, VERSION)
    await compare(B)
    assert.equal(await row(), undefined, 'a list alone makes no facts')
    await catalog.learn('public', MODULE, VERSION, { commit: A })
    for (const [commit, reports] of [
      [A, 0],
      [undefined, 0],
      [B, 1],
      [B, 1],
      [C, 2],
      [B, 2],
      [A, 2],
    ] as const) {
      await compare(commit)
      assert.equal(counted.reports, reports, String(commit))
    }
    assert.equal((await row())?.commit, A)
    await compare(undefined, [VERSION])
    const since = (await row())?.gone
    assert.ok(since !== undefined)
    await compare(undefined, [VERSION])
    assert.equal((await row())?.gone, since, 'from the first time on')
    await compare(A)
    assert.equal((await row())?.gone, undefined)
  })
})
