/**
 * What every module store must do. `testModuleStore` declares the tests; a new store runs them with one line in its
 * own test file.
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { StoredFile } from '../proxy/answer.ts'
import type { ArtifactKind } from '../proxy/request.ts'
import type { ModuleStore, StoreKey } from '../proxy/store.ts'
import { someHash } from '../observe/test-support.ts'
import { collect, key } from './test-support.ts'

export interface StoreUnderTest {
  /** An empty store of its own, closed and deleted by the factory after the test. */
  store: ModuleStore
  /** The same store as another start of the server would see it. `store` must not be used any more. */
  reopen(): Promise<ModuleStore>
}

export function testModuleStore(name: string, create: (t: TestContext) => Promise<StoreUnderTest>): void {
  describe(`module store: ${name}`, () => {
    it('has nothing at first', async (t) => {
      const { store } = await create(t)
      for (const kind of KINDS)
        assert.equal(await store.open(key(kind, 'example.com/a', 'v1.0.0')), undefined)
      const { module } = key('mod', 'example.com/a', 'v1.0.0')
      assert.deepEqual(await store.versions('public', module), [])
      assert.deepEqual(await namesOf(store), [])
    })

    it('gives what was committed, also after a restart', async (t) => {
      const { store, reopen } = await create(t)
      const start = Date.now()
      for (const kind of KINDS) {
        const bytes = Buffer.from(`a ${kind} file`)
        const outcome = await store.commit(key(kind, 'example.com/a', 'v1.0.0'), bytes, someHash(kind))
        assert.equal(outcome, 'stored')
      }
      for (const restarted of [false, true]) {
        const view = restarted ? await reopen() : store
        for (const kind of KINDS) {
          const file = await view.open(key(kind, 'example.com/a', 'v1.0.0'))
          await assertContents(file, Buffer.from(`a ${kind} file`))
          assert.ok(Math.abs(file!.modified.getTime() - start) < 60_000)
        }
      }
    })

    it('keeps apart versions, letter cases and realms', async (t) => {
      const { store, reopen } = await create(t)
      const keys = [
        key('mod', 'example.com/a', 'v1.0.0'),
        key('mod', 'example.com/A', 'v1.0.0'),
        key('mod', 'example.com/a', 'v1.0.0-RC1'),
        key('mod', 'example.com/a', 'v1.0.0-rc1'),
        key('mod', 'example.com/a', 'v2.0.0+incompatible'),
        key('mod', 'example.com/a/v2', 'v2.0.0'),
        key('mod', 'example.com/a/b', 'v1.0.0'),
        key('mod', 'example.com/a', 'v1.0.0', 'default'),
        key('mod', 'example.com/a', 'v1.0.0', 'Team.One'),
        key('mod', 'example.com/a', 'v1.0.0', 'team.one'),
      ]
      for (const k of keys) await store.commit(k, Buffer.from(nameOf(k)))
      const later = await reopen()
      for (const k of keys) await assertContents(await later.open(k), Buffer.from(nameOf(k)))
      for (const realm of ['public', 'default', 'Team.One', 'team.one']) {
        const expected = keys.filter((k) => k.realm === realm).map(nameOf)
        assert.deepEqual((await namesOf(later, realm)).toSorted(), expected.toSorted())
      }
      const versions = await later.versions('public', keys[0]!.module)
      assert.deepEqual(versions.toSorted(), ['v1.0.0', 'v1.0.0-RC1', 'v1.0.0-rc1', 'v2.0.0+incompatible'])
      assert.deepEqual(await later.versions('default', keys[1]!.module), [])
    })

    it('keeps the first contents of the same fact', async (t) => {
      const { store } = await create(t)
      const goMod = Buffer.from('module example.com/a\n')
      const rows: [ArtifactKind, Buffer, Buffer, string | undefined][] = [
        [
          'info',
          Buffer.from('{"Version":"v1.0.0"}'),
          Buffer.from('{"Version":"v1.0.0","Time":""}'),
          undefined,
        ],
        ['mod', goMod, goMod, hashGoMod(goMod)],
        ['zip', Buffer.from('compressed'), Buffer.from('compressed otherwise'), someHash('the same files')],
      ]
      for (const [kind, first, second, h1] of rows) {
        const k = key(kind, 'example.com/a', 'v1.0.0')
        assert.equal(await store.commit(k, first, h1), 'stored')
        assert.equal(await store.commit(k, second, h1), 'identical')
        await assertContents(await store.open(k), first)
      }
    })

    it('refuses another fact and changes nothing', async (t) => {
      const { store, reopen } = await create(t)
      const mod = key('mod', 'example.com/a', 'v1.0.0')
      const zip = key('zip', 'example.com/a', 'v1.0.0')
      await store.commit(mod, Buffer.from('module example.com/a\n'))
      await store.commit(zip, Buffer.from('zip'), someHash('zip'))
      for (const restarted of [false, true]) {
        const view = restarted ? await reopen() : store
        await assertRejects(view.commit(mod, Buffer.from('module example.com/b\n')), 'checksum_mismatch')
        await assertRejects(view.commit(zip, Buffer.from('zip'), someHash('other')), 'checksum_mismatch')
        await assertContents(await view.open(mod), Buffer.from('module example.com/a\n'))
        await assertContents(await view.open(zip), Buffer.from('zip'))
      }
    })

    it('refuses what cannot be a module file', async (t) => {
      const { store } = await create(t)
      for (const kind of KINDS) {
        const empty = store.commit(key(kind, 'example.com/a', 'v1.0.0'), new Uint8Array(0), someHash(''))
        await assertRejects(empty, 'internal')
      }
      await assertRejects(
        store.commit(key('zip', 'example.com/a', 'v1.0.0'), Buffer.from('no hash')),
        'internal',
      )
      assert.deepEqual(await namesOf(store), [])
    })

    it('lets one of many concurrent commits win', async (t) => {
      const { store } = await create(t)
      const k = key('zip', 'example.com/a', 'v1.0.0')
      const bodies = Array.from({ length: 12 }, (_, i) => Buffer.from(`body ${i}`))
      const outcomes = await Promise.allSettled(
        bodies.map((body, i) => store.commit(k, body, someHash(`fact ${i % 2}`))),
      )
      const values = outcomes.map((o) => (o.status === 'fulfilled' ? o.value : 'refused'))
      assert.equal(values.filter((v) => v === 'stored').length, 1)
      assert.equal(values.filter((v) => v === 'identical').length, 5)
      assert.equal(values.filter((v) => v === 'refused').length, 6)
      await assertContents(await store.open(k), bodies[values.indexOf('stored')]!)
    })

    it('takes many commits at once', async (t) => {
      const { store, reopen } = await create(t)
      const keys = Array.from({ length: 60 }, (_, i) => key('mod', `example.com/m${i % 20}`, `v1.${i}.0`))
      await Promise.all(keys.map((k) => store.commit(k, Buffer.from(nameOf(k)))))
      const later = await reopen()
      for (const k of keys) await assertContents(await later.open(k), Buffer.from(nameOf(k)))
    })

    it('streams any part of a large file, and stops when its reader does', async (t) => {
      const { store } = await create(t)
      const bytes = pattern(1_500_001)
      const k = key('zip', 'example.com/a', 'v1.0.0')
      await store.commit(k, bytes, someHash('large'))
      const file = (await store.open(k))!
      for (const [start, end] of [
        [0, bytes.length],
        [0, 0],
        [1, 2],
        [262_143, 524_289],
        [bytes.length - 1, bytes.length],
      ] as const) {
        const chunks: Uint8Array[] = []
        for await (const chunk of file.stream(start, end)) chunks.push(chunk)
        assert.ok(Buffer.concat(chunks).equals(bytes.subarray(start, end)), `${start}-${end}`)
      }
      for await (const chunk of file.stream(0, bytes.length)) {
        assert.ok(chunk.length > 0)
        break
      }
    })

    it('takes contents from a spool', async (t) => {
      const { store, reopen } = await create(t)
      const spool = await store.createSpool()
      const chunks = Array.from({ length: 200 }, (_, i) => pattern(1_000 + i, i))
      const whole = Buffer.concat(chunks)
      // Half of them without waiting: order is the order of the calls.
      for (const chunk of chunks.slice(0, 100)) await spool.append(chunk)
      await Promise.all(chunks.slice(100).map((chunk) => spool.append(chunk)))
      assert.equal(spool.size, whole.length)
      assert.ok((await spool.read(1_500, 100_000)).equals(whole.subarray(1_500, 101_500)))
      const k = key('zip', 'example.com/a', 'v1.0.0')
      assert.deepEqual(await namesOf(store), [])
      assert.equal(await store.commit(k, spool, someHash('spooled')), 'stored')
      assert.ok((await spool.read(0, 10)).equals(whole.subarray(0, 10)), 'readable until it is discarded')
      await spool.discard()
      await spool.discard()
      await assertContents(await (await reopen()).open(k), whole)
    })

    it('forgets a spool that is discarded', async (t) => {
      const { store } = await create(t)
      const spool = await store.createSpool()
      await spool.append(Buffer.from('half a zip'))
      await spool.discard()
      assert.deepEqual(await namesOf(store), [])
    })

    it('discards the spool of a fact that is held', async (t) => {
      const { store } = await create(t)
      const k = key('zip', 'example.com/a', 'v1.0.0')
      await store.commit(k, Buffer.from('first'), someHash('fact'))
      const spool = await store.createSpool()
      await spool.append(Buffer.from('second'))
      assert.equal(await store.commit(k, spool, someHash('fact')), 'identical')
      await spool.discard()
      await assertContents(await store.open(k), Buffer.from('first'))
    })

    it('removes single files, after which other contents may come', async (t) => {
      const { store, reopen } = await create(t)
      for (const kind of KINDS) {
        await store.commit(key(kind, 'example.com/a', 'v1.0.0'), Buffer.from('first'), someHash('first'))
      }
      const zip = key('zip', 'example.com/a', 'v1.0.0')
      await store.remove(zip)
      await store.remove(zip)
      await store.remove(key('zip', 'example.com/never', 'v1.0.0'))
      assert.equal(await store.open(zip), undefined)
      assert.equal(await store.commit(zip, Buffer.from('second'), someHash('second')), 'stored')
      const later = await reopen()
      await assertContents(await later.open(zip), Buffer.from('second'))
      await assertContents(await later.open(key('mod', 'example.com/a', 'v1.0.0')), Buffer.from('first'))
    })

    it('walks every key once, in an order that stays', async (t) => {
      const { store, reopen } = await create(t)
      const keys = ['example.com/b', 'example.com/a', 'example.com/a/v2', 'other.org/Big/Name'].flatMap(
        (module) => KINDS.map((kind) => key(kind, module, module.endsWith('/v2') ? 'v2.0.0' : 'v1.0.0-Beta')),
      )
      for (const k of keys) await store.commit(k, Buffer.from(nameOf(k)), someHash(nameOf(k)))
      const walked = await namesOf(store)
      assert.deepEqual(walked.toSorted(), keys.map(nameOf).toSorted())
      assert.deepEqual(await namesOf(await reopen()), walked)
    })

    it('says that it can be written', async (t) => {
      const { store } = await create(t)
      await store.probe()
      assert.deepEqual(await namesOf(store), [])
    })
  })
}

const KINDS: readonly ArtifactKind[] = ['info', 'mod', 'zip']

function nameOf({ realm, module, version, kind }: StoreKey): string {
  return `${realm} ${module}@${version}.${kind}`
}

async function namesOf(store: ModuleStore, realm = 'public'): Promise<string[]> {
  return (await collect(store.walk(realm))).map(nameOf)
}

async function assertContents(file: StoredFile | undefined, expected: Buffer): Promise<void> {
  assert.ok(file !== undefined, 'nothing is stored')
  assert.equal(file.size, expected.length)
  assert.ok((await file.bytes()).equals(expected), 'other contents are stored')
}

async function assertRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof ModsteadError && error.code === code)
}

/** `length` bytes that differ from place to place. */
function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) + seed) & 0xff
  return bytes
}
