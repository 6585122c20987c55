import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leave, letterboxOf, take } from './letterbox.ts'

test('what is left for a secret is taken with it, and with nothing else', () => {
  const box = letterboxOf('secret')
  assert.equal(letterboxOf('secret'), box, 'the same secret is the same box')
  const left = leave('hello', box, 'device')
  assert.notEqual(leave('hello', box, 'device'), left)
  assert.equal(take(left, 'secret', 'device'), 'hello')
  for (const [text, secret, purpose] of [
    [left, 'other', 'device'],
    [left, 'secret', 'other'],
    [`${left.slice(0, -2)}AA`, 'secret', 'device'],
    [left.replace(/^[^.]+/, letterboxOf('x')), 'secret', 'device'],
    ['', 'secret', 'device'],
    // A point of small order would make a secret that everybody knows.
    [left.replace(/^[^.]+/, Buffer.alloc(32).toString('base64url')), 'secret', 'device'],
  ] as const)
    assert.throws(() => take(text, secret, purpose))
})
