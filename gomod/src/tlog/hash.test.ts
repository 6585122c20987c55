import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GomodError } from '../error.ts'
import {
  emptyTreeHash,
  equalHashes,
  formatHash,
  hashAt,
  nodeHash,
  parseHash,
  recordHash,
  subtreeHash,
} from './hash.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })

function sha256(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest())
}

test('records and nodes are hashed as RFC 6962 says', () => {
  fc.assert(
    fc.property(fc.uint8Array(), hash, hash, (record, left, right) => {
      assert.deepEqual(recordHash(record), sha256(Uint8Array.of(0), record))
      assert.deepEqual(nodeHash(left, right), sha256(Uint8Array.of(1), left, right))
    }),
  )
  assert.deepEqual(emptyTreeHash(), sha256())
})

test('a hash made earlier does not change when the next is made', () => {
  const first = nodeHash(new Uint8Array(32), new Uint8Array(32))
  const copy = Uint8Array.from(first)
  nodeHash(first, first)
  subtreeHash(Buffer.concat([first, first]))
  assert.deepEqual(first, copy)
})

test('subtreeHash joins pairs up to the root', () => {
  const leaves = Array.from({ length: 8 }, (_, i) => recordHash(Uint8Array.of(i)))
  const join = (list: Uint8Array[]): Uint8Array =>
    list.length === 1
      ? list[0]!
      : nodeHash(join(list.slice(0, list.length / 2)), join(list.slice(list.length / 2)))
  for (const count of [1, 2, 4, 8]) {
    const bytes = Buffer.concat(leaves.slice(0, count))
    const before = Buffer.from(bytes)
    assert.deepEqual(subtreeHash(bytes), join(leaves.slice(0, count)))
    assert.deepEqual(bytes, before, 'the bytes given stay as they are')
  }
  for (const length of [0, 1, 31, 33, 96])
    assert.throws(() => subtreeHash(new Uint8Array(length)), { code: 'invalid_hash' })
})

test('hashAt gives a copy that does not follow the bytes it came from', () => {
  const bytes = Buffer.alloc(96, 7)
  const copy = hashAt(bytes, 1)
  bytes.fill(0)
  assert.deepEqual(copy, new Uint8Array(32).fill(7))
})

test('text form', () => {
  assert.equal(
    formatHash(recordHash(Buffer.from('hello world'))),
    'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=',
  )
  fc.assert(fc.property(hash, (h) => assert.ok(equalHashes(parseHash(formatHash(h)), h))))
  const good = 'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0='
  const bad = [
    '',
    good.slice(1),
    `${good}AAAA`,
    good.replace('=', ''),
    good.replace('0=', '1='),
    ` ${good}`,
    `${good}\n`,
  ]
  for (const text of bad)
    assert.throws(
      () => parseHash(text),
      (error) => error instanceof GomodError && error.code === 'invalid_hash',
    )
})
