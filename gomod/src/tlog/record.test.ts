import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { recordHash } from './hash.ts'
import {
  formatDataTile,
  formatRecord,
  formatTree,
  isRecord,
  parseDataTile,
  parseRecord,
  parseTree,
} from './record.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const bytes = (text: string) => Buffer.from(text, 'latin1')
const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\u0000-\u001f]/.test(text))
const record = fc.array(line, { minLength: 1 }).map((lines) => Buffer.from(`${lines.join('\n')}\n`))

test('a tree head has three lines', () => {
  const tree = { size: 123456789012, hash: recordHash(bytes('hello world')) }
  const text = 'go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n'
  assert.equal(formatTree(tree), text)
  for (const more of ['', 'JOE', 'JOE\n', 'JOE\n'.repeat(1000)])
    assert.deepEqual(encode(parseTree(text + more)), encode(tree))
})

test('what is no tree head is refused', () => {
  const hash = 'TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0='
  const bad: [text: string, code: string][] = [
    [`not-go.sum database tree\n1\n${hash}\n`, 'invalid_note'],
    [`go.sum database tree v2\n1\n${hash}\n`, 'invalid_note'],
    ['', 'invalid_note'],
    ['go.sum database tree\n', 'invalid_note'],
    ['go.sum database tree\n1\n', 'invalid_note'],
    [`go.sum database tree\n1\n${hash}`, 'invalid_note'],
    ...['', '01', '-1', '+1', '1.0', '1e3', ' 1', '0xabcdef', '9007199254740993', '99999999999999999999'].map(
      (size): [string, string] => [`go.sum database tree\n${size}\n${hash}\n`, 'invalid_note'],
    ),
    [`go.sum database tree\n1\n${hash}\n${'x'.repeat(1e6)}`, 'invalid_note'],
    ['go.sum database tree\n1\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBTOOBIG=\n', 'invalid_note'],
    ['go.sum database tree\n1\n\n', 'invalid_note'],
  ]
  for (const [text, code] of bad)
    assert.throws(() => parseTree(text), { name: 'GomodError', code }, text.slice(0, 80))
})

test('a record is formatted and parsed', () => {
  assert.equal(text(formatRecord(123456789012, bytes('hello, world\n'))), '123456789012\nhello, world\n\n')
  for (const rest of ['junk on end\x01\xff', '', '\n', '7\nnext\n\n']) {
    const parsed = parseRecord(bytes(`123456789012\nhello, world\n\n${rest}`))
    assert.equal(parsed.id, 123456789012)
    assert.equal(text(parsed.record), 'hello, world\n')
    assert.deepEqual(Buffer.from(parsed.rest), bytes(rest))
  }
  assert.equal(parseRecord(bytes('0\na\n\n')).id, 0)
})

test('what is no record is refused', () => {
  const records = [
    '',
    '\n',
    'hello\nworld',
    'hello\n\nworld\n',
    'hello\x01world\n',
    'a\r\n',
    'a\t\n',
    '\xff\n',
    '\na\n',
    'a\n\n',
  ]
  for (const text of records) {
    assert.equal(isRecord(bytes(text)), false)
    assert.throws(() => formatRecord(1, bytes(text)), { name: 'GomodError', code: 'invalid_record' })
    assert.throws(() => formatDataTile([bytes('fine\n'), bytes(text)]), { code: 'invalid_record' })
  }
  for (const id of [-1, 0.5, NaN, 2 ** 53])
    assert.throws(() => formatRecord(id, bytes('a\n')), { code: 'invalid_record' })
  const answers = [
    'not-123\nhello\n\n',
    '0x123\nhello world\n\n',
    '123\nhello\x01world\n\n',
    '123\nhello\xffworld\n\n',
    '123\nhello world\n',
    '123\n\nhello world\n\n',
    '123\n\n\n',
    '+1\nhello\n\n',
    '-1\nhello\n\n',
    '007\nhello\n\n',
    '1 \nhello\n\n',
    '\nhello\n\n',
    '99999999999999999999\nhello\n\n',
    '1'.repeat(400),
    `${'1'.repeat(400)}\nhello\n\n`,
    '',
    '1',
    '1\n',
  ]
  for (const answer of answers)
    assert.throws(() => parseRecord(bytes(answer)), { name: 'GomodError', code: 'invalid_record' })
})

test('a data tile is its records, each before a blank line', () => {
  assert.equal(text(formatDataTile([bytes('a\nb\n'), bytes('c\n')])), 'a\nb\n\nc\n\n')
  assert.deepEqual(parseDataTile(bytes('')), [])
  for (const bad of ['a', 'a\n', 'a\n\nb\n', '\n', '\n\n', 'a\n\n\n', 'a\x00\n\n'])
    assert.throws(() => parseDataTile(bytes(bad)), { code: 'invalid_record' })
  fc.assert(
    fc.property(fc.array(record), (records) => {
      assert.deepEqual(parseDataTile(formatDataTile(records)).map(text), records.map(text))
    }),
  )
})

test('whatever is accepted is formatted to the same bytes', () => {
  fc.assert(
    fc.property(fc.nat(), record, fc.uint8Array(), (id, record, rest) => {
      const parsed = parseRecord(Buffer.concat([formatRecord(id, record), rest]))
      assert.deepEqual([parsed.id, text(parsed.record), [...parsed.rest]], [id, text(record), [...rest]])
    }),
  )
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('1', '0', 'a', '\n', ' ', 'é', '\x01'), maxLength: 12 }),
      (answer) => {
        let parsed
        try {
          parsed = parseRecord(Buffer.from(answer))
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid_record')
          return
        }
        const again = Buffer.concat([formatRecord(parsed.id, parsed.record), parsed.rest])
        assert.equal(text(again), answer)
      },
    ),
    { numRuns: 2000 },
  )
})

function encode({ size, hash }: { size: number; hash: Uint8Array }): string {
  return `${size} ${Buffer.from(hash).toString('hex')}`
}
