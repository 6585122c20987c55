import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { describe, it, type TestContext } from 'node:test'
import { generateKey, parseVerifierKey } from '@modstead/gomod/note'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { createMemoryDatabase } from '@modstead/gomod/sumdb/memory-database'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import { growSqliteLog, readSqliteLog } from '../../catalog/sqlite-log-file.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { formatExport } from './export-format.ts'
import { type Imported, importLog, type LogCopy } from './import-log.ts'
import { exportedCopy, publishedCopy } from './log-copies.ts'
import {
  collect,
  createStoredLog,
  LOG_KEY,
  LOG_VERIFIERS,
  logEntry,
  type StoredLog,
} from './stored-log.fixture.ts'
import { verifyLog } from './verify-log.ts'

const NAME = 'sum.corp.example'
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => logEntry(from + i))

async function exported(log: StoredLog): Promise<Buffer> {
  const storage = readSqliteLog(log.database)
  const head = (await storage.head())!
  const chunks = await collect(formatExport({ name: NAME, ...head }, storage))
  await storage.close()
  return Buffer.concat(chunks)
}

function copyOf(bytes: Uint8Array, step = 1 << 16): LogCopy {
  async function* open() {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
  }
  return exportedCopy({ name: NAME, where: 'the-export', open })
}

function importInto(log: StoredLog, copy: LogCopy, highWater = log.highWater): Promise<Imported> {
  const options = { name: NAME, verifiers: LOG_VERIFIERS, mark: openHighWaterFile(highWater) }
  return growSqliteLog(log.database, (growth) => importLog(growth, copy, options))
}

async function problems(log: StoredLog, highWater = log.highWater): Promise<string[]> {
  const storage = readSqliteLog(log.database)
  const mark = openHighWaterFile(highWater)
  const found = await collect(verifyLog({ name: NAME, storage, mark, verifiers: LOG_VERIFIERS }))
  await storage.close()
  return found.map(({ name, problem }) => `${name} – ${problem}`)
}

/** A log of `size` records, and what a backup of its first `before` was. */
async function lost(t: TestContext, before: number, size: number) {
  let now = 1_000
  const whole = await createStoredLog(t)
  await whole.grow(numbers(0, size), () => (now += 7))
  const log = await createStoredLog(t)
  if (before > 0) await log.grow(numbers(0, before), () => 1_500)
  return { whole, log }
}

