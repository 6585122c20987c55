/**
 * A database, or someone on the way to it, that changes its answers. Each byte class of each answer is changed in
 * each way we could think of; a client that has seen nothing before must refuse all of it and keep none of it.
 */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { generateKey, openNote, parseSignerKey, parseVerifierKey, signNote, type Signer } from '../note.ts'
import { nodeHash, recordHash, type Hash } from '../tlog/hash.ts'
import { formatTree, parseTree } from '../tlog/record.ts'
import { parseTilePath } from '../tlog/tile.ts'
import {
  ask,
  clientOf,
  createExampleDatabase,
  grow,
  NotFound,
  opsFor,
  SKEY,
  VKEY,
  type Tamper,
} from './fixture.ts'
import type { SumdbClient } from './client.ts'
import { formatLookup, parseLookup } from './lookup.ts'

const { signal } = new AbortController()
const database = createExampleDatabase(33)
const signer = parseSignerKey(SKEY)
const TARGET = '/lookup/pkg.example/9@v1.0.0'
const GOOD = 'pkg.example/9 v1.0.0 h1:hash-9=\npkg.example/9 v1.0.0/go.mod h1:mod=\n'
const EVIL = GOOD.replace('hash-9', 'evil')

/** Every answer that a client needs for its first lookup and a data tile. */
const answers = new Map<string, Uint8Array>()

type Question = (client: SumdbClient) => Promise<unknown>
const lookUp: Question = (client) => client.lookup('pkg.example/9', 'v1.0.0', signal)
const readData: Question = (client) => client.readTile(parseTilePath('tile/2/data/002.p/3'), signal)

before(async () => {
  const ops = opsFor(database)
  const client = clientOf(ops)
  await lookUp(client)
  await readData(client)
  await client.head(signal)
  for (const path of ops.requests) answers.set(path, await ask(database, path))
  assert.deepEqual(
    [...answers.keys()].sort(),
    [
      '/latest',
      TARGET,
      '/tile/2/0/002',
      '/tile/2/0/009.p/1',
      '/tile/2/1/000',
      '/tile/2/1/002.p/1',
      '/tile/2/2/000.p/2',
      '/tile/2/data/002.p/3',
    ].sort(),
  )
})

/** Asks a new client, and says what it was told: an error of ours, or the answer. */
async function refuses(question: Question, tamper: Tamper, what: string): Promise<void> {
  const ops = opsFor(database, tamper)
  const client = clientOf(ops)
  await assert.rejects(question(client), { name: 'GomodError' }, what)
  for (const [path, bytes] of ops.cache)
    assert.deepEqual(Buffer.from(bytes), Buffer.from(await ask(database, path)), `${what}: kept ${path}`)
  if (ops.head !== undefined)
    assert.deepEqual(
      Buffer.from(ops.head),
      Buffer.from(await database.signed(signal)),
      `${what}: kept a head`,
    )
  assert.equal((await client.latest(signal))?.tree.size ?? database.size, database.size, what)
}

function instead(path: string, bytes: Uint8Array | string): Tamper {
  return (asked, honest) => (asked === path ? Buffer.from(bytes) : honest())
}

function* changedBytes(bytes: Uint8Array): Generator<[what: string, changed: Buffer]> {
  for (const i of bytes.keys()) {
    const changed = Buffer.from(bytes)
    changed[i]! ^= 1 << (i % 8)
    yield [`byte ${i}`, changed]
  }
}

function* otherLengths(bytes: Uint8Array): Generator<[what: string, changed: Buffer]> {
  const { length } = bytes
  for (const cut of new Set([0, 1, 31, 32, 33, length >> 1, length - 32, length - 2, length - 1]))
    if (cut < length && cut >= 0) yield [`the first ${cut} bytes`, Buffer.from(bytes.subarray(0, cut))]
  for (const more of [1, 32, 64])
    yield [`${more} bytes more`, Buffer.concat([bytes, bytes.subarray(0, more)])]
  yield ['a zero byte more', Buffer.concat([bytes, Buffer.alloc(1)])]
  yield ['twice', Buffer.concat([bytes, bytes])]
}

test('honest answers are accepted', async () => {
  const client = clientOf(opsFor(database))
  assert.deepEqual((await client.lookup('pkg.example/9', 'v1.0.0', signal)).lines.join('\n') + '\n', GOOD)
  await readData(client)
})

