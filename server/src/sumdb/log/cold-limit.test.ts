import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createColdLimit } from './cold-limit.ts'

const { signal } = new AbortController()

test('a client may enter many pseudo-versions at once, then some a second, and hears when that is too long', async () => {
  let now = 1_000_000
  const limit = createColdLimit(() => now)
  for (let i = 0; i < 5_000; i++) await limit.take('a', signal)
  const gone = AbortSignal.abort(new Error('gone'))
  for (let i = 0; i < 1_500; i++) await assert.rejects(limit.take('a', gone))
  await assert.rejects(limit.take('a', signal), { code: 'rate_limited', next: /minute/ })
  await limit.take('b', signal)
  now += 60_000
  await limit.take('a', signal)
  await limit.take(undefined, signal)
})

test('all addresses of one network of IPv6 are one client', async () => {
  const limit = createColdLimit(() => 1_000_000)
  for (let i = 0; i < 5_000; i++) await limit.take(`2001:db8:1:2::${i.toString(16)}`, signal)
  const gone = AbortSignal.abort(new Error('gone'))
  await assert.rejects(limit.take('2001:db8:1:2:3:4:5:6', gone))
  await limit.take('2001:db8:1:3::1', signal)
})
