import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import type { Version } from '@modstead/gomod/version'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import type { Origin } from './origin.ts'
import type { ModuleStore } from './store.ts'
import { GO_MOD, makeZip, MODULE, openRoom, rawZip, tableOrigin, V1 } from './publish.fixture.ts'

const FILES = ['v1.0.0.info', 'v1.0.0.mod', 'v1.0.0.zip']

function code(expected: ErrorCode, text = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ModsteadError, String(error))
    assert.equal(error.code, expected, error.message)
    assert.match(error.message, text)
    return true
  }
}

describe('publishing', () => {
  test('a published version is listed and served, byte for byte', async (t) => {
    const room = await openRoom(t)
    const { zip, h1 } = await makeZip()
    const goModH1 = hashGoMod(Buffer.from(GO_MOD))
    assert.deepEqual(await room.put(zip), {
      outcome: 'published',
      module: MODULE,
      version: V1,
      h1,
      goModH1,
    })
    assert.equal(await room.list(), 'v1.0.0\n')
    assert.equal(await room.latest(), 'v1.0.0')
    const file = (kind: 'info' | 'mod' | 'zip') => room.get({ kind, module: MODULE, version: V1 })
    assert.deepEqual(await file('zip'), zip)
    assert.equal((await file('mod')).toString(), GO_MOD)
    const info = JSON.parse((await file('info')).toString()) as { Version: string; Time: string }
    assert.deepEqual(Object.keys(info), ['Version', 'Time'])
    assert.match(info.Time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepEqual(await room.stored(), FILES)
    const [act] = await room.catalog.acts({ limit: 9 })
    assert.deepEqual([act?.act, act?.who, act?.outcome, act?.h1], ['publish', 'ci', 'done', h1])
    assert.deepEqual(room.changes, [
      { realm: 'default', module: MODULE },
      { realm: 'default', module: MODULE, version: V1 },
    ])
  })

  test('the same contents again change nothing, in other bytes neither', async (t) => {
    const room = await openRoom(t)
    const { zip, h1 } = await makeZip()
    await room.put(zip)
    const before = await room.catalog.version('default', MODULE, V1)
    const other = rawZip({
      [`${MODULE}@v1.0.0/lib.go`]: 'package lib\n',
      [`${MODULE}@v1.0.0/go.mod`]: GO_MOD,
    })
    assert.notDeepEqual(other, zip)
    for (const bytes of [zip, other]) {
      const { outcome, h1: found } = await room.put(bytes)
      assert.deepEqual([outcome, found], ['unchanged', h1])
    }
    assert.deepEqual(await room.catalog.version('default', MODULE, V1), before)
    assert.equal((await room.catalog.acts({ limit: 9 })).length, 1)
    assert.deepEqual(await room.get({ kind: 'zip', module: MODULE, version: V1 }), zip)
  })

  test('other contents are refused with both hashes', async (t) => {
    const room = await openRoom(t)
    const [first, second] = [await makeZip(), await makeZip({ 'new.go': 'package lib\n' })]
    await room.put(first.zip)
    await assert.rejects(room.put(second.zip), (error: Error) => {
      code('version_conflict')(error)
      for (const { h1 } of [first, second]) assert.ok(error.message.includes(h1))
      return true
    })
    assert.deepEqual(await room.get({ kind: 'zip', module: MODULE, version: V1 }), first.zip)
    assert.deepEqual(await room.stored(), FILES)
  })

  test('of two that come at once, one is published', async (t) => {
    const room = await openRoom(t)
    const zips = [await makeZip(), await makeZip({ 'new.go': 'package lib\n' })]
    const results = await Promise.allSettled(zips.map(({ zip }) => room.put(zip)))
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const won = zips[results.findIndex(({ status }) => status === 'fulfilled')]!
    assert.equal((await room.catalog.version('default', MODULE, V1))?.h1, won.h1)
    assert.deepEqual(await room.get({ kind: 'zip', module: MODULE, version: V1 }), won.zip)
  })

  const at = (name: string): string => `${MODULE}@v1.0.0/${name}`
  const good = { [at('go.mod')]: GO_MOD, [at('lib.go')]: 'package lib\n' }
  const bad: [title: string, zip: Buffer, expected: RegExp][] = [
    ['nothing', Buffer.alloc(0), /no valid module zip/],
    ['no zip', Buffer.from('PK\u0003\u0004 and so on'), /no valid module zip/],
    ['half a zip', rawZip(good).subarray(0, 200), /no valid module zip/],
    ['another module', rawZip({ 'go.corp.example/other@v1.0.0/go.mod': GO_MOD }), /does not begin with/],
    ['another version', rawZip({ [`${MODULE}@v1.0.1/go.mod`]: GO_MOD }), /does not begin with/],
    ['an escaped name', rawZip({ [`${MODULE.replace('lib', '!lib')}@v1.0.0/go.mod`]: GO_MOD }), /begin with/],
    ['a way out', rawZip({ ...good, [at('../../etc/passwd')]: 'x' }), /no valid module zip/],
    ['a case collision', rawZip({ ...good, [at('LIB.go')]: 'x' }), /no valid module zip/],
    ['GO.MOD', rawZip({ [at('GO.MOD')]: GO_MOD }), /lower case/],
    ['a nested go.mod', rawZip({ ...good, [at('sub/go.mod')]: GO_MOD }), /root of a module only/],
    [
      'a go.mod of another module',
      rawZip({ [at('go.mod')]: 'module go.corp.example/x\n' }),
      /declares go\.corp/,
    ],
    ['a go.mod of none', rawZip({ [at('go.mod')]: 'go 1.21\n' }), /declares no module/],
    ['a broken go.mod', rawZip({ [at('go.mod')]: `module ${MODULE}\nrequire (\n` }), /cannot be read/],
  ]

  test('what is no module zip of this version leaves nothing behind', async (t) => {
    const room = await openRoom(t)
    for (const [title, zip, expected] of bad)
      await assert.rejects(room.put(zip), code('bad_zip', expected), title)
    const { zip } = await makeZip()
    await assert.rejects(room.put(zip, { size: zip.length + 1 }), code('bad_request', /bytes arrived/))
    await assert.rejects(room.put(zip, { sha256: 'f'.repeat(64) }), code('bad_request', /Content-Digest/))
    await assert.rejects(room.put(zip, { size: 500 * 2 ** 20 + 1 }), code('payload_too_large'))
    assert.deepEqual(await room.stored(), [])
    assert.deepEqual(await room.catalog.acts({ limit: 9 }), [])
    assert.equal((await room.put(zip)).outcome, 'published')
  })

  test('a zip that unpacks to more than its limit is refused', async (t) => {
    const room = await openRoom(t)
    const bomb = rawZip({ ...good, [at('go.mod')]: '\n'.repeat((16 << 20) + 1) })
    assert.ok(bomb.length < 1 << 20)
    await assert.rejects(room.put(bomb), code('bad_zip', /go\.mod has at most/))
  })

  test('go.mod by the rules of majors', async (t) => {
    const room = await openRoom(t, { route: { modules: ['go.corp.example'] } })
    const none = { goMod: null }
    const made = (version: string, given: { module?: string; goMod?: string | null }) =>
      makeZip({}, { version, ...given })
    await room.put((await made('v1.0.0', none)).zip)
    assert.equal(
      (await room.get({ kind: 'mod', module: MODULE, version: V1 })).toString(),
      `module ${MODULE}\n`,
    )
    await room.put((await made('v2.0.0+incompatible', none)).zip, { version: 'v2.0.0+incompatible' })
    await assert.rejects(
      room.put((await made('v3.0.0+incompatible', {})).zip, { version: 'v3.0.0+incompatible' }),
      code('bad_zip', /\+incompatible/),
    )
    const module = `${MODULE}/v2`
    const v2 = { module, version: 'v2.0.0' }
    await assert.rejects(
      room.put((await made('v2.0.0', { module, ...none })).zip, v2),
      code('bad_zip', /no go\.mod/),
    )
    await assert.rejects(room.put((await made('v2.0.0', { module })).zip, v2), code('bad_zip', /declares/))
    await room.put((await made('v2.0.0', { module, goMod: `module ${module}\n` })).zip, v2)
  })

  test('pseudo-versions can be had but are not listed; without others the newest is the latest', async (t) => {
    const room = await openRoom(t)
    const versions = ['v0.0.0-20260102030405-abcdefabcdef', 'v0.0.0-20260103030405-abcdefabcdef']
    for (const version of versions) await room.put((await makeZip({}, { version })).zip, { version })
    assert.equal(await room.latest(), versions[1])
    const info = await room.get({ kind: 'info', module: MODULE, version: versions[0] as Version })
    assert.equal((JSON.parse(info.toString()) as { Time: string }).Time, '2026-01-02T03:04:05Z')
    await room.put((await makeZip({}, { version: 'v1.0.0-rc.1' })).zip, { version: 'v1.0.0-rc.1' })
    assert.equal(await room.latest(), 'v1.0.0-rc.1')
    assert.doesNotMatch(await room.list(), /abcdef/)
  })

  test('only routes with an upload take any, and only for their own patterns', async (t) => {
    const room = await openRoom(t)
    const { zip } = await makeZip()
    // The last is a parent path of a private pattern, which belongs to its route without being matched.
    for (const module of ['example.com/public', 'go.corp.example', 'go.corp.example/a'])
      await assert.rejects(room.put(zip, { module }), code('publish_disabled', /takes no uploads/))
    assert.deepEqual(await room.stored(), [])
  })

  test('who asks while a version is taken in sees none of it, or all', async (t) => {
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const wrap = (store: ModuleStore): ModuleStore => ({
      ...store,
      async commit(key, contents, h1) {
        if (key.kind === 'zip') {
          reached.resolve()
          await go.promise
        }
        return store.commit(key, contents, h1)
      },
    })
    const room = await openRoom(t, { wrap })
    const putting = room.put((await makeZip()).zip)
    await reached.promise
    const asked = [room.list(), room.get({ kind: 'mod', module: MODULE, version: V1 })]
    setImmediate(go.resolve)
    const [list, mod] = await Promise.all(asked)
    assert.deepEqual([list, mod!.toString()], ['v1.0.0\n', GO_MOD])
    await putting
  })

  test('off after an upload: what was not published is absent, and not refused', async (t) => {
    const from = ['releases', 'off'].map((origin) => ({ origin, then: 'absent' as const }))
    const room = await openRoom(t, { route: { from } })
    await assert.rejects(room.list(), code('not_found'))
    await room.put((await makeZip()).zip)
    assert.equal(await room.list(), 'v1.0.0\n')
  })

  test('absence that was remembered is forgotten', async (t) => {
    const room = await openRoom(t)
    for (const kind of ['info', 'mod', 'zip'] as const)
      await assert.rejects(room.get({ kind, module: MODULE, version: V1 }), code('not_found', /published/))
    for (const ask of [room.list, room.latest]) await assert.rejects(ask(), code('not_found'))
    await room.put((await makeZip()).zip)
    assert.equal(await room.list(), 'v1.0.0\n')
    assert.equal(await room.latest(), 'v1.0.0')
    for (const kind of ['info', 'mod', 'zip'] as const) await room.get({ kind, module: MODULE, version: V1 })
  })

  test('published versions stand beside those of other origins', async (t) => {
    const theirs = { Version: 'v1.1.0', Time: '2026-01-02T03:04:05Z' }
    const gitlab = tableOrigin('gitlab', {
      list: Buffer.from('v1.1.0\nv0.9.0\n'),
      latest: Buffer.from(JSON.stringify(theirs)),
    })
    const room = await openRoom(t, { origins: [gitlab] })
    assert.equal(await room.list(), 'v1.1.0\nv0.9.0\n')
    await room.put((await makeZip()).zip)
    assert.equal(await room.list(), 'v0.9.0\nv1.0.0\nv1.1.0\n')
    assert.equal(await room.latest(), 'v1.1.0')
    await room.put((await makeZip({}, { version: 'v1.2.0' })).zip, { version: 'v1.2.0' })
    assert.equal(await room.latest(), 'v1.2.0')
  })

  test('a version that came from an origin is published only with its contents', async (t) => {
    const [first, second] = [await makeZip(), await makeZip({ 'new.go': 'package lib\n' })]
    const info = Buffer.from(JSON.stringify({ Version: V1, Time: '2020-01-02T03:04:05Z' }))
    const gitlab = tableOrigin('gitlab', {
      'v1.0.0.zip': first.zip,
      'v1.0.0.info': info,
      'v1.0.0.mod': Buffer.from(GO_MOD),
    })
    const room = await openRoom(t, { origins: [gitlab] })
    for (const kind of ['info', 'zip'] as const) await room.get({ kind, module: MODULE, version: V1 })
    await assert.rejects(room.put(second.zip), code('version_conflict'))
    assert.equal((await room.put(first.zip)).outcome, 'unchanged')
    assert.deepEqual(await room.get({ kind: 'info', module: MODULE, version: V1 }), info)
    assert.equal(await room.list(), 'v1.0.0\n')
  })

  test('where a checksum database must prove, it proves what is published', async (t) => {
    const { zip, h1 } = await makeZip()
    const goModH1 = hashGoMod(Buffer.from(GO_MOD))
    let record: { h1: string; goModH1: string } | ErrorCode = 'checksum_missing'
    const checksum = {
      name: 'sum.corp.example',
      async lookup() {
        if (typeof record === 'string') throw new ModsteadError(record, 'no record')
        return { database: 'sum.corp.example', ...record }
      },
    }
    const room = await openRoom(t, { checksum })
    await assert.rejects(room.put(zip), code('publish_disabled', /does not know it/))
    record = 'checksum_unavailable'
    await assert.rejects(room.put(zip), code('checksum_unavailable'))
    record = { h1: goModH1, goModH1 }
    await assert.rejects(room.put(zip), code('version_conflict', /in sum\.corp\.example/))
    assert.deepEqual(await room.stored(), [])
    record = { h1, goModH1 }
    await room.put(zip)
    assert.equal((await room.catalog.version('default', MODULE, V1))?.provenBy, 'sum.corp.example')
  })
})

describe('publishing on a disk in trouble', () => {
  /** A room whose store waits for `gate` and then fails before it takes in a zip, as long as `failing` says so. */
  async function openTroubled(t: TestContext, origins: Origin[] = []) {
    const trouble = {
      failing: true,
      reached: Promise.withResolvers<void>(),
      gate: Promise.withResolvers<void>(),
    }
    // Also where the test fails before it gets there.
    t.after(() => trouble.gate.resolve())
    const wrap = (store: ModuleStore): ModuleStore => ({
      ...store,
      async commit(key, contents, h1) {
        if (key.kind !== 'zip' || !trouble.failing) return store.commit(key, contents, h1)
        trouble.reached.resolve()
        await trouble.gate.promise
        throw new ModsteadError('store_unavailable', 'the disk is full')
      },
    })
    return { trouble, room: await openRoom(t, { wrap, origins }) }
  }

  test('what is half published is absent for those who do not wait any longer, and leaves no fact', async (t) => {
    const { trouble, room } = await openTroubled(t)
    const first = await makeZip({}, { goMod: `module ${MODULE}\n\ngo 1.20\n` })
    const putting = assert.rejects(room.put(first.zip), code('store_unavailable'))
    await trouble.reached.promise
    const mod = { realm: 'default', module: MODULE, version: V1, kind: 'mod' } as const
    assert.notEqual(await room.store.open(mod), undefined)
    const asked = (['info', 'mod', 'zip'] as const).map((kind) =>
      assert.rejects(room.get({ kind, module: MODULE, version: V1 }), code('not_found')),
    )
    await Promise.all([...asked, assert.rejects(room.list(), code('not_found'))])
    assert.equal(await room.catalog.version('default', MODULE, V1), undefined)
    trouble.gate.resolve()
    await putting
    assert.deepEqual(await room.stored(), [])
    trouble.failing = false
    assert.equal((await room.put((await makeZip()).zip)).outcome, 'published')
    assert.equal((await room.get({ kind: 'mod', module: MODULE, version: V1 })).toString(), GO_MOD)
  })

  test('what is a fact already is given while it is published anew', async (t) => {
    const { zip } = await makeZip()
    const info = Buffer.from(JSON.stringify({ Version: V1, Time: '2020-01-02T03:04:05Z' }))
    const mod = Buffer.from(GO_MOD)
    const gitlab = tableOrigin('gitlab', { 'v1.0.0.zip': zip, 'v1.0.0.info': info, 'v1.0.0.mod': mod })
    const { trouble, room } = await openTroubled(t, [gitlab])
    for (const kind of ['info', 'mod'] as const) await room.get({ kind, module: MODULE, version: V1 })
    gitlab.asked.length = 0
    const putting = assert.rejects(room.put(zip), code('store_unavailable'))
    await trouble.reached.promise
    assert.deepEqual(await room.get({ kind: 'mod', module: MODULE, version: V1 }), mod)
    assert.deepEqual(gitlab.asked, [])
    trouble.gate.resolve()
    await putting
    assert.deepEqual(await room.stored(), ['v1.0.0.info', 'v1.0.0.mod'])
  })

  test('a publication whose end could not be written is undone by the next one', async (t) => {
    const room = await openRoom(t)
    const { end } = room.catalog
    room.catalog.end = () => Promise.reject(new ModsteadError('store_unavailable', 'the disk is full'))
    const first = await makeZip({}, { goMod: `module ${MODULE}\n\ngo 1.20\n` })
    await assert.rejects(room.put(first.zip), code('store_unavailable'))
    assert.deepEqual(await room.stored(), FILES)
    for (const kind of ['info', 'mod', 'zip'] as const)
      await assert.rejects(room.get({ kind, module: MODULE, version: V1 }), code('not_found'))
    await assert.rejects(room.list(), code('not_found'))
    room.catalog.end = end
    const { zip } = await makeZip()
    assert.equal((await room.put(zip)).outcome, 'published')
    assert.deepEqual(await room.get({ kind: 'zip', module: MODULE, version: V1 }), zip)
    assert.equal(await room.list(), 'v1.0.0\n')
    assert.deepEqual(await room.catalog.unfinished('default', MODULE), [])
  })
})

describe('while the other origins of the route are down', () => {
  /** A room whose one origin can be switched off, with what it lists while it is there. */
  async function openWithOutage(t: TestContext) {
    const state: { down: ErrorCode | undefined } = { down: 'upstream_unreachable' }
    const answers = (text: string) => async () => {
      if (state.down !== undefined)
        throw new ModsteadError(state.down, 'gitlab is down', { origin: 'gitlab' })
      return Buffer.from(text)
    }
    const gitlab = tableOrigin('gitlab', {
      list: answers('v1.4.0\n'),
      latest: answers(JSON.stringify({ Version: 'v1.4.0', Time: '2026-01-02T03:04:05Z' })),
    })
    return {
      state,
      room: await openRoom(t, { origins: [gitlab], route: { fresh: 0, staleWhileRevalidate: 0 } }),
    }
  }

  test('what was published is listed, and the best of it is the latest; without any it stays an outage', async (t) => {
    const { state, room } = await openWithOutage(t)
    for (const ask of [room.list, room.latest]) await assert.rejects(ask(), code('upstream_unreachable'))
    for (const version of ['v1.0.0', 'v1.2.0', 'v1.3.0-rc.1'])
      await room.put((await makeZip({}, { version })).zip, { version })
    for (const down of ['upstream_unreachable', 'upstream_failed', 'upstream_refused'] as const) {
      state.down = down
      assert.equal(await room.list(), 'v1.0.0\nv1.2.0\nv1.3.0-rc.1\n', down)
      assert.equal(await room.latest(), 'v1.2.0', down)
    }
    await room.remove('v1.2.0')
    assert.equal(await room.latest(), 'v1.0.0')
    for (const version of ['v1.0.0', 'v1.3.0-rc.1']) await room.remove(version)
    for (const ask of [room.list, room.latest]) await assert.rejects(ask(), code('upstream_refused'))
  })

  test('what they said before goes on being laid under it', async (t) => {
    const { state, room } = await openWithOutage(t)
    state.down = undefined
    for (const version of ['v1.0.0', 'v1.5.0'])
      await room.put((await makeZip({}, { version })).zip, { version })
    assert.equal(await room.list(), 'v1.0.0\nv1.4.0\nv1.5.0\n')
    assert.equal(await room.latest(), 'v1.5.0')
    state.down = 'upstream_timeout'
    await room.remove('v1.5.0')
    assert.equal(await room.list(), 'v1.0.0\nv1.4.0\n')
    assert.equal(await room.latest(), 'v1.4.0')
  })

  test('trouble of our own is no outage of theirs', async (t) => {
    const { room } = await openWithOutage(t)
    await room.put((await makeZip()).zip)
    room.catalog.snapshot = () => Promise.reject(new ModsteadError('store_unavailable', 'the disk is full'))
    for (const ask of [room.list, room.latest]) await assert.rejects(ask(), code('store_unavailable'))
  })
})
