import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHash } from '../tlog/hash.ts'
import { checkTree } from '../tlog/proof.ts'
import { parseTree } from '../tlog/record.ts'
import { ask, clientOf, createExampleDatabase, grow, opsFor, sizeOf } from './fixture.ts'
import { formatLookup } from './lookup.ts'
import type { MemoryDatabase } from './memory-database.ts'

const { signal } = new AbortController()

/** Two databases with one key whose records differ from the fifth on; each has `more` after that. */
function createFork(more: number): [ours: MemoryDatabase, theirs: MemoryDatabase] {
  const ours = createExampleDatabase()
  const theirs = ours.fork()
  theirs.add('pkg.example/evil', 'v1.0.0', 'pkg.example/evil v1.0.0 h1:evil=\n')
  grow(ours, more + 1)
  grow(theirs, more)
  return [ours, theirs]
}

const fork = { name: 'GomodError', code: 'log_fork' }

test('a fork is proven with both signed heads, as golang.org/x/mod proves it', async () => {
  // The facts of TestClientFork in golang.org/x/mod/sumdb: its log, its two heads and its proof.
  const database = createExampleDatabase()
  const other = database.fork()
  database.add('rsc.io/pkg1', 'v1.5.2', 'rsc.io/pkg1 v1.5.2 h1:hash!=\n')
  const forked = await ask(database, '/lookup/rsc.io/pkg1@v1.5.2')
  other.add('rsc.io/pkg1', 'v1.5.3', 'rsc.io/pkg1 v1.5.3 h1:hash!=\n')
  other.add('rsc.io/pkg1', 'v1.5.4', 'rsc.io/pkg1 v1.5.4 h1:hash!=\n')
  const ops = opsFor(other, (path, honest) =>
    path.startsWith('/lookup/rsc.io/pkg1@v1.5.2') ? forked : honest(),
  )
  const client = clientOf(ops)
  await client.lookup('rsc.io/pkg1', 'v1.5.4', signal)
  const kept = ops.head

  const error = await client.lookup('rsc.io/pkg1', 'v1.5.2', signal).then(
    () => assert.fail(),
    (error: Error) => error,
  )
  assert.deepEqual({ name: error.name, code: 'code' in error && error.code }, fork)
  assert.deepEqual(ops.alarms, [error.message])
  const lines = error.message.split('\n')
  assert.equal(lines[0], 'SECURITY ERROR')
  const inOrder = [
    'older signed tree head:',
    '\tgo.sum database tree',
    '\t5',
    '\tnWzN20+pwMt62p7jbv1/NlN95ePTlHijabv5zO/s36w=',
    '\t— localhost.localdev/sumdb AAAMZ5/2FVAdMH58kmnz/0h299pwyskEbzDzoa2/YaPdhvLya4YWDFQQxu2TQb5GpwAH4NdWnTwuhILafisyf3CNbgg=',
    'newer signed tree head:',
    '\tgo.sum database tree',
    '\t6',
    '\twc4SkQt52o5W2nQ8To2ARs+mWuUJjss+sdleoiqxMmM=',
    '\t— localhost.localdev/sumdb AAAMZ6oRNswlEZ6ZZhxrCvgl1MBy+nusq4JU+TG6Fe2NihWLqOzb+y2c2kzRLoCr4tvw9o36ucQEnhc20e4nA4Qc/wc=',
    '\tT7i+H/8ER4nXOiw4Bj0koZOkGjkxoNvlI34GpvhHhQg=',
    '\tNsuejv72de9hYNM5bqFv8rv3gm3zJQwv/DT/WNbLDLA=',
    '\tmOmqqZ1aI/lzS94oq/JSbj7pD8Rv9S+xDyi12BtVSHo=',
    '\t/7Aw5jVSMM9sFjQhaMg+iiDYPMk6decH7QLOGrL9Lx0=',
  ]
  let from = 0
  for (const line of inOrder) {
    const at = lines.indexOf(line, from)
    assert.ok(at >= from, `${line} is missing in\n${error.message}`)
    from = at + 1
  }
  // Whoever reads the explanation can check it without the database.
  const [found, ...proof] = lines.slice(-4).map((line) => parseHash(line.trim()))
  const newer = parseTree(Buffer.from(kept!).toString())
  checkTree(proof, newer, { size: 5, hash: found! })

  assert.equal(ops.head, kept, 'a fork changes nothing that is kept')
  assert.equal((await client.lookup('rsc.io/pkg1', 'v1.5.4', signal)).id, 5, 'and it is remembered by nobody')
  assert.equal(ops.alarms.length, 1)
})

test('a forked head is refused at every size, with what is known of our log at hand', async () => {
  for (const more of [0, 1, 5, 30, 60]) {
    const [ours, theirs] = createFork(60)
    const ops = opsFor(ours)
    const client = clientOf(ops)
    // All tiles of our log are known, in memory and in the cache: they must not hide that the other log is whole.
    for (let id = 5; id < ours.size; id++) await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
    const kept = { head: ops.head, cache: new Map(ops.cache) }

    grow(theirs, more)
    const lying = clientOf({ ...ops, readRemote: (path) => ask(theirs, path) })
    await assert.rejects(lying.head(signal), fork)
    assert.equal(ops.alarms.length, 1)
    assert.equal(ops.head, kept.head)
    assert.deepEqual(ops.cache, kept.cache, 'nothing of the other log is kept')
  }
})

