import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createTestObserver } from '../observe/test-support.ts'
import { createDegradedMode, type Load } from './degraded.ts'
import { createMonitor } from './monitor.ts'

const MARKS = { eventLoop: 200, memory: 1_000_000_000, requestTime: 30_000 }
const CALM: Load = { eventLoop: 5, memory: 100_000_000, requestTime: 40 }

function watched(t: TestContext, marks: Partial<typeof MARKS> = MARKS) {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const clock = { now: 0 }
  const load = { ...CALM }
  const observer = createTestObserver()
  let closed = false
  const mode = createDegradedMode({
    marks,
    monitor: { read: () => load, close: () => void (closed = true) },
    observer,
    now: () => clock.now,
  })
  t.after(() => {
    mode.close()
    assert.ok(closed)
  })
  const seconds = (n: number) => {
    for (let i = 0; i < n; i++) {
      clock.now += 1_000
      t.mock.timers.tick(1_000)
    }
  }
  return { load, mode, observer, seconds }
}

test('it begins at a mark, and ends when all have been below 80 % for ten seconds', (t) => {
  const { load, mode, observer, seconds } = watched(t)
  seconds(5)
  assert.equal(mode.refusal(), undefined)
  assert.deepEqual(mode.warnings(), [])
  load.eventLoop = 201
  seconds(1)
  const refusal = mode.refusal()
  assert.equal(refusal?.code, 'overloaded')
  assert.match(refusal.message, /fetches nothing new now \(its event loop is late\)/)
  assert.match(mode.warnings().join(), /^degraded: its event loop is late; .* what is stored is served$/)
  assert.equal(observer.gauges.get('modstead_degraded')!(), 1)
  load.eventLoop = 170
  seconds(60)
  assert.ok(mode.on, 'below the mark, but not far enough')
  load.eventLoop = 150
  seconds(9)
  load.memory = 900_000_000
  seconds(1)
  load.memory = 100_000_000
  seconds(10)
  assert.ok(mode.on, 'the ten seconds began anew')
  seconds(1)
  assert.ok(!mode.on)
  assert.equal(observer.gauges.get('modstead_degraded')!(), 0)
  assert.deepEqual(
    observer.lines.map(({ level, message, fields }) => [level, message.split(':')[0], fields.eventLoop]),
    [
      ['warn', 'degraded', '201ms of 200ms'],
      ['info', 'no longer degraded', '150ms of 200ms'],
    ],
  )
})

test('each mark, and those that are not there', (t) => {
  for (const [measure, words] of [
    ['memory', /its memory is full/],
    ['requestTime', /its answers take too long/],
  ] as const) {
    t.mock.timers.reset()
    const { load, mode, seconds } = watched(t, { [measure]: MARKS[measure] })
    load.eventLoop = 1e9
    seconds(3)
    assert.ok(!mode.on)
    load[measure] = MARKS[measure] + 1
    seconds(1)
    assert.match(mode.warnings().join(), words)
  }
})

test('it can be switched by hand, whatever the marks say', (t) => {
  const { load, mode, observer, seconds } = watched(t)
  mode.force('on')
  assert.match(mode.refusal()!.message, /by hand/)
  mode.force('off')
  load.memory = 2_000_000_000
  seconds(2)
  assert.equal(mode.refusal(), undefined)
  mode.force(undefined)
  assert.match(mode.refusal()!.message, /memory/)
  assert.equal(observer.lines.filter(({ message }) => message.includes('by hand')).length, 2)
})

test('the time of half of the answers counts, of the last ten seconds and when there are enough', (t) => {
  let now = 0
  const monitor = createMonitor(() => now)
  t.after(() => monitor.close())
  for (const ms of [1, 50_000, 50_000, 50_000, 50_000, 50_000, 50_000]) monitor.answered(ms)
  assert.equal(monitor.read().requestTime, 0)
  monitor.answered(2)
  assert.equal(monitor.read().requestTime, 50_000)
  for (let i = 0; i < 10; i++) monitor.answered(20)
  assert.equal(monitor.read().requestTime, 20)
  now = 10_001
  assert.equal(monitor.read().requestTime, 0)
  assert.ok(monitor.read().memory > 10_000_000)
})

test('an event loop that is held up again and again is late', async (t) => {
  const monitor = createMonitor()
  t.after(() => monitor.close())
  for (let i = 0; i < 5; i++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  assert.ok(monitor.read().eventLoop > 100)
})
