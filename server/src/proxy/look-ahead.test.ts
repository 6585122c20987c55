import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { eventually } from '../observe/test-support.ts'
import type { ChecksumDatabase, ChecksumRecord } from './checksums.ts'
import type { Origin, OriginOptions } from './origin.ts'
import type { ArtifactKind } from './request.ts'
import { VERSION, makeModule, scripted, pieces, setUp, read } from './proxy.fixture.ts'

test('Disable-Module-Fetch fetches nothing ahead either', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
  const { file } = await setUp(t, { origins: [origin], concurrency: 4 })
  for (const kind of ['info', 'mod', 'zip'] as const) {
    await assert.rejects(file(kind, { storedOnly: true }), { code: 'not_stored' })
  }
  await sleep(50)
  assert.deepEqual(origin.asked, [])
})

test('look-ahead: no zip without a zip request, and then those of the build list', async (t) => {
  const modules = ['a.com/a', 'b.com/b', 'c.com/c'].map((path) => checkPath(path))
  const asked: string[] = []
  const zips = new Map<string, Buffer>()
  for (const module of modules) {
    const chunks: Uint8Array[] = []
    const goMod = `module ${module}\n`
    const entry = {
      path: 'go.mod',
      kind: 'regular' as const,
      size: goMod.length,
      open: () => Buffer.from(goMod),
    }
    await createModuleZip(
      { path: module, version: VERSION, files: [entry] },
      (chunk) => void chunks.push(Buffer.from(chunk)),
    )
    zips.set(module, Buffer.concat(chunks))
  }
  const give = <T>(kind: string, module: ModulePath, value: T): Promise<T> => {
    asked.push(`${kind} ${module}`)
    return Promise.resolve(value)
  }
  const origin: Origin = {
    name: 'one',
    speculative: true,
    versions: (module) => give('list', module, { versions: [] }),
    resolve: (module) =>
      give('info', module, { bytes: Buffer.from(`{"Version":"${VERSION}"}`), version: VERSION }),
    goMod: (module) =>
      give('mod', module, {
        bytes: Buffer.from(`module ${module}\n${module === 'a.com/a' ? 'require b.com/b v1.0.0\n' : ''}`),
      }),
    zip: (module) => give('zip', module, { chunks: pieces([zips.get(module)!]) }),
    close: () => Promise.resolve(),
  }
  const { serve } = await setUp(t, { origins: [origin], concurrency: 4 })
  const get = (kind: ArtifactKind, module: ModulePath) => serve({ kind, module, version: VERSION }).then(read)
  await get('mod', modules[0]!)
  await sleep(100)
  assert.deepEqual(
    asked,
    ['mod a.com/a', 'mod b.com/b'],
    'a go.mod without a go line brings those it requires',
  )
  await get('info', modules[2]!)
  await get('mod', modules[1]!)
  await get('mod', modules[2]!)
  await sleep(100)
  assert.ok(!asked.some((entry) => entry.startsWith('zip')), 'no zip so far')
  await get('zip', modules[0]!)
  await sleep(200)
  assert.deepEqual(asked.filter((entry) => entry.startsWith('zip')).sort(), [
    'zip a.com/a',
    'zip b.com/b',
    'zip c.com/c',
  ])
  assert.equal(new Set(asked).size, asked.length, 'nothing was asked for twice')
})

test('look-ahead counts the bytes of every kind of file that a client came for, and of those nobody did', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
  let time = 1_000_000
  const { file, observer } = await setUp(t, { origins: [origin], concurrency: 4, now: () => time })
  const used = () => observer.gauges.get('modstead_lookahead_used_bytes')!()
  const wasted = () => observer.gauges.get('modstead_lookahead_wasted_bytes')!()
  const fetched = () => observer.counts.get('modstead_lookahead_fetches_total info fetched') ?? 0
  await file('zip').then(read)
  await eventually(() => fetched() === 1 && origin.asked.length === 3, 'the small files come ahead')
  assert.deepEqual(origin.asked.toSorted(), ['info', 'mod', 'zip'])
  await eventually(
    () => observer.counts.has('modstead_lookahead_fetches_total mod fetched'),
    'the .mod is here',
  )
  assert.equal(used(), 0)
  await file('mod')
  assert.equal(used(), made.mod.length)
  await file('mod')
  assert.equal(used(), made.mod.length, 'once')
  time += 10 * 60_000
  await file('zip').then(read)
  assert.equal(wasted(), made.info.length)
})

test('what look-ahead asks the checksum database is background work until a client joins', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { info: made.info, mod: made.mod })
  const verdict = Promise.withResolvers<ChecksumRecord>()
  const asked: OriginOptions[] = []
  const checksum: ChecksumDatabase = {
    name: 'sum.example.com',
    lookup: (_module, _version, options) => {
      asked.push(options)
      return verdict.promise
    },
  }
  const { file } = await setUp(t, { origins: [origin], concurrency: 4, checksum })
  await file('info', { via: 'one' })
  await eventually(() => asked.length === 1, 'the .mod is looked up ahead')
  assert.deepEqual(
    asked.map(({ priority, promoted }) => [priority, promoted?.aborted]),
    [['background', false]],
  )
  const waiting = file('mod', { via: 'two' })
  await eventually(() => asked[0]!.promoted?.aborted === true, 'the client joins')
  assert.equal(asked.length, 1)
  verdict.resolve({ database: 'sum.example.com', h1: made.h1, goModH1: made.goModH1 })
  assert.deepEqual(await waiting.then(read), made.mod)
  await assert.rejects(file('zip', { via: 'three' }), { code: 'not_found' })
  assert.deepEqual([asked[1]!.priority, asked[1]!.via], ['client', 'three'])
})