test('a running client that is shown another log refuses it, and goes on with its own', async () => {
  const [ours, theirs] = createFork(60)
  let source = ours
  const ops = opsFor(ours, (path) => ask(source, path))
  const client = clientOf(ops)
  await client.lookup('pkg.example/30', 'v1.0.0', signal)
  grow(theirs, 40)
  source = theirs
  await assert.rejects(client.head(signal), fork)
  await assert.rejects(client.lookup('pkg.example/evil', 'v1.0.0', signal), fork)
  for (let id = 5; id < 60; id += 9)
    await assert.rejects(client.lookup(`pkg.example/${id}`, 'v1.0.0', signal), fork)
  assert.equal((await client.lookup('pkg.example/30', 'v1.0.0', signal)).id, 30, 'what is kept stays good')
  source = ours
  grow(ours, 1)
  assert.equal((await client.head(signal)).tree.size, ours.size)
  for (const [path, bytes] of ops.cache)
    if (!path.includes('.p/') && path.startsWith('/tile/'))
      assert.deepEqual(Buffer.from(bytes), Buffer.from(await ask(ours, path)))
})

test('two heads of one size and different roots need no tiles to be a fork', async () => {
  const [ours, theirs] = createFork(7)
  const ops = opsFor(ours)
  await clientOf(ops).head(signal)
  const asked = ops.requests.length
  const other = await ask(theirs, '/latest')
  const lying = clientOf({ ...ops, readRemote: () => Promise.resolve(other) })
  await assert.rejects(lying.head(signal), fork)
  assert.equal(ops.requests.length, asked)
  assert.match(ops.alarms[0]!, /older signed tree head/)
})

test('an older head of another log is a fork, where our tiles are known', async () => {
  const [ours, theirs] = createFork(60)
  const ops = opsFor(ours)
  const client = clientOf(ops)
  for (let id = 5; id < ours.size; id++) await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
  for (const size of [5, 6, 16, 33, ours.size - 1]) {
    const old = await theirs.signedAt(size)
    const lying = clientOf({ ...ops, readRemote: () => Promise.resolve(old) })
    await assert.rejects(lying.head(signal), fork, `size ${size}`)
  }
  const common = await theirs.signedAt(4)
  const honest = clientOf({ ...ops, readRemote: () => Promise.resolve(common) })
  assert.equal((await honest.head(signal)).tree.size, ours.size, 'the logs are one up to there')
})

test('a kept head that is ahead of the database, which has lost records and grown anew, is a fork', async () => {
  const database = createExampleDatabase(40)
  const ops = opsFor(database)
  const client = clientOf(ops)
  for (let id = 4; id < database.size; id++) await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)
  const restored = createExampleDatabase(20)
  const behind = clientOf({ ...ops, readRemote: (path) => ask(restored, path) })
  assert.equal((await behind.head(signal)).tree.size, 44, 'a database that lags contradicts nothing yet')
  restored.add('pkg.example/new', 'v1.0.0', 'pkg.example/new v1.0.0 h1:new=\n')
  grow(restored, 60)
  const forked = clientOf({ ...ops, readRemote: (path) => ask(restored, path) })
  await assert.rejects(forked.head(signal), fork)
  assert.equal(sizeOf(ops.head), 44)
})

test('a forked head in the place where heads are kept is a fork too', async () => {
  const [ours, theirs] = createFork(10)
  const ops = opsFor(ours)
  const client = clientOf(ops)
  await client.head(signal)
  grow(ours, 5)
  grow(theirs, 20)
  ops.head = await theirs.signed(signal)
  // Its tiles come from the same place as ours, so that here they belong to neither or to theirs.
  const seen = opsFor(theirs)
  const mixed = clientOf({
    ...ops,
    readRemote: (path, signal) => (path === '/latest' ? ask(ours, path) : seen.readRemote(path, signal)),
  })
  await assert.rejects(mixed.head(signal), { name: 'GomodError' })
  await assert.rejects(client.head(signal), { name: 'GomodError' })
  assert.equal((await client.latest(signal))?.tree.size, 15)
})

test('a lookup in the cache that proves a fork is not passed over like junk', async () => {
  const [ours, theirs] = createFork(10)
  const ops = opsFor(ours)
  const client = clientOf(ops)
  await client.lookup('pkg.example/9', 'v1.0.0', signal)
  const path = '/lookup/pkg.example/8@v1.0.0'
  const { record } = await client.lookup('pkg.example/8', 'v1.0.0', signal)
  ops.cache.set(path, formatLookup({ id: 8, record, note: await theirs.signedAt(ours.size) }))
  await assert.rejects(client.lookup('pkg.example/8', 'v1.0.0', signal), fork)
  assert.equal(ops.alarms.length, 1)
})
