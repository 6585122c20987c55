import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import type { ChecksumDatabase } from './checksums.ts'
import type { ModuleRequest } from './request.ts'
import { createRouter } from './route.ts'
import { createModuleProxy } from './serve.ts'

import { MODULE, VERSION, TIMES, makeModule, scripted, setUp, read, database } from './proxy.fixture.ts'

test('where nobody may be asked, what is stored is given however old, and what is not is refused, not absent', async (t) => {
  let time = Date.now()
  const made = await makeModule()
  const origin = scripted('one', { latest: made.info })
  const { serve, store, catalog, checker, observer } = await setUp(t, { origins: [origin], now: () => time })
  const latest: ModuleRequest = { kind: 'latest', module: MODULE }
  await serve(latest)
  const router = createRouter(
    [
      {
        modules: ['*'],
        from: [{ origin: 'off', then: 'absent' }],
        private: false,
        checksum: 'off',
        ...TIMES,
      },
    ],
    new Map(),
    new Map(),
  )
  const lookAhead = { concurrency: 0, bytes: 0, depth: 0 }
  const off = createModuleProxy({ router, store, catalog, checker, lookAhead, observer, now: () => time })
  const context = { signal: new AbortController().signal, storedOnly: false, client: {} }
  time += 30 * 24 * 3_600_000
  assert.deepEqual(await read(await off.serve(latest, context)), made.info)
  const mod: ModuleRequest = { kind: 'mod', module: MODULE, version: VERSION }
  await assert.rejects(off.serve(mod, context), { code: 'fetch_disabled' })
})

test('a stored zip that rotted is found at its first use, recorded and fetched again', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { zip: made.zip })
  const { file, store, catalog } = await setUp(t, { origins: [origin] })
  const facts = { h1: made.h1, zipSize: made.zip.length, zipSha256: 'a'.repeat(64) }
  await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, made.zip, made.h1)
  await catalog.learn('public', MODULE, VERSION, facts)
  assert.ok((await read(await file('zip'))).equals(made.zip))
  assert.deepEqual(origin.asked, ['zip'])
  assert.equal((await catalog.incidents({ limit: 1 }))[0]?.kind, 'store')
  await read(await file('zip'))
  assert.deepEqual(origin.asked, ['zip'])
})

test('a checksum database that gives nonsense refutes nothing: stored files stay, and no origin is blamed', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { mod: made.mod, zip: made.zip })
  const nonsense: ChecksumDatabase = {
    name: 'sum.example.com',
    lookup: () => Promise.reject(new ModsteadError('checksum_invalid', 'a captive portal')),
  }
  const { file, store, storedFiles } = await setUp(t, { origins: [origin], checksum: nonsense })
  const key = { realm: 'public', module: MODULE, version: VERSION }
  await store.commit({ ...key, kind: 'mod' }, made.mod, made.goModH1)
  await store.commit({ ...key, kind: 'zip' }, made.zip, made.h1)
  await assert.rejects(file('mod'), { code: 'checksum_invalid' })
  await assert.rejects(file('zip'), { code: 'checksum_invalid' })
  assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.mod', 'example.com/m/@v/v1.0.0.zip'])
  assert.deepEqual(origin.asked, [])
})

test('files that someone else put into the store are proven on first use, and dropped when they are refuted', async (t) => {
  const made = await makeModule()
  const bad = await makeModule('package evil\n')
  const origin = scripted('one', { zip: made.zip })
  const { file, store, catalog } = await setUp(t, { origins: [origin], checksum: database(made) })
  await store.commit(
    { realm: 'public', module: MODULE, version: VERSION, kind: 'mod' },
    made.mod,
    made.goModH1,
  )
  await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, bad.zip, bad.h1)
  assert.deepEqual(await read(await file('mod')), made.mod)
  assert.equal((await catalog.version('public', MODULE, VERSION))?.provenBy, 'sum.example.com')
  assert.ok((await read(await file('zip'))).equals(made.zip), 'the bad one was replaced by the origin’s')
  assert.deepEqual(origin.asked, ['zip'])
  assert.equal((await catalog.incidents({ limit: 10 }))[0]?.kind, 'store')
})

test('a stored file that is dropped as wrong: what go is refused afterwards names the incident, until it is there again', async (t) => {
  const made = await makeModule()
  const bad = await makeModule('package evil\n', `module ${MODULE}\n\ngo 1.99\n`)
  for (const kind of ['zip', 'mod'] as const) {
    const origin = scripted('one', { [kind]: 'upstream_unreachable', info: made.info })
    const { file, store, catalog } = await setUp(t, { origins: [origin], checksum: database(made) })
    const key = { realm: 'public', module: MODULE, version: VERSION, kind }
    await store.commit(key, bad[kind], kind === 'zip' ? bad.h1 : bad.goModH1)
    await assert.rejects(file(kind, { storedOnly: true }), { code: 'not_stored', incident: /^inc-/ })
    const [incident] = await catalog.incidents({ limit: 2 })
    assert.equal(incident?.kind, 'store')
    await assert.rejects(file(kind), { code: 'upstream_unreachable', incident: incident.id, origin: 'one' })
    origin.script[kind] = made[kind]
    assert.deepEqual(await read(await file(kind)), made[kind])
    await store.remove(key)
    origin.script[kind] = 'upstream_unreachable'
    await assert.rejects(file(kind), { code: 'upstream_unreachable', incident: undefined })
  }
})

test('a zip that rotted and is nowhere else: 404 as long as the absence is remembered, with the incident', async (t) => {
  const made = await makeModule()
  const { file, store, catalog } = await setUp(t, { origins: [scripted('one', {})] })
  const facts = { h1: made.h1, zipSize: made.zip.length, zipSha256: 'a'.repeat(64) }
  await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, made.zip, made.h1)
  await catalog.learn('public', MODULE, VERSION, facts)
  for (let i = 0; i < 2; i++) await assert.rejects(file('zip'), { code: 'not_found', incident: /^inc-/ })
})
