// A realistic project of more than 80 modules through modstead: cold, and again with nothing behind it.
import assert from 'node:assert/strict'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GoHome } from '../support/go.ts'
import { sharedModuleCache } from '../support/module-cache.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { setStage } from '../support/stage.ts'

test('a project is downloaded and built cold, then with an empty module cache and nothing behind modstead', async (t) => {
  const cache = await sharedModuleCache()
  const stage = await setStage(t, { tree: createModuleTree(cache.download) })

  async function copyProject(go: GoHome): Promise<string> {
    const project = join(go.folder, 'project')
    await cp(cache.project, project, { recursive: true })
    return project
  }

  await t.test('looking for updates fetches no zip', async () => {
    const go = await stage.go()
    const listed = await go.ok(['list', '-m', '-u', 'all'], { cwd: await copyProject(go) })
    assert.ok(listed.split('\n').length > 80)
    const zips = stage.upstream.requests.filter(({ path }) => path.endsWith('.zip'))
    assert.deepEqual(zips, [])
  })

  await t.test('cold, every hash asked of the checksum database through modstead', async () => {
    const go = await stage.go()
    const cwd = await copyProject(go)
    // Without it `go` asks the database for everything.
    await rm(join(cwd, 'go.sum'))
    await go.ok(['mod', 'tidy'], { cwd })
    const sums = await readFile(join(cwd, 'go.sum'), 'utf8')
    assert.equal(sums, await readFile(join(cache.project, 'go.sum'), 'utf8'))
    await go.ok(['mod', 'download'], { cwd })
    await go.ok(['build', '-o', join(go.folder, 'inventory'), '.'], { cwd })
    await go.ok(['mod', 'verify'], { cwd })
  })

  await t.test('every file was asked of the upstream once', () => {
    const seen = new Map<string, number>()
    for (const { path } of stage.upstream.requests) seen.set(path, (seen.get(path) ?? 0) + 1)
    assert.deepEqual(
      [...seen].filter(([, count]) => count > 1),
      [],
    )
  })

  await t.test('warm, with upstream and checksum database unreachable', async () => {
    await stage.disconnect()
    const go = await stage.go()
    const cwd = await copyProject(go)
    await rm(join(cwd, 'go.sum'))
    await go.ok(['mod', 'tidy'], { cwd })
    await go.ok(['mod', 'download'], { cwd })
    await go.ok(['build', '-o', '/dev/null', '.'], { cwd })
  })

  await t.test('from the public store folder as GOPROXY=file://', async () => {
    const go = await stage.go({ proxy: `file://${join(stage.modstead.dataDir, 'public')}`, sumdb: 'off' })
    const cwd = await copyProject(go)
    await go.ok(['mod', 'download'], { cwd })
  })

  await t.test('after a restart, still without anything behind it', async () => {
    await stage.modstead.stop()
    await stage.restart()
    const go = await stage.go()
    await go.ok(['mod', 'download'], { cwd: await copyProject(go) })
  })
})
