// The stand-ins must be honest before anything is tested with them: here the real `go` uses them without modstead.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createGoHome, type GoHome, type GoOptions } from './go.ts'
import { createModuleTree } from './module-tree.ts'
import { createTestSumdb } from './sumdb.ts'
import { makeModule, putModule, tamperedZip } from './test-module.ts'
import { startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

const A = makeModule({ module: 'example.com/Upper/a', version: 'v1.2.3' })
const USES_A = { 'main.go': `package main\n\nimport a "${A.module}"\n\nfunc main() { println(a.Version) }\n` }

async function upstreamFor(t: TestContext, options: UpstreamOptions): Promise<Upstream> {
  const upstream = await startUpstream(options)
  t.after(() => upstream.close())
  return upstream
}

async function goFor(t: TestContext, options: GoOptions): Promise<GoHome> {
  const home = await createGoHome(options)
  t.after(() => home.close())
  return home
}

test('go downloads from the upstream, checked by the test database through it and at a URL of its own', async (t) => {
  const tree = createModuleTree()
  putModule(tree, A)
  tree.alias('example.com/!upper/a', 'main', 'v1.2.3')
  const sumdb = createTestSumdb({ tree })
  const proxy = await upstreamFor(t, { tree, answer: sumdb.answerBelowProxy })
  const database = await upstreamFor(t, { answer: sumdb.answer })
  const before = sumdb.size()
  for (const gosumdb of [sumdb.gosumdb(), sumdb.gosumdb(database.url)]) {
    const go = await goFor(t, { proxy: proxy.url, sumdb: gosumdb })
    const project = await go.project(USES_A)
    await go.ok(['get', `${A.module}@main`], { cwd: project })
    const said = await go.run(['run', '.'], { cwd: project })
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stderr, /v1\.2\.3/)
  }
  assert.equal(sumdb.size(), before + 1)
  assert.ok(database.requests.some(({ path }) => path.startsWith('/lookup/')))
  assert.ok(proxy.requests.some(({ path }) => path.startsWith('/sumdb/sum.test.example/tile/8/')))
})

test('go refuses a tampered zip for its checksum, not for its structure', async (t) => {
  const tree = createModuleTree()
  putModule(tree, A, { zip: tamperedZip(A) })
  const sumdb = createTestSumdb({ tree })
  const proxy = await upstreamFor(t, { tree, answer: sumdb.answerBelowProxy })
  const go = await goFor(t, { proxy: proxy.url, sumdb: sumdb.gosumdb() })
  const failed = await go.run(['mod', 'download', `${A.module}@v1.2.3`])
  assert.match(failed.stderr, /checksum mismatch/)
  const trusting = await goFor(t, { proxy: proxy.url })
  await trusting.ok(['mod', 'download', `${A.module}@v1.2.3`])
})

test('two databases of one seed have one key and another log', async () => {
  const tree = createModuleTree()
  const seed = Buffer.alloc(32, 7)
  const a = createTestSumdb({ tree, seed })
  const b = createTestSumdb({ tree, seed, fillers: 601 })
  assert.equal(a.vkey, b.vkey)
  assert.notDeepEqual(await a.answer('/latest'), await b.answer('/latest'))
})

test('the upstream keeps the pace and latency it is told, and records both', async (t) => {
  const tree = createModuleTree()
  const big = makeModule({ module: 'example.com/big', version: 'v1.0.0', bulk: 100_000 })
  putModule(tree, big)
  const upstream = await upstreamFor(t, { tree, latency: 50, rate: 500_000 })
  const started = performance.now()
  const answer = await fetch(`${upstream.url}/example.com/big/@v/v1.0.0.zip`)
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), big.zip)
  const took = performance.now() - started
  assert.ok(took > 240 && took < 600, `${took} ms`)
  const [entry] = upstream.requests
  assert.equal(entry!.bytes, big.zip.length)
  assert.equal(entry!.complete, true)
  assert.ok(entry!.firstByte! - entry!.started >= 49)
  await upstream.down()
  await assert.rejects(fetch(`${upstream.url}/example.com/big/@v/list`))
  await upstream.up()
  upstream.conditions.state = 'failing'
  assert.equal((await fetch(`${upstream.url}/example.com/big/@v/list`)).status, 503)
})
