import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failsWith } from '../../test-origin.ts'
import { createGate, createResting } from './gates.ts'

const PATIENT = new AbortController().signal

test('so much work is done at a time, and the rest in turn', async () => {
  const gate = createGate({ size: 2, patience: 20_000, what: 'tests' })
  let running = 0
  let most = 0
  const done = await Promise.all(
    [1, 2, 3, 4, 5].map((number) =>
      gate.pass(PATIENT, async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 5))
        running--
        return number
      }),
    ),
  )
  assert.deepEqual(done, [1, 2, 3, 4, 5])
  assert.equal(most, 2)
})

test('who waits too long is told so, who leaves is gone, and work that fails makes room', async () => {
  const gate = createGate({ size: 1, patience: 50, what: 'tests' })
  const busy = Promise.withResolvers<never>()
  const first = gate.pass(PATIENT, () => busy.promise)
  await failsWith(
    gate.pass(PATIENT, async () => assert.fail('it ran')),
    'overloaded',
    /^too many tests/,
  )
  const reason = new Error('gone')
  await assert.rejects(
    gate.pass(AbortSignal.abort(reason), async () => assert.fail('it ran')),
    reason,
  )
  busy.reject(new Error('failed'))
  await assert.rejects(first, /failed/)
  assert.equal(await gate.pass(PATIENT, async () => 'free'), 'free')
})

test('of too many that rest, the one that did for longest ends', () => {
  const ended: string[] = []
  const resting = createResting(2)
  const rest = (name: string) => resting.add(() => void ended.push(name))
  const wake = rest('a')
  rest('b')
  wake()
  rest('c')
  assert.deepEqual(ended, [])
  rest('d')
  assert.deepEqual(ended, ['b'])
})
