import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Version } from '@modstead/gomod/version'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { GO_MOD, makeZip, MODULE, openRoom, tableOrigin, V1 } from './publish.fixture.ts'
import { settleActs } from './settle-acts.ts'
import type { ModuleStore } from './store.ts'

const KINDS = ['info', 'mod', 'zip'] as const

function code(expected: ErrorCode, text = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ModsteadError, String(error))
    assert.equal(error.code, expected, error.message)
    assert.match(error.message, text)
    return true
  }
}

/** An origin that has v1.0.0 whole, and says that it is the latest. */
async function originWithV1() {
  const { zip, h1 } = await makeZip()
  const info = Buffer.from(JSON.stringify({ Version: V1, Time: '2020-01-02T03:04:05Z' }))
  const table: Record<string, Buffer | (() => Promise<Buffer>)> = {
    list: Buffer.from('v1.0.0\n'),
    latest: info,
    'main.info': info,
    'v1.0.0.zip': zip,
    'v1.0.0.info': info,
    'v1.0.0.mod': Buffer.from(GO_MOD),
  }
  return { zip, h1, table, gitlab: tableOrigin('gitlab', table) }
}

describe('deleting', () => {
  test('nothing of a deleted version is given, and it says when, by whom and why', async (t) => {
    const room = await openRoom(t)
    const { zip, h1 } = await makeZip()
    await room.put(zip)
    room.changes.length = 0
    const { deletion, again, h1: found } = await room.remove()
    assert.deepEqual([found, again, deletion.who, deletion.reason], [h1, false, 'ops', 'a key was in it'])
    assert.deepEqual(await room.stored(), [])
    const when = new Date(deletion.at).toISOString().slice(0, 10)
    for (const kind of KINDS)
      await assert.rejects(
        room.get({ kind, module: MODULE, version: V1 }),
        code('deleted', new RegExp(`@v1\\.0\\.0 was deleted on ${when} .* by ops: a key was in it`)),
      )
    for (const ask of [room.list, room.latest]) await assert.rejects(ask(), code('not_found'))
    assert.deepEqual(room.changes, [
      { realm: 'default', module: MODULE },
      { realm: 'default', module: MODULE, version: V1 },
    ])
    const [act] = await room.catalog.acts({ limit: 1 })
    assert.deepEqual([act?.act, act?.who, act?.h1, act?.reason], ['delete', 'ops', h1, 'a key was in it'])
  })

  test('it holds when it is ordered again, with the first reason', async (t) => {
    const room = await openRoom(t)
    await room.put((await makeZip()).zip)
    const first = await room.remove()
    const second = await room.remove()
    assert.deepEqual(second, { ...first, again: true })
    assert.equal((await room.catalog.acts({ limit: 9 })).length, 2)
  })

  test('the version comes back with the same contents, and with no others', async (t) => {
    const room = await openRoom(t)
    const [first, second] = [await makeZip(), await makeZip({ 'new.go': 'package lib\n' })]
    await room.put(first.zip)
    const info = await room.get({ kind: 'info', module: MODULE, version: V1 })
    await room.remove()
    await assert.rejects(room.put(second.zip), code('version_conflict', /before it was deleted/))
    assert.deepEqual(await room.stored(), [])
    assert.equal((await room.put(first.zip)).outcome, 'published')
    assert.equal(await room.list(), 'v1.0.0\n')
    assert.deepEqual(await room.get({ kind: 'zip', module: MODULE, version: V1 }), first.zip)
    assert.deepEqual(await room.get({ kind: 'info', module: MODULE, version: V1 }), info)
  })

  test('what an origin has is not listed, nor fetched again', async (t) => {
    const { gitlab } = await originWithV1()
    const room = await openRoom(t, { origins: [gitlab] })
    for (const kind of KINDS) await room.get({ kind, module: MODULE, version: V1 })
    assert.equal(await room.list(), 'v1.0.0\n')
    await room.remove()
    gitlab.asked.length = 0
    for (const kind of KINDS)
      await assert.rejects(room.get({ kind, module: MODULE, version: V1 }), code('deleted'))
    assert.deepEqual(gitlab.asked, [])
    assert.equal(await room.list(), '')
    await assert.rejects(room.latest(), code('deleted'))
    await assert.rejects(room.get({ kind: 'query', module: MODULE, query: 'main' }), code('deleted'))
    await room.put((await makeZip({}, { version: 'v0.9.0' })).zip, { version: 'v0.9.0' })
    assert.equal(await room.latest(), 'v0.9.0')
  })

  test('a version of which only a part was known can be deleted, and then never comes back', async (t) => {
    const { gitlab, zip } = await originWithV1()
    const room = await openRoom(t, { origins: [gitlab] })
    await room.get({ kind: 'mod', module: MODULE, version: V1 })
    assert.equal((await room.remove()).h1, undefined)
    await assert.rejects(room.put(zip), code('version_conflict', /before its contents were known/))
  })

  test('a zip that arrives while its version is deleted is not kept', async (t) => {
    const { table, zip } = await originWithV1()
    const arriving = Promise.withResolvers<Buffer>()
    const gitlab = tableOrigin('gitlab', { ...table, 'v1.0.0.zip': () => arriving.promise })
    const room = await openRoom(t, { origins: [gitlab] })
    await room.get({ kind: 'mod', module: MODULE, version: V1 })
    const waiting = room.get({ kind: 'zip', module: MODULE, version: V1 })
    waiting.catch(() => undefined)
    while (!gitlab.asked.includes('v1.0.0.zip')) await sleep(1)
    await room.remove()
    arriving.resolve(zip)
    await assert.rejects(waiting, code('deleted'))
    assert.deepEqual(await room.stored(), [])
  })

  test('what is unknown is not found, and public versions stay', async (t) => {
    const room = await openRoom(t)
    await assert.rejects(room.remove(), code('not_found'))
    await assert.rejects(room.remove('v1.0.0', 'example.com/public'), code('publish_disabled', /public/))
    assert.deepEqual(await room.catalog.acts({ limit: 9 }), [])
  })
})

