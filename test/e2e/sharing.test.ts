// Promise 6: one upstream request for an artifact, however many ask and whoever leaves.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const BIG = makeModule({ module: 'example.com/big', version: 'v1.0.0', bulk: 2 << 20 })
const ZIP = `${modulePath(BIG)}.zip`
const RATE = 2 << 20

async function slowStage(t: Parameters<typeof setStage>[0]): Promise<Stage> {
  const stage = await setStage(t, { upstream: { rate: RATE, latency: 30 } })
  putModule(stage.tree, BIG)
  return stage
}

const asked = (stage: Stage, path: string): number =>
  stage.upstream.requests.filter((request) => request.path === path).length

test('a hundred clients of one cold zip cause one upstream request and get the same bytes', async (t) => {
  const stage = await slowStage(t)
  const answers = await Promise.all(Array.from({ length: 100 }, () => stage.get(ZIP)))
  for (const { status, body } of answers) {
    assert.equal(status, 200)
    assert.ok(body.equals(BIG.zip))
  }
  assert.equal(asked(stage, ZIP), 1)
})

test('a hundred clients of one cold list, query, .info and .mod cause one upstream request each', async (t) => {
  const stage = await slowStage(t)
  stage.tree.alias('example.com/big', 'main', 'v1.0.0')
  const base = `/${BIG.module}`
  for (const path of ['@v/list', '@latest', '@v/main.info', '@v/v1.0.0.info', '@v/v1.0.0.mod']) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => stage.get(`${base}/${path}`)))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
    assert.equal(new Set(answers.map(({ body }) => body.toString())).size, 1)
    assert.equal(asked(stage, `${base}/${path}`), 1, path)
  }
})

test('absence is remembered: path probes cost the upstream one request', async (t) => {
  const stage = await slowStage(t)
  for (let i = 0; i < 5; i++) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => stage.get('/example.com/none/@v/list')),
    )
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [404])
  }
  assert.equal(asked(stage, '/example.com/none/@v/list'), 1)
})

test('clients that leave do not stop the others', async (t) => {
  const stage = await slowStage(t)
  const leaving = new AbortController()
  const left = Array.from({ length: 5 }, () =>
    stage.get(ZIP, { signal: leaving.signal }).catch(() => undefined),
  )
  const staying = Array.from({ length: 5 }, () => stage.get(ZIP))
  setTimeout(() => leaving.abort(), 300)
  for (const { status, body } of await Promise.all(staying)) {
    assert.equal(status, 200)
    assert.ok(body.equals(BIG.zip))
  }
  await Promise.all(left)
  assert.equal(asked(stage, ZIP), 1)
})

test('when all clients leave, the next one still gets the right bytes with at most one more request', async (t) => {
  const stage = await slowStage(t)
  const leaving = new AbortController()
  const left = Array.from({ length: 3 }, () =>
    stage.get(ZIP, { signal: leaving.signal }).catch(() => undefined),
  )
  setTimeout(() => leaving.abort(), 300)
  await Promise.all(left)
  const answer = await stage.get(ZIP)
  assert.equal(answer.status, 200)
  assert.ok(answer.body.equals(BIG.zip))
  assert.ok(asked(stage, ZIP) <= 2)
})

test('a client that reads slowly does not slow the others', async (t) => {
  const stage = await setStage(t)
  putModule(stage.tree, BIG)
  const slow = request(stage.modstead.url + ZIP, { agent: false }, (response) => response.pause()).end()
  slow.on('error', () => undefined)
  const answers = await Promise.all(Array.from({ length: 10 }, () => stage.get(ZIP)))
  for (const { took, body } of answers) {
    assert.ok(body.equals(BIG.zip))
    assert.ok(took < 5_000, `${took} ms`)
  }
  slow.destroy()
})
