import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isTimestamp } from './info-file.ts'

test('times as RFC 3339 writes them and Go reads them', () => {
  const table: [text: string, ok: boolean][] = [
    ['2024-01-31T23:59:59Z', true],
    ['2024-02-29T00:00:00Z', true],
    ['2000-02-29T00:00:00Z', true],
    ['0001-01-01T00:00:00Z', true],
    ['2024-01-01T00:00:00.123456789+05:30', true],
    ['2024-01-01T00:00:00-23:59', true],
    ['2023-02-29T00:00:00Z', false],
    ['1900-02-29T00:00:00Z', false],
    ['2024-04-31T00:00:00Z', false],
    ['2024-00-01T00:00:00Z', false],
    ['2024-13-01T00:00:00Z', false],
    ['2024-01-00T00:00:00Z', false],
    ['2024-01-01T24:00:00Z', false],
    ['2024-01-01T00:60:00Z', false],
    ['2024-01-01T00:00:60Z', false],
    ['2024-01-01T00:00:00+24:00', false],
    ['2024-01-01T00:00:00', false],
    ['2024-01-01 00:00:00Z', false],
    ['2024-01-01t00:00:00z', false],
    ['2024-01-01T00:00:00.Z', false],
    ['2024-01-01', false],
    ['', false],
  ]
  for (const [text, ok] of table) assert.equal(isTimestamp(text), ok, text)
})

test('any time that JavaScript writes is one', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
      (date) => isTimestamp(date.toISOString()),
    ),
  )
})
