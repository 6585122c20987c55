import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIds } from './ids.ts'

test('ids are unique and sort in their order, also within a millisecond and when the clock is set back', () => {
  const clock = { now: Date.UTC(2026, 10, 26, 23, 36, 59, 208) }
  const newId = createIds(() => clock.now)
  const ids: string[] = []
  for (let i = 0; i < 50_000; i++) ids.push(newId())
  clock.now++
  ids.push(newId())
  clock.now -= 60_000
  for (let i = 0; i < 10; i++) ids.push(newId())
  clock.now += 120_000
  ids.push(newId())
  assert.deepEqual(ids.toSorted(), ids)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
})

test('an id begins with its time, as the specification of ULID has it', () => {
  assert.match(createIds(() => 1_469_918_176_385)(), /^01ARYZ6S41/)
})

test('more than a counter can count in one millisecond borrow from the next', () => {
  const newId = createIds(() => 1)
  let before = ''
  for (let i = 0; i < 1_200_000; i++) {
    const id = newId()
    if (id <= before) assert.fail(`${id} after ${before}`)
    before = id
  }
})
