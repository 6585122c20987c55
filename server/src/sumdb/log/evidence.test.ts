import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { generateKey, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { formatHash, parseHash, recordHash } from '@modstead/gomod/tlog/hash'
import { checkRecord, checkTree } from '@modstead/gomod/tlog/proof'
import { openSqliteLog } from '../../catalog/sqlite-log.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { createEvidence } from './evidence.ts'
import { openChecksumLog } from './log.ts'

const { skey, vkey } = generateKey('sum.corp.example')
const HASH = `h1:${Buffer.alloc(32, 1).toString('base64')}`

/** A log of 300 records, entered one a second from `T` on, three in the same second. */
const T = Date.parse('2026-01-01T00:00:00Z')
async function openLog(t: TestContext) {
  const folder = await temporaryFolder(t)
  const storage = await openSqliteLog(join(folder, 'log.db'))
  let now = T
  const log = await openChecksumLog({
    signers: [parseSignerKey(skey)],
    verifiers: [parseVerifierKey(vkey)],
    storage,
    mark: openHighWaterFile(join(folder, 'high-water')),
    log: createTestObserver().log,
    now: () => now,
  })
  t.after(() => log.close().then(() => storage.close()))
  for (let n = 0; n < 300; n += 3) {
    await Promise.all([n, n + 1, n + 2].map((n) => log.append(entryOf(n))))
    now += 1_000
  }
  return log
}

function entryOf(n: number) {
  const module = `corp.example/m${n}`
  return { module, version: 'v1.0.0', record: formatSumRecord(module, 'v1.0.0', HASH, HASH) }
}

test('proofs hold against what they name, at every size', async (t) => {
  const log = await openLog(t)
  const { inclusion, consistency } = createEvidence(log)
  for (const [id, size] of [
    [0, 1],
    [0, 300],
    [255, 256],
    [256, 300],
    [299, 300],
    [17, 130],
  ] as const) {
    const { root, leaf, proof } = await inclusion(id, size)
    const [{ record } = assert.fail()] = await log.records(id, 1)
    assert.equal(leaf, formatHash(recordHash(record)))
    checkRecord(proof.map(parseHash), { size, hash: parseHash(root) }, id, parseHash(leaf))
  }
  for (const [from, to] of [
    [1, 300],
    [255, 257],
    [300, 300],
    [128, 256],
  ] as const) {
    const { fromRoot, toRoot, proof } = await consistency(from, to)
    checkTree(
      proof.map(parseHash),
      { size: to, hash: parseHash(toRoot) },
      { size: from, hash: parseHash(fromRoot) },
    )
  }
  assert.equal((await inclusion(5)).size, 300)
  for (const wrong of [
    inclusion(300),
    inclusion(5, 301),
    inclusion(7, 7),
    consistency(0, 5),
    consistency(9, 8),
    consistency(2, 301),
  ])
    await assert.rejects(wrong, { code: 'not_found' })
})

test('a feed goes on from a time or an id, and its ids and times are those of the log', async (t) => {
  const { feed } = createEvidence(await openLog(t))
  const all = await feed({ since: 0 }, 1_000)
  assert.equal(all.length, 300)
  assert.deepEqual(all[0], {
    Id: 0,
    Path: all[0]!.Path,
    Version: 'v1.0.0',
    Timestamp: '2026-01-01T00:00:00.000Z',
  })
  assert.deepEqual(await feed({ since: T + 1_000 }, 2), all.slice(3, 5))
  assert.deepEqual(await feed({ since: T + 999 }, 2), all.slice(3, 5))
  assert.deepEqual(await feed({ id: 298 }, 10), all.slice(298))
  assert.deepEqual(await feed({ since: T + 1_000_000 }, 10), [])
  assert.deepEqual(await feed({ id: 300 }, 10), [])
})
