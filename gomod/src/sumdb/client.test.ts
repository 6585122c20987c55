import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey } from '../note.ts'
import { parseTilePath, tilePath, widestTile, type Tile } from '../tlog/tile.ts'
import { createSumdbClient } from './client.ts'
import {
  ask,
  clientOf,
  createExampleDatabase,
  grow,
  HEIGHT,
  NotFound,
  opsFor,
  sizeOf,
  VKEY,
} from './fixture.ts'
import { createMemoryOps } from './memory-ops.ts'

const { signal } = new AbortController()

test('a lookup gives the lines of the version, proven', async () => {
  const database = createExampleDatabase()
  const ops = opsFor(database)
  const client = clientOf(ops)
  assert.equal(client.name, 'localhost.localdev/sumdb')
  assert.equal(await client.latest(signal), undefined)
  const { record, ...sampler } = await client.lookup('rsc.io/sampler', 'v1.3.0', signal)
  const lines = [
    'rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=',
    'rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=',
  ]
  assert.deepEqual(sampler, {
    id: 2,
    lines,
    h1: 'h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=',
    goModH1: 'h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=',
    response: await ask(database, '/lookup/rsc.io/sampler@v1.3.0'),
  })
  assert.equal(Buffer.from(record).toString(), `${lines.join('\n')}\n`)
  assert.equal(sizeOf(ops.head), 4)
  assert.deepEqual(await client.latest(signal), { tree: (await client.head(signal)).tree, note: ops.head })
})

test('lines with other hashes are given too, and upper case is escaped on the way', async () => {
  const ops = opsFor(createExampleDatabase())
  const client = clientOf(ops)
  const quote = await client.lookup('rsc.io/quote', 'v1.5.2', signal)
  assert.equal(quote.lines.length, 3)
  assert.equal(quote.lines[2], 'rsc.io/quote v1.5.2 h2:xyzzy')
  const upper = await client.lookup('rsc.io/Quote', 'v1.5.2', signal)
  assert.deepEqual(upper.lines, ['rsc.io/Quote v1.5.2 h1:uppercase!='])
  assert.ok(!('goModH1' in upper))
  assert.ok(ops.requests.includes('/lookup/rsc.io/!quote@v1.5.2'))
})

test('what cannot be looked up is refused before anything is asked', async () => {
  const ops = opsFor(createExampleDatabase())
  const client = clientOf(ops)
  const bad: [path: string, version: string, code: string][] = [
    ['rsc.io/quote', 'master', 'invalid_lookup'],
    ['rsc.io/quote', 'v1', 'invalid_lookup'],
    ['rsc.io/quote', 'v1.5.2/go.mod', 'invalid_version'],
    ['rsc.io/quote', '', 'invalid_version'],
    ['../quote', 'v1.5.2', 'invalid_path'],
    ['', 'v1.5.2', 'invalid_path'],
  ]
  for (const [path, version, code] of bad)
    await assert.rejects(client.lookup(path, version, signal), { name: 'GomodError', code })
  assert.deepEqual(ops.requests, [])
})

test('what was verified is kept: another client needs the database for nothing', async () => {
  const database = createExampleDatabase(60)
  const ops = opsFor(database)
  const first = await clientOf(ops).lookup('pkg.example/17', 'v1.0.0', signal)
  const offline = createMemoryOps(() => Promise.reject(new Error('unreachable')))
  for (const [path, bytes] of ops.cache) offline.cache.set(path, bytes)
  offline.head = ops.head
  const again = await clientOf(offline).lookup('pkg.example/17', 'v1.0.0', signal)
  assert.deepEqual(again, first)
  assert.deepEqual(offline.requests, [])
  await assert.rejects(clientOf(offline).lookup('pkg.example/18', 'v1.0.0', signal), /unreachable/)
})

