import assert from 'node:assert/strict'
import { test } from 'node:test'
import { warnOfUnreachable } from './reach.ts'
import { createTestObserver, testOutside } from './test-origin.ts'
import { startTestUpstream } from './test-upstream.ts'

const signal = new AbortController().signal

test('an origin that nobody answers for is warned of by name and cause; one that listens is asked for nothing', async () => {
  const closed = await startTestUpstream(() => undefined)
  await closed.close()
  const listening = await startTestUpstream(() => undefined)
  const observer = createTestObserver()
  const origins = [
    { name: 'gone', url: closed.url },
    { name: 'there', url: listening.url },
    { name: 'folder', url: 'file:///nowhere' },
  ]
  await warnOfUnreachable(origins, { outside: testOutside({ observer }), signal })
  assert.equal(observer.warnings.length, 1)
  assert.match(observer.warnings[0]!, /gone.*stored is served/)
  assert.deepEqual(listening.seen, [])
})

test('what goes through an HTTP proxy is not tried', async () => {
  const closed = await startTestUpstream(() => undefined)
  await closed.close()
  const observer = createTestObserver()
  const outside = testOutside({ observer, proxies: { proxyFor: () => new URL('http://127.0.0.1:1') } })
  await warnOfUnreachable([{ name: 'gone', url: closed.url }], { outside, signal })
  assert.deepEqual(observer.warnings, [])
})