describe('importing a log', () => {
  it('gives back the tail that was lost, with its times, so that it is whole again', async (t) => {
    for (const [before, size] of [
      [0, 1],
      [0, 700],
      [3, 4],
      [256, 512],
      [300, 700],
      [700, 700],
    ] as const) {
      const { whole, log } = await lost(t, before, size)
      const result = await importInto(log, copyOf(await exported(whole)), whole.highWater)
      assert.deepEqual(result, { added: size - before, size, marked: size })
      assert.deepEqual(await problems(log, whole.highWater), [], `${before} of ${size}`)
      const [a, b] = [readSqliteLog(log.database), readSqliteLog(whole.database)]
      const tail = [await a.records(before, size), await b.records(before, size)] as const
      assert.deepEqual(
        tail[0].map(({ record }) => Buffer.from(record)),
        tail[1].map(({ record }) => Buffer.from(record)),
      )
      assert.ok(tail[0].every(({ at }, i) => at === Math.max(before > 0 ? 1_500 : 0, tail[1][i]!.at)))
      assert.deepEqual(Buffer.from((await a.head())!.note), Buffer.from((await b.head())!.note))
      await Promise.all([a.close(), b.close()])
      // The server goes on, once the mark has come along.
      await cp(whole.highWater, log.highWater)
      await log.grow([logEntry(9_999)])
      assert.deepEqual(await problems(log), [])
    }
  })

  it('reads an export whatever pieces it comes in', async (t) => {
    const { whole } = await lost(t, 0, 5)
    const bytes = await exported(whole)
    for (const step of [1, 7, 100]) {
      const log = await createStoredLog(t)
      assert.equal((await importInto(log, copyOf(bytes, step))).size, 5)
    }
  })

  it('takes a log over whose times somebody has played with: nothing proves them', async (t) => {
    const { whole } = await lost(t, 0, 5)
    whole.change('update records set at = 9e15 where id = 1; update records set at = -5 where id = 2')
    const log = await createStoredLog(t)
    assert.equal((await importInto(log, copyOf(await exported(whole)))).size, 5)
    assert.deepEqual(await problems(log, whole.highWater), [])
  })

  it('takes the records from what is published, with the time of the import', async (t) => {
    const log = await createStoredLog(t)
    await log.grow(numbers(0, 300), () => 1_000)
    const database = createMemoryDatabase({ skey: LOG_KEY.skey })
    for (const { module, version, record } of numbers(0, 700))
      database.add(module, version, Buffer.from(record).toString())
    const client = createSumdbClient({
      verifierKey: LOG_KEY.vkey,
      ops: createMemoryOps(async (path, signal) => (await answerSumdb(database, path, signal))!.body),
    })
    const { signal } = new AbortController()
    const before = Date.now()
    const result = await importInto(log, publishedCopy({ client, where: 'https://follower', signal }))
    assert.deepEqual(result, { added: 400, size: 700, marked: 300 })
    assert.deepEqual(await problems(log), [])
    const storage = readSqliteLog(log.database)
    assert.ok((await storage.records(300, 1))[0]!.at >= before)
    await storage.close()
  })

  it('says how much is still missing where the copy is older than the mark', async (t) => {
    const { whole, log } = await lost(t, 2, 6)
    const early = await exported(whole)
    await whole.grow([logEntry(6), logEntry(7)])
    assert.deepEqual(await importInto(log, copyOf(early), whole.highWater), { added: 4, size: 6, marked: 8 })
  })

  it('leaves a log as it is that has all of the copy', async (t) => {
    const { whole, log } = await lost(t, 6, 3)
    assert.deepEqual(await importInto(log, copyOf(await exported(whole))), { added: 0, size: 6, marked: 6 })
  })

  const replaced = (from: string, to: string) => (bytes: Buffer) =>
    Buffer.from(bytes.toString().replace(from, to))
  const REFUSED: [what: string, change: (bytes: Buffer) => Buffer, wanted: RegExp][] = [
    [
      'a changed record',
      replaced('corp.example/m400 v1.0.0 h1:', 'corp.example/m401x v1.0.0 h1:'),
      /record 400 .* cannot be one/,
    ],
    [
      'another hash',
      (bytes) => Buffer.from(bytes.toString().replace(/(m400 v1.0.0 h1:)./, '$1x')),
      /does not lead to its signed head/,
    ],
    [
      'a record that is missing',
      (bytes) => Buffer.from(bytes.toString().replace(/[^\n]+\n[^\n]+m400 [^]*?\n\n/, '')),
      /over 700 records, and it has 699/,
    ],
    [
      'a record that stands twice',
      (bytes) => Buffer.from(bytes.toString().replace(/[^\n]+\n[^\n]+m400 [^]*?\n\n/, '$&$&')),
      /record 401 of it is a second one/,
    ],
    ['a cut end', (bytes) => bytes.subarray(0, 100_000), /without a signed head/],
    ['a cut head', (bytes) => bytes.subarray(0, -10), /not signed by a key of this log|its head/],
    ['nothing', () => Buffer.alloc(0), /ends after its first line/],
    [
      'another log',
      replaced('modstead-log/1 sum.corp.example', 'modstead-log/1 sum.other.example'),
      /of the log sum.other.example/,
    ],
    ['a format of tomorrow', replaced('modstead-log/1', 'modstead-log/2'), /format 2/],
    ['something else', () => Buffer.from('hello\n\nworld\n\n'), /first line is not/],
    ['a time that is none', replaced('1970-01-01T00:00:0', '1970-13-01T00:00:0'), /not a time and a record/],
  ]
  it('adds nothing where a copy is not what a key of the log has signed', async (t) => {
    const { whole, log } = await lost(t, 300, 700)
    const bytes = await exported(whole)
    for (const [what, change, wanted] of REFUSED)
      await t.test(what, async () => {
        await assert.rejects(importInto(log, copyOf(change(bytes))), (error: Error & { next?: string }) => {
          assert.match(error.message, wanted)
          assert.match(error.next!, /nothing was imported|newer modstead/)
          return true
        })
        assert.deepEqual(await problems(log), [])
        const storage = readSqliteLog(log.database)
        assert.equal((await storage.head())!.size, 300)
        await storage.close()
      })
  })

  it('refuses the head of another key, another history, and one that contradicts the mark', async (t) => {
    const { whole, log } = await lost(t, 3, 6)
    const bytes = await exported(whole)
    const verifiers = [parseVerifierKey(generateKey(NAME).vkey)]
    const options = { name: NAME, verifiers, mark: openHighWaterFile(log.highWater) }
    const empty = await createStoredLog(t)
    await assert.rejects(
      growSqliteLog(empty.database, (growth) => importLog(growth, copyOf(bytes), options)),
      { code: 'log_refused', message: /not signed by a key/ },
    )
    const fork = await createStoredLog(t)
    await fork.grow([logEntry(0), logEntry(77)])
    await assert.rejects(importInto(fork, copyOf(bytes)), {
      code: 'log_refused',
      message: /behind the 2 records/,
    })
    const longFork = await createStoredLog(t)
    await longFork.grow(numbers(70, 80))
    await assert.rejects(importInto(longFork, copyOf(bytes)), {
      code: 'log_refused',
      message: /behind the 10 records/,
    })
    await assert.rejects(importInto(empty, copyOf(bytes), fork.highWater), {
      code: 'log_refused',
      message: /first 2 records are not those that the high-water mark/,
    })
    assert.deepEqual(await problems(empty), [])
  })
})
