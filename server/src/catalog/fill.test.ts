import assert from 'node:assert/strict'
import { it } from 'node:test'
import { join } from 'node:path'
import { fillCatalog, filledModule } from './fill.ts'
import { openSqliteCatalog } from './sqlite-catalog.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { path, version } from './test-support.ts'

it('a filled catalog is one that the server would have written', async (t) => {
  const folder = await temporaryFolder(t)
  await fillCatalog(folder, 50, 4)
  const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer: createTestObserver() })
  const { modules, versions } = await catalog.totals()
  assert.deepEqual([modules, versions], [50, 200])
  const module = path(filledModule(49))
  assert.equal(
    String((await catalog.snapshot('public', module, 'list'))?.body),
    'v1.0.0\nv1.1.0\nv1.2.0\nv1.3.0\n',
  )
  const row = await catalog.version('public', module, version('v1.3.0'))
  assert.ok(row?.h1 !== undefined && row.h1 === row.goModH1 && row.zipSize! >= 1_000 && row.info === true)
  await catalog.close()
})
