import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFailures } from './failures.ts'

test('a network that fails too often waits a minute, whichever of its addresses it takes, and nobody else', () => {
  const clock = { now: 0 }
  const failures = createFailures(true, () => clock.now)
  for (let i = 0; i < 120; i++) failures.note(`2001:db8:0:1::${i.toString(16)}`, 'invalid_grant')
  assert.throws(() => failures.check('2001:db8:0:1:ffff::1'), { code: 'rate_limited' })
  failures.check('2001:db8:0:2::1')
  clock.now += 60_000
  failures.check('2001:db8:0:1:ffff::1')
})

test('who has failed is not forgotten because many others fail', () => {
  const failures = createFailures(true, () => 0)
  for (let round = 0; round < 120; round++) {
    failures.note('192.0.2.1', 'invalid_grant')
    for (let i = 0; i < 100; i++) failures.note(`10.${round}.${i}.1`, 'invalid_grant')
  }
  assert.throws(() => failures.check('192.0.2.1'), { code: 'rate_limited' })
})

test('what a device hears while it waits counts for nothing, nor does anything behind one proxy', () => {
  const waiting = createFailures(true, () => 0)
  const proxied = createFailures(false, () => 0)
  for (let i = 0; i < 200; i++) {
    waiting.note('192.0.2.1', 'authorization_pending')
    proxied.note('192.0.2.1', 'invalid_grant')
  }
  waiting.check('192.0.2.1')
  proxied.check('192.0.2.1')
})
