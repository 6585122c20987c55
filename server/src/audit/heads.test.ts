import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHeads } from './heads.ts'

test('heads count up over more digits, times and ids, and are what a line begins with', () => {
  const heads = createHeads(0)
  const start = Date.UTC(2026, 10, 26, 23, 59, 59, 998)
  let before = ''
  for (let i = 1; i <= 120_000; i++) {
    // Thousands to a millisecond, then one each; and the clock is set back.
    const at = i < 100_000 ? start + Math.floor(i / 7_000) : i < 110_000 ? start + i : start - 60_000
    const text = Buffer.from(heads.next(at)).toString()
    const line = JSON.parse(`${text}}`) as {
      schema: number
      seq: number
      event_id: string
      timestamp: string
    }
    assert.deepEqual(Object.keys(line), ['schema', 'seq', 'event_id', 'timestamp'])
    assert.equal(line.seq, i)
    assert.equal(heads.seq, i)
    assert.equal(line.timestamp, new Date(at).toISOString())
    assert.match(line.event_id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
    assert.ok(line.event_id > before, `${line.event_id} after ${before}`)
    before = line.event_id
  }
})
