import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import { parseTilePath } from '../tlog/tile.ts'
import { ask, clientOf, createExampleDatabase, grow, opsFor, sizeOf } from './fixture.ts'
import { createMemoryOps } from './memory-ops.ts'

const { signal } = new AbortController()

function repeated(requests: readonly string[]): string[] {
  return requests.filter((path, i) => requests.indexOf(path) !== i)
}

test('lookups side by side fetch each tile once', async () => {
  const database = createExampleDatabase(300)
  const ops = opsFor(database, async (_, honest) => {
    await setImmediate()
    return honest()
  })
  const client = clientOf(ops, 1000)
  const ids = Array.from({ length: 100 }, (_, i) => 4 + i * 3)
  const found = await Promise.all(
    [...ids, ...ids].map((id) => client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)),
  )
  assert.deepEqual(
    found.map(({ id }) => id),
    [...ids, ...ids],
  )
  assert.deepEqual(repeated(ops.requests), [])
})

test('lookups side by side while the log grows: every head is merged, in whatever order they come', async () => {
  const database = createExampleDatabase(10)
  const ops = opsFor(database, async (path, honest) => {
    if (path.startsWith('/lookup/')) grow(database, 1)
    const answer = await honest()
    for (let i = path.length % 7; i > 0; i--) await setImmediate()
    return answer
  })
  const client = clientOf(ops, 1000)
  const lookups = Array.from({ length: 40 }, (_, i) =>
    client.lookup(`pkg.example/${4 + (i % 10)}`, 'v1.0.0', signal),
  )
  await Promise.all(lookups)
  for (let round = 0; round < 5; round++)
    await Promise.all([client.head(signal), client.lookup(`pkg.example/${14 + round}`, 'v1.0.0', signal)])
  assert.equal((await client.head(signal)).tree.size, database.size)
  assert.equal(sizeOf(ops.head), database.size)
  assert.deepEqual(ops.alarms, [])
})

test('the same lookup asked many times at once is one request, and so is the head', async () => {
  const ops = opsFor(createExampleDatabase(20))
  const client = clientOf(ops)
  await Promise.all(Array.from({ length: 20 }, () => client.lookup('rsc.io/quote', 'v1.5.2', signal)))
  await Promise.all(Array.from({ length: 20 }, () => client.head(signal)))
  const tile = parseTilePath('tile/2/data/001')
  await Promise.all(Array.from({ length: 20 }, () => client.readTile(tile, signal)))
  assert.deepEqual(repeated(ops.requests), [])
})

test('tiles are remembered up to the bound, and fetched again beyond it', async () => {
  const database = createExampleDatabase(200)
  const ops = opsFor(database)
  ops.readCache = () => Promise.resolve(undefined)
  const forgetful = clientOf(ops, 1)
  for (const id of [5, 60, 120, 5, 60, 120]) {
    assert.equal((await forgetful.lookup(`pkg.example/${id}`, 'v1.0.0', signal)).id, id)
  }
  assert.notDeepEqual(repeated(ops.requests.filter((path) => path.startsWith('/tile/'))), [])
})

test('one that leaves ends its own wait and nobody else’s', async () => {
  const database = createExampleDatabase(50)
  const gate = Promise.withResolvers<void>()
  const signals: AbortSignal[] = []
  const ops = createMemoryOps(async (path, signal) => {
    signals.push(signal)
    await gate.promise
    return ask(database, path)
  })
  const client = clientOf(ops)
  const leaving = new AbortController()
  const left = client.lookup('rsc.io/quote', 'v1.5.2', leaving.signal)
  const stays = client.lookup('rsc.io/quote', 'v1.5.2', signal)
  await setImmediate()
  const reason = new Error('client gone')
  leaving.abort(reason)
  await assert.rejects(left, (error) => error === reason)
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false],
    'the one request goes on',
  )
  gate.resolve()
  assert.equal((await stays).id, 0)
})

test(
  'when the last one leaves, the request is aborted, and the next asks anew',
  { timeout: 10_000 },
  async () => {
    const database = createExampleDatabase(50)
    const { promise: aborted, resolve } = Promise.withResolvers<unknown>()
    let hang = true
    const ops = createMemoryOps((path, signal) => {
      if (!hang) return ask(database, path)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          resolve(signal.reason)
          reject(signal.reason)
        })
      })
    })
    const client = clientOf(ops)
    const [one, two] = [new AbortController(), new AbortController()]
    const lookups = [one, two].map(({ signal }) => client.lookup('rsc.io/quote', 'v1.5.2', signal))
    await setImmediate()
    one.abort(new Error('first'))
    two.abort(new Error('second'))
    for (const result of await Promise.allSettled(lookups)) assert.equal(result.status, 'rejected')
    assert.equal(String(await aborted), 'Error: second')
    hang = false
    assert.equal((await client.lookup('rsc.io/quote', 'v1.5.2', signal)).id, 0)
  },
)

test('an abort while tiles are fetched, or while heads are merged, harms no later call', async () => {
  const database = createExampleDatabase(50)
  for (let step = 1; step < 12; step++) {
    const controller = new AbortController()
    let requests = 0
    const ops = opsFor(database, async (_, honest) => {
      if (++requests === step) controller.abort(new Error('client gone'))
      return honest()
    })
    const client = clientOf(ops)
    const others = client.lookup('pkg.example/30', 'v1.0.0', signal)
    const [left, stayed] = await Promise.allSettled([
      client.lookup('pkg.example/20', 'v1.0.0', controller.signal),
      others,
    ])
    assert.equal(stayed.status, 'fulfilled', `step ${step}`)
    if (left.status === 'rejected') assert.match(String(left.reason), /client gone/)
    assert.equal((await client.lookup('pkg.example/20', 'v1.0.0', signal)).id, 20)
  }
})

test('a signal aborted before asks for nothing', async () => {
  const ops = opsFor(createExampleDatabase())
  const gone = AbortSignal.abort(new Error('gone'))
  const client = clientOf(ops)
  await assert.rejects(client.lookup('rsc.io/quote', 'v1.5.2', gone), /gone/)
  await assert.rejects(client.head(gone), /gone/)
  await assert.rejects(client.latest(gone), /gone/)
  await assert.rejects(client.readTile(parseTilePath('tile/2/0/000'), gone), /gone/)
  assert.deepEqual(ops.requests, [])
})
