import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatEntryBundle, parseEntryBundle } from './entry-bundle.ts'

const invalid = { name: 'GomodError', code: 'invalid_record' }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('an entry stands behind its length in two bytes', () => {
  const bundle = formatEntryBundle([Buffer.from('ab'), new Uint8Array(), Buffer.alloc(258, 1)])
  assert.equal(hex(bundle), `0002616200000102${'01'.repeat(258)}`)
  assert.deepEqual(
    parseEntryBundle(bundle, 3).map((entry) => entry.length),
    [2, 0, 258],
  )
})

test('what does not hold exactly its entries is refused', () => {
  const bundle = formatEntryBundle([Buffer.from('ab'), Buffer.from('c')])
  for (const width of [0, 1, 3, 257, -1, 1.5, NaN])
    assert.throws(() => parseEntryBundle(bundle, width), invalid, String(width))
  for (let end = 0; end < bundle.length; end++)
    assert.throws(() => parseEntryBundle(bundle.subarray(0, end), 2), invalid)
  assert.throws(() => parseEntryBundle(Buffer.concat([bundle, Buffer.alloc(1)]), 2), invalid)
  assert.throws(() => formatEntryBundle([]), invalid)
  assert.throws(() => formatEntryBundle([Buffer.alloc(65536)]), invalid)
  assert.throws(() => formatEntryBundle(Array.from({ length: 257 }, () => new Uint8Array())), invalid)
})

test('bundles are read as they were written, and any bytes are read to the same or refused', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 })
  fc.assert(
    fc.property(entries, (entries) => {
      const read = parseEntryBundle(formatEntryBundle(entries), entries.length)
      assert.deepEqual(read.map(hex), entries.map(hex))
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 4 }), (bytes, width) => {
      try {
        assert.equal(hex(formatEntryBundle(parseEntryBundle(bytes, width))), hex(bytes))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_record')
      }
    }),
  )
})
