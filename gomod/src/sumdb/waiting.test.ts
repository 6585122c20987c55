import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abortable, createFlights, createLock } from './waiting.ts'

const { signal } = new AbortController()

test('abortable settles as the promise does, or when the signal is aborted', async () => {
  assert.equal(await abortable(Promise.resolve(1), signal), 1)
  await assert.rejects(abortable(Promise.reject(new Error('no')), signal), /no/)
  const controller = new AbortController()
  const waiting = abortable(new Promise(() => {}), controller.signal)
  controller.abort(new Error('gone'))
  await assert.rejects(waiting, /gone/)
  await assert.rejects(abortable(Promise.resolve(1), controller.signal), /gone/)
})

test('work under one key is done once at a time', async () => {
  const share = createFlights<number>()
  let count = 0
  const work = async () => ++count
  assert.deepEqual(
    await Promise.all([share('a', signal, work), share('a', signal, work), share('b', signal, work)]),
    [1, 1, 2],
  )
  assert.equal(await share('a', signal, work), 3)
})

test('a failure reaches all who wait, and is not remembered', async () => {
  const share = createFlights<number>()
  let fails = true
  const work = async () => {
    if (fails) throw new Error('down')
    return 1
  }
  const results = await Promise.allSettled([share('a', signal, work), share('a', signal, work)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  fails = false
  assert.equal(await share('a', signal, work), 1)
})

test('who comes after all have left gets work of their own', async () => {
  const share = createFlights<number>()
  const controller = new AbortController()
  let started = 0
  const work = (signal: AbortSignal) =>
    new Promise<number>((resolve) => {
      const mine = ++started
      signal.addEventListener('abort', () => setImmediate(resolve, mine))
      if (mine > 1) resolve(mine)
    })
  const first = share('a', controller.signal, work)
  controller.abort(new Error('gone'))
  await assert.rejects(first, /gone/)
  assert.equal(await share('a', signal, work), 2)
})

test('a lock gives turns in order; one that leaves the queue breaks nobody’s', async () => {
  const lock = createLock()
  const log: string[] = []
  const gate = Promise.withResolvers<void>()
  const first = lock(signal, async () => {
    log.push('first')
    await gate.promise
    log.push('first done')
  })
  const controller = new AbortController()
  const second = lock(controller.signal, async () => void log.push('second'))
  const third = lock(signal, async () => void log.push('third'))
  controller.abort(new Error('gone'))
  await assert.rejects(second, /gone/)
  assert.deepEqual(log, ['first'])
  gate.resolve()
  await Promise.all([first, third])
  assert.deepEqual(log, ['first', 'first done', 'third'])
  await assert.rejects(
    lock(signal, () => Promise.reject(new Error('failed'))),
    /failed/,
  )
  assert.equal(await lock(signal, () => Promise.resolve(4)), 4)
})
