import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMeters, neighbourhood } from './meters.ts'

const gauges = [{ measure: 'requests', rate: { amount: 5, window: 1_000 }, before: true }] as const

function few() {
  return createMeters({ kind: 'address', gauges, coarser: neighbourhood, most: 100 })
}

test('made-up keys never reset one that still counts: they share meters, and in the end one', () => {
  const meters = few()
  const mine = meters.of('198.51.100.1', 0)
  mine.lastUse = 0
  const made = new Set<object>()
  for (let i = 0; i < 50_000; i++) {
    const meter = meters.of(`${10 + (i % 200)}.${i % 250}.${i >> 8}.7`, i / 1_000)
    meter.lastUse = i / 1_000
    made.add(meter)
  }
  assert.equal(meters.of('198.51.100.1', 60), mine)
  assert.ok(made.size <= 200, String(made.size))
  assert.ok(meters.count() <= 200)
  // A neighbour shares with its neighbourhood, so that a client elsewhere is still one of its own while there is room.
  assert.equal(meters.of('10.0.0.1', 61), meters.of('10.0.99.2', 61))
})

test('those that count nothing any more make room', () => {
  const meters = few()
  const first = meters.of('192.0.2.0', 0)
  for (let i = 1; i < 100; i++) meters.of(`192.0.2.${i}`, 0)
  const shared = meters.of('203.0.113.1', 1)
  assert.equal(meters.of('203.0.113.2', 1), shared)
  const own = meters.of('203.0.113.3', 2_001)
  assert.notEqual(own, shared)
  assert.ok(first.dropped && shared.dropped)
  assert.equal(meters.count(), 1)
})

test('neighbourhoods', () => {
  assert.equal(neighbourhood('192.0.2.1'), '192.0.0.0/16')
  assert.equal(neighbourhood('2001:db8:1:2::/64'), '2001:db8::/32')
})
