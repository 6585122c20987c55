import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import type { ChecksumDatabase } from './checksums.ts'

import { MODULE, VERSION, makeModule, scripted, pieces, setUp, read, database } from './proxy.fixture.ts'

test('each file is independent: a missing zip does not hide a good .mod, a malformed .mod not the .info', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { info: made.info, mod: Buffer.from('module example.org/other\n') })
  const { file, storedFiles } = await setUp(t, { origins: [origin] })
  await assert.rejects(file('mod'), { code: 'upstream_invalid', message: /example\.org\/other/ })
  await assert.rejects(file('zip'), { code: 'not_found' })
  assert.deepEqual(await read(await file('info')), made.info)
  assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.info'])
})

test('a go.mod of another path is taken when the checksum database proves it: forks used with replace', async (t) => {
  const made = await makeModule('package m\n', 'module example.org/original\n')
  const origin = scripted('one', { mod: made.mod })
  const { file } = await setUp(t, { origins: [origin], checksum: database(made) })
  assert.deepEqual(await read(await file('mod')), made.mod)
})

test('a tampered zip is never given whole, is recorded, and the next good origin is used', async (t) => {
  const good = await makeModule()
  const bad = await makeModule('package evil\n')
  const first = scripted('first', { zip: bad.zip })
  const second = scripted('second', { zip: good.zip })
  const { file, catalog } = await setUp(t, {
    origins: [first, second],
    then: 'absent',
    checksum: database(good),
  })
  const answer = await file('zip')
  assert.ok((await read(answer)).equals(good.zip))
  const [row] = await catalog.incidents({ limit: 10 })
  const { id: _id, at, lastAt, ...incident } = row!
  assert.equal(lastAt, at)
  assert.deepEqual(incident, {
    count: 1,
    kind: 'zip',
    realm: 'public',
    module: MODULE,
    version: VERSION,
    source: 'first',
    expected: good.h1,
    found: bad.h1,
    outcome: 'refused; nothing was stored',
  })
})

test('a tampered zip that clients have begun to read is cut short; the next request starts elsewhere', async (t) => {
  const good = await makeModule()
  const gate = Promise.withResolvers<void>()
  const bad = await makeModule(`package m // ${randomBytes(3000).toString('hex')}\n`)
  const begun = {
    size: bad.zip.length,
    chunks: pieces([bad.zip.subarray(0, 2000), gate.promise, bad.zip.subarray(2000)]),
  }
  const first = scripted('first', { zip: begun })
  const second = scripted('second', { zip: good.zip })
  const { file, storedFiles } = await setUp(t, {
    origins: [first, second],
    then: 'absent',
    checksum: database(good),
  })
  const answer = await file('zip')
  assert.equal(answer.body.kind, 'live')
  const got: Uint8Array[] = []
  const reading = (async () => {
    assert.ok(answer.body.kind === 'live')
    for await (const chunk of answer.body.zip.chunks(new AbortController().signal)) got.push(chunk)
  })()
  gate.resolve()
  await assert.rejects(reading, { code: 'checksum_mismatch', incident: /./ })
  assert.ok(Buffer.concat(got).length < bad.zip.length)
  assert.deepEqual(await storedFiles(), [])
  assert.ok((await read(await file('zip'))).equals(good.zip))
  assert.deepEqual(first.asked, ['zip'], 'the origin that was wrong is not asked again for this zip')
})

test('with one origin, the next request names the incident without asking again', async (t) => {
  const good = await makeModule()
  const bad = await makeModule('package evil\n')
  const origin = scripted('one', { zip: bad.zip })
  const { file, catalog } = await setUp(t, { origins: [origin], checksum: database(good) })
  const failure = await file('zip')
    .then(read)
    .catch((error: unknown) => error)
  assert.ok(failure instanceof ModsteadError && failure.code === 'checksum_mismatch')
  const [incident] = await catalog.incidents({ limit: 1 })
  await assert.rejects(file('zip'), { code: 'checksum_mismatch', incident: incident!.id })
  assert.deepEqual(origin.asked, ['zip'])
})

test('what contradicts a hash that is known already is an incident, checksum database or not', async (t) => {
  const made = await makeModule()
  const bad = await makeModule('package evil\n')
  const origin = scripted('one', { zip: bad.zip, mod: Buffer.from(`module ${MODULE}\n\ngo 1.20\n`) })
  const { file, catalog, storedFiles } = await setUp(t, { origins: [origin] })
  await catalog.learn('public', MODULE, VERSION, { h1: made.h1, goModH1: made.goModH1 })
  await assert.rejects(file('zip').then(read), { code: 'checksum_mismatch' })
  await assert.rejects(file('mod'), { code: 'checksum_mismatch' })
  assert.equal((await catalog.incidents({ limit: 10 })).length, 2)
  assert.deepEqual(await storedFiles(), [])
})

test('when the checksum database cannot be reached nothing unproven is given or kept, and that is no absence', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
  const down: ChecksumDatabase = {
    name: 'sum.example.com',
    lookup: () => Promise.reject(new ModsteadError('checksum_unavailable', 'down')),
  }
  const { file, storedFiles } = await setUp(t, { origins: [origin], checksum: down })
  await assert.rejects(file('mod'), { code: 'checksum_unavailable' })
  await assert.rejects(file('zip').then(read), { code: 'checksum_unavailable' })
  assert.deepEqual(await read(await file('info')), made.info)
  assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.info'])
})

test('a download that can never be proven ends when the database says so, with its reason', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', {})
  const verdict = Promise.withResolvers<never>()
  verdict.promise.catch(() => undefined) // it may come before anybody has asked for it
  const unproven: ChecksumDatabase = { name: 'sum.example.com', lookup: () => verdict.promise }
  const { file } = await setUp(t, { origins: [origin], checksum: unproven })
  const asked = Promise.withResolvers<void>()
  origin.zip = (_module, _version, { signal }) => {
    asked.resolve()
    const rest = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    )
    rest.catch(() => undefined)
    return Promise.resolve({ size: made.zip.length, chunks: pieces([made.zip.subarray(0, 100), rest]) })
  }
  const refused = assert.rejects(file('zip').then(read), { code: 'checksum_missing' })
  await asked.promise
  verdict.reject(new ModsteadError('checksum_missing', 'no such record'))
  await refused
})

test('an incident that the catalog cannot record is refused and logged all the same', async (t) => {
  const good = await makeModule()
  const bad = await makeModule('package evil\n')
  const { file, catalog, observer } = await setUp(t, {
    origins: [scripted('one', { zip: bad.zip })],
    checksum: database(good),
  })
  catalog.report = () => Promise.reject(new ModsteadError('store_unavailable', 'disk full'))
  await assert.rejects(file('zip').then(read), { code: 'checksum_mismatch' })
  assert.ok(observer.lines.some(({ level, message }) => level === 'error' && message.startsWith('incident')))
})
