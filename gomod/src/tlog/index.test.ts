import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { GomodError } from '../error.ts'
import {
  checkTreeSize,
  MAX_TREE_SIZE,
  powerOfTwoUpTo,
  splitStoredHashIndex,
  storedHashCount,
  storedHashIndex,
} from './index.ts'

test('hashes are numbered in the order in which nodes are completed', () => {
  let next = 0
  for (let record = 0; record < 1000; record++) {
    assert.equal(storedHashCount(record), next)
    for (let level = 0; (record + 1) % 2 ** level === 0; level++) {
      const n = (record + 1) / 2 ** level - 1
      assert.equal(storedHashIndex(level, n), next)
      assert.deepEqual(splitStoredHashIndex(next), { level, n })
      next++
    }
  }
})

test('indexes beyond 2^32 and up to 2^53 are exact', () => {
  const node = fc.integer({ min: 0, max: 52 }).chain((level) =>
    fc.tuple(
      fc.constant(level),
      fc.maxSafeNat().map((n) => n % 2 ** (52 - level)),
    ),
  )
  fc.assert(
    fc.property(node, ([level, n]) => {
      const exact = storedHashIndexExact(level, n)
      assert.equal(BigInt(storedHashIndex(level, n)), exact)
      assert.deepEqual(splitStoredHashIndex(Number(exact)), { level, n })
    }),
    { examples: [[[0, 2 ** 32 - 1]], [[0, 2 ** 32]], [[31, 1]], [[32, 0]], [[0, 2 ** 52 - 1]], [[52, 0]]] },
  )
})

test('the largest log has as many hashes as fit a safe integer', () => {
  assert.equal(storedHashCount(MAX_TREE_SIZE), Number.MAX_SAFE_INTEGER)
})

test('sizes of no log are refused', () => {
  for (const size of [-1, 0.5, NaN, Infinity, MAX_TREE_SIZE + 1])
    assert.throws(
      () => checkTreeSize(size),
      (error) => error instanceof GomodError && error.code === 'invalid_proof',
    )
  assert.equal(checkTreeSize(MAX_TREE_SIZE), MAX_TREE_SIZE)
})

test('powerOfTwoUpTo is exact beside every power', () => {
  for (let bits = 0; bits <= 52; bits++) {
    const power = 2 ** bits
    assert.equal(powerOfTwoUpTo(power), power)
    assert.equal(Math.log2(power), bits)
    if (bits > 1) {
      assert.equal(powerOfTwoUpTo(power - 1), power / 2)
      assert.equal(powerOfTwoUpTo(power + 1), power)
    }
  }
})

/** The definition, in arbitrary precision: leaf n stands at n + n/2 + n/4 + …, a node `level` after its last leaf. */
function storedHashIndexExact(level: number, n: number): bigint {
  let leaf = (BigInt(n) + 1n) * (1n << BigInt(level)) - 1n
  let index = BigInt(level)
  for (; leaf > 0n; leaf >>= 1n) index += leaf
  return index
}
