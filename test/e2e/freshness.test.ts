// Lists and queries: fresh for a while, then given stale while one request renews them, stale while nothing answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const FRESH_MS = 400
const LIST = '/example.com/a/@v/list'

function publish(stage: Stage, version: string): void {
  putModule(stage.tree, makeModule({ module: 'example.com/a', version }))
}

async function stageWithShortTimes(t: Parameters<typeof setStage>[0]): Promise<Stage> {
  const config = `routes: [{ modules: ["*"], fresh: ${FRESH_MS}ms, staleWhileRevalidate: 1h, absent: ${FRESH_MS}ms }]\n`
  const stage = await setStage(t, { modstead: { config } })
  publish(stage, 'v1.0.0')
  return stage
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks until the answer is as wanted; how long that may take is generous, since machines are busy. */
async function until(stage: Stage, path: string, wanted: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const { status, body } = await stage.get(path)
    if (status === 200 && body.toString().includes(wanted)) return
    assert.ok(Date.now() < deadline, `${path} still gives ${status}: ${body.toString()}`)
    await pause(50)
  }
}

test('a list is fresh, then stale at once and new soon', async (t) => {
  const stage = await stageWithShortTimes(t)
  assert.equal((await stage.get(LIST)).body.toString(), 'v1.0.0\n')
  publish(stage, 'v1.1.0')
  stage.upstream.conditions.latency = 200
  await pause(FRESH_MS + 50)
  const before = stage.upstream.requests.length
  const stale = await Promise.all(Array.from({ length: 20 }, () => stage.get(LIST)))
  assert.deepEqual([...new Set(stale.map(({ body }) => body.toString()))], ['v1.0.0\n'])
  assert.ok(stale.every(({ took }) => took < 2_000))
  await until(stage, LIST, 'v1.1.0')
  const renewals = stage.upstream.requests.slice(before).filter(({ path }) => path === LIST)
  assert.ok(renewals.length >= 1 && renewals.length <= 3, `${renewals.length} renewals`)
})

test('lists and queries are given stale for as long as the upstream is down, failing or hanging', async (t) => {
  const stage = await stageWithShortTimes(t)
  stage.tree.alias('example.com/a', 'main', 'v1.0.0')
  const paths = [LIST, '/example.com/a/@latest', '/example.com/a/@v/main.info']
  for (const path of paths) assert.equal((await stage.get(path)).status, 200)
  for (const state of ['failing', 'hanging', 'down'] as const) {
    if (state === 'down') await stage.upstream.down()
    else stage.upstream.conditions.state = state
    await pause(FRESH_MS + 50)
    for (const path of [...paths, ...paths]) {
      const { status, took } = await stage.get(path)
      assert.equal(status, 200, `${path} while the upstream is ${state}`)
      assert.ok(took < 5_000, `${took} ms`)
    }
  }
  stage.upstream.conditions.state = 'up'
  publish(stage, 'v1.2.0')
  await stage.upstream.up()
  await until(stage, LIST, 'v1.2.0')
})

test('a version that appears upstream is found once its absence is forgotten', async (t) => {
  const stage = await stageWithShortTimes(t)
  assert.equal((await stage.get('/example.com/a/@v/v1.5.0.info')).status, 404)
  publish(stage, 'v1.5.0')
  await until(stage, '/example.com/a/@v/v1.5.0.info', 'v1.5.0')
  assert.equal((await stage.get('/example.com/a/@v/v1.5.0.zip')).status, 200)
})

test('an outage is never absence', async (t) => {
  const stage = await stageWithShortTimes(t)
  stage.upstream.conditions.state = 'failing'
  for (const file of [
    '@v/list',
    '@latest',
    '@v/main.info',
    '@v/v1.0.0.info',
    '@v/v1.0.0.mod',
    '@v/v1.0.0.zip',
  ]) {
    const { status } = await stage.get(`/example.com/cold/${file}`)
    assert.ok(status >= 500, `${file}: ${status}`)
  }
})
