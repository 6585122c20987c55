import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { freeIn, hasRoom, openWindow } from './window.ts'

const RATE = { amount: 10, window: 1_000 }

test('as many as the rate has fit into any window, and room comes back as the former one slides out', () => {
  const window = openWindow(0)
  const take = (now: number) => hasRoom(window, RATE, now) && ++window.current > 0
  for (let i = 0; i < 10; i++) assert.ok(take(900))
  assert.ok(!take(950))
  // At the border of two windows all of the former still count.
  assert.ok(!take(1_000))
  assert.ok(!take(1_099))
  assert.ok(take(1_100))
  assert.ok(!take(1_100))
  for (let i = 0; i < 4; i++) assert.ok(take(1_500))
  assert.ok(!take(1_500))
  for (let i = 0; i < 10; i++) assert.ok(take(5_000))
})

test('what is told of when there is room holds: not before, and then', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 1_500 }), fc.integer({ min: 0, max: 25 })), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (list, amount) => {
      const rate = { amount, window: 1_000 }
      const window = openWindow(0)
      let now = 0
      for (const [wait, cost] of list) {
        now += wait
        hasRoom(window, rate, now)
        // Bytes are counted when they were sent: more than the rate has.
        window.current += cost
        const free = freeIn(window, rate, now)
        assert.equal(free === 0, hasRoom(window, rate, now))
        assert.ok(free >= 0 && free <= 2_000, String(free))
        if (free > 1) assert.ok(!hasRoom({ ...window }, rate, now + free - 1))
        assert.ok(hasRoom({ ...window }, rate, now + free + 0.001))
      }
    }),
  )
})

test('no second sees much more than the rate, however the requests come', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 50, maxLength: 200 }), (gaps) => {
      const window = openWindow(0)
      const taken: number[] = []
      let now = 0
      for (const gap of gaps) {
        now += gap
        for (let i = 0; i < 3; i++)
          if (hasRoom(window, RATE, now)) {
            window.current++
            taken.push(now)
          }
      }
      // The estimate takes the former window for evenly spread: never twice the rate, as with fixed windows.
      for (const from of taken)
        assert.ok(taken.filter((at) => at >= from && at < from + 1_000).length < 2 * RATE.amount)
    }),
  )
})