test('the head moves forward as the log grows, and its growth is proven', async () => {
  const database = createExampleDatabase()
  const ops = opsFor(database)
  const writeHead = ops.writeHead
  ops.writeHead = async (old, next) => {
    assert.equal(await writeHead(old, next), 'ok', 'what it replaces is what is kept')
    return 'ok'
  }
  const client = clientOf(ops)
  for (let size = 4; size < 150; size += 1 + (size % 7)) {
    grow(database, size - database.size)
    const id = Math.max(4, size - 3)
    if (size > id) assert.equal((await client.lookup(`pkg.example/${id}`, 'v1.0.0', signal)).id, id)
    assert.equal((await client.head(signal)).tree.size, size)
    assert.equal(sizeOf(ops.head), size)
  }
  assert.deepEqual(ops.alarms, [])
})

test('an older head that is a beginning of ours is fine, and ours stays', async () => {
  const database = createExampleDatabase(100)
  let old: Uint8Array | undefined
  const ops = opsFor(database, async (path, honest) => (path === '/latest' ? (old ?? honest()) : honest()))
  const client = clientOf(ops)
  await client.head(signal)
  for (const size of [0, 1, 3, 50, 64, 103, 104]) {
    old = await database.signedAt(size)
    assert.equal((await client.head(signal)).tree.size, 104)
  }
  assert.equal(sizeOf(ops.head), 104)
})

test('an empty log has a head', async () => {
  const database = createExampleDatabase(10)
  let size = 0
  const ops = opsFor(database, async (path, honest) =>
    path === '/latest' ? database.signedAt(size) : honest(),
  )
  const client = clientOf(ops)
  assert.equal((await client.head(signal)).tree.size, 0)
  await assert.rejects(client.readTile(parseTilePath('tile/2/0/000.p/1'), signal), { code: 'tile_not_found' })
  size = 14
  assert.equal((await client.head(signal)).tree.size, 14)
})

test('tiles of any width are given, the same bytes the database has', async () => {
  const database = createExampleDatabase(33)
  const client = clientOf(opsFor(database))
  await client.head(signal)
  for (const level of [-1, 0, 1, 2]) {
    for (let index = 0; ; index++) {
      const widest = widestTile(HEIGHT, level, index, database.size)
      if (widest === undefined) break
      for (let width = 1; width <= widest.width; width++) {
        const tile: Tile = { ...widest, width }
        const bytes = Buffer.from(await client.readTile(tile, signal))
        assert.deepEqual(bytes, Buffer.from(await ask(database, `/${tilePath(tile)}`)), tilePath(tile))
      }
    }
  }
})

test('a tile beyond the head makes it be renewed; one beyond the log is not found', async () => {
  const database = createExampleDatabase()
  const ops = opsFor(database)
  const client = clientOf(ops)
  await client.head(signal)
  grow(database, 10)
  const tile = parseTilePath('tile/2/0/003.p/2')
  assert.deepEqual(
    Buffer.from(await client.readTile(tile, signal)),
    Buffer.from(await ask(database, `/${tilePath(tile)}`)),
  )
  assert.equal(sizeOf(ops.head), 14)
  for (const path of [
    'tile/2/0/003.p/3',
    'tile/2/0/003',
    'tile/2/3/000.p/1',
    'tile/2/data/004.p/1',
    'tile/2/63/x999/999',
  ])
    await assert.rejects(
      client.readTile(parseTilePath(path), signal),
      { name: 'GomodError', code: 'tile_not_found' },
      path,
    )
  const asked = ops.requests.length
  await assert.rejects(client.readTile(parseTilePath('tile/8/0/000.p/1'), signal), { code: 'tile_not_found' })
  assert.equal(ops.requests.length, asked, 'a tile of another height is nothing to ask for')
})

