import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { createFairGate } from './fair-gate.ts'

const { signal } = new AbortController()
const refusal = (full: string) => new ModsteadError('overloaded', full)

test('one has no more than its part, and whoever has nothing enters at once', async () => {
  const gate = createFairGate({ size: 8, ofOne: 6, patience: 60_000, refusal })
  const flood = await Promise.all(Array.from({ length: 6 }, () => gate.enter('flood', signal)))
  const end = new AbortController()
  const queued = Array.from({ length: 100 }, () => gate.enter('flood', end.signal))
  const settled = Promise.allSettled(queued)
  assert.deepEqual([gate.inside(), gate.waiting()], [6, 100])
  for (const name of ['a', 'b']) (await gate.enter(name, signal))()
  flood[0]!()
  flood[0]!()
  await queued[0]
  assert.deepEqual([gate.inside(), gate.waiting()], [6, 99])
  // Of two that wait, the one with less inside goes first.
  const late = gate.enter('late', signal)
  const leaveLate = await late
  const second = gate.enter('late', signal)
  for (const leave of flood.slice(1, 3)) leave()
  await second
  leaveLate()
  assert.deepEqual([gate.inside(), gate.waiting()], [6, 98])
  end.abort()
  await settled
  assert.equal(gate.waiting(), 0)
})

test('who leaves the line, or waits too long, or comes when it is full', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const gate = createFairGate({ size: 2, ofOne: 1, patience: 1_000, line: { ofOne: 2, all: 3 }, refusal })
  const leave = await gate.enter('a', signal)
  const gone = new AbortController()
  const leaving = gate.enter('a', gone.signal)
  const waiting = gate.enter('a', signal)
  await assert.rejects(gate.enter('a', signal), { code: 'overloaded', message: 'one' })
  gone.abort(new Error('gone'))
  await assert.rejects(leaving, /gone/)
  assert.equal(gate.waiting(), 1)
  t.mock.timers.tick(1_000)
  await assert.rejects(waiting, { message: 'one' })
  await assert.rejects(gate.enter('a', AbortSignal.abort(new Error('before'))), /before/)
  leave()
  assert.deepEqual([gate.inside(), gate.waiting()], [0, 0])
  ;(await gate.enter('a', signal))()
})
