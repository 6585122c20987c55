import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIdIndex, keyOfVersion } from './id-index.ts'

test('every record is among the candidates of its key, and others hardly ever', () => {
  const index = createIdIndex()
  const keys = Array.from({ length: 60_000 }, (_, i) => keyOfVersion(`example.com/m${i}`, 'v1.0.0'))
  // One by one, and many at once; into an empty index and into one that has some.
  index.addAll([Buffer.concat(keys.slice(0, 20_000))])
  for (const key of keys.slice(20_000, 40_000)) index.add(key, 0)
  index.addAll([Buffer.concat(keys.slice(40_000, 40_100)), Buffer.of(), Buffer.concat(keys.slice(40_100))])
  assert.equal(index.size, keys.length)
  let extra = 0
  for (const [id, key] of keys.entries()) {
    const found = index.candidates(key)
    assert.ok(found.includes(id))
    extra += found.length - 1
  }
  assert.ok(extra < 5, `${extra} keys point to more than one record`)
  for (let i = 0; i < 1_000; i++)
    assert.deepEqual(index.candidates(keyOfVersion(`example.com/m${i}`, 'v2.0.0')), [])
})

test('records whose keys are the same are all candidates', () => {
  const index = createIdIndex()
  const key = keyOfVersion('example.com/m', 'v1.0.0')
  for (let i = 0; i < 250; i++) index.add(key, 0)
  index.addAll(Array.from({ length: 250 }, () => key))
  assert.deepEqual(
    index.candidates(key).toSorted((a, b) => a - b),
    Array.from({ length: 500 }, (_, i) => i),
  )
})
