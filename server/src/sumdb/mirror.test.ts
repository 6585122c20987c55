import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { generateKey } from '@modstead/gomod/note'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { createMemoryDatabase, type MemoryDatabase } from '@modstead/gomod/sumdb/memory-database'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import { checkVersion, type Version } from '@modstead/gomod/version'
import { ModsteadError } from '../errors.ts'
import type { Alarm } from './alarms.ts'
import { createSumdbMirror } from './mirror.ts'
import type { SumdbFiles } from './needs.ts'

const { skey, vkey } = generateKey('sum.example.com')
const H1 = `h1:${Buffer.alloc(32, 7).toString('base64')}`
const MOD_H1 = `h1:${Buffer.alloc(32, 9).toString('base64')}`
const path = checkPath('example.com/m')
const signal = new AbortController().signal
const asker = { signal, client: '192.0.2.1' }

function database(records = 300): MemoryDatabase {
  const database = createMemoryDatabase({ skey })
  for (let i = 0; i < records; i++) {
    database.add(path, `v1.${i}.0`, `${path} v1.${i}.0 ${H1}\n${path} v1.${i}.0/go.mod ${MOD_H1}\n`)
  }
  return database
}

function memoryFiles(): SumdbFiles & { cache: Map<string, Uint8Array> } {
  const cache = new Map<string, Uint8Array>()
  let head: Uint8Array | undefined
  return {
    cache,
    readCache: (path) => Promise.resolve(cache.has(path) ? Buffer.from(cache.get(path)!) : undefined),
    writeCache(path, bytes) {
      cache.set(path, bytes)
      return Promise.resolve()
    },
    readHead: () => Promise.resolve(head === undefined ? undefined : Buffer.from(head)),
    writeHead(old, next) {
      if (Buffer.compare(old ?? Buffer.alloc(0), head ?? Buffer.alloc(0)) !== 0)
        return Promise.resolve('conflict')
      head = next
      return Promise.resolve('ok')
    },
  }
}

/** A mirror over a database that can be replaced, switched off, and whose requests are recorded. */
function setUp(first = database(), files = memoryFiles()) {
  const state = {
    database: first,
    down: false,
    time: 0,
    asked: [] as string[],
    urgencies: [] as { path: string; isUrgent(): boolean; via: string | undefined }[],
    alarms: [] as Alarm[],
    /** Changes what is answered, on the way. */
    tamper: (_path: string, honest: Buffer): Buffer => honest,
    slow: Promise.resolve(),
  }
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  const mirror = createSumdbMirror({
    key: vkey,
    files,
    log: quiet,
    raise(alarm) {
      state.alarms.push(alarm)
      return Promise.resolve(`inc-${state.alarms.length}`)
    },
    now: () => state.time,
    remote: {
      async read(path, { priority, promoted, via }) {
        const isUrgent = () => priority === 'client' || promoted?.aborted === true
        state.asked.push(path)
        state.urgencies.push({ path, isUrgent, via })
        await state.slow
        if (state.down) throw new ModsteadError('checksum_unavailable', 'it is down')
        const answer = await answerSumdb(state.database, path, signal)
        if (answer === undefined) throw new ModsteadError('not_found', 'the database says 404')
        return state.tamper(path, Buffer.from(answer.body))
      },
    },
  })
  return { mirror, state, files }
}

const version = (n: number) => checkVersion(path, `v1.${n}.0`)
const client = { signal, priority: 'client' } as const

test('a look-up gives the proven hashes, and is answered from what is kept when the database is down', async () => {
  const { mirror, state, files } = setUp()
  assert.deepEqual(await mirror.lookup(path, version(7), client), {
    database: 'sum.example.com',
    h1: H1,
    goModH1: MOD_H1,
  })
  const response = await mirror.lookupResponse(path, version(7), asker)
  assert.match(response.toString(), /^7\nexample\.com\/m v1\.7\.0 h1:/)

  const later = setUp(state.database, files)
  later.state.down = true
  assert.equal((await later.mirror.lookup(path, version(7), client)).h1, H1)
  assert.deepEqual(await later.mirror.lookupResponse(path, version(7), asker), response)
  assert.deepEqual(later.state.asked, [])
})

