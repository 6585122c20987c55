import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFlights, waitAtMost, waitFor } from './flights.ts'

test('however many join, the work is done once, and a failure reaches them all', async () => {
  const flights = createFlights<number>()
  let started = 0
  const gate = Promise.withResolvers<number>()
  const start = () => {
    started++
    return gate.promise
  }
  const waiters = Array.from({ length: 50 }, () => flights.join('a', start))
  assert.equal(flights.has('a'), true)
  gate.reject(new Error('broken'))
  for (const waiter of await Promise.allSettled(waiters)) assert.equal(waiter.status, 'rejected')
  assert.equal(started, 1)
  assert.equal(flights.has('a'), false, 'a failed flight does not stay')
  assert.equal(await flights.join('a', () => Promise.resolve(2)), 2)
})

test('age is counted from the start of the work, and is 0 where none runs', async () => {
  let time = 1_000
  const flights = createFlights<void>(() => time)
  const gate = Promise.withResolvers<void>()
  const work = flights.join('a', () => gate.promise)
  time = 1_250
  assert.equal(flights.age('a'), 250)
  gate.resolve()
  await work
  assert.equal(flights.age('a'), 0)
})

test('idle waits for work that is started while it waits', async () => {
  const flights = createFlights<void>()
  const first = Promise.withResolvers<void>()
  const second = Promise.withResolvers<void>()
  const order: string[] = []
  const begun = flights.join('a', () => first.promise)
  const idle = flights.idle().then(() => order.push('idle'))
  const later = flights.join('b', () => second.promise).then(() => order.push('b'))
  first.resolve()
  await begun
  second.resolve()
  await Promise.all([idle, later])
  assert.deepEqual(order, ['b', 'idle'])
})

test('a waiter that leaves ends its own wait only', async () => {
  const gate = Promise.withResolvers<string>()
  const leaving = new AbortController()
  const left = waitFor(gate.promise, leaving.signal)
  const stays = waitFor(gate.promise, new AbortController().signal)
  leaving.abort()
  await assert.rejects(left, { code: 'aborted' })
  gate.resolve('done')
  assert.equal(await stays, 'done')
})

test('a waiter that was gone before it came does not leave a rejection unhandled', async () => {
  const gate = Promise.withResolvers<string>()
  await assert.rejects(waitFor(gate.promise, AbortSignal.abort()), { code: 'aborted' })
  gate.reject(new Error('nobody listens'))
  await new Promise(setImmediate)
})

test('waitAtMost gives undefined when the time is over, and the result or failure before', async () => {
  const never = new Promise<number>(() => {})
  assert.equal(await waitAtMost(never, 1), undefined)
  assert.equal(await waitAtMost(Promise.resolve(7), 1_000), 7)
  await assert.rejects(waitAtMost(Promise.reject(new Error('x')), 1_000), /x/)
})

test('work begun in the background hears of the first client that joins, and only of a client', async () => {
  const flights = createFlights<void>()
  const gate = Promise.withResolvers<void>()
  let promoted: AbortSignal | undefined
  const start = (signal: AbortSignal) => {
    promoted = signal
    return gate.promise
  }
  const first = flights.join('a', start, { priority: 'background' })
  const second = flights.join('a', start, { priority: 'background' })
  assert.equal(promoted?.aborted, false)
  const third = flights.join('a', start)
  assert.equal(promoted?.aborted, true)
  gate.resolve()
  await Promise.all([first, second, third])
})
