import assert from 'node:assert/strict'
import { cp, rm, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { prepareMark } from './set-mark.ts'
import { createStoredLog, LOG_VERIFIERS, logEntry, type StoredLog } from './stored-log.fixture.ts'

async function prepare(log: StoredLog) {
  const storage = await log.open()
  const mark = openHighWaterFile(log.highWater)
  return prepareMark({ name: 'sum.corp.example', verifiers: LOG_VERIFIERS, storage, mark })
}

describe('setting the high-water mark', () => {
  it('takes the log for all that was signed, and the server starts again', async (t) => {
    const log = await createStoredLog(t, { size: 300 })
    await rm(log.highWater)
    await assert.rejects(log.grow([logEntry(300)]), { code: 'log_refused' })
    const change = await prepare(log)
    assert.deepEqual([change.head.size, change.marked], [300, undefined])
    await change.write()
    await log.grow([logEntry(300)])
    assert.equal((await prepare(log)).marked, 301)
  })

  it('raises a mark that lags behind', async (t) => {
    const log = await createStoredLog(t, { size: 3 })
    await cp(log.highWater, `${log.highWater}.old`)
    await log.grow([logEntry(3)])
    await cp(`${log.highWater}.old`, log.highWater)
    const change = await prepare(log)
    assert.deepEqual([change.head.size, change.marked], [4, 3])
  })

  it('refuses where anything says that more was signed, or other things', async (t) => {
    const log = await createStoredLog(t, { size: 5 })
    const longer = await createStoredLog(t, { size: 6 })
    await cp(longer.highWater, log.highWater)
    await assert.rejects(prepare(log), {
      code: 'log_refused',
      message: /knows of 6 records, .* has 5/,
      next: /new name/,
    })
    const other = await createStoredLog(t)
    await other.grow([logEntry(8)])
    await cp(other.highWater, log.highWater)
    await assert.rejects(prepare(log), { code: 'log_refused', message: /first 1 records differ/ })
    await writeFile(log.highWater, 'garbage\n')
    await assert.rejects(prepare(log), { code: 'log_refused', message: /not one that its keys have signed/ })
    log.change('delete from tiles')
    await rm(log.highWater)
    await assert.rejects(prepare(log), { code: 'log_refused', message: /has lost tile/ })
    await assert.rejects(prepare(await createStoredLog(t)), {
      code: 'log_refused',
      message: /no records yet/,
    })
  })
})
