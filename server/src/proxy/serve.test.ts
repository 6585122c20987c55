import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'

import { MODULE, makeModule, scripted, pieces, setUp, read, database } from './proxy.fixture.ts'

test('files are fetched once however many ask, stored, and given from the store when the origin is gone', async (t) => {
  const made = await makeModule('package m\n'.repeat(30_000))
  const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
  const { file } = await setUp(t, { origins: [origin], checksum: database(made) })
  for (const kind of ['info', 'mod', 'zip'] as const) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => file(kind)))
    for (const answer of answers) assert.ok((await read(answer)).equals(made[kind]))
  }
  assert.deepEqual(origin.asked, ['info', 'mod', 'zip'])
  for (const kind of ['info', 'mod', 'zip']) origin.script[kind] = 'upstream_unreachable'
  for (const kind of ['info', 'mod', 'zip'] as const) {
    assert.ok((await read(await file(kind, { storedOnly: true }))).equals(made[kind]))
    assert.ok((await read(await file(kind))).equals(made[kind]))
  }
  assert.equal(origin.asked.length, 3)
})

test('a zip that breaks off or breaks a rule leaves nothing, and is retried at another origin unseen', async (t) => {
  const made = await makeModule()
  const cut = {
    size: made.zip.length,
    chunks: pieces([made.zip.subarray(0, 100), new ModsteadError('upstream_failed', 'cut')]),
  }
  const html = Buffer.from('<html>no zip</html>'.repeat(50))
  const origins = [
    scripted('cut', { zip: cut }),
    scripted('html', { zip: html }),
    scripted('good', { zip: made.zip }),
  ]
  const { file, storedFiles, folder } = await setUp(t, { origins })
  assert.ok((await read(await file('zip'))).equals(made.zip))
  assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.zip'])
  assert.deepEqual(await readdir(join(folder, 'data', 'tmp')), [])
})

test('a client that leaves does not stop the others, nor the fetch', async (t) => {
  const made = await makeModule()
  const gate = Promise.withResolvers<Buffer>()
  const origin = scripted('one', { mod: () => gate.promise })
  const { file } = await setUp(t, { origins: [origin] })
  const leaving = new AbortController()
  const left = assert.rejects(file('mod', { signal: leaving.signal }), { code: 'aborted' })
  const stays = file('mod')
  leaving.abort()
  await left
  gate.resolve(made.mod)
  assert.deepEqual(await read(await stays), made.mod)
  assert.deepEqual(origin.asked, ['mod'])
})

test('absence is remembered briefly, and never because of Disable-Module-Fetch', async (t) => {
  const made = await makeModule()
  const origin = scripted('one', {})
  const { file, serve } = await setUp(t, { origins: [origin] })
  await assert.rejects(file('mod', { storedOnly: true }), { code: 'not_stored' })
  await assert.rejects(serve({ kind: 'list', module: MODULE }, { storedOnly: true }), {
    code: 'not_stored',
  })
  assert.deepEqual(origin.asked, [])
  for (let i = 0; i < 3; i++) await assert.rejects(file('mod'), { code: 'not_found' })
  assert.deepEqual(origin.asked, ['mod'])
  origin.script.info = made.info
  assert.deepEqual(await read(await file('info')), made.info)
})

test('an origin may be called store', async (t) => {
  const made = await makeModule()
  const origin = scripted('store', { mod: made.mod })
  const { file } = await setUp(t, { origins: [origin] })
  await file('mod')
  await file('mod')
  assert.deepEqual(origin.asked, ['mod'])
})

test('closing ends what runs when its time is over, even when it was over before', async (t) => {
  const origin = scripted('one', {})
  const { proxy, file } = await setUp(t, { origins: [origin] })
  const asked = Promise.withResolvers<void>()
  origin.goMod = (_module, _version, { signal }) => {
    asked.resolve()
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(new ModsteadError('aborted', 'closing'))),
    )
  }
  const waiting = assert.rejects(file('mod'), { code: 'aborted' })
  await asked.promise
  await proxy.close(AbortSignal.abort())
  await waiting
})
