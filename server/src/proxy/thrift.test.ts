import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createThrift } from './thrift.ts'

const MiB = 1 << 20

test('unused bytes stop it at the limit, and asking for them lets it go on', () => {
  const thrift = createThrift(100 * MiB, () => 0)
  thrift.started('a')
  thrift.fetched('a', 100 * MiB)
  assert.equal(thrift.concurrency(16), 0)
  thrift.asked('a')
  assert.equal(thrift.concurrency(16), 16)
  assert.equal(thrift.used(), 100 * MiB)
})

test('a zip that a client joined while it arrived is used, not waiting', () => {
  const thrift = createThrift(MiB, () => 0)
  thrift.started('a')
  thrift.asked('a')
  thrift.fetched('a', 10 * MiB)
  assert.equal(thrift.used(), 10 * MiB)
  assert.equal(thrift.concurrency(4), 4)
})

test('when more than a fifth of the bytes goes unused it slows down, and recovers when they are used again', () => {
  let time = 0
  const thrift = createThrift(1000 * MiB, () => time)
  const fetch = (key: string, bytes: number) => {
    thrift.started(key)
    thrift.fetched(key, bytes)
  }
  fetch('used', 70 * MiB)
  thrift.asked('used')
  fetch('wasted', 30 * MiB)
  assert.equal(thrift.concurrency(16), 16, 'not wasted yet')
  time = 6 * 60_000
  assert.equal(thrift.concurrency(16), 1)
  assert.equal(thrift.wasted(), 30 * MiB)
  fetch('more', 17 * MiB)
  assert.equal(thrift.concurrency(16), 0, 'few unused bytes are allowed while it is slow')
  thrift.asked('more')
  for (let i = 0; i < 10; i++) {
    fetch(`good ${i}`, 20 * MiB)
    thrift.asked(`good ${i}`)
  }
  assert.equal(thrift.concurrency(16), 16)
})

test('bytes that are still on their way count as soon as their number is known', () => {
  const thrift = createThrift(100 * MiB, () => 0)
  thrift.started('a')
  thrift.sized('a', 100 * MiB)
  assert.equal(thrift.concurrency(16), 0)
  thrift.asked('a')
  assert.equal(thrift.concurrency(16), 16)
  thrift.ended('a')
})
