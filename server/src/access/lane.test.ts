import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { createLane, type LaneOptions } from './lane.ts'

const lane = (more: Partial<LaneOptions> = {}) =>
  createLane({
    atOnce: 2,
    waiting: 3,
    deadline: 60_000,
    overloaded: () => new ModsteadError('overloaded', 'too much waits'),
    ...more,
  })

/** Work that ends when it is told, and says that it began. */
function held(began: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<string>()
  return { end: () => resolve(name), work: () => (began.push(name), promise) }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a few run at once, the others in their order, and what is too much is refused', async () => {
  const run = lane()
  const began: string[] = []
  const works = ['a', 'b', 'c', 'd', 'e'].map((name) => held(began, name))
  const ends = works.map(({ work }) => run(work))
  await assert.rejects(
    run(async () => 'f'),
    { code: 'overloaded' },
  )
  assert.deepEqual(began, ['a', 'b'])
  works[1]!.end()
  await turn()
  assert.deepEqual(began, ['a', 'b', 'c'])
  for (const { end } of works) end()
  assert.deepEqual(await Promise.all(ends), ['a', 'b', 'c', 'd', 'e'])
  await assert.rejects(
    run(() => Promise.reject(new Error('its own'))),
    /its own/,
  )
  assert.equal(await run(async () => 'free again'), 'free again')
})

test('one asker leaves room for others, running and waiting', async () => {
  const run = lane({ atOnceEach: 1, waitingEach: 1 })
  const began: string[] = []
  const works = ['a1', 'a2', 'b1'].map((name) => held(began, name))
  const ends = works.map(({ work }, i) => run(work, { of: i < 2 ? 'a' : 'b' }))
  await assert.rejects(
    run(async () => '', { of: 'a' }),
    { code: 'overloaded' },
  )
  assert.deepEqual(began, ['a1', 'b1'])
  works[2]!.end()
  await ends[2]
  assert.deepEqual(began, ['a1', 'b1'])
  works[0]!.end()
  await ends[0]
  await turn()
  assert.deepEqual(began, ['a1', 'b1', 'a2'])
  works[1]!.end()
  await ends[1]
})

test('waiting ends with the signal or the deadline, and leaves no trace', async () => {
  const run = lane({ atOnce: 1, deadline: 5 })
  const began: string[] = []
  const first = held(began, 'first')
  const ends = run(first.work)
  await assert.rejects(run(held(began, 'late').work), { code: 'overloaded' })
  const controller = new AbortController()
  const given = run(held(began, 'aborted').work, { signal: controller.signal })
  controller.abort(new Error('given up'))
  await assert.rejects(given, /given up/)
  await assert.rejects(run(held(began, 'never').work, { signal: controller.signal }), /given up/)
  first.end()
  assert.equal(await ends, 'first')
  assert.deepEqual(began, ['first'])
  assert.equal(await run(async () => 'next'), 'next')
})
