import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSpace, trimSpace } from './space.ts'

/** Every character for which unicode.IsSpace of Go holds. */
const SPACES =
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'

test('space is what it is to Go', () => {
  for (let c = 0; c <= 0xffff; c++)
    assert.equal(isSpace(c), SPACES.includes(String.fromCharCode(c)), `U+${c.toString(16)}`)
})

test('space at the ends is cut off', () => {
  assert.equal(trimSpace(`${SPACES}a b${SPACES}`), 'a b')
  assert.equal(trimSpace(SPACES), '')
  assert.equal(trimSpace('\ufeffa'), '\ufeffa')
})
