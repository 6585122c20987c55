import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { recordHash, type Hash } from './hash.ts'
import { MAX_TREE_SIZE, storedHashCount } from './index.ts'
import { createNaiveLog } from './naive-log.ts'
import {
  createAppender,
  loadAppender,
  rangeIndexes,
  storedHashesForRecord,
  storedHashesForRecordHash,
  treeHash,
} from './tree.ts'

test('the hash of the empty tree is that of nothing, and nothing is read for it', async () => {
  const read = () => assert.fail('nothing is to be read')
  assert.deepEqual(Buffer.from(await treeHash(0, read)), createHash('sha256').digest())
  assert.deepEqual(Buffer.from(createAppender().tree().hash), createHash('sha256').digest())
})

test('a log grown record by record has the hashes of its definition', async () => {
  const naive = createNaiveLog()
  const stored: Hash[] = []
  const reader = (indexes: readonly number[]) => indexes.map((index) => stored[index]!)
  const appender = createAppender()
  for (let i = 0; i < 300; i++) {
    const record = Buffer.from(`leaf ${i}`)
    naive.add(record)
    const hashes = await storedHashesForRecord(i, record, reader)
    assert.deepEqual(await storedHashesForRecordHash(i, recordHash(record), reader), hashes)
    assert.deepEqual(appender.append(recordHash(record)), hashes)
    stored.push(...hashes)
    assert.equal(appender.size, i + 1)
    assert.equal(stored.length, storedHashCount(i + 1))
    assert.deepEqual(appender.tree(), naive.tree())
    assert.deepEqual(await treeHash(i + 1, reader), naive.tree().hash)
  }
  assert.deepEqual(stored, await naive.hashes(Array.from(stored.keys())))
})

test('an appender continues from what an earlier one left, or from what is stored', async () => {
  const log = createNaiveLog(200)
  for (const size of [0, 1, 2, 3, 64, 127, 128, 199]) {
    const loaded = await loadAppender(size, log.hashes)
    const continued = createAppender(size, loaded.roots())
    for (let id = size; id < 200; id++) {
      loaded.append(log.leaf(id))
      continued.append(log.leaf(id))
    }
    assert.deepEqual(loaded.tree(), log.tree())
    assert.deepEqual(continued.tree(), log.tree())
  }
})

test('an appender does not share its roots with the caller', () => {
  const appender = createAppender()
  appender.append(new Uint8Array(32))
  const roots = appender.roots()
  roots.length = 0
  assert.equal(appender.roots().length, 1)
})

test('a range is read as few subtrees, ascending', () => {
  assert.deepEqual(rangeIndexes(0, 7), [6, 9, 10])
  assert.deepEqual(rangeIndexes(4, 7), [9, 10])
  assert.deepEqual(rangeIndexes(5, 5), [])
  assert.equal(rangeIndexes(0, MAX_TREE_SIZE - 1).length, 52)
})

test('readers and roots that give another number of hashes are defects', async () => {
  await assert.rejects(
    treeHash(7, () => [new Uint8Array(32)]),
    RangeError,
  )
  assert.throws(() => createAppender(7, [new Uint8Array(32)]), RangeError)
  await assert.rejects(
    treeHash(-1, () => []),
    { code: 'invalid_proof' },
  )
})