test('what the database does not have is missing for the pipeline and not found for the endpoint', async () => {
  const { mirror } = setUp()
  const unknown = checkVersion(path, 'v1.999.0')
  await assert.rejects(mirror.lookup(path, unknown, client), { code: 'checksum_missing' })
  await assert.rejects(mirror.lookupResponse(path, unknown, asker), { code: 'not_found' })
  await assert.rejects(mirror.lookupResponse('Not A Path' as ModulePath, version(7), asker), {
    code: 'bad_path',
  })
  await assert.rejects(mirror.lookupResponse(path, 'master' as Version, asker), { code: 'bad_path' })
})

test('an outage is an outage, never absence', async () => {
  const { mirror, state } = setUp()
  state.down = true
  await assert.rejects(mirror.lookup(path, version(7), client), { code: 'checksum_unavailable' })
  await assert.rejects(mirror.lookupResponse(path, version(7), asker), { code: 'checksum_unavailable' })
  await assert.rejects(mirror.latest(asker), { code: 'checksum_unavailable' })
  await assert.rejects(mirror.tile('8/0/000', asker), { code: 'checksum_unavailable' })
})

test('the latest head is asked for once a minute, and given as it is while the database is down', async () => {
  const { mirror, state } = setUp()
  const first = await mirror.latest(asker)
  assert.match(first.toString(), /^go\.sum database tree\n300\n/)
  state.database.add(
    path,
    'v2.0.0+incompatible',
    `${path} v2.0.0+incompatible ${H1}\n${path} v2.0.0+incompatible/go.mod ${MOD_H1}\n`,
  )
  state.time = 59_000
  assert.deepEqual(await mirror.latest(asker), first)
  state.down = true
  state.time = 61_000
  assert.deepEqual(await mirror.latest(asker), first)
  state.down = false
  state.time = 130_000
  assert.match((await mirror.latest(asker)).toString(), /tree\n301\n/)
})

test('tiles of every width up to the log are cut from proven ones; beyond it the database is asked now and then', async () => {
  const { mirror, state } = setUp()
  const full = await mirror.tile('8/0/000', asker)
  assert.equal(full.length, 256 * 32)
  assert.deepEqual(await mirror.tile('8/0/000.p/17', asker), full.subarray(0, 17 * 32))
  assert.equal((await mirror.tile('8/1/000.p/1', asker)).length, 32)
  assert.match((await mirror.tile('8/data/001.p/44', asker)).toString(), /^example\.com\/m v1\.256\.0 h1:/)
  state.time = 5_000
  const before = state.asked.filter((path) => path === '/latest').length
  for (let i = 0; i < 5; i++) await assert.rejects(mirror.tile('8/0/x123/456', asker), { code: 'not_found' })
  assert.equal(state.asked.filter((path) => path === '/latest').length, before + 1)
  await assert.rejects(mirror.tile('8/0/../../x', asker), { code: 'bad_path' })
  await assert.rejects(mirror.tile('9/0/000', asker), { code: 'not_found' })
})

test('a database that signs two histories is caught, told of, and nothing of the second is given or kept', async () => {
  const honest = database(100)
  const { mirror, state, files } = setUp(honest)
  await mirror.lookup(path, version(3), client)
  const other = createMemoryDatabase({ skey })
  for (let i = 0; i < 200; i++)
    other.add(path, `v1.${i}.0`, `${path} v1.${i}.0 ${MOD_H1}\n${path} v1.${i}.0/go.mod ${H1}\n`)
  state.database = other
  const refused = { code: 'checksum_invalid', incident: 'inc-1' }
  await assert.rejects(mirror.lookup(path, version(4), client), refused)
  assert.deepEqual(
    state.alarms.map(({ kind }) => kind),
    ['fork'],
  )
  assert.match(state.alarms[0]!.found, /^SECURITY ERROR\n/)
  assert.equal(files.cache.has('lookup/example.com/m@v1.4.0'), false)
  assert.equal((await mirror.lookup(path, version(3), client)).h1, H1)
})

test('a record that was changed on disk is not believed', async () => {
  const { mirror, state, files } = setUp()
  await mirror.lookup(path, version(7), client)
  const key = 'lookup/example.com/m@v1.7.0'
  files.cache.set(key, Buffer.from(Buffer.from(files.cache.get(key)!).toString().replace(H1, MOD_H1)))
  const later = setUp(state.database, files)
  assert.equal((await later.mirror.lookup(path, version(7), client)).h1, H1)
  assert.ok(later.state.asked.includes('/lookup/example.com/m@v1.7.0'), 'it was asked for again')
})