test('a lookup’s answer with any byte changed is refused', async () => {
  for (const [what, changed] of changedBytes(answers.get(TARGET)!))
    await refuses(lookUp, instead(TARGET, changed), what)
})

test('a lookup’s answer that is cut short or goes on is refused', async () => {
  for (const [what, changed] of otherLengths(answers.get(TARGET)!))
    await refuses(lookUp, instead(TARGET, changed), what)
  const lines = ['\n', 'x', EVIL, `\n${EVIL}`, `\n${EVIL}\n`, '— localhost.localdev/sumdb\n', '— a b\n']
  for (const line of lines)
    await refuses(
      lookUp,
      instead(TARGET, Buffer.concat([answers.get(TARGET)!, Buffer.from(line)])),
      `ending in ${line}`,
    )
})

test('hash tiles with any byte changed, and of other widths, are refused', async () => {
  for (const [path, bytes] of answers) {
    if (!path.startsWith('/tile/') || path.includes('data')) continue
    for (const [what, changed] of [...changedBytes(bytes), ...otherLengths(bytes)])
      await refuses(lookUp, instead(path, changed), `${path}: ${what}`)
    await refuses(lookUp, instead(path, Buffer.alloc(bytes.length)), `${path}: zeros`)
  }
})

test('tiles in each other’s place are refused', async () => {
  for (const path of answers.keys()) {
    if (!path.startsWith('/tile/') || path.includes('data')) continue
    for (const other of answers.keys())
      if (other !== path) await refuses(lookUp, instead(path, answers.get(other)!), `${other} for ${path}`)
    for (const other of ['/tile/2/0/001', '/tile/2/0/003', '/tile/2/1/001', '/tile/2/0/002.p/3'])
      if (other !== path)
        await refuses(lookUp, instead(path, await ask(database, other)), `${other} for ${path}`)
  }
})

test('tiles that are forged together, each fitting its parent up to the head, are refused', async () => {
  const forged = database.fork()
  const leaf = recordHash(Buffer.from(EVIL))
  const leaves = Buffer.from(await ask(forged, '/tile/2/0/002'))
  leaf.forEach((byte, i) => (leaves[32 + i] = byte))
  const at = (i: number): Hash => leaves.subarray(i * 32, (i + 1) * 32)
  const root = nodeHash(nodeHash(at(0), at(1)), nodeHash(at(2), at(3)))
  const parent = Buffer.from(await ask(forged, '/tile/2/1/000'))
  parent.set(root, 2 * 32)
  const record = formatLookup({ ...parseLookup(answers.get(TARGET)!), record: Buffer.from(EVIL) })
  const tamper: Tamper = (path, honest) => {
    if (path === TARGET) return record
    if (path === '/tile/2/0/002') return leaves
    return path === '/tile/2/1/000' ? parent : honest()
  }
  await refuses(lookUp, tamper, 'a tile, its parent and the record')
})

test('data tiles with any byte changed, records missing, added, swapped or of another tile are refused', async () => {
  const path = '/tile/2/data/002.p/3'
  const bytes = answers.get(path)!
  for (const [what, changed] of [...changedBytes(bytes), ...otherLengths(bytes)])
    await refuses(readData, instead(path, changed), what)
  const records = Buffer.from(bytes).toString().split('\n\n').slice(0, -1)
  const join = (list: string[]) => list.map((record) => `${record}\n\n`).join('')
  assert.equal(join(records), Buffer.from(bytes).toString())
  await refuses(readData, instead(path, join(records.toReversed())), 'another order')
  await refuses(readData, instead(path, join(records.slice(1))), 'one less')
  await refuses(readData, instead(path, join([...records, records[0]!])), 'one more')
  await refuses(readData, instead(path, await ask(database, '/tile/2/data/001.p/3')), 'another tile')
  await refuses(
    readData,
    instead(path, await ask(database, '/tile/2/data/002')),
    'the full tile for a narrower one',
  )
  await refuses(readData, instead(path, answers.get('/tile/2/0/002')!), 'a hash tile')
  // A full tile is taken where the narrow one is gone; it must not be a way around.
  const missing: Tamper = async (asked, honest) => {
    if (asked === path) throw new Error('gone')
    return asked === '/tile/2/data/002' ? ask(database, '/tile/2/data/001') : honest()
  }
  await refuses(readData, missing, 'another full tile')
})

/** The target's answer with another head: `sign` makes the note. */
function withHead(note: Uint8Array): Tamper {
  return instead(TARGET, formatLookup({ ...parseLookup(answers.get(TARGET)!), note }))
}

