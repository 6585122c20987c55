// A module whose contents changed upstream: `go` fails, nothing is kept, and it is said to whom it concerns.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createModuleTree } from '../support/module-tree.ts'
import { setStage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'
import { makeModule, modulePath, putModule, tamperedZip } from '../support/test-module.ts'

const SMALL = makeModule({ module: 'example.com/small', version: 'v1.0.0' })
const BIG = makeModule({ module: 'example.com/big', version: 'v1.0.0', bulk: 3 << 20 })

for (const made of [SMALL, BIG]) {
  const zipPath = `${modulePath(made)}.zip`

  test(`a tampered ${made.module}: go fails, nothing is kept, the incident is named`, async (t) => {
    const stage = await setStage(t)
    putModule(stage.tree, made, { zip: tamperedZip(made) })
    const go = await stage.go()
    const cwd = await go.project()
    assert.notEqual((await go.run(['get', `${made.module}@v1.0.0`], { cwd })).code, 0)
    assert.equal((await storedFiles(stage.modstead.dataDir)).has(zipPath), false)

    const answer = await stage.get(zipPath)
    if (answer.status === 200) assert.equal(answer.complete, false)
    else {
      assert.equal(answer.status, 502)
      assert.match(answer.body.toString(), /incident/i)
    }
    await stage.modstead.logged(/incident/i)
    const logs = stage.modstead.logs()
    assert.ok(logs.includes(made.h1), 'the hash that holds is in the log')
    assert.equal((await storedFiles(stage.modstead.dataDir)).has(zipPath), false)

    // Nothing but the zip is harmed, and the honest zip is accepted when the operators have looked at it.
    assert.equal((await stage.get(`${modulePath(made)}.mod`)).status, 200)
    putModule(stage.tree, made)
    await stage.modstead.stop()
    await stage.restart({ port: stage.modstead.port })
    await go.ok(['get', `${made.module}@v1.0.0`], { cwd })
  })

  test(`a tampered ${made.module}: the next good origin is used`, async (t) => {
    const good = createModuleTree()
    putModule(good, made)
    const stage = await setStage(t, { others: [good], separator: '|' })
    putModule(stage.tree, made, { zip: tamperedZip(made) })
    const go = await stage.go()
    const cwd = await go.project()
    // Bytes that were streamed already cannot be taken back: the client of a large zip may fail once.
    const first = await go.run(['get', `${made.module}@v1.0.0`], { cwd })
    if (made === SMALL) assert.equal(first.code, 0, first.stderr)
    await go.ok(['get', `${made.module}@v1.0.0`], { cwd })
    assert.deepEqual((await stage.get(zipPath)).body, made.zip)
    await stage.modstead.logged(/incident/i)
  })
}

test('without a checksum database the first contents seen hold', async (t) => {
  const stage = await setStage(t, { checksums: false })
  putModule(stage.tree, SMALL)
  assert.equal((await stage.get(`${modulePath(SMALL)}.zip`)).status, 200)
  putModule(stage.tree, SMALL, { zip: tamperedZip(SMALL) })
  assert.deepEqual((await stage.get(`${modulePath(SMALL)}.zip`)).body, SMALL.zip)
})
