// The checksum database through modstead, and what happens when it lies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setStage, type Stage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'
import { createTestSumdb } from '../support/sumdb.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const A = makeModule({ module: 'example.com/A', version: 'v1.0.0' })
const B = makeModule({ module: 'example.com/b', version: 'v1.0.0' })

test('go checks with the database at the root of modstead, by URL', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, A)
  const go = await stage.go({ sumdb: stage.sumdb.gosumdb(stage.modstead.url) })
  await go.ok(['get', `${A.module}@v1.0.0`], { cwd: await go.project() })
})

test('lookups and tiles are kept: a new client is served with the database gone', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, A)
  const first = await stage.go()
  await first.ok(['get', `${A.module}@v1.0.0`], { cwd: await first.project() })
  await stage.disconnect()
  const second = await stage.go()
  await second.ok(['get', `${A.module}@v1.0.0`], { cwd: await second.project() })
})

test('a version that the database does not have, or has with another hash, is not served', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, A)
  putModule(stage.tree, B)
  const lookup = '/lookup/example.com/!a@v1.0.0'
  stage.database.faults.set(lookup, { kind: 'status', status: 404, body: 'not found' })
  await refuses(stage, A)
  const other = await stage.sumdb.answer('/lookup/example.com/b@v1.0.0')
  stage.database.faults.set('/lookup/example.com/!a@v1.0.0', { kind: 'body', body: other!.bytes })
  await refuses(stage, A)
  stage.database.faults.clear()
  assert.equal((await stage.get(`${modulePath(B)}.zip`)).status, 200)
})

test('lines outside the authenticated record do not count', async (t) => {
  const stage = await setStage(t)
  const forged = makeModule({ module: A.module, version: A.version, files: { 'lib.go': 'package evil\n' } })
  putModule(stage.tree, A, { zip: forged.zip })
  // The honest record, with the lines of a forged one before and after what is signed.
  const honest = (await stage.sumdb.answer('/lookup/example.com/!a@v1.0.0'))!.bytes.toString()
  const lines = `${A.module} v1.0.0 ${forged.h1}\n${A.module} v1.0.0/go.mod ${A.goModH1}\n`
  const lookup = '/lookup/example.com/!a@v1.0.0'
  for (const body of [honest + lines, honest.replace('\n', `\n${lines}`), lines + honest]) {
    stage.database.faults.set(lookup, { kind: 'body', body })
    await refuses(stage, A)
  }
})

test('a forged tile is refused, and the honest one accepted afterwards', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, A)
  const forge = Buffer.alloc(32 * 256, 7)
  const intercepted = new Set<string>()
  for (let width = 1; width <= 256; width++) {
    const path = `/tile/8/0/002${width === 256 ? '' : `.p/${width}`}`
    stage.database.faults.set(path, { kind: 'body', body: forge.subarray(0, 32 * width) })
    intercepted.add(path)
  }
  await refuses(stage, A)
  assert.ok(stage.database.requests.some(({ path }) => intercepted.has(path)))
  await stage.modstead.logged(/"incident":"inc-[^"]+","kind":"checksum_database"/)
  stage.database.faults.clear()
  assert.equal((await untilServed(stage, `${modulePath(A)}.zip`)).status, 200)
})

test('a database that forks is an incident, and nothing of the fork is believed', async (t) => {
  const seed = Buffer.alloc(32, 3)
  const stage = await setStage(t, { sumdbSeed: seed })
  putModule(stage.tree, A)
  putModule(stage.tree, B)
  assert.equal((await stage.get(`${modulePath(A)}.zip`)).status, 200)
  stage.sumdb = createTestSumdb({ tree: stage.tree, seed, fillers: 700 })
  await refuses(stage, B)
  await stage.modstead.logged(/incident/i)
  assert.equal((await stage.get(`${modulePath(A)}.zip`)).status, 200)
})

test('when the database cannot be asked, cold versions wait for it and stored ones do not', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, A)
  putModule(stage.tree, B)
  assert.equal((await stage.get(`${modulePath(A)}.zip`)).status, 200)
  await stage.database.down()
  const cold = await stage.get(`${modulePath(B)}.zip`)
  assert.ok(cold.status === 503 || !cold.complete, `${cold.status}`)
  assert.equal((await stage.get(`${modulePath(A)}.zip`)).status, 200)
  await stage.database.up()
  assert.equal((await untilServed(stage, `${modulePath(B)}.zip`)).status, 200)
})

test('a toolchain is proven by the database whatever else is not', async (t) => {
  const stage = await setStage(t)
  const version = 'v0.0.1-go1.99.0.linux-amd64'
  const goMod = 'module golang.org/toolchain\n'
  const toolchain = makeModule({
    module: 'golang.org/toolchain',
    version,
    goMod,
    files: { 'bin/go': '#!/bin/sh\n' },
  })
  putModule(stage.tree, toolchain)
  stage.database.faults.set(`/lookup/golang.org/toolchain@${version}`, {
    kind: 'status',
    status: 404,
    body: 'no',
  })
  await refuses(stage, toolchain)
})

/** No whole zip is given, nothing of it is kept. */
async function refuses(stage: Stage, made: { module: string; version: string }): Promise<void> {
  const answer = await stage.get(`${modulePath(made)}.zip`)
  assert.ok(answer.status >= 500 || !answer.complete, `status ${answer.status}`)
  const stored = await storedFiles(stage.modstead.dataDir)
  assert.equal(stored.has(`${modulePath(made)}.zip`), false)
}

/** The server may remember a failure for a moment. */
async function untilServed(stage: Stage, path: string) {
  const deadline = Date.now() + 15_000
  for (;;) {
    const answer = await stage.get(path)
    if ((answer.status === 200 && answer.complete) || Date.now() > deadline) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
