// A copied module cache proves itself: with its sumdb/ folder, and without any network.
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createGoHome } from '../support/go.ts'
import { ask } from '../support/http.ts'
import { startModstead } from '../support/modstead.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { createTestSumdb, type TestSumdb } from '../support/sumdb.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'
import { startUpstream } from '../support/upstream.ts'

const MODULES = Array.from({ length: 12 }, (_, n) =>
  makeModule({ module: `example.com/m${n}`, version: 'v1.0.0' }),
)

/** What `go` leaves in its cache after it fetched all modules, while the log grew between them. */
async function makeCache(t: TestContext) {
  const tree = createModuleTree()
  for (const made of MODULES) putModule(tree, made)
  const sumdb = createTestSumdb({ tree })
  const upstream = await startUpstream({ tree })
  t.after(() => upstream.close())
  const database = await startUpstream({ answer: (path) => sumdb.answer(path) })
  t.after(() => database.close())
  const go = await createGoHome({ proxy: upstream.url, sumdb: sumdb.gosumdb(database.url) })
  t.after(() => go.close())
  for (let n = 0; n < MODULES.length; n += 4) {
    const [first, second, ...rest] = MODULES.slice(n, n + 4).map(
      ({ module, version }) => `${module}@${version}`,
    )
    // As caches on the way to the real database have them: one answer under a head that the log has left behind.
    const lookup = `/lookup/${second}`
    database.faults.set(lookup, { kind: 'body', body: (await sumdb.answer(lookup))!.bytes })
    append(sumdb, 20)
    // Each go has forgotten the tree head of the one before, as where GOPATH is not kept with the cache: nothing in the
    // cache joins their heads.
    const options = { cwd: await go.project(), env: { GOPATH: join(go.folder, `gopath-${n}`) } }
    await go.ok(['mod', 'download', first!], options)
    await go.ok(['mod', 'download', second!, ...rest], options)
    append(sumdb, 300)
  }
  await upstream.down()
  await database.down()
  return { cache: join(go.modCache, 'cache', 'download'), upstream, sumdb, database }
}

test('every file of a copied cache is served at the first request, without any network', async (t) => {
  const { cache, upstream, sumdb, database } = await makeCache(t)
  for (const order of [MODULES, MODULES.toReversed()]) {
    const folder = await mkdtemp(join(tmpdir(), 'modstead-adopted-'))
    t.after(() => rm(folder, { recursive: true }))
    const dataDir = join(folder, 'data')
    await cp(cache, dataDir, { recursive: true })
    const modstead = await startModstead({
      dataDir,
      upstream: upstream.url,
      env: { GOSUMDB: sumdb.gosumdb(database.url) },
    })
    t.after(() => modstead.close())
    for (const made of order)
      for (const kind of ['mod', 'zip']) {
        const answer = await ask(modstead.url, `${modulePath(made)}.${kind}`)
        assert.equal(answer.status, 200, `${made.module} ${kind}: ${answer.body.toString()}`)
      }
  }
})

function append(sumdb: TestSumdb, count: number): void {
  for (let n = 0; n < count; n++) sumdb.append(`filler.example/${sumdb.size()} v1.0.0 h1:x=\n`)
}