test('where a narrow tile is gone from the database, the full one is used', async () => {
  const database = createExampleDatabase(100)
  const { size } = database
  const missing = opsFor(database, (path, honest) => {
    if (path.includes('.p/')) throw new NotFound(path)
    return honest()
  })
  // The head is from before: the tiles that were its edge have been completed since.
  missing.head = await database.signedAt(21)
  const client = clientOf(missing)
  for (const path of ['tile/2/0/001', 'tile/2/0/005.p/1', 'tile/2/1/001.p/1', 'tile/2/data/005.p/1'])
    assert.equal((await client.readTile(parseTilePath(path), signal)).length > 0, true, path)
  assert.equal((await client.latest(signal))?.tree.size, 21)
  assert.equal(size, 104)
  for (const [path, bytes] of missing.cache)
    assert.deepEqual(Buffer.from(bytes), Buffer.from(await ask(database, path)))
  // Where the full one is not there either, what is said about the one asked for counts.
  await assert.rejects(
    client.head(signal),
    (error) => error instanceof NotFound && error.message.includes('.p/'),
  )
})

test('rejections of the outside pass unchanged', async () => {
  const failure = new Error('certificate expired')
  const failing = createMemoryOps(() => Promise.reject(failure))
  await assert.rejects(
    clientOf(failing).lookup('rsc.io/quote', 'v1.5.2', signal),
    (error) => error === failure,
  )
  await assert.rejects(clientOf(failing).head(signal), (error) => error === failure)
  for (const method of ['readHead', 'writeHead', 'readCache', 'writeCache'] as const) {
    const ops = { ...opsFor(createExampleDatabase()), [method]: () => Promise.reject(failure) }
    await assert.rejects(
      clientOf(ops).lookup('rsc.io/quote', 'v1.5.2', signal),
      (error) => error === failure,
      method,
    )
  }
})

test('a head that could not be read is read again by the next call', async () => {
  const ops = opsFor(createExampleDatabase())
  const readHead = ops.readHead
  let failures = 1
  ops.readHead = () => (failures-- > 0 ? Promise.reject(new Error('busy')) : readHead())
  const client = clientOf(ops)
  await assert.rejects(client.head(signal), /busy/)
  assert.equal((await client.head(signal)).tree.size, 4)
})

test('a kept head that this key has not signed is an error that says so, and stays', async () => {
  const ops = opsFor(createExampleDatabase())
  const other = createSumdbClient({
    ops,
    verifierKey: generateKey('localhost.localdev/sumdb').vkey,
    tileHeight: HEIGHT,
  })
  const head = (ops.head = await createExampleDatabase().signed(signal))
  await assert.rejects(other.latest(signal), {
    code: 'unverified_note',
    message: /kept tree head of localhost/,
  })
  assert.equal(ops.head, head)
  assert.throws(() => createSumdbClient({ ops, verifierKey: VKEY.slice(1) }), { code: 'invalid_key' })
})

test('clients that keep their heads in one place merge what the others have seen', async () => {
  const database = createExampleDatabase(30)
  const ops = opsFor(database)
  const [a, b] = [clientOf(ops), clientOf(ops)]
  await Promise.all([a.head(signal), b.head(signal)])
  grow(database, 30)
  assert.equal((await a.head(signal)).tree.size, 64)
  grow(database, 30)
  assert.equal((await b.head(signal)).tree.size, 94)
  assert.equal(sizeOf(ops.head), 94)
  // The database shows an older head, for which b's memory is too old but not what is kept.
  const old = await database.signedAt(80)
  const behind = clientOf({
    ...ops,
    readRemote: async (path) => (path === '/latest' ? old : ask(database, path)),
  })
  assert.equal((await behind.head(signal)).tree.size, 94)
  ops.head = undefined
  grow(database, 1)
  assert.equal((await a.head(signal)).tree.size, 95, 'a head that was lost is no reason to stop')
})

test('a place that never keeps a head is given up', async () => {
  const ops = opsFor(createExampleDatabase())
  ops.writeHead = () => Promise.resolve('conflict')
  await assert.rejects(clientOf(ops).head(signal), { name: 'GomodError', code: 'head_conflict' })
})
