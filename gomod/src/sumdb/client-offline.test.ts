import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, clientOf, createExampleDatabase, grow, opsFor, sizeOf } from './fixture.ts'
import type { MemoryDatabase } from './memory-database.ts'
import { createMemoryOps, type MemoryOps } from './memory-ops.ts'

const { signal } = new AbortController()

class Away extends Error {}

/** A client's outside whose database is away until it is given one. */
function startAway(...caches: MemoryOps[]) {
  const state: { database: MemoryDatabase | undefined } = { database: undefined }
  const ops = createMemoryOps(async (path) => {
    if (state.database === undefined) throw new Away('unreachable')
    return ask(state.database, path)
  })
  for (const { cache } of caches) for (const [path, bytes] of cache) ops.cache.set(path, bytes)
  return { state, ops: Object.assign(ops, { isAway: (error: unknown) => error instanceof Away }) }
}

/** What a client keeps that looked up these records, each in a log that had just grown by it. */
async function keepings(database: MemoryDatabase, records: readonly number[]): Promise<MemoryOps> {
  const ops = opsFor(database)
  const client = clientOf(ops)
  for (const id of records) {
    grow(database, id + 1 - database.size)
    await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
  }
  return ops
}

const RECORDS = [5, 17, 18, 43, 44, 91, 130]

test('every kept record proves itself while the database is away, also under heads that nothing joins', async () => {
  const database = createExampleDatabase()
  const caches: MemoryOps[] = []
  for (const id of RECORDS) caches.push(await keepings(database, [id]))
  for (const order of [RECORDS, RECORDS.toReversed()]) {
    const { ops } = startAway(...caches)
    const client = clientOf(ops)
    for (const id of order) {
      assert.equal((await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)).id, id)
    }
    assert.ok(ops.requests.length > 0, 'what would join the heads was asked for first')
    const strict = clientOf(Object.assign(startAway(...caches).ops, { isAway: undefined }))
    const found = await Promise.allSettled(
      order.map((id) => strict.lookup(`pkg.example/${id}`, 'v1.0.0', signal)),
    )
    assert.ok(
      found.some(({ status }) => status === 'rejected'),
      'otherwise this test is about nothing',
    )
  }
})

test('a record alone needs a signature, tiles that fit it, and its place in them', async () => {
  const database = createExampleDatabase()
  const [first, second] = [await keepings(database, [17]), await keepings(database, [91])]
  const kept = second.cache.get('/lookup/pkg.example/91@v1.0.0')!
  const changes: [path: string, bytes: Uint8Array | undefined][] = [
    ['/lookup/pkg.example/91@v1.0.0', replaced(kept, 'hash-91', 'hash-90')],
    ['/lookup/pkg.example/91@v1.0.0', replaced(kept, '91\n', '90\n')],
    ['/lookup/pkg.example/91@v1.0.0', replaced(kept, 'tree\n92\n', 'tree\n93\n')],
  ]
  for (const [path, bytes] of second.cache) {
    if (!path.startsWith('/tile/') || first.cache.has(path)) continue
    changes.push([path, undefined], [path, Buffer.alloc(bytes.length, 7)])
  }
  assert.ok(changes.length > 5)
  for (const [path, bytes] of changes) {
    const { ops } = startAway(first, second)
    if (bytes === undefined) ops.cache.delete(path)
    else ops.cache.set(path, bytes)
    const client = clientOf(ops)
    await client.lookup('pkg.example/17', 'v1.0.0', signal)
    await assert.rejects(client.lookup('pkg.example/91', 'v1.0.0', signal), Away, path)
  }
})

test('heads that were believed alone are joined as soon as the database answers', async () => {
  const database = createExampleDatabase()
  const caches: MemoryOps[] = []
  for (const id of RECORDS) caches.push(await keepings(database, [id]))
  const { ops, state } = startAway(...caches)
  const client = clientOf(ops)
  for (const id of RECORDS) await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
  assert.ok(sizeOf(ops.head) < database.size)
  state.database = database
  await client.lookup('pkg.example/60', 'v1.0.0', signal)
  assert.equal(sizeOf(ops.head), database.size)
  assert.deepEqual(ops.alarms, [])
  const asked = ops.requests.length
  for (const id of RECORDS) await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
  assert.ok(ops.requests.slice(asked).every((path) => path.startsWith('/tile/')))
})

