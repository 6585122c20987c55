import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quote, shown } from './quote.ts'

test('text becomes a Go string literal', () => {
  const table = {
    '': '""',
    'a b': '"a b"',
    '\x07\b\f\n\r\t\v\\"': '"\\a\\b\\f\\n\\r\\t\\v\\\\\\""',
    '\0\x1b\x7f': '"\\x00\\x1b\\x7f"',
    'é日😀': '"é日😀"',
    '\u00a0\u200b\u2028': '"\\u00a0\\u200b\\u2028"',
    '\u{e0001}': '"\\U000e0001"',
  }
  for (const [text, literal] of Object.entries(table)) assert.equal(quote(text), literal)
})

test('text in messages is cut', () => {
  assert.equal(shown('x'.repeat(120)), `"${'x'.repeat(120)}"`)
  assert.equal(shown('x'.repeat(1e6)), `"${'x'.repeat(120)}"…`)
})
