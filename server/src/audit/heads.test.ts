import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeads, HEAD_BYTES } from './heads.ts'

/** The heads of events with these numbers, at these times. */
function headsAt(
  times: readonly (readonly [seq: number, time: number])[],
): { seq: number; event_id: string; timestamp: string }[] {
  const clock = { now: 0 }
  const heads = createHeads(() => clock.now)
  const into = Buffer.alloc(HEAD_BYTES + 8)
  return times.map(([seq, time]) => {
    clock.now = time
    const length = heads.write(into, 5, seq)
    assert.ok(length <= HEAD_BYTES)
    return JSON.parse(`${into.toString('latin1', 5, 5 + length)}}`) as {
      seq: number
      event_id: string
      timestamp: string
    }
  })
}

const TIME = Date.UTC(2026, 10, 26, 23, 36, 59, 208)

test('numbers, ids and times are right within a millisecond, from one to the next, and when digits are added', () => {
  const times = Array.from({ length: 12_000 }, (_, i) => [i + 1, TIME + Math.floor(i / 500)] as const)
  const made = headsAt(times)
  for (const [i, { seq, event_id, timestamp }] of made.entries()) {
    assert.equal(seq, i + 1)
    assert.equal(timestamp, new Date(times[i]![1]).toISOString())
    assert.match(event_id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  }
  const ids = made.map(({ event_id }) => event_id)
  assert.deepEqual(ids.toSorted(), ids)
  assert.equal(new Set(ids).size, ids.length)
})

test('a clock that was set back, a number out of order, and the largest', () => {
  const made = headsAt([
    [9, TIME],
    [10, TIME - 5_000],
    [99_999, TIME],
    [100_000, TIME],
    [Number.MAX_SAFE_INTEGER - 1, TIME],
    [Number.MAX_SAFE_INTEGER, TIME],
  ])
  assert.deepEqual(
    made.map(({ seq }) => seq),
    [9, 10, 99_999, 100_000, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER],
  )
  const ids = made.map(({ event_id }) => event_id)
  assert.deepEqual(ids.toSorted(), ids)
})

test('more than can be counted in one millisecond borrows from the next', () => {
  const heads = createHeads(() => TIME)
  const into = Buffer.alloc(HEAD_BYTES)
  let before = ''
  for (let seq = 1; seq < 1_200_000; seq++) {
    const length = heads.write(into, 0, seq)
    if (seq % 1000 !== 0) continue
    const id = /"event_id":"(\w+)"/.exec(into.toString('latin1', 0, length))![1]!
    assert.ok(id > before)
    before = id
  }
})
