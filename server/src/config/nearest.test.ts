import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, nearest } from './nearest.ts'

const keys = ['listen', 'publicUrl', 'dataDir', 'origins', 'routes', 'sumdb', 'log', 'tls']

const cases: [string, string | undefined][] = [
  ['lisen', 'listen'],
  ['lsiten', 'listen'],
  ['listens', 'listen'],
  ['data-dir', 'dataDir'],
  ['DATADIR', 'dataDir'],
  ['public_url', 'publicUrl'],
  ['orgins', 'origins'],
  ['lgo', 'log'],
  ['proxy', undefined],
  ['', undefined],
  ['zzz', undefined],
]

test('the nearest word, or none', () => {
  for (const [word, expected] of cases) assert.equal(nearest(word, keys), expected, word)
})

test('as the end of a sentence', () => {
  assert.equal(didYouMean('lisen', keys), '; did you mean "listen"?')
  assert.equal(didYouMean('proxy', keys), '')
})