describe('publications and deletions that are cut off', () => {
  test('a publication is undone at the next start', async (t) => {
    const room = await openRoom(t)
    const { catalog, store } = room
    const { zip, h1 } = await makeZip()
    const place = { realm: 'default', module: MODULE, version: V1 }
    await catalog.begin({ act: 'publish', who: 'ci', ...place, h1 })
    await store.commit({ ...place, kind: 'mod' }, Buffer.from(GO_MOD))
    await settleActs(room)
    assert.deepEqual(await room.stored(), [])
    assert.equal((await catalog.acts({ limit: 1 }))[0]!.outcome, 'undone')
    assert.equal((await room.put(zip)).outcome, 'published')
    await settleActs(room)
    assert.equal((await room.stored()).length, 3)
  })

  test('one of a deleted version leaves it deleted', async (t) => {
    const room = await openRoom(t)
    const { zip, h1 } = await makeZip()
    await room.put(zip)
    await room.remove()
    const place = { realm: 'default', module: MODULE, version: V1 }
    await room.catalog.begin({ act: 'publish', who: 'ci', ...place, h1 })
    await room.store.commit({ ...place, kind: 'zip' }, zip, h1)
    await settleActs(room)
    assert.deepEqual(await room.stored(), [])
    await assert.rejects(room.get({ kind: 'zip', module: MODULE, version: V1 }), code('deleted'))
  })

  test('a deletion holds from its beginning, and is done at the next start', async (t) => {
    const room = await openRoom(t)
    await room.put((await makeZip()).zip)
    const place = { realm: 'default', module: MODULE, version: V1 }
    await room.catalog.begin({ act: 'delete', who: 'ops', ...place, reason: 'why' })
    await assert.rejects(room.get({ kind: 'zip', module: MODULE, version: V1 }), code('deleted'))
    assert.equal((await room.stored()).length, 3)
    await settleActs(room)
    assert.deepEqual(await room.stored(), [])
    assert.equal((await room.catalog.acts({ limit: 1 }))[0]!.outcome, 'done')
  })

  test('what fails at the next start is left, and the others are settled all the same', async (t) => {
    const room = await openRoom(t)
    const { catalog, store } = room
    const { h1 } = await makeZip()
    const versions = ['v1.0.0', 'v1.1.0', 'v1.2.0'] as Version[]
    for (const version of versions) {
      await catalog.begin({ act: 'publish', who: 'ci', realm: 'default', module: MODULE, version, h1 })
      await store.commit({ realm: 'default', module: MODULE, version, kind: 'mod' }, Buffer.from(GO_MOD))
    }
    const observer = createTestObserver()
    const failing: ModuleStore = {
      ...store,
      remove: (key) =>
        key.version === 'v1.1.0'
          ? Promise.reject(new ModsteadError('store_unavailable', 'the disk is full'))
          : store.remove(key),
    }
    await settleActs({ catalog, store: failing, observer })
    const left = await catalog.unfinished('default', MODULE)
    assert.deepEqual(
      left.map(({ version }) => version),
      ['v1.1.0'],
    )
    assert.deepEqual(await room.stored(), ['v1.1.0.mod'])
    assert.deepEqual(
      observer.lines.map(({ level, fields }) => `${level} ${String(fields.version)}`).toSorted(),
      ['error v1.1.0', 'warn v1.0.0', 'warn v1.2.0'],
    )
    await assert.rejects(room.get({ kind: 'mod', module: MODULE, version: versions[1]! }), code('not_found'))
    await settleActs(room)
    assert.deepEqual(await catalog.unfinished('default', MODULE), [])
    assert.deepEqual(await room.stored(), [])
  })

  test('a deletion that the disk cut off is done when it is ordered again', async (t) => {
    let failing = true
    const wrap = (store: ModuleStore): ModuleStore => ({
      ...store,
      remove: (key) =>
        failing
          ? Promise.reject(new ModsteadError('store_unavailable', 'the disk fails'))
          : store.remove(key),
    })
    const room = await openRoom(t, { wrap })
    await room.put((await makeZip()).zip)
    await assert.rejects(room.remove(), code('store_unavailable'))
    await assert.rejects(room.get({ kind: 'zip', module: MODULE, version: V1 }), code('deleted'))
    failing = false
    assert.equal((await room.remove()).again, true)
    assert.deepEqual(await room.stored(), [])
    const acts = await room.catalog.acts({ limit: 9 })
    assert.deepEqual(
      acts.map(({ act, outcome }) => [act, outcome]),
      [
        ['delete', 'done'],
        ['publish', 'done'],
      ],
    )
  })

  test('a store that fails half-way leaves the state before', async (t) => {
    let failing = true
    const wrap = (store: ModuleStore): ModuleStore => ({
      ...store,
      commit(key, contents, h1) {
        if (failing && key.kind === 'zip')
          return Promise.reject(new ModsteadError('store_unavailable', 'the disk is full'))
        return store.commit(key, contents, h1)
      },
    })
    const room = await openRoom(t, { wrap })
    const { zip } = await makeZip()
    await assert.rejects(room.put(zip), code('store_unavailable'))
    assert.deepEqual(await room.stored(), [])
    assert.equal((await room.catalog.acts({ limit: 1 }))[0]!.outcome, 'undone')
    assert.equal(await room.catalog.version('default', MODULE, V1), undefined)
    failing = false
    const other = await makeZip({ 'new.go': 'package lib\n' })
    assert.equal((await room.put(other.zip)).outcome, 'published')
  })
})
