// golang.org/x/mod's own client against a log that grows while it is asked, and against a log that was forked.
// MODSTEAD_LOOKUPS and MODSTEAD_STEPS make it longer than CI has time for.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import type { ChecksumLog } from '../../server/src/sumdb/log/log.ts'
import { serveLog } from '../support/log-server.ts'
import { openOwnLog } from '../support/own-log.ts'
import { numberedEntry, startGoSumdbClient } from '../support/sumdb-client.ts'

const NAME = 'sum.corp.example'
const keys = generateKey(NAME)
const LOOKUPS = Number(process.env.MODSTEAD_LOOKUPS ?? 2_000)
const STEPS = Number(process.env.MODSTEAD_STEPS ?? 30)

test(`${LOOKUPS} random lookups over ${STEPS} steps of growth are proven`, async (t) => {
  const { log, url } = await serve(t)
  const client = await startGoSumdbClient({ name: NAME, vkey: keys.vkey })
  t.after(client.close)
  const started = performance.now()
  const each = Math.ceil(LOOKUPS / STEPS)
  let size = 0
  for (let step = 1; step <= STEPS; step++) {
    // One record; a part of a tile; about one tile; several. While the client asks, the next ones come.
    const more = [1, 7, 255, 256, 257, 900][step % 6]!
    await append(log, size, more)
    size += more
    const asked = client.order('lookups', url, size, each, step, step % 10 === 0 ? 1 : 0)
    await append(log, size, 3)
    size += 3
    await asked
  }
  assert.equal(log.head().size, size)
  const seconds = (performance.now() - started) / 1000
  t.diagnostic(`${each * STEPS} lookups up to ${size} records in ${seconds.toFixed(1)} s`)
})

test('a log that was forked is caught, wherever the fork is and whichever side is longer', async (t) => {
  const client = await startGoSumdbClient({ name: NAME, vkey: keys.vkey })
  t.after(client.close)
  for (const [common, seen, other] of [
    [0, 5, 5],
    [5, 300, 300],
    [300, 301, 900],
    [300, 900, 301],
    [256, 257, 258],
  ] as const) {
    const [one, two] = [await serve(t), await serve(t)]
    await append(one.log, 0, seen)
    await append(two.log, 0, common)
    await append(two.log, 10_000, other - common)
    await client.order('forget')
    await client.order('lookups', one.url, seen, 20, 1, 0)
    const what = `${seen} and ${other} records, the first ${common} the same`
    // Both sides have the first record; where they share none, what only the other has.
    await assert.rejects(
      client.order('lookup', two.url, common === 0 ? 10_000 : 0),
      /misbehaving|different/,
      what,
    )
    // The honest side is still believed.
    await client.order('lookups', one.url, seen, 20, 2, 0)
  }
})

test('a log that continues the one seen before is believed, from any server', async (t) => {
  const client = await startGoSumdbClient({ name: NAME, vkey: keys.vkey })
  t.after(client.close)
  const [one, two] = [await serve(t), await serve(t)]
  await append(one.log, 0, 300)
  await append(two.log, 0, 900)
  for (const { url, log } of [one, two]) await client.order('lookups', url, log.head().size, 20, 1, 0)
  // One that lags behind is still a beginning of it.
  await client.order('lookup', one.url, 299)
})

async function serve(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-log-'))
  const { log, close } = await openOwnLog(folder, keys)
  const server = await serveLog(log)
  t.after(async () => {
    await server.close()
    await close()
    await rm(folder, { recursive: true, force: true })
  })
  return { log, url: server.url }
}

/** Adds numbered entries, in order. */
async function append(log: ChecksumLog, from: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => log.append(numberedEntry(from + i))))
}
