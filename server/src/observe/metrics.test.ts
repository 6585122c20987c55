import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createObserver } from './create-observer.ts'

function observer() {
  const lines: string[] = []
  const stdout = { write: (text: string) => lines.push(text) }
  return { lines, ...createObserver({ level: 'info', format: 'json' }, { stdout, isTTY: false }) }
}

test('counters by label, the same one for the same name', async () => {
  const { counter, expose } = observer()
  const requests = counter('modstead_requests_total', 'Requests.', ['kind', 'status'])
  requests.add(1, 'zip', '200')
  counter('modstead_requests_total', 'Requests.', ['kind', 'status']).add(2, 'zip', '200')
  requests.add(1, 'mod', '404')
  counter('modstead_one_total', 'One label.', ['origin']).add(5, 'a "quoted" name\n')
  const plain = counter('modstead_plain_total', 'No labels.')
  const first = await expose()
  assert.match(first.contentType, /^text\/plain; version=0\.0\.4/)
  assert.match(first.body, /^modstead_requests_total\{kind="zip",status="200"\} 3$/m)
  assert.match(first.body, /^modstead_requests_total\{kind="mod",status="404"\} 1$/m)
  assert.match(first.body, /^modstead_one_total\{origin="a \\"quoted\\" name\\n"\} 5$/m)
  assert.match(first.body, /^modstead_plain_total 0$/m)
  assert.match(first.body, /^# TYPE modstead_requests_total counter$/m)
  plain.add(7)
  requests.add(1, 'zip', '200')
  const second = await expose()
  assert.match(second.body, /^modstead_plain_total 7$/m)
  assert.match(second.body, /^modstead_requests_total\{kind="zip",status="200"\} 4$/m)
})

test('declared again, a counter keeps its figures', async () => {
  const { counter, expose } = observer()
  counter('modstead_plain_total', 'x').add(3)
  counter('modstead_plain_total', 'x').add(4)
  assert.match((await expose()).body, /^modstead_plain_total 7$/m)
})

test('wrong labels are defects', () => {
  const { counter } = observer()
  const one = counter('modstead_a_total', 'A.', ['x'])
  assert.throws(() => counter('modstead_a_total', 'A.', ['y']), TypeError)
  assert.throws(() => one.add(1, 'a', 'b'), TypeError)
  assert.throws(() => counter('modstead_b_total', 'B.', ['x', 'y']).add(1, 'a'), TypeError)
})

test('gauges are read at each collection; one that throws harms no other', async () => {
  const { gauge, expose, lines } = observer()
  let value = 1
  gauge('modstead_value', 'A value.', () => value)
  gauge('modstead_asked', 'One that is asked for.', async () => value * 10)
  gauge('modstead_refused', 'One that is not given.', () => Promise.reject(new Error('not now')))
  gauge('modstead_late', 'One that never comes.', () => new Promise<number>(() => undefined))
  gauge('modstead_broken', 'Broken.', () => {
    throw new Error('no figure')
  })
  assert.match((await expose()).body, /^modstead_value 1$/m)
  value = 2.5
  const { body } = await expose()
  assert.match(body, /^modstead_value 2\.5$/m)
  assert.match(body, /^modstead_asked 25$/m)
  for (const name of ['broken', 'refused', 'late'])
    assert.match(body, new RegExp(`^modstead_${name} Nan$`, 'im'))
  assert.match(lines.join(''), /cannot read a metric.*|no figure/)
  gauge('modstead_value', 'A value.', () => 9)
  assert.match((await expose()).body, /^modstead_value 9$/m)
})

test('the process itself', async () => {
  const { body } = await observer().expose()
  for (const name of [
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_seconds',
    'process_cpu_seconds_total',
    'nodejs_gc_duration_seconds',
  ])
    assert.match(body, new RegExp(`^# TYPE ${name} `, 'm'))
  if (process.platform === 'linux') assert.match(body, /^process_open_fds \d+$/m)
})
