import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ModsteadError } from '../errors.ts'
import { eventually } from '../observe/test-support.ts'
import { blocksOf, someEvent, testLog } from './audit.fixture.ts'
import { type Delivery, openDelivery } from './delivery.ts'
import type { AuditSink } from './sink.ts'
import type { Writer } from './writer.ts'

interface TestSink extends AuditSink {
  taken: number[]
  /** Batches that are not taken from now on. */
  failures: number
}

function testSink(batch = 4): TestSink {
  const sink: TestSink = {
    name: 'siem',
    batch,
    taken: [],
    failures: 0,
    async send(events) {
      assert.ok(events.length > 0 && events.length <= batch)
      if (sink.failures > 0) {
        sink.failures--
        throw new Error('not now')
      }
      sink.taken.push(...events.map(({ seq }) => seq))
    },
    close: async () => undefined,
  }
  return sink
}

const PAUSE = { first: 1, most: 5 }

async function place(t: TestContext, rotate?: { size: number; age: number }) {
  const closing: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const close of closing.reverse()) await close()
  })
  const log = await testLog(t)
  let writer: Writer = await log.open(rotate)
  closing.push(() => writer.close())
  return {
    ...log,
    write: async (count: number) => {
      const first = writer.seq + 1
      await writer.append(
        blocksOf(
          Array.from({ length: count }, (_, i) => someEvent(first + i)),
          first,
        ),
      )
      await writer.checkpoint()
    },
    async deliver(sink: AuditSink, refusals?: number): Promise<Delivery> {
      const delivery = await openDelivery({
        files: log.files,
        sink,
        writer,
        observer: log.observer,
        pause: PAUSE,
        ...(refusals !== undefined && { refusals }),
      })
      closing.push(() => delivery.close(0))
      return delivery
    },
    async reopen() {
      await writer.close()
      writer = await log.open(rotate)
    },
  }
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('what comes after it was configured is delivered in order, over segments, and goes on after a restart', async (t) => {
  const { write, deliver, observer } = await place(t, { size: 3_000, age: 1e9 })
  await write(3)
  const sink = testSink()
  const first = await deliver(sink)
  for (let i = 0; i < 4; i++) await write(10)
  first.wake()
  await eventually(() => sink.taken.length === 40, 'all were taken')
  assert.deepEqual(sink.taken, upTo(43, 4))
  assert.equal(first.lag(), 0)
  await first.close(1_000)
  await write(5)
  const again = testSink()
  const second = await deliver(again)
  await eventually(() => again.taken.length === 5, 'the rest was taken')
  assert.deepEqual(again.taken, upTo(48, 44))
  assert.equal(observer.counts.get('modstead_audit_delivered_total siem'), 45)
  await second.close(1_000)
})

test('a sink that fails gets the same again, until it takes it', async (t) => {
  const { write, deliver, observer } = await place(t)
  const sink = testSink()
  const delivery = await deliver(sink)
  await write(2)
  delivery.wake()
  await eventually(() => sink.taken.length === 2, 'the first were taken')
  sink.failures = 5
  await write(10)
  delivery.wake()
  await eventually(() => sink.taken.length >= 12, 'all were taken')
  assert.deepEqual(sink.taken, upTo(12))
  assert.equal(observer.counts.get('modstead_audit_delivery_failures_total siem'), 5)
  const said = observer.lines.map(({ message }) => message)
  assert.equal(said.filter((message) => message.includes('cannot be delivered')).length, 1)
  assert.ok(said.includes('events of the audit log are delivered again'))
})

test('a sink that hangs ends with the server, and what it did not take is sent after the next start', async (t) => {
  const { write, deliver } = await place(t)
  const hanging: AuditSink = {
    name: 'siem',
    batch: 10,
    send: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
    close: async () => undefined,
  }
  const delivery = await deliver(hanging)
  await write(3)
  delivery.wake()
  await new Promise((resolve) => setTimeout(resolve, 10))
  await delivery.close(10)
  assert.equal(delivery.lag(), 3)
  const sink = testSink()
  await deliver(sink)
  await eventually(() => sink.taken.length === 3, 'they were taken')
})

test('a cursor behind what a crash cut off begins at the end', async (t) => {
  const { write, deliver, files, reopen } = await place(t)
  await write(5)
  await files.writeSmall('cursor-siem', JSON.stringify({ segment: 1, at: 1e6, seq: 50 }))
  const sink = testSink()
  await reopen()
  const delivery = await deliver(sink)
  await write(2)
  delivery.wake()
  await eventually(() => sink.taken.length === 2, 'they were taken')
  assert.deepEqual(sink.taken, [6, 7])
})

test('a batch that a sink refuses for good is put aside, and what comes after it is delivered', async (t) => {
  const { write, deliver, observer, folder } = await place(t)
  const taken: number[] = []
  let refused = 0
  const sink: AuditSink = {
    name: 'siem',
    batch: 2,
    async send(events) {
      if (events.some(({ seq }) => seq === 3)) {
        refused++
        throw new ModsteadError('upstream_invalid', 'siem.corp.example answered 400: no')
      }
      taken.push(...events.map(({ seq }) => seq))
    },
    close: async () => undefined,
  }
  const delivery = await deliver(sink, 3)
  await write(6)
  delivery.wake()
  await eventually(() => taken.includes(6), 'the rest was taken')
  assert.deepEqual([taken, refused], [[1, 2, 5, 6], 3])
  const lines = (await readFile(join(folder, 'rejected', 'siem-3-4.jsonl'), 'utf8')).trim().split('\n')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { seq: number }).seq),
    [3, 4],
  )
  assert.equal(observer.counts.get('modstead_audit_rejected_total siem'), 2)
  assert.ok(observer.lines.some(({ level, message }) => level === 'error' && message.includes('put aside')))
})
