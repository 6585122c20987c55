import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createShared, createTurns } from './turns.ts'

describe('turns', () => {
  it('run tasks of one key one after the other, and of others beside them', async () => {
    const inTurn = createTurns()
    const events: string[] = []
    const task = (name: string, ms: number) => async () => {
      events.push(`${name} starts`)
      await sleep(ms)
      events.push(`${name} ends`)
      return name
    }
    const results = await Promise.all([
      inTurn('a', task('a1', 20)),
      inTurn('a', task('a2', 1)),
      inTurn('b', task('b1', 1)),
    ])
    assert.deepEqual(results, ['a1', 'a2', 'b1'])
    assert.deepEqual(events, ['a1 starts', 'b1 starts', 'b1 ends', 'a1 ends', 'a2 starts', 'a2 ends'])
  })

  it('go on after a task that failed', async () => {
    const inTurn = createTurns()
    const failing = inTurn('a', () => Promise.reject(new Error('no')))
    const next = inTurn('a', () => Promise.resolve('yes'))
    await assert.rejects(failing, /no/)
    assert.equal(await next, 'yes')
  })
})

describe('shared effects', () => {
  it('run once for all who ask while one is running', async () => {
    let runs = 0
    const shared = createShared(async () => {
      runs++
      await sleep(10)
    })
    const first = shared('a')
    const others = [shared('a'), shared('a'), shared('a'), shared('b')]
    await first
    assert.equal(runs, 3, 'the first of each key, and the one that the others of the first key wait for')
    await Promise.all(others)
    assert.equal(runs, 3)
    await shared('a')
    assert.equal(runs, 4)
  })

  it('begin after the change of whoever asked', async () => {
    let changes = 0
    const seen: number[] = []
    const shared = createShared(async () => {
      const now = changes
      await sleep(2)
      seen.push(now)
    })
    const all = Array.from({ length: 20 }, async (_, i) => {
      await sleep(i % 5)
      const mine = ++changes
      await shared('a')
      assert.ok(seen.some((at) => at >= mine))
    })
    await Promise.all(all)
    assert.ok(seen.length < 20)
  })

  it('tell each of those who share it of a failure, and go on', async () => {
    let fail = true
    const shared = createShared(async () => {
      await sleep(2)
      if (fail) throw new Error('no')
    })
    const outcomes = await Promise.allSettled([shared('a'), shared('a'), shared('a')])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    fail = false
    await shared('a')
  })
})
