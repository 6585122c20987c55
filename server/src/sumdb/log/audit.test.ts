import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { createMemoryDatabase, type MemoryDatabase } from '@modstead/gomod/sumdb/memory-database'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import { ModsteadError } from '../../errors.ts'
import { audit, type Audit, type AuditOptions } from './audit.ts'
import { LOG_KEY, logEntry } from './stored-log.fixture.ts'

function databaseOf(size: number): MemoryDatabase {
  const database = createMemoryDatabase({ skey: LOG_KEY.skey })
  grow(database, size)
  return database
}

function grow(database: MemoryDatabase, size: number, salt = ''): void {
  for (let n = database.size; n < size; n++) {
    const { module, version, record } = logEntry(n, salt)
    database.add(module, version, Buffer.from(record).toString())
  }
}

type Change = (path: string, body: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array>

/** An auditor that remembers what it saw. */
function createAuditor() {
  let seen: Uint8Array | undefined
  const paths: string[] = []
  return {
    paths,
    seen: () => seen,
    run(database: MemoryDatabase, options: Partial<AuditOptions> & { change?: Change } = {}): Promise<Audit> {
      const { change = (_, body) => body, ...rest } = options
      return audit({
        key: LOG_KEY.vkey,
        async read(path, signal) {
          paths.push(path)
          const answer = await answerSumdb(database, path, signal)
          const body = answer && (await change(path, answer.body))
          if (body === undefined) throw new ModsteadError('not_found', `${path} is not there`)
          return body
        },
        seen: {
          read: async () => seen,
          write: async (note) => void (seen = note),
        },
        records: false,
        pause: () => Promise.resolve(),
        signal: new AbortController().signal,
        ...rest,
      })
    },
  }
}

const kinds = ({ alarms }: Audit) => alarms.map(({ kind }) => kind)

describe('auditing a checksum database', () => {
  it('follows one that grows, and remembers its heads', async () => {
    const auditor = createAuditor()
    const database = databaseOf(0)
    for (const size of [0, 1, 255, 256, 257, 300, 300, 70_000]) {
      grow(database, size)
      const { head, alarms } = await auditor.run(database)
      assert.deepEqual(alarms, [], `${size} records`)
      assert.equal(head?.tree.size, size)
      assert.deepEqual(auditor.seen(), head.note)
    }
  })

  it('reads the right edge each time, so that a head without its tiles is found', async () => {
    const auditor = createAuditor()
    const database = databaseOf(300)
    await auditor.run(database)
    const flipped: Change = (path, body) => (path.startsWith('/tile/8/0/') ? changed(body, 40) : body)
    assert.deepEqual(kinds(await auditor.run(database, { change: flipped })), ['tile'])
    const gone: Change = (path, body) => (path.startsWith('/tile/8/0/') ? undefined : body)
    assert.deepEqual(kinds(await auditor.run(database, { change: gone })), ['tile'])
    assert.deepEqual(kinds(await auditor.run(database)), [])
  })

  it('sees a fork, with both heads and the proof, and goes on seeing it', async () => {
    const auditor = createAuditor()
    const database = databaseOf(10)
    const fork = database.fork()
    grow(database, 20)
    await auditor.run(database)
    const before = auditor.seen()
    grow(fork, 40, 'other')
    for (const _ of [1, 2]) {
      const { alarms } = await auditor.run(fork)
      assert.deepEqual(
        alarms.map(({ kind }) => kind),
        ['fork'],
      )
      assert.match(
        alarms[0]!.text,
        /older signed tree head:\n\tgo.sum database tree\n\t20\n.*newer signed.*\t40\n.*proof/s,
      )
      assert.deepEqual(auditor.seen(), before)
    }
    const same = databaseOf(0)
    grow(same, 20, 'other')
    assert.deepEqual(kinds(await auditor.run(same)), ['fork'])
    const smaller = databaseOf(0)
    grow(smaller, 5, 'other')
    assert.match((await auditor.run(smaller)).alarms[0]!.kind, /fork|shrink/)
  })

  it('sees a log that shrank, but lets caches lag once', async () => {
    const auditor = createAuditor()
    const database = databaseOf(300)
    await auditor.run(database)
    const restored = databaseOf(299)
    const { alarms } = await auditor.run(restored)
    assert.deepEqual(
      alarms.map(({ kind }) => kind),
      ['shrink'],
    )
    assert.match(alarms[0]!.text, /had signed 300, .* over 299.*\n\t300\n.*\n\t299\n/s)
    let asked = 0
    const lagging: Change = (path, body) =>
      path === '/latest' && ++asked === 1 ? database.signedAt(299) : body
    assert.deepEqual(kinds(await auditor.run(database, { change: lagging })), [])
    assert.equal(asked, 2)
  })

  it('asks twice before it raises an alarm: one answer may be mangled on its way', async () => {
    const database = databaseOf(300)
    for (const what of ['/latest', '/tile/8/0/001.p/44']) {
      let asked = 0
      const once: Change = (path, body) => (path === what && ++asked === 1 ? changed(body, 20) : body)
      assert.deepEqual(kinds(await createAuditor().run(database, { change: once })), [], what)
      assert.equal(asked, 2, what)
    }
  })

  it('does not believe heads that the key has not signed', async () => {
    const auditor = createAuditor()
    const database = databaseOf(3)
    const forged: Change = (path, body) => (path === '/latest' ? changed(body, body.length - 10) : body)
    const page: Change = (path, body) => (path === '/latest' ? Buffer.from('<html>') : body)
    assert.deepEqual(kinds(await auditor.run(database, { change: forged })), ['signature'])
    assert.deepEqual(kinds(await auditor.run(database, { change: page })), ['signature'])
    const { vkey: key } = generateKey('sum.corp.example')
    assert.deepEqual(kinds(await auditor.run(database, { key })), ['signature'])
    assert.equal(auditor.seen(), undefined)
    await auditor.run(database)
    await assert.rejects(auditor.run(database, { key }), {
      code: 'config_invalid',
      message: /remembered head/,
    })
  })

  it('raises no alarm where the database could not be asked', async () => {
    const auditor = createAuditor()
    const failing = () => Promise.reject(new ModsteadError('upstream_unreachable', 'it is away'))
    await assert.rejects(auditor.run(databaseOf(1), { read: failing }), { code: 'upstream_unreachable' })
    const absent = () => Promise.reject(new ModsteadError('not_found', 'no such page'))
    await assert.rejects(auditor.run(databaseOf(1), { read: absent }), { code: 'not_found' })
  })

  it('reads all records, names those that are wrong, and versions that are there twice', async () => {
    const auditor = createAuditor()
    const database = databaseOf(1_300)
    const good = await auditor.run(database, { records: true })
    assert.deepEqual([good.records, good.alarms], [1_300, []])
    const change: Change = (path, body) =>
      path === '/tile/8/data/003'
        ? Buffer.from(
            Buffer.from(body)
              .toString()
              .replace(/m800 v1.0.0 h1:./, 'm800 v1.0.0 h1:_'),
          )
        : body
    const { alarms } = await auditor.run(database, { records: true, change })
    assert.equal(alarms.length, 1)
    assert.match(alarms[0]!.text, /^tile\/8\/data\/003: record 32 /)
    database.add('corp.example/twice', 'v1.0.0', Buffer.from(logEntry(7, 'again').record).toString())
    database.add('corp.example/odd', 'v1.0.0', 'no record of a version\n')
    const { alarms: twice, records } = await auditor.run(database, { records: true })
    assert.equal(records, 1_302)
    assert.deepEqual(
      twice.map(({ text }) => text.replace(/: it.*/, '')),
      ['corp.example/m7@v1.0.0 has two records, with the numbers 7 and 1300', 'record 1301 cannot be one'],
    )
    const forbidden: Change = (path, body) => {
      if (path.startsWith('/tile/8/data/')) throw new ModsteadError('upstream_refused', 'not yours')
      return body
    }
    await assert.rejects(auditor.run(database, { records: true, change: forbidden }), {
      code: 'upstream_refused',
    })
  })
})

function changed(body: Uint8Array, at: number): Uint8Array {
  const copy = Buffer.from(body)
  copy[at] = copy[at] === 0x41 ? 0x42 : 0x41
  return copy
}
