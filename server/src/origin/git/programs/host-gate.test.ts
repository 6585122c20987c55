import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failsWith } from '../../test-origin.ts'
import { createGates } from './gates.ts'
import { createHostGate } from './host-gate.ts'

const PATIENT = new AbortController().signal

test('a host that keeps its work waiting leaves room for others', async () => {
  const gate = createHostGate({ size: 4, ofOneHost: 2, patience: 200, what: 'tests' })
  const silent = Promise.withResolvers<string>()
  const waiting = Array.from({ length: 10 }, () =>
    gate.pass('slow.test', PATIENT, () => silent.promise).catch((error: unknown) => String(error)),
  )
  assert.equal(await gate.pass('other.test', PATIENT, async () => 'other'), 'other')
  await failsWith(
    gate.pass('slow.test', PATIENT, async () => assert.fail('it ran')),
    'overloaded',
    /^too many tests of one host at a time/,
  )
  silent.resolve('late')
  const outcomes = await Promise.all(waiting)
  assert.equal(outcomes.filter((outcome) => outcome === 'late').length, 2)
  assert.equal(await gate.pass('slow.test', PATIENT, async () => 'free'), 'free')
})

test('many hosts that never answer leave room for every other', async () => {
  const { refs, fetches } = createGates(2)
  for (const gate of [refs, fetches]) {
    const silent = Promise.withResolvers<void>()
    let stuck = 0
    const waiting = Array.from({ length: 4 * 20 }, (_, i) =>
      gate.pass(`slow-${i % 4}.test`, PATIENT, () => {
        stuck++
        return silent.promise
      }),
    )
    const ask = (number: number) => gate.pass('other.test', PATIENT, async () => number)
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(ask)), [1, 2, 3, 4, 5])
    assert.equal(stuck, gate === refs ? 48 : 12, 'they have all but a quarter of the room')
    silent.resolve()
    await Promise.all(waiting)
  }
})

test('who has the least of the room comes first, and never is there more work than room', async () => {
  const gate = createHostGate({ size: 4, ofOneHost: 3, patience: 20_000, what: 'tests' })
  const order: string[] = []
  let inside = 0
  let most = 0
  const doors = new Map<string, () => void>()
  const enter = (name: string) =>
    gate.pass(name.split(' ', 1)[0]!, PATIENT, async () => {
      order.push(name)
      most = Math.max(most, ++inside)
      await new Promise<void>((resolve) => doors.set(name, resolve))
      inside--
    })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const all = ['a 1', 'a 2', 'a 3', 'a 4', 'b 1', 'c 1', 'd 1'].map(enter)
  await settled()
  assert.deepEqual(order, ['a 1', 'a 2', 'a 3', 'b 1'])
  for (const [leaves, enters] of [
    ['a 1', 'c 1'],
    ['a 2', 'd 1'],
    ['b 1', undefined],
    ['c 1', 'a 4'],
  ] as const) {
    const before = order.length
    doors.get(leaves)!()
    await settled()
    assert.deepEqual(order.slice(before), enters === undefined ? [] : [enters], `after ${leaves}`)
  }
  for (const name of ['a 3', 'a 4', 'd 1']) doors.get(name)!()
  await Promise.all(all)
  assert.equal(most, 4)
})

test('who leaves while waiting at a host gate, or fails inside, keeps no place', async () => {
  const gate = createHostGate({ size: 1, ofOneHost: 1, patience: 20_000, what: 'tests' })
  const leaving = new AbortController()
  const busy = Promise.withResolvers<never>()
  const first = gate.pass('a.test', PATIENT, () => busy.promise)
  const gone = gate.pass('b.test', leaving.signal, async () => assert.fail('it ran'))
  const next = gate.pass('c.test', PATIENT, async () => 'in')
  leaving.abort(new Error('gone'))
  await assert.rejects(gone, /gone/)
  busy.reject(new Error('failed'))
  await assert.rejects(first, /failed/)
  assert.equal(await next, 'in')
  await assert.rejects(
    gate.pass('a.test', leaving.signal, async () => assert.fail('it ran')),
    /gone/,
  )
})
