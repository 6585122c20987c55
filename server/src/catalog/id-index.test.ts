import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIdIndex, keyOfVersion } from './id-index.ts'

test('every record is among the candidates of its key, and others hardly ever', () => {
  const index = createIdIndex()
  const keys = Array.from({ length: 60_000 }, (_, i) => keyOfVersion(`example.com/m${i}`, 'v1.0.0'))
  for (const key of keys) index.add(key, 0)
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
  for (let i = 0; i < 500; i++) index.add(key, 0)
  assert.deepEqual(
    index.candidates(key).toSorted((a, b) => a - b),
    Array.from({ length: 500 }, (_, i) => i),
  )
})