test('an answer that does not verify is an alarm, in few words and once for all who wait for it', async () => {
  const evil = Buffer.from(`7\n${path} v1.7.0 ${MOD_H1}\n${path} v1.7.0/go.mod ${MOD_H1}\n\n`)
  const cases: [asked: RegExp, change: (honest: Buffer) => Buffer, found: RegExp][] = [
    [/^\/lookup\//, () => Buffer.from('<html>Sign in, please</html>'), /is no record/],
    [/^\/lookup\//, (honest) => Buffer.concat([evil, headOf(honest)]), /not what the signed log has/],
    [/^\/lookup\//, (honest) => replaced(honest, 'tree\n300\n', 'tree\n301\n'), /has not signed/],
    [/^\/tile\/8\/1\//, (honest) => Buffer.alloc(honest.length, 7), /do not belong to the signed log/],
  ]
  for (const [asked, change, found] of cases) {
    const { mirror, state, files } = setUp()
    state.tamper = (path, honest) => (asked.test(path) ? change(honest) : honest)
    const refused = { code: 'checksum_invalid', incident: 'inc-1', next: /the incident$/ }
    await Promise.all([
      assert.rejects(mirror.lookup(path, version(7), client), refused),
      assert.rejects(mirror.lookupResponse(path, version(7), asker), refused),
    ])
    assert.equal(state.alarms.length, 1)
    assert.equal(state.alarms[0]!.kind, 'invalid')
    assert.match(state.alarms[0]!.found, found)
    assert.ok(state.alarms[0]!.found.length < 80)
    assert.equal(files.cache.has('lookup/example.com/m@v1.7.0'), false)
    state.tamper = (_, honest) => honest
    assert.equal((await mirror.lookup(path, version(7), client)).h1, H1)
    assert.equal(state.alarms.length, 1)
  }
})

test('records kept under different heads prove themselves while the database is down', async () => {
  const growing = database(100)
  const files = memoryFiles()
  for (const wanted of [7, 250, 301]) {
    for (let i = growing.size; i <= wanted; i++)
      growing.add(path, `v1.${i}.0`, `${path} v1.${i}.0 ${H1}\n${path} v1.${i}.0/go.mod ${MOD_H1}\n`)
    const { mirror, files: own } = setUp(growing)
    await mirror.lookup(path, version(wanted), client)
    for (const [path, bytes] of own.cache) files.cache.set(path, bytes)
  }
  const { mirror, state } = setUp(growing, files)
  state.down = true
  for (const wanted of [7, 250, 301])
    assert.equal((await mirror.lookup(path, version(wanted), client)).h1, H1)
  await assert.rejects(mirror.lookup(path, version(8), client), { code: 'checksum_unavailable' })
  assert.deepEqual(state.alarms, [])
})

test('a look-up is as urgent as the most urgent who waits for it; heads and tiles always are', async () => {
  const { mirror, state } = setUp()
  const go = Promise.withResolvers<void>()
  state.slow = go.promise
  const background = { signal, priority: 'background', via: 'one' } as const
  const promoted = new AbortController()
  const waiting = [
    mirror.lookup(path, version(7), background),
    mirror.lookup(path, version(8), background),
    mirror.lookup(path, version(9), { ...background, promoted: promoted.signal }),
  ]
  const urgent = () => {
    const looked = state.urgencies.filter(({ path }) => path.startsWith('/lookup/'))
    return looked.map((asked) => asked.isUrgent())
  }
  await setImmediate()
  assert.deepEqual(urgent(), [false, false, false])
  waiting.push(mirror.lookup(path, version(8), client))
  await setImmediate()
  assert.deepEqual(urgent(), [false, true, false])
  promoted.abort()
  assert.deepEqual(urgent(), [false, true, true])
  go.resolve()
  await Promise.all(waiting)
  assert.ok(state.urgencies.every(({ path, isUrgent }) => !path.startsWith('/tile/') || isUrgent()))
  assert.ok(state.urgencies.every(({ via }) => via === 'one'))
  await mirror.lookupResponse(path, version(99), { ...asker, via: 'two' })
  assert.equal(state.urgencies.at(-1)!.via, 'two')
})

/** The signed tree head in the answer to a look-up. */
function headOf(answer: Buffer): Buffer {
  return answer.subarray(answer.indexOf('\n\n') + 2)
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  assert.ok(bytes.includes(from))
  return Buffer.from(bytes.toString().replace(from, to))
}
