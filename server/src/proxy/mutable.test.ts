import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { MODULE, VERSION, makeModule, scripted, setUp, read } from './proxy.fixture.ts'

test('lists are fresh for a minute, then given stale while one request renews them, and while origins fail', async (t) => {
  let time = Date.now()
  const origin = scripted('one', { list: Buffer.from('v1.0.0\n') })
  const { serve, proxy } = await setUp(t, { origins: [origin], now: () => time })
  const list = async () => (await read(await serve({ kind: 'list', module: MODULE }))).toString()
  const changes: string[] = []
  proxy.onChange(({ module }) => changes.push(module))
  assert.equal(await list(), 'v1.0.0\n')
  origin.script.list = Buffer.from('v1.0.0\nv1.1.0\n')
  time += 59_000
  assert.equal(await list(), 'v1.0.0\n')
  assert.equal(origin.asked.length, 1)
  time += 2_000
  assert.deepEqual(await Promise.all([list(), list(), list()]), ['v1.0.0\n', 'v1.0.0\n', 'v1.0.0\n'])
  for (let i = 0; i < 100 && changes.length === 0; i++) await sleep(10)
  assert.deepEqual(changes, [MODULE])
  assert.equal(await list(), 'v1.0.0\nv1.1.0\n')
  assert.equal(origin.asked.length, 2)

  origin.script.list = 'upstream_timeout'
  time += 24 * 3_600_000
  assert.equal(await list(), 'v1.0.0\nv1.1.0\n')
  origin.script.list = 'not_found'
  time += 24 * 3_600_000
  assert.equal(await list(), 'v1.0.0\nv1.1.0\n', 'a list that vanished upstream is still given')
})

test('a list that is too old waits for news, and is given all the same when they are late', async (t) => {
  let time = Date.now()
  const origin = scripted('one', { list: Buffer.from('v1.0.0\n') })
  const { serve } = await setUp(t, { origins: [origin], now: () => time })
  const list = async () => (await read(await serve({ kind: 'list', module: MODULE }))).toString()
  await list()
  time += 24 * 3_600_000
  origin.script.list = Buffer.from('v2.0.0+incompatible\n')
  assert.equal(await list(), 'v2.0.0+incompatible\n')
})

test('a query that no origin knows any more is absent from then on; one whose origin fails keeps its answer', async (t) => {
  let time = Date.now()
  const made = await makeModule()
  const origin = scripted('one', { master: made.info })
  const { serve } = await setUp(t, { origins: [origin], now: () => time })
  const query = () => serve({ kind: 'query', module: MODULE, query: 'master' }).then(read)
  const later = async (ms: number) => {
    time += ms
    await sleep(5) // the clock of the caches is read once a millisecond
  }
  assert.deepEqual(await query(), made.info)
  origin.script.master = 'upstream_failed'
  await later(24 * 3_600_000)
  assert.deepEqual(await query(), made.info)
  origin.script.master = 'not_found'
  await later(24 * 3_600_000)
  for (let i = 0; i < 5; i++) {
    await assert.rejects(query(), { code: 'not_found' })
    await later(7_000)
  }
  origin.script.master = made.info
  await later(11_000)
  assert.deepEqual(await query(), made.info, 'and it may come back')
})

test('a list made of stored versions stays while the origin says that the module is absent', async (t) => {
  const made = await makeModule()
  const { serve, store } = await setUp(t, { origins: [scripted('one', {})] })
  await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, made.zip, made.h1)
  for (let i = 0; i < 3; i++) {
    const list = await serve({ kind: 'list', module: MODULE })
    assert.equal((await read(list)).toString(), 'v1.0.0\n')
  }
})
