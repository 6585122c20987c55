import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { nodeHash } from './hash.ts'
import { createNaiveLog } from './naive-log.ts'
import { checkRecord, checkTree, proveRecord, proveTree } from './proof.ts'

const SIZE = 70
const log = createNaiveLog(300)
const refused = { name: 'GomodError', code: 'invalid_proof' }

function flipped(hash: Uint8Array, bit = 0): Uint8Array {
  const copy = Uint8Array.from(hash)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

test('every record is proven in every tree, and no other', async () => {
  for (let size = 1; size <= SIZE; size++) {
    const tree = log.tree(size)
    for (let id = 0; id < size; id++) {
      const proof = await proveRecord(size, id, log.hashes)
      checkRecord(proof, tree, id, log.leaf(id))
      for (const i of proof.keys())
        assert.throws(() => checkRecord(proof.with(i, flipped(proof[i]!)), tree, id, log.leaf(id)), refused)
      assert.throws(() => checkRecord(proof, tree, id, log.leaf(size)), refused)
      assert.throws(() => checkRecord([...proof, log.leaf(0)], tree, id, log.leaf(id)), refused)
      assert.throws(
        () => checkRecord(proof, { ...tree, hash: flipped(tree.hash) }, id, log.leaf(id)),
        refused,
      )
      if (id > 0) assert.throws(() => checkRecord(proof, tree, id - 1, log.leaf(id)), refused)
    }
  }
})

test('every tree is proven to begin every later one', async () => {
  for (let size = 1; size <= SIZE; size++) {
    const tree = log.tree(size)
    for (let oldSize = 1; oldSize <= size; oldSize++) {
      const old = log.tree(oldSize)
      const proof = await proveTree(size, oldSize, log.hashes)
      checkTree(proof, tree, old)
      for (const i of proof.keys())
        assert.throws(() => checkTree(proof.with(i, flipped(proof[i]!)), tree, old), refused)
      assert.throws(() => checkTree([...proof, log.leaf(0)], tree, old), refused)
      assert.throws(() => checkTree(proof, { ...tree, hash: flipped(tree.hash) }, old), refused)
      assert.throws(() => checkTree(proof, tree, { ...old, hash: flipped(old.hash) }), refused)
    }
  }
})

test('proofs are those of the example in RFC 6962 section 2.1.3', async () => {
  // The tree of seven records: leaves a to f and j; g over a and b, h over c and d, i over e and f; k left, l right.
  const [b, c, d, f, j] = [1, 2, 3, 5, 6].map((id) => log.leaf(id))
  const [g, h, k, i] = await log.hashes([2, 5, 6, 9])
  const l = nodeHash(i!, j!)
  assert.deepEqual(await proveRecord(7, 0, log.hashes), [b, h, l])
  assert.deepEqual(await proveRecord(7, 3, log.hashes), [c, g, l])
  assert.deepEqual(await proveRecord(7, 4, log.hashes), [f, j, k])
  assert.deepEqual(await proveRecord(7, 6, log.hashes), [i, k])
  assert.deepEqual(await proveTree(7, 3, log.hashes), [c, d, g, l])
  assert.deepEqual(await proveTree(7, 4, log.hashes), [l])
  assert.deepEqual(await proveTree(7, 6, log.hashes), [i, j, k])
  assert.deepEqual(await proveTree(7, 7, log.hashes), [])
  assert.deepEqual(await proveRecord(1, 0, log.hashes), [])
})

test('what cannot be is refused before anything is read', async () => {
  const read = () => assert.fail('nothing is to be read')
  for (const [size, id] of [
    [0, 0],
    [5, 5],
    [5, -1],
    [5, 1.5],
    [-1, 0],
    [NaN, 0],
    [5, NaN],
  ] as const) {
    await assert.rejects(proveRecord(size, id, read), refused)
    assert.throws(() => checkRecord([], { size, hash: log.leaf(0) }, id, log.leaf(0)), refused)
  }
  for (const [size, oldSize] of [
    [0, 0],
    [5, 6],
    [5, 0],
    [5, -1],
    [5, 1.5],
    [NaN, 1],
  ] as const) {
    await assert.rejects(proveTree(size, oldSize, read), refused)
    assert.throws(
      () => checkTree([], { size, hash: log.leaf(0) }, { size: oldSize, hash: log.leaf(0) }),
      refused,
    )
  }
})

test('a proof of one thing does not prove another', () => {
  const size = fc.integer({ min: 2, max: 300 })
  const place = fc.record({ size, at: fc.nat() }).map(({ size, at }) => ({ size, id: at % size }))
  return fc.assert(
    fc.asyncProperty(place, place, async (a, b) => {
      fc.pre(a.size !== b.size || a.id !== b.id)
      const proof = await proveRecord(a.size, a.id, log.hashes)
      checkRecord(proof, log.tree(a.size), a.id, log.leaf(a.id))
      assert.throws(() => checkRecord(proof, log.tree(a.size), a.id, log.leaf((a.id + 1) % a.size)), refused)
      if (a.size !== b.size)
        assert.throws(() => checkRecord(proof, log.tree(b.size), a.id % b.size, log.leaf(a.id)), refused)
    }),
  )
})