test('heads that the database has not signed, or whose size or root is another, are refused', async () => {
  const note = parseLookup(answers.get(TARGET)!).note
  const { text } = openNote(note, [parseVerifierKey(VKEY)])
  const tree = parseTree(text)
  const stranger = parseSignerKey(generateKey(signer.name).skey)
  const posing: Signer = { name: signer.name, keyHash: signer.keyHash, sign: stranger.sign }
  await refuses(lookUp, withHead(signNote(text, [stranger])), 'signed by another key of that name')
  await refuses(lookUp, withHead(signNote(text, [posing])), 'signed by another key that says it is this one')
  await refuses(lookUp, withHead(signNote('another text\n', [signer])), 'another text')
  await refuses(lookUp, withHead(signNote(text.replace('tree', 'tree v2'), [signer])), 'another kind of tree')
  await refuses(lookUp, withHead(Buffer.from(text)), 'no signature')
  // What the key has signed, but is not the head of this log: a database that lies, not one that is lied about.
  const smaller = signNote(formatTree({ ...tree, size: tree.size - 1 }), [signer])
  await refuses(lookUp, withHead(smaller), 'a smaller size')
  const zeros = signNote(formatTree({ ...tree, hash: new Uint8Array(32) }), [signer])
  await refuses(lookUp, withHead(zeros), 'root of zeros')
  // A larger log needs tiles that there are not, which is the database's own error.
  for (const size of [tree.size + 1, 2 ** 40]) {
    const ops = opsFor(database, withHead(signNote(formatTree({ ...tree, size }), [signer])))
    await assert.rejects(lookUp(clientOf(ops)), NotFound)
    assert.deepEqual([ops.head, ops.cache.size], [undefined, 0])
  }
})

test('heads asked for themselves are refused alike', async () => {
  const head: Question = (client) => client.head(signal)
  for (const [what, changed] of [
    ...changedBytes(answers.get('/latest')!),
    ...otherLengths(answers.get('/latest')!),
  ])
    await refuses(head, instead('/latest', changed), what)
})

test('trap: only the authenticated record is searched for lines, never the rest of the answer', async () => {
  const other = parseLookup(await ask(database, '/lookup/pkg.example/10@v1.0.0'))
  const record = Buffer.from(other.record).toString()
  const note = Buffer.from(other.note).toString()
  const bodies = [
    `10\n${record}\n${EVIL}\n${note}`,
    `10\n${record}${EVIL}\n${note}`,
    `10\n${EVIL}${record}\n${note}`,
    `${EVIL}10\n${record}\n${note}`,
    `10\n${record}\n${note}${EVIL}`,
    `10\n${record}\n${note}\n${EVIL}`,
    `9\n${EVIL}\n${note}`,
    `9\n${GOOD}${EVIL}\n${note}`,
  ]
  for (const body of bodies) await refuses(lookUp, instead(TARGET, body), body)
  // Lines after the tree head's own are signed and allowed, and mean nothing.
  const { text } = openNote(other.note, [parseVerifierKey(VKEY)])
  const signed = signNote(`${text}${EVIL}`, [signer])
  const ops = opsFor(database, instead(TARGET, formatLookup({ ...other, note: signed })))
  await assert.rejects(lookUp(clientOf(ops)), { name: 'GomodError', code: 'unverified_record' })
})

test('trap: a record that is in the log but has no line of the version asked for is a failure', async () => {
  for (const other of ['rsc.io/quote@v1.5.2', 'pkg.example/10@v1.0.0', 'pkg.example/8@v1.0.0']) {
    const tamper = instead(TARGET, await ask(database, `/lookup/${other}`))
    const ops = opsFor(database, tamper)
    await assert.rejects(lookUp(clientOf(ops)), { name: 'GomodError', code: 'unverified_record' })
    assert.ok(!ops.cache.has(TARGET))
  }
})

