import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { newToken } from './access/tokens/token-format.ts'
import { openSqliteCatalog } from './catalog/sqlite-catalog.ts'
import { READS } from './catalog/sqlite-statements.ts'
import { path, version } from './catalog/test-support.ts'
import { createTestObserver, someHash, temporaryFolder } from './observe/test-support.ts'
import { recordsOfSite } from './records-of-site.ts'

async function openCatalog(t: TestContext) {
  let close = () => Promise.resolve()
  t.after(() => close())
  const file = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog(file, { observer: createTestObserver() })
  close = () => catalog.close()
  return { file, catalog }
}

test('a site has the records of its realm, page by page, and its tokens', async (t) => {
  const { catalog } = await openCatalog(t)
  const realms = ['default', 'acme', 'public', 'gone']
  const incidents = new Map<string, string>()
  const acts = new Map<string, string>()
  for (let i = 0; i < 12; i++) {
    const realm = realms[i % 4]!
    const { id } = await catalog.report({
      kind: 'zip',
      realm,
      module: path('corp.example/m'),
      version: version(`v1.${i}.0`),
      source: 'origin',
      expected: someHash('a'),
      found: someHash('b'),
      outcome: 'refused',
    })
    incidents.set(id, realm)
    const act = await catalog.begin({
      who: 'ci',
      act: 'publish',
      realm,
      module: path('corp.example/m'),
      version: version(`v1.${i}.0`),
    })
    acts.set(act.id, realm)
  }
  const tokens = new Map<string, string | undefined>()
  for (const [i, tenant] of ['acme', undefined, 'gone', 'acme', undefined, 'gone'].entries()) {
    const { id, hash } = newToken()
    const owner = { kind: 'user', name: i < 3 ? 'alice' : 'bob' } as const
    await catalog.addToken({ id, hash, owner, note: '', created: i, ...(tenant !== undefined && { tenant }) })
    tokens.set(id, tenant)
  }

  for (const [tenant, realm, changed] of [
    [undefined, 'default', ['default', 'public']],
    ['acme', 'acme', ['acme']],
    ['idle', 'idle', []],
  ] as const) {
    const records = recordsOfSite({ tenant, realm }, catalog)
    const newest = (of: Map<string, string>, seen: readonly string[]) =>
      [...of].flatMap(([id, realm]) => (seen.includes(realm) ? [id] : [])).toReversed()
    for (const open of [undefined, true, false])
      assert.deepEqual(
        await pagesOf((page) => records.incidents({ ...page, ...(open !== undefined && { open }) })),
        open === false ? [] : newest(incidents, [realm, 'public']),
      )
    assert.deepEqual(await pagesOf((page) => records.acts(page)), newest(acts, changed))
    const ours = [...tokens].flatMap(([id, of]) => (of === tenant ? [id] : [])).toReversed()
    assert.deepEqual(await pagesOf((page) => records.tokens(page)), ours)
    const bobs = await records.tokens({ limit: 9, owner: { kind: 'user', name: 'bob' } })
    assert.deepEqual(
      bobs.map(({ id }) => id),
      ours.slice(0, 1),
    )
    for (const [id, of] of tokens) {
      assert.equal((await records.token(id))?.id, of === tenant ? id : undefined)
      if (of !== tenant) assert.equal(await records.revokeToken(id, 'x'), undefined)
    }
    for (const [id, of] of incidents)
      if (!changed.some((one) => one === of))
        assert.equal(await records.acknowledge(id, { who: 'x', note: '' }), undefined)
  }
})

async function pagesOf(read: (page: { limit: number; before?: string }) => Promise<{ id: string }[]>) {
  const ids: string[] = []
  for (;;) {
    const before = ids.at(-1)
    const rows = await read({ limit: 2, ...(before !== undefined && { before }) })
    ids.push(...rows.map(({ id }) => id))
    if (rows.length < 2) return ids
  }
}

test('what others have done is not read for a page', async (t) => {
  const { file } = await openCatalog(t)
  const database = new DatabaseSync(file, { readOnly: true })
  t.after(() => database.close())
  for (const name of [
    'actsInBefore',
    'incidentsInBefore',
    'openIncidentsInBefore',
    'acknowledgedIncidentsInBefore',
    'tokensInBefore',
    'tokensOfInBefore',
  ] as const) {
    const { sql, names } = READS[name]
    const plan = database
      .prepare(`explain query plan ${sql}`)
      .all(...names.map(() => null))
      .map(({ detail }) => detail)
      .join('; ')
    assert.match(plan, /^SEARCH \w+ USING (COVERING )?INDEX \w+ \((realm|<expr>)=\?/, `${name}: ${plan}`)
    assert.doesNotMatch(plan, /TEMP B-TREE/, name)
  }
})
