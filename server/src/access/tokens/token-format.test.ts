import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashToken, newToken, tokenId } from './token-format.ts'

test('a new token names itself, is found by scanners, and is no other', () => {
  const made = Array.from({ length: 200 }, newToken)
  for (const { token, id, hash } of made) {
    assert.match(token, /^mst_[0-9A-Za-z]{46}$/)
    assert.equal(tokenId(token), id)
    assert.equal(hashToken(token), hash)
    assert.match(hash, /^[0-9a-f]{64}$/)
  }
  assert.equal(new Set(made.map(({ id }) => id)).size, made.length)
})

test('one that was cut, mistyped or made up has no id', () => {
  const { token } = newToken()
  const other = (letter: string) => (letter === 'a' ? 'b' : 'a')
  for (let i = 4; i < token.length; i++)
    assert.equal(tokenId(token.slice(0, i) + other(token[i]!) + token.slice(i + 1)), undefined, `${i}`)
  for (const text of ['', 'mst_', token.slice(0, -1), `${token}0`, ` ${token}`, `mst_${'0'.repeat(46)}`])
    assert.equal(tokenId(text), undefined, text)
})

test('the format stays what scanners know', () => {
  assert.equal(tokenId('mst_AAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBxxxxxx'), undefined)
  assert.equal(tokenId(KNOWN), 'AAAAAAAAAAAA')
})

const KNOWN = 'mst_AAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBB3PJGdF'
