// Lists of origins with the meaning of GOPROXY's, and origins that lead back to us.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ask } from '../support/http.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { freePort, startModstead, type Modstead } from '../support/modstead.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const LIST = '/example.com/a/@v/list'

function treeWith(...versions: string[]) {
  const tree = createModuleTree()
  for (const version of versions) putModule(tree, makeModule({ module: 'example.com/a', version }))
  return tree
}

for (const [separator, failing] of [
  [',', 'stops'],
  ['|', 'goes on'],
] as const) {
  test(`after "${separator}" absence goes on to the next origin, and a failure ${failing}`, async (t) => {
    const stage = await setStage(t, { others: [treeWith('v1.0.0')], separator, checksums: false })
    assert.equal((await stage.get(LIST)).body.toString(), 'v1.0.0\n')
    stage.upstream.conditions.state = 'failing'
    const { status } = await stage.get('/example.com/a/@v/v1.0.0.mod')
    assert.equal(status, separator === ',' ? 502 : 200)
  })
}

test('off and direct end a list: absence stays absence', async (t) => {
  const upstream = (await setStage(t, { tree: treeWith('v1.0.0') })).upstream.url
  for (const end of ['direct', 'off']) {
    const stage = await setStage(t, { modstead: { upstream: `${upstream},${end}` } })
    assert.equal((await stage.get(LIST)).status, 200)
    assert.equal((await stage.get('/example.com/none/@v/list')).status, 404)
  }
})

test('with off alone nothing is fetched: a refusal that does not send clients elsewhere', async (t) => {
  const stage = await setStage(t, { modstead: { upstream: 'off' } })
  assert.equal((await stage.get(LIST)).status, 403)
  assert.equal((await stage.get('/healthz')).status, 200)
})

test('GOPROXY of the environment is read as go reads it', async (t) => {
  const stage = await setStage(t, { tree: treeWith('v1.0.0') })
  const env = { GOPROXY: `${stage.upstream.url},direct`, GOSUMDB: 'off' }
  const modstead = await started(t, { env })
  assert.equal((await ask(modstead.url, LIST)).status, 200)
})

test('an origin that is modstead itself is dropped with a warning', async (t) => {
  const port = await freePort()
  const stage = await setStage(t, { tree: treeWith('v1.0.0') })
  const modstead = await started(t, { port, upstream: `http://127.0.0.1:${port},${stage.upstream.url}` })
  assert.equal((await ask(modstead.url, LIST)).body.toString(), 'v1.0.0\n')
  await modstead.logged(/itself|own address|leads back|loop/i)
})

test('two servers that have each other as origin answer with an error instead of running in circles', async (t) => {
  const [one, other] = [await freePort(), await freePort()]
  const first = await started(t, { port: one, upstream: `http://127.0.0.1:${other}` })
  await started(t, { port: other, upstream: `http://127.0.0.1:${one}` })
  const { status, took } = await ask(first.url, LIST)
  assert.ok(status >= 500, `${status}`)
  assert.ok(took < 10_000, `${took} ms`)
})

async function started(t: TestContext, options: Parameters<typeof startModstead>[0]): Promise<Modstead> {
  const modstead = await startModstead(options)
  t.after(() => modstead.close())
  return modstead
}
