import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { generateKey, openNote, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import { parseTree } from '@modstead/gomod/tlog/record'
import { openSqliteLog } from '../../catalog/sqlite-log.ts'
import { ModsteadError } from '../../errors.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import type { HighWaterMark } from './high-water.ts'
import { type ChecksumLog, openChecksumLog } from './log.ts'
import type { LogEntry, LogStorage } from './storage.ts'

const { skey, vkey } = generateKey('sum.corp.example')
const H1 = `h1:${Buffer.alloc(32, 7).toString('base64')}`
const { signal } = new AbortController()

function entry(n: number, version = 'v1.0.0'): LogEntry {
  const module = `corp.example/m${n}`
  return { module, version, record: formatSumRecord(module, version, H1, H1) }
}

interface Opening {
  keys?: string[]
  storage?: (real: LogStorage) => LogStorage
  mark?: (real: HighWaterMark) => HighWaterMark
  markDeadline?: number
  now?: () => number
}

/** Opens the log in a folder, and closes it at the end of the test unless it was closed before. */
async function open(t: TestContext, folder: string, opening: Opening = {}) {
  const real = await openSqliteLog(join(folder, 'log.db'))
  const storage = opening.storage?.(real) ?? real
  const file = openHighWaterFile(join(folder, 'high-water'))
  const keys = opening.keys ?? [skey]
  let log: ChecksumLog | undefined
  let closed: Promise<void> | undefined
  const close = () => (closed ??= (async () => (await log?.close(), await real.close()))())
  t.after(close)
  log = await openChecksumLog({
    signers: keys.map(parseSignerKey),
    verifiers: keys.map((key) => parseVerifierKey(verifierOf(key))),
    storage,
    mark: opening.mark?.(file) ?? file,
    log: createTestObserver().log,
    ...(opening.markDeadline && { markDeadline: opening.markDeadline }),
    ...(opening.now && { now: opening.now }),
  })
  return { log, close }
}

const vkeys = new Map([[skey, vkey]])
function verifierOf(key: string): string {
  return vkeys.get(key)!
}

/** What a client of the log sees through golang.org/x/mod's rules, which our own client follows. */
function clientOf(log: ChecksumLog, key = vkey) {
  return createSumdbClient({
    verifierKey: key,
    ops: createMemoryOps(async (path, signal) => {
      const answer = await answerSumdb(
        {
          signed: async () => log.head().note,
          readRecords: async (id, n) => (await log.records(id, n)).map(({ record }) => record),
          lookup: (module, version) => log.find(module, version),
          readTileData: (tile) => log.tile(tile),
        },
        path,
        signal,
      )
      if (answer === undefined) throw new ModsteadError('not_found', path)
      return answer.body
    }),
  })
}

describe('checksum log', () => {
  it('gives each version one record, which a client can prove, however many ask at once', async (t) => {
    const folder = await temporaryFolder(t)
    const { log, close } = await open(t, folder)
    const numbers = Array.from({ length: 700 }, (_, i) => i)
    const ids = await Promise.all([...numbers, ...numbers].map((n) => log.append(entry(n))))
    assert.deepEqual(ids.slice(0, 700), ids.slice(700))
    assert.deepEqual(
      ids.slice(0, 700).toSorted((a, b) => a - b),
      numbers,
    )
    assert.equal(log.head().size, 700)
    const client = clientOf(log)
    for (const n of [0, 255, 256, 699])
      assert.equal((await client.lookup(`corp.example/m${n}`, 'v1.0.0', signal)).h1, H1)
    await close()

    const again = await open(t, folder)
    assert.equal(again.log.head().size, 700)
    assert.equal(await again.log.append(entry(3)), ids[3])
    assert.equal(await again.log.append(entry(700)), 700)
    assert.equal((await clientOf(again.log).lookup('corp.example/m700', 'v1.0.0', signal)).id, 700)
  })

  it('shows a head only once it is durable and the mark knows it', async (t) => {
    const folder = await temporaryFolder(t)
    const steps: string[] = []
    const { log } = await open(t, folder, {
      storage: (real) => ({
        ...real,
        async append(batch) {
          await real.append(batch)
          steps.push(`stored ${batch.head.size}`)
        },
      }),
      mark: (real) => ({
        ...real,
        async write(note) {
          await real.write(note)
          steps.push(`marked ${sizeOf(note)}`)
        },
      }),
    })
    log.onHead(({ size }) => steps.push(`shown ${size}`))
    await log.append(entry(1))
    await log.append(entry(2))
    assert.deepEqual(steps, [
      'marked 0',
      'stored 1',
      'marked 1',
      'shown 1',
      'stored 2',
      'marked 2',
      'shown 2',
    ])
  })

  it('after a write that failed, or that seemed to, it goes on from what is stored', async (t) => {
    const folder = await temporaryFolder(t)
    const disk = { fails: 'no' as 'no' | 'before' | 'after' | 'mark' }
    const failure = new ModsteadError('store_unavailable', 'the disk is full')
    const { log } = await open(t, folder, {
      storage: (real) => ({
        ...real,
        async append(batch) {
          if (disk.fails === 'before') throw failure
          await real.append(batch)
          if (disk.fails === 'after') throw failure
        },
      }),
      mark: (real) => ({
        ...real,
        async write(note) {
          if (disk.fails === 'mark') throw failure
          await real.write(note)
        },
      }),
    })
    for (const [n, fails] of (['before', 'after', 'mark'] as const).entries()) {
      const size = log.head().size
      disk.fails = fails
      await assert.rejects(log.append(entry(n)), failure)
      assert.equal(log.head().size, size, 'nothing is shown')
      // Looking for it has another look at what is stored.
      assert.equal(await log.find(entry(n).module, 'v1.0.0'), fails === 'after' ? size : undefined)
      disk.fails = 'no'
      assert.equal(await log.append(entry(n)), size)
      assert.equal(log.head().size, size + 1)
    }
    assert.equal((await clientOf(log).lookup('corp.example/m2', 'v1.0.0', signal)).id, 2)
  })

  it('signs nothing when an older state of it comes back', async (t) => {
    const folder = await temporaryFolder(t)
    const first = await open(t, folder)
    await first.log.append(entry(1))
    await first.close()
    await cp(join(folder, 'log.db'), join(folder, 'backup.db'))
    const second = await open(t, folder)
    await second.log.append(entry(2))
    await second.close()
    await cp(join(folder, 'backup.db'), join(folder, 'log.db'))
    await assert.rejects(open(t, folder), {
      code: 'log_refused',
      message: /it has 1 records, but .* over 2 /,
    })
    const mark = openHighWaterFile(join(folder, 'high-water'))
    assert.equal(sizeOf((await mark.read())!), 2)
  })

  it('signs nothing when another history comes in its place, or the mark is gone or foreign', async (t) => {
    const [folder, other] = [await temporaryFolder(t), await temporaryFolder(t)]
    const one = await open(t, folder)
    await one.log.append(entry(1))
    await one.close()
    const two = await open(t, other)
    await two.log.append(entry(2))
    await two.log.append(entry(3))
    await two.close()
    await cp(join(other, 'log.db'), join(folder, 'log.db'))
    await assert.rejects(open(t, folder), { code: 'log_refused', message: /first 1 records are not those/ })
    const gone = await temporaryFolder(t)
    await cp(join(other, 'log.db'), join(gone, 'log.db'))
    await assert.rejects(open(t, gone), { code: 'log_refused', next: /sumdb mark/ })
    const { skey: foreign, vkey: foreignV } = generateKey('sum.corp.example')
    vkeys.set(foreign, foreignV)
    await cp(join(other, 'high-water'), join(folder, 'high-water'))
    await assert.rejects(open(t, folder, { keys: [foreign] }), {
      code: 'log_refused',
      message: /configured key/,
    })
  })

  it('signs with the old and the new key while both are configured', async (t) => {
    const folder = await temporaryFolder(t)
    const { skey: next, vkey: nextV } = generateKey('sum.corp.example')
    vkeys.set(next, nextV)
    const before = await open(t, folder)
    await before.log.append(entry(1))
    await before.close()
    const both = await open(t, folder, { keys: [next, skey] })
    for (const key of [vkey, nextV])
      assert.equal((await clientOf(both.log, key).lookup('corp.example/m1', 'v1.0.0', signal)).id, 0)
    await both.log.append(entry(2))
    await both.close()
    const after = await open(t, folder, { keys: [next] })
    assert.equal(after.log.head().size, 2)
    assert.throws(() => openNote(after.log.head().note, [parseVerifierKey(vkey)]), {
      code: 'unverified_note',
    })
  })

  it('finds damage of its newest tiles and of its head when it is opened', async (t) => {
    const { DatabaseSync } = await import('node:sqlite')
    for (const damage of [
      'update tiles set data = zeroblob(32) where level = 0',
      'delete from tiles',
      "update head set root = x'00'",
      'update head set size = 2',
      'delete from records',
      "update head set note = cast('forged' as blob)",
    ]) {
      const folder = await temporaryFolder(t)
      const { log, close } = await open(t, folder)
      await log.append(entry(1))
      await close()
      const database = new DatabaseSync(join(folder, 'log.db'))
      database.exec(damage)
      database.close()
      await assert.rejects(open(t, folder), { code: 'log_refused' }, damage)
    }
  })

  it('gives no record that is not what was signed, and says so', async (t) => {
    const { DatabaseSync } = await import('node:sqlite')
    const folder = await temporaryFolder(t)
    const { log } = await open(t, folder)
    await Promise.all([0, 1, 2].map((n) => log.append(entry(n))))
    const database = new DatabaseSync(join(folder, 'log.db'))
    database.exec(
      "update records set record = cast(replace(cast(record as text), 'h1:B', 'h1:C') as blob) where id = 1",
    )
    database.close()
    assert.equal((await log.records(0, 1)).length, 1)
    await assert.rejects(log.records(1, 1), {
      code: 'log_refused',
      message: /record 1 .* is not what was signed/,
    })
    await assert.rejects(log.records(0, 3), { code: 'log_refused' })
    assert.match(log.problem() ?? '', /record 1/)
  })

  it('refuses a file that was put in its place while it is open', async (t) => {
    const [folder, other] = [await temporaryFolder(t), await temporaryFolder(t)]
    const first = await open(t, folder)
    await first.log.append(entry(1))
    const second = await open(t, other)
    await second.log.append(entry(2))
    await second.close()
    const { DatabaseSync } = await import('node:sqlite')
    // The same size and another root, in the very file that is open.
    const [from, to] = [new DatabaseSync(join(other, 'log.db')), new DatabaseSync(join(folder, 'log.db'))]
    const { root } = from.prepare('select root from head').get() as { root: Uint8Array }
    to.prepare('update head set root = ?').run(root)
    from.close()
    to.close()
    await assert.rejects(first.log.append(entry(3)), { code: 'log_refused', message: /was replaced/ })
    assert.match(first.log.problem() ?? '', /was replaced/)
  })

  it('lets nobody wait for a mark that hangs, and shows what is stored once it does not', async (t) => {
    const folder = await temporaryFolder(t)
    let hangs = false
    const disk = Promise.withResolvers<void>()
    const sizes: number[] = []
    const { log } = await open(t, folder, {
      markDeadline: 100,
      mark: (real) => ({
        ...real,
        async write(note) {
          if (hangs) await disk.promise
          sizes.push(sizeOf(note))
          await real.write(note)
        },
      }),
    })
    hangs = true
    await assert.rejects(log.append(entry(1)), { code: 'store_unavailable', message: /high-water mark/ })
    assert.match(log.problem() ?? '', /high-water mark/)
    assert.equal(log.head().size, 0)
    hangs = false
    // What hangs is not passed by another write, which it could then undo.
    await assert.rejects(log.append(entry(2)), { code: 'store_unavailable', message: /high-water mark/ })
    assert.deepEqual(sizes, [0])
    disk.resolve()
    assert.equal(await log.find(entry(1).module, 'v1.0.0'), 0)
    assert.equal(log.head().size, 1)
    assert.equal(log.problem(), undefined)
    assert.equal(await log.append(entry(2)), 1)
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => a - b),
    )
  })

  it('never goes back in time', async (t) => {
    const folder = await temporaryFolder(t)
    let now = 5_000
    const { log, close } = await open(t, folder, { now: () => now })
    await log.append(entry(1))
    now = 1_000
    await log.append(entry(2))
    await close()
    const again = await open(t, folder, { now: () => now })
    await again.log.append(entry(3))
    assert.deepEqual(
      (await again.log.records(0, 9)).map(({ at }) => at),
      [5_000, 5_000, 5_000],
    )
  })

  it('ends with those who wait for a later batch told', async (t) => {
    const folder = await temporaryFolder(t)
    const { log, close } = await open(t, folder)
    const waiting = Array.from({ length: 600 }, (_, n) => log.append(entry(n)))
    await Promise.all([close(), Promise.allSettled(waiting)])
    const ended = await Promise.allSettled(waiting)
    assert.equal(ended.filter(({ status }) => status === 'fulfilled').length, log.head().size)
    await assert.rejects(log.append(entry(1_000)), { code: 'shutting_down' })
  })
})

function sizeOf(note: Uint8Array): number {
  return parseTree(Buffer.from(note).toString()).size
}
