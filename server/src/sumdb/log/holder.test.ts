import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../../errors.ts'
import { createTestObserver } from '../../observe/test-support.ts'
import { createLogHolder } from './holder.ts'
import type { ChecksumLog } from './log.ts'

test('a log that cannot be opened is tried again now and then, and everybody is told why meanwhile', async () => {
  let now = 0
  let tries = 0
  let closed = 0
  const observer = createTestObserver()
  const opened = { close: async () => void closed++ } as ChecksumLog
  const refused = new ModsteadError('log_refused', 'its mark is gone')
  const holder = createLogHolder({
    name: 'sum.corp.example',
    log: observer.log,
    now: () => now,
    async open() {
      if (++tries < 3) throw refused
      return opened
    },
  })
  for (let i = 0; i < 5; i++) await assert.rejects(holder.get(), refused)
  assert.equal(tries, 1)
  assert.equal(holder.problem(), 'its mark is gone')
  now = 11_000
  await assert.rejects(holder.get(), refused)
  now = 22_000
  assert.equal(await holder.get(), opened)
  assert.equal(await holder.get(), opened)
  assert.equal(tries, 3)
  assert.equal(holder.problem(), undefined)
  assert.equal(observer.lines.length, 2)
  await holder.close()
  assert.equal(closed, 1)
  await assert.rejects(holder.get(), { code: 'shutting_down' })
})
