import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGoHome } from './go.ts'
import { sharedModuleCache } from './module-cache.ts'
import { createModuleTree } from './module-tree.ts'

test('the shared module cache is filled, and enough for go mod download from it alone', async () => {
  const { download, project } = await sharedModuleCache()
  const tree = createModuleTree(download)
  assert.ok(tree.zips().length >= 100)
  const go = await createGoHome({ proxy: `file://${download}` })
  try {
    const listed = await go.ok(['list', '-m', 'all'], { cwd: project })
    assert.ok(listed.split('\n').length > 80)
  } finally {
    await go.close()
  }
})
