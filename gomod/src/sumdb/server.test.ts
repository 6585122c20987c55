import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDataTile } from '../tlog/record.ts'
import { createExampleDatabase, SKEY, sizeOf } from './fixture.ts'
import { parseLookup } from './lookup.ts'
import { createMemoryDatabase } from './memory-database.ts'
import { answerSumdb } from './server.ts'

const { signal } = new AbortController()

test('the latest head, a lookup, tiles and data', async () => {
  const database = createExampleDatabase(10)
  const latest = await answerSumdb(database, '/latest', signal)
  assert.equal(latest?.contentType, 'text/plain; charset=UTF-8')
  assert.equal(sizeOf(latest?.body), 14)
  const lookup = await answerSumdb(database, '/lookup/rsc.io/!quote@v1.5.2', signal)
  assert.equal(lookup?.contentType, 'text/plain; charset=UTF-8')
  const { id, note } = parseLookup(lookup.body)
  assert.deepEqual([id, sizeOf(note)], [3, 14])
  const tile = await answerSumdb(database, '/tile/2/0/001.p/3', signal)
  assert.equal(tile?.contentType, 'application/octet-stream')
  assert.equal(tile?.body.length, 96)
  const data = await answerSumdb(database, '/tile/2/data/003.p/2', signal)
  assert.equal(data?.contentType, 'text/plain; charset=UTF-8')
  assert.match(Buffer.from(parseDataTile(data.body)[1]!).toString(), /^pkg.example\/13 v1.0.0 h1:/)
})

test('what is not there is absent', async () => {
  const database = createExampleDatabase(10)
  const paths = [
    '',
    '/',
    '/supported',
    '/latest/',
    '/tiles',
    '/lookup/rsc.io/none@v1.0.0',
    '/tile/2/0/003',
    '/tile/2/0/003.p/3',
    '/tile/2/0/004.p/1',
    '/tile/2/9/000.p/1',
    '/tile/2/data/003',
    '/tile/2/data/009.p/1',
  ]
  for (const path of paths) assert.equal(await answerSumdb(database, path, signal), undefined, path)
})

test('what means nothing is refused with its own code', async () => {
  const database = createExampleDatabase()
  const paths: [path: string, code: string][] = [
    ['/lookup/rsc.io/quote@master', 'invalid_lookup'],
    ['/lookup/rsc.io/Quote@v1.5.2', 'invalid_escape'],
    ['/lookup/quote@v1.5.2', 'invalid_path'],
    ['/tile/', 'invalid_tile'],
    ['/tile/2/0/000.p/4', 'invalid_tile'],
    ['/tile/2/0/000.p/5', 'invalid_tile'],
    ['/tile/2/-1/000', 'invalid_tile'],
  ]
  for (const [path, code] of paths)
    await assert.rejects(answerSumdb(database, path, signal), { name: 'GomodError', code }, path)
})

test('a lookup may log the version it asks for, and answers with a head that has it', async () => {
  const asked: string[] = []
  const gosum = (path: string, version: string) => {
    asked.push(`${path}@${version}`)
    return path.endsWith('none') ? undefined : `${path} ${version} h1:x=\n`
  }
  const database = createMemoryDatabase({ skey: SKEY, gosum })
  for (const [i, path] of ['a.b/c', 'a.b/d', 'a.b/c'].entries()) {
    const { id, note } = parseLookup((await answerSumdb(database, `/lookup/${path}@v1.0.0`, signal))!.body)
    assert.equal(id, i % 2)
    assert.ok(sizeOf(note) > id)
  }
  assert.equal(await answerSumdb(database, '/lookup/a.b/none@v1.0.0', signal), undefined)
  assert.deepEqual(asked, ['a.b/c@v1.0.0', 'a.b/d@v1.0.0', 'a.b/none@v1.0.0'])
  assert.equal(database.size, 2)
})

test('a record that was found but cannot be read is a defect of the database, not absence', async () => {
  const database = createExampleDatabase()
  const broken = { ...database, readRecords: () => Promise.resolve([]) }
  await assert.rejects(answerSumdb(broken, '/lookup/rsc.io/quote@v1.5.2', signal), RangeError)
})
