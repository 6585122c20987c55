import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { quote } from '../quote.ts'
import { autoQuote, mustQuote, unquote } from './quoting.ts'

suite('quoting', () => {
  test('only what needs it is quoted', () => {
    for (const text of ['a', 'a.b/c', '(', ',', 'é', 'a/b', 'a=>b', '\ufffd']) {
      assert.ok(!mustQuote(text), text)
      assert.equal(autoQuote(text), text)
    }
    const quoted = {
      '': '""',
      'a b': '"a b"',
      'a(': '"a("',
      "'": `"'"`,
      'a//b': '"a//b"',
      'a/*': '"a/*"',
      'a\u200b': '"a\\u200b"',
    }
    for (const [text, literal] of Object.entries(quoted)) assert.equal(autoQuote(text), literal)
  })

  test('literals are read as Go reads them', () => {
    const table: Record<string, string | undefined> = {
      '""': '',
      '"a b"': 'a b',
      '"\\a\\b\\f\\n\\r\\t\\v\\\\\\""': '\x07\b\f\n\r\t\v\\"',
      '"\\x41\\101\\u0041\\U00000041"': 'AAAA',
      '"\\xc3\\xa9 \\303\\251 \\u00e9"': 'é é é',
      '"\\xc3x"': '\ufffdx',
      '`a\\n"`': 'a\\n"',
      '`a\rb`': 'ab',
      '"': undefined,
      '`': undefined,
      '': undefined,
      a: undefined,
      '"a': undefined,
      '"a`': undefined,
      '"a"b"': undefined,
      '"a\nb"': undefined,
      '"\\\'"': undefined,
      '"\\400"': undefined,
      '"\\x4"': undefined,
      '"\\ud800"': undefined,
      '"\\U00110000"': undefined,
      '"\\"': undefined,
      '`a`b`': undefined,
    }
    for (const [literal, text] of Object.entries(table)) assert.equal(unquote(literal), text, literal)
  })

  test('any text survives the round trip', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(unquote(quote(text)), text)
      }),
    )
  })
})
