import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { openCatalogBeside } from './catalog-beside.ts'
import { openSqliteCatalog } from './sqlite-catalog.ts'

const LIB = 'corp.example/lib' as ModulePath

test('the last promotion of a tenant holds, whoever made it, and survives a restart', async (t) => {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const catalog = await openSqliteCatalog(path, { observer: createTestObserver() })
  const beside = openCatalogBeside(path)
  const promotion = (tenant: string, version: string, module = LIB) => ({
    tenant,
    module,
    version: version as Version,
    who: 'alice',
    note: 'tried',
  })
  assert.equal(await catalog.promoted('acme', LIB), undefined)
  const first = await catalog.promote(promotion('acme', 'v1.5.0'))
  assert.match(first.id, /^pro-\w{4}-\w{4}$/)
  assert.ok(Math.abs(first.at - Date.now()) < 60_000)
  assert.deepEqual(await catalog.promoted('acme', LIB), first)
  const second = beside.promote(promotion('acme', 'v1.4.2'))
  assert.ok(second.id > first.id)
  assert.deepEqual(await catalog.promoted('acme', LIB), second)
  const other = await catalog.promote(promotion('', 'v1.3.0'))
  await catalog.promote(promotion('acme', 'v2.0.0', 'corp.example/lib/v2' as ModulePath))
  assert.deepEqual(await catalog.promoted('acme', LIB), second)
  assert.deepEqual(await catalog.promoted('', LIB), other)
  assert.equal(await catalog.promoted('beta', LIB), undefined)
  const [newest, ...older] = await catalog.promotions({ tenant: 'acme', limit: 10 })
  assert.deepEqual(older, [second, first])
  assert.deepEqual(await catalog.promotions({ tenant: 'acme', limit: 1, before: newest!.id }), [second])
  assert.deepEqual(beside.promotions({ tenant: 'acme', limit: 10 }), [newest, second, first])
  await catalog.close()
  const again = await openSqliteCatalog(path, { observer: createTestObserver() })
  t.after(() => again.close())
  assert.deepEqual(await again.promoted('acme', LIB), second)
})