test('trap: every tile that is used is authenticated, the one after those that prove the head too', async () => {
  // Seven records: three stored hashes prove the head, in two tiles. The third tile is the one asked for.
  const seven = createExampleDatabase(3)
  const evil = Buffer.from(await ask(seven, '/tile/2/0/000'))
  evil.set(recordHash(Buffer.from('rsc.io/quote v1.5.2 h1:evil=\n')), 0)
  const honest = parseLookup(await ask(seven, '/lookup/rsc.io/quote@v1.5.2'))
  const answer = formatLookup({ ...honest, record: Buffer.from('rsc.io/quote v1.5.2 h1:evil=\n') })
  const ops = opsFor(seven, (path, honest) => {
    if (path === '/tile/2/0/000') return evil
    return path === '/lookup/rsc.io/quote@v1.5.2' ? answer : honest()
  })
  await assert.rejects(clientOf(ops).lookup('rsc.io/quote', 'v1.5.2', signal), { code: 'unverified_tile' })
  assert.equal(ops.cache.size, 2, 'the two tiles that prove the head are kept, and nothing else')
})

test('a record whose number its own head does not reach is refused, even where ours does', async () => {
  const grown = createExampleDatabase(33)
  const client = clientOf(
    opsFor(grown, async (path, honest) => {
      if (path !== TARGET) return honest()
      return formatLookup({ ...parseLookup(await honest()), note: await grown.signedAt(9) })
    }),
  )
  await client.head(signal)
  await assert.rejects(lookUp(client), { name: 'GomodError', code: 'unverified_record' })
})

test('a polluted cache is passed over and put right', async () => {
  const honest = opsFor(database)
  const client = clientOf(honest)
  await lookUp(client)
  await readData(client)
  for (const path of honest.cache.keys()) {
    for (const junk of [
      Buffer.from('junk'),
      Buffer.alloc(0),
      Buffer.alloc(128, 7),
      Buffer.alloc(32, 7),
      ...answers.values(),
    ]) {
      if (Buffer.compare(junk, honest.cache.get(path)!) === 0) continue
      const ops = opsFor(database)
      for (const [path, bytes] of honest.cache) ops.cache.set(path, bytes)
      ops.cache.set(path, junk)
      const client = clientOf(ops)
      assert.equal((await client.lookup('pkg.example/9', 'v1.0.0', signal)).h1, 'h1:hash-9=')
      await readData(client)
      // Nothing tells which tile of the right edge is wrong: all three are asked for, once.
      assert.ok(ops.requests.length <= 3 && new Set(ops.requests).size === ops.requests.length, path)
      if (ops.requests.length > 0)
        assert.deepEqual(Buffer.from(ops.cache.get(path)!), Buffer.from(await ask(database, path)), path)
    }
  }
})

test('a cache that is polluted while the database is too gives nothing', async () => {
  const honest = opsFor(database)
  await lookUp(clientOf(honest))
  for (const path of honest.cache.keys()) {
    if (!path.startsWith('/tile/')) continue
    const ops = opsFor(database, instead(path, Buffer.alloc(honest.cache.get(path)!.length, 9)))
    ops.cache.set(path, Buffer.alloc(honest.cache.get(path)!.length, 7))
    await assert.rejects(lookUp(clientOf(ops)), { name: 'GomodError', code: 'unverified_tile' })
  }
})

test('cosignatures by keys nobody knows do no harm', async () => {
  const { note } = parseLookup(answers.get(TARGET)!)
  const opened = openNote(note, [parseVerifierKey(VKEY)])
  const witness = parseSignerKey(generateKey('witness.example').skey)
  const cosigned = signNote(opened.text, [witness], opened.signatures)
  const ops = opsFor(database, withHead(cosigned))
  assert.equal((await clientOf(ops).lookup('pkg.example/9', 'v1.0.0', signal)).id, 9)
})

test('the same attacks fail after the client has seen the honest log', async () => {
  const growing = createExampleDatabase(33)
  let tamper: Tamper = (_, honest) => honest()
  const ops = opsFor(growing, (path, honest) => tamper(path, honest))
  const client = clientOf(ops)
  await lookUp(client)
  grow(growing, 60)
  const target = '/lookup/pkg.example/70@v1.0.0'
  const question: Question = (client) => client.lookup('pkg.example/70', 'v1.0.0', signal)
  const needed = opsFor(growing)
  await question(clientOf(needed))
  for (const path of needed.requests) {
    if (ops.cache.has(path)) continue
    const bytes = await ask(growing, path)
    for (const i of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[i]! ^= 1
      tamper = instead(path, changed)
      await assert.rejects(question(client), { name: 'GomodError' }, `${path}: byte ${i}`)
    }
  }
  assert.ok(needed.requests.includes(target))
  tamper = (_, honest) => honest()
  assert.equal((await client.lookup('pkg.example/70', 'v1.0.0', signal)).id, 70)
  assert.deepEqual(ops.alarms, [])
})
