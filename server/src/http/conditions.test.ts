import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import test from 'node:test'
import fc from 'fast-check'
import { evaluateConditions, isUnconditional, type Outcome } from './conditions.ts'

const ETAG = '"abc"'
const MODIFIED = Date.parse('2024-05-06T07:08:09Z')
const SAME = 'Mon, 06 May 2024 07:08:09 GMT'
const BEFORE = 'Mon, 06 May 2024 07:08:08 GMT'
const AFTER = 'Mon, 06 May 2024 07:08:10 GMT'
const FILE = { size: 1000, etag: ETAG, modified: MODIFIED, ranges: true }

const CONDITIONS: [IncomingHttpHeaders, Outcome['kind']][] = [
  [{ 'if-none-match': ETAG }, 'not_modified'],
  [{ 'if-none-match': `W/${ETAG}` }, 'not_modified'],
  [{ 'if-none-match': '*' }, 'not_modified'],
  [{ 'if-none-match': `"x", ${ETAG},"y"` }, 'not_modified'],
  [{ 'if-none-match': '"x"' }, 'whole'],
  [{ 'if-none-match': 'abc' }, 'whole'],
  [{ 'if-none-match': '' }, 'whole'],
  [{ 'if-modified-since': SAME }, 'not_modified'],
  [{ 'if-modified-since': AFTER }, 'not_modified'],
  [{ 'if-modified-since': BEFORE }, 'whole'],
  [{ 'if-modified-since': 'Monday, 06-May-24 07:08:09 GMT' }, 'not_modified'],
  [{ 'if-modified-since': 'Mon May  6 07:08:09 2024' }, 'not_modified'],
  [{ 'if-modified-since': '2034' }, 'whole'],
  [{ 'if-modified-since': 'Soon, very soon' }, 'whole'],
  // The tag decides where both stand.
  [{ 'if-none-match': '"x"', 'if-modified-since': SAME }, 'whole'],
  [{ 'if-match': ETAG }, 'whole'],
  [{ 'if-match': '*' }, 'whole'],
  [{ 'if-match': `W/${ETAG}` }, 'precondition_failed'],
  [{ 'if-match': '"x"' }, 'precondition_failed'],
  [{ 'if-match': '"x"', 'if-none-match': ETAG }, 'precondition_failed'],
  [{ 'if-match': ETAG, 'if-none-match': ETAG }, 'not_modified'],
  [{ 'if-unmodified-since': BEFORE }, 'precondition_failed'],
  [{ 'if-unmodified-since': SAME }, 'whole'],
  [{ 'if-match': ETAG, 'if-unmodified-since': BEFORE }, 'whole'],
  [{ 'if-match': '"x"', range: 'bytes=0-1' }, 'precondition_failed'],
  [{ 'if-none-match': ETAG, range: 'bytes=0-1' }, 'not_modified'],
]

test('conditions', () => {
  for (const [headers, kind] of CONDITIONS) {
    assert.equal(evaluateConditions(headers, 'GET', FILE).kind, kind, JSON.stringify(headers))
    assert.equal(evaluateConditions(headers, 'HEAD', FILE).kind, kind, JSON.stringify(headers))
    assert.equal(isUnconditional(headers), false)
  }
  assert.equal(isUnconditional({ host: 'x', 'if-range': ETAG }), true)
})

test('a file without validators', () => {
  const file = { size: 10, ranges: true }
  assert.equal(evaluateConditions({ 'if-none-match': '"x"' }, 'GET', file).kind, 'whole')
  assert.equal(evaluateConditions({ 'if-none-match': '*' }, 'GET', file).kind, 'not_modified')
  assert.equal(evaluateConditions({ 'if-match': '"x"' }, 'GET', file).kind, 'precondition_failed')
  assert.equal(evaluateConditions({ 'if-modified-since': SAME }, 'GET', file).kind, 'whole')
  assert.equal(evaluateConditions({ range: 'bytes=0-0', 'if-range': '"x"' }, 'GET', file).kind, 'whole')
})

const RANGES: [string, [start: number, end: number] | Outcome['kind']][] = [
  ['bytes=0-0', [0, 1]],
  ['bytes=0-499', [0, 500]],
  ['bytes=500-', [500, 1000]],
  ['bytes=999-999', [999, 1000]],
  ['bytes=0-99999999999999999999', [0, 1000]],
  ['bytes=-1', [999, 1000]],
  ['bytes=-1000', [0, 1000]],
  ['bytes=-5000', [0, 1000]],
  ['Bytes= 1-2 ', [1, 3]],
  ['bytes=1000-', 'range_not_satisfiable'],
  ['bytes=99999999999999999999-', 'range_not_satisfiable'],
  ['bytes=-0', 'range_not_satisfiable'],
  ['bytes=0-1,5-6', 'whole'],
  ['bytes=5-4', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=1', 'whole'],
  ['items=0-1', 'whole'],
  ['', 'whole'],
]

test('ranges', () => {
  for (const [range, expected] of RANGES) {
    const outcome = evaluateConditions({ range }, 'GET', FILE)
    if (typeof expected === 'string') assert.equal(outcome.kind, expected, range)
    else assert.deepEqual(outcome, { kind: 'part', start: expected[0], end: expected[1] }, range)
    assert.equal(evaluateConditions({ range }, 'HEAD', FILE).kind, 'whole')
    assert.equal(evaluateConditions({ range }, 'GET', { ...FILE, ranges: false }).kind, 'whole')
  }
})

const IF_RANGES: [string, Outcome['kind']][] = [
  [ETAG, 'part'],
  [SAME, 'part'],
  [`W/${ETAG}`, 'whole'],
  ['"x"', 'whole'],
  [BEFORE, 'whole'],
  [AFTER, 'whole'],
  ['abc', 'whole'],
]

test('If-Range', () => {
  for (const [ifRange, kind] of IF_RANGES) {
    const outcome = evaluateConditions({ range: 'bytes=0-1', 'if-range': ifRange }, 'GET', FILE)
    assert.equal(outcome.kind, kind, ifRange)
  }
})

test('a part always lies within the file', () => {
  const number = fc.oneof(fc.constant(''), fc.nat(3000).map(String))
  fc.assert(
    fc.property(number, number, fc.nat(1500), (first, last, size) => {
      const outcome = evaluateConditions({ range: `bytes=${first}-${last}` }, 'GET', { ...FILE, size })
      if (outcome.kind !== 'part') return
      assert.ok(0 <= outcome.start && outcome.start < outcome.end && outcome.end <= size)
    }),
  )
})