/** A log, and one under the same key that differs from the 31st record on. */
function createFork(): [ours: MemoryDatabase, theirs: MemoryDatabase] {
  const ours = createExampleDatabase(26)
  const theirs = ours.fork()
  theirs.add('pkg.example/evil', 'v1.0.0', 'pkg.example/evil v1.0.0 h1:evil=\n')
  return [ours, theirs]
}

test('a fork among heads believed alone is found when the database answers', async () => {
  const [ours, theirs] = createFork()
  const { ops, state } = startAway(await keepings(ours, [43]), await keepings(theirs, [91]))
  const client = clientOf(ops)
  await client.lookup('pkg.example/43', 'v1.0.0', signal)
  await client.lookup('pkg.example/91', 'v1.0.0', signal)
  assert.deepEqual(ops.alarms, [], 'nothing that is at hand tells')
  grow(ours, 200)
  state.database = ours
  await assert.rejects(client.head(signal), { code: 'log_fork' })
  assert.equal(ops.alarms.length, 1)
  await client.head(signal)
  assert.equal(ops.alarms.length, 1, 'it is told once')
})

test('a fork is found at once where what is kept tells, by the tiles or by the size', async () => {
  for (const size of [91, 43]) {
    const [ours, theirs] = createFork()
    const whole = [...Array(size + 1).keys()].filter((id) => id >= 4)
    const { ops } = startAway(await keepings(ours, [size, ...whole]))
    const client = clientOf(ops)
    await client.lookup(`pkg.example/${size}`, 'v1.0.0', signal)
    const { cache } = await keepings(theirs, [43])
    ops.cache.set('/lookup/pkg.example/43@v1.0.0', cache.get('/lookup/pkg.example/43@v1.0.0')!)
    await assert.rejects(client.lookup('pkg.example/43', 'v1.0.0', signal), { code: 'log_fork' })
    assert.equal(ops.alarms.length, 1)
  }
})

test('two heads of one size that are both believed alone are a fork', async () => {
  const [ours, theirs] = createFork()
  const [our, their] = [await keepings(ours, [43]), await keepings(theirs, [43])]
  const { ops } = startAway(our)
  // A larger head is kept, of whose tiles nothing is left.
  ops.head = (await keepings(ours, [130])).head
  const client = clientOf(ops)
  await client.lookup('pkg.example/43', 'v1.0.0', signal)
  for (const [path, bytes] of their.cache) ops.cache.set(path, bytes)
  await assert.rejects(client.lookup('pkg.example/43', 'v1.0.0', signal), { code: 'log_fork' })
  assert.equal(ops.alarms.length, 1)
})

test('tiles are kept for good before the head that needs them', async () => {
  const database = createExampleDatabase()
  const ops = opsFor(database)
  const steps: string[] = []
  const { writeCache, writeHead } = ops
  Object.assign(ops, {
    writeCache: (...[path, bytes, options]: Parameters<typeof writeCache>) => {
      if (options.lasting) steps.push(path)
      return writeCache(path, bytes, options)
    },
    writeHead: (...given: Parameters<typeof writeHead>) => {
      steps.push('head')
      return writeHead(...given)
    },
  })
  const client = clientOf(ops)
  grow(database, 40)
  await client.lookup('pkg.example/17', 'v1.0.0', signal)
  assert.equal(steps.at(-1), 'head')
  assert.deepEqual(steps.slice(0, -1).toSorted(), ['/tile/2/1/002.p/3', '/tile/2/2/000.p/2'])
})

function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(bytes).toString()
  assert.ok(text.includes(from))
  return Buffer.from(text.replace(from, to))
}
