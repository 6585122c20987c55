import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordHash } from '@modstead/gomod/tlog/hash'
import { formatWitnessedHeads, parseWitnessedHeads } from './witness-memory.ts'

const hash = Buffer.from(recordHash(Buffer.from('x')))
const heads = new Map([
  ['sum.corp.example', { size: 2 ** 40, hash }],
  ['other.example/log', { size: 0, hash }],
])

test('heads are read as they were written', () => {
  for (const some of [heads, new Map()])
    assert.deepEqual(parseWitnessedHeads(formatWitnessedHeads(some), 'f'), some)
})

test('a memory that is not whole is not believed', () => {
  const whole = formatWitnessedHeads(heads)
  const [first = '', line = '', other = ''] = whole.split('\n')
  const rows: [text: string, why: RegExp][] = [
    ...Array.from({ length: whole.length }, (_, n): [string, RegExp] => [whole.slice(0, n), /damaged/]),
    [`${whole}\n`, /does not begin and end/],
    [whole.replace('witness 1', 'witness 2'), /does not begin and end/],
    [whole.replace(line, line.replace(' ', '  ')), /its line 2 is not/],
    [whole.replace(line, `${line} x`), /its line 2 is not/],
    [whole.replace(line, line.replace(/ \d+ /, ' -1 ')), /its line 2 is not/],
    [whole.replace(line, line.replace(/=$/, '')), /its line 2 is not/],
    [whole.replace(other, line), /its line 3 is not/],
    [whole.replace(first, `${first}\n`), /its line 2 is not/],
  ]
  for (const [text, message] of rows)
    assert.throws(() => parseWitnessedHeads(text, '/some/state'), { code: 'log_refused', message })
})
