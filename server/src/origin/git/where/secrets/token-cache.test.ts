import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../../../../errors.ts'
import { createTokenCache } from './token-cache.ts'

const patient = new AbortController().signal

test('a token is kept until shortly before it expires', async () => {
  let time = 0
  let made = 0
  const life = 3_600_000
  const cache = createTokenCache(
    async () => ({ value: `t${++made}`, expires: time + life }),
    () => time,
  )
  const table: [at: number, value: string][] = [
    [0, 't1'],
    [life - 60_001, 't1'],
    [life - 60_000, 't2'],
    [life, 't2'],
  ]
  for (const [at, value] of table) {
    time = at
    assert.equal(await cache.get('', patient), value, `at ${at}`)
  }
})

test('of a short life, a tenth is left', async () => {
  let time = 0
  let made = 0
  const cache = createTokenCache(
    async () => ({ value: `t${++made}`, expires: time + 10_000 }),
    () => time,
  )
  await cache.get('', patient)
  time = 8_999
  assert.equal(await cache.get('', patient), 't1')
  time = 9_000
  assert.equal(await cache.get('', patient), 't2')
})

test('one request at a time for each key, and a failure is not kept', async () => {
  const asked: string[] = []
  let failing = true
  const cache = createTokenCache(async (key) => {
    asked.push(key)
    await Promise.resolve()
    if (failing) throw new ModsteadError('upstream_failed', 'out of order')
    return { value: key, expires: Date.now() + 60_000 }
  })
  const results = await Promise.allSettled(['a', 'a', 'b', 'a'].map((key) => cache.get(key, patient)))
  assert.deepEqual(asked, ['a', 'b'])
  assert.ok(results.every(({ status }) => status === 'rejected'))
  failing = false
  assert.deepEqual(await Promise.all(['a', 'a', 'b'].map((key) => cache.get(key, patient))), ['a', 'a', 'b'])
  assert.deepEqual(asked, ['a', 'b', 'a', 'b'])
})

test('who leaves does not end the request of the others', async () => {
  const work = Promise.withResolvers<{ value: string; expires: number }>()
  const cache = createTokenCache(() => work.promise)
  const leaving = new AbortController()
  const first = cache.get('', leaving.signal)
  const second = cache.get('', patient)
  leaving.abort()
  await assert.rejects(first, (error) => error instanceof ModsteadError && error.code === 'aborted')
  work.resolve({ value: 't', expires: Date.now() + 60_000 })
  assert.equal(await second, 't')
})

test('a token that was refused is made anew, and the new one not again at once', async () => {
  let time = 0
  let made = 0
  const cache = createTokenCache(
    async () => ({ value: `t${++made}`, expires: time + 3_600_000 }),
    () => time,
  )
  await cache.get('', patient)
  assert.equal(cache.refused('', 't1'), true)
  assert.equal(await cache.get('', patient), 't2')
  // Another who was refused with the first one finds the second here.
  assert.equal(cache.refused('', 't1'), true)
  assert.equal(cache.refused('', 't2'), false)
  assert.equal(await cache.get('', patient), 't2')
  time = 10_000
  assert.equal(cache.refused('', 't2'), true)
  assert.equal(await cache.get('', patient), 't3')
})
