import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../observe/test-support.ts'
import { createFetchQueue } from './fetch-queue.ts'

test('one piece of work at a time, for all that was asked for since the last one began', async () => {
  const batches: number[][] = []
  const gates: PromiseWithResolvers<void>[] = []
  let running = 0
  const ask = createFetchQueue<number>(async (wanted) => {
    batches.push([...wanted])
    assert.equal(++running, 1)
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    running--
  })
  const first = [ask(1), ask(2)]
  await eventually(() => gates.length === 1, 'the first began')
  const second = [ask(3), ask(4)]
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(batches, [[1, 2]])
  gates[0]!.resolve()
  await Promise.all(first)
  await eventually(() => gates.length === 2, 'the second began')
  assert.deepEqual(batches, [
    [1, 2],
    [3, 4],
  ])
  gates[1]!.resolve()
  await Promise.all(second)
})

test('those who are still finding out that they want something are waited for', async () => {
  const batches: number[][] = []
  const gathered = Promise.withResolvers<void>()
  const ask = createFetchQueue<number>(
    async (wanted) => void batches.push([...wanted]),
    () => gathered.promise,
  )
  const asked = [ask(1)]
  await new Promise((resolve) => setTimeout(resolve, 5))
  asked.push(ask(2))
  gathered.resolve()
  await Promise.all(asked)
  assert.deepEqual(batches, [[1, 2]])
})

test('a failure is that of those who asked for it, not of the next', async () => {
  let count = 0
  const ask = createFetchQueue<number>(async () => {
    if (++count === 1) throw new Error('no')
  })
  await assert.rejects(Promise.all([ask(1), ask(2)]), /no/)
  await ask(3)
  assert.equal(count, 2)
})
