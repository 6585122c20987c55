import assert from 'node:assert/strict'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { openCatalogBeside } from './catalog-beside.ts'
import { INCIDENT, REMARK } from './incidents-contract.ts'
import { migrate } from './migrate.ts'
import { openSqliteCatalog } from './sqlite-catalog.ts'
import { MIGRATIONS } from './sqlite-statements.ts'

const observer = createTestObserver()

test('what stands beside a catalog reads and acknowledges while a server has it open, and after', async (t) => {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const server = await openSqliteCatalog(path, { observer })
  t.after(() => server.close())
  const beside = openCatalogBeside(path)
  assert.deepEqual(beside.incidents({ limit: 9 }), [])
  const first = await server.report(INCIDENT)
  const second = await server.report({ ...INCIDENT, version: 'v2.0.0' })
  assert.deepEqual(beside.incidents({ limit: 9 }), [second, first])
  assert.deepEqual(beside.incidents({ limit: 9, before: second.id, open: true }), [first])
  assert.deepEqual(beside.incident(first.id), first)
  const row = beside.acknowledge(first.id, REMARK)
  assert.deepEqual(row, await server.incident(first.id))
  assert.equal((await server.totals()).openIncidents, 1)
  assert.deepEqual(beside.acknowledge(first.id, { who: 'dev', note: 'me too' }), row)
  // The server goes on writing after a stranger did.
  assert.equal((await server.report(INCIDENT)).count, 2)
  await server.close()
  assert.deepEqual(beside.incidents({ limit: 9, open: true }), [second])
  assert.notEqual(beside.acknowledge(second.id, REMARK)?.acknowledged, undefined)
  assert.equal(beside.incident('inc-0000-0000'), undefined)
  assert.equal(beside.acknowledge('inc-0000-0000', REMARK), undefined)
  const again = await openSqliteCatalog(path, { observer })
  assert.deepEqual((await again.totals()).openIncidents, 0)
  await again.close()
})

test('a catalog that is absent, older, newer or damaged is told, and left as it is', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'catalog.db')
  const attempts = (): (() => unknown)[] => {
    const beside = openCatalogBeside(path)
    return [
      () => beside.incidents({ limit: 1 }),
      () => beside.incident('inc-0000-0000'),
      () => beside.acknowledge('inc-0000-0000', REMARK),
    ]
  }
  for (const attempt of attempts())
    assert.throws(attempt, { code: 'data_folder', message: /there is no catalog/, next: /--data-dir/ })
  assert.deepEqual(await readdir(folder), [])
  const database = new DatabaseSync(path)
  migrate(database, MIGRATIONS.slice(0, -1))
  for (const attempt of attempts())
    assert.throws(attempt, { code: 'data_folder', message: /older modstead/, next: /Start this modstead/ })
  migrate(database, [...MIGRATIONS, { name: '099_future', statements: [] }])
  for (const attempt of attempts()) assert.throws(attempt, { code: 'data_folder', message: /newer modstead/ })
  database.close()
  await writeFile(path, 'no database, but long enough to be looked at as one'.repeat(100))
  for (const attempt of attempts())
    assert.throws(attempt, { code: 'store_unavailable', message: /is not a database/ })
})

test('incidents from before acknowledgements are open, and were seen once', async (t) => {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const database = new DatabaseSync(path)
  migrate(
    database,
    MIGRATIONS.filter(({ name }) => name < '004'),
  )
  const { kind, realm, module, version, source, expected, found, outcome } = INCIDENT
  database
    .prepare(
      'insert into incidents (id, at, kind, realm, module, version, source, expected, found, outcome) values (?, 5, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    .run('inc-0000-0001', kind, realm, module, version, source, expected, found, outcome)
  database.exec('update totals set incidents = 1')
  database.close()
  const catalog = await openSqliteCatalog(path, { observer })
  t.after(() => catalog.close())
  const row = { ...INCIDENT, id: 'inc-0000-0001', at: 5, lastAt: 5, count: 1 }
  assert.deepEqual(await catalog.incidents({ limit: 2, open: true }), [row])
  assert.equal((await catalog.totals()).openIncidents, 1)
})

test('who may not write is told so', async (t) => {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const server = await openSqliteCatalog(path, { observer })
  const { id } = await server.report(INCIDENT)
  await server.close()
  await chmod(path, 0o444)
  await chmod(dirname(path), 0o755)
  // Root may write everything: then somebody else tries.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid!(65_534)
  try {
    assert.throws(() => openCatalogBeside(path).acknowledge(id, REMARK), {
      code: 'store_unavailable',
      message: /could not write to its catalog/,
    })
  } finally {
    if (isRoot) process.seteuid!(0)
  }
})
