import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Side } from './claims.ts'
import { compareClaims } from './compare.ts'

type Row = [claims: string, proven: string | undefined, expected: string]

/** `go_sum=A zip=B`: who says what. Expected: the kind, the sides that are wrong, and who says so. */
const rows: Row[] = [
  // Nothing to compare with.
  ['', undefined, 'alone'],
  ['', 'A', 'alone'],
  ['go_sum=A', undefined, 'alone'],
  ['zip=A', undefined, 'alone'],
  // All agree.
  ['go_sum=A', 'A', 'agree, proven'],
  ['go_sum=A ziphash=A zip=A folder=A proxy=A', 'A', 'agree, proven'],
  ['go_sum=A ziphash=A', undefined, 'agree'],
  ['zip=A ziphash=A', undefined, 'agree'],
  // The database is right.
  ['go_sum=B', 'A', 'wrong: go_sum by database'],
  ['go_sum=B zip=A ziphash=A', 'A', 'wrong: go_sum by database'],
  ['go_sum=A zip=B ziphash=A folder=A', 'A', 'wrong: zip by database'],
  ['go_sum=A zip=A ziphash=B', 'A', 'wrong: ziphash by database'],
  ['go_sum=A zip=A ziphash=A folder=B', 'A', 'wrong: folder by database'],
  ['go_sum=A zip=B ziphash=B folder=B', 'A', 'wrong: zip ziphash folder by database'],
  ['zip=B ziphash=B folder=B', 'A', 'wrong: zip ziphash folder by database'],
  ['go_sum=A proxy=B', 'A', 'wrong: proxy by database'],
  ['go_sum=A mod=B', 'A', 'wrong: mod by database'],
  ['go_sum=B zip=C ziphash=C', 'A', 'wrong: go_sum zip ziphash by database'],
  ['go_sum=A go_sum=B', 'A', 'wrong: go_sum by database'],
  // Everybody else against the database.
  ['go_sum=B zip=B ziphash=B folder=B', 'A', 'database_disagrees: go_sum zip ziphash folder'],
  ['go_sum=B proxy=B', 'A', 'database_disagrees: go_sum proxy'],
  ['go_sum=B mod=B', 'A', 'database_disagrees: go_sum mod'],
  ['go_sum=B zip=B ziphash=A', 'A', 'wrong: go_sum zip by database'],
  // Without the database: go.sum, where another side agrees with it.
  ['go_sum=A zip=B ziphash=A', undefined, 'wrong: zip by agreement'],
  ['go_sum=A zip=A ziphash=B', undefined, 'wrong: ziphash by agreement'],
  ['go_sum=A zip=A ziphash=A folder=B', undefined, 'wrong: folder by agreement'],
  ['go_sum=A zip=B ziphash=B folder=A', undefined, 'wrong: zip ziphash by agreement'],
  ['go_sum=A zip=B ziphash=B proxy=A', undefined, 'wrong: zip ziphash by agreement'],
  ['go_sum=A zip=A ziphash=A proxy=B', undefined, 'wrong: proxy by agreement'],
  ['go_sum=A go_sum=A zip=B', undefined, 'undecided'],
  ['go_sum=A go_sum=B zip=B', undefined, 'undecided'],
  ['go_sum=A ziphash=B', undefined, 'undecided'],
  ['go_sum=A zip=B ziphash=B folder=B', undefined, 'undecided'],
  ['go_sum=A zip=B ziphash=B proxy=B', undefined, 'undecided'],
  ['go_sum=A mod=B', undefined, 'undecided'],
  // Without go.sum: the proxy, where the cache agrees with it in part.
  ['zip=A ziphash=B proxy=A', undefined, 'wrong: ziphash by agreement'],
  ['zip=B ziphash=B folder=B proxy=A', undefined, 'undecided'],
  // The cache alone: most of its files.
  ['zip=B ziphash=A folder=A', undefined, 'wrong: zip by agreement'],
  ['zip=A ziphash=A folder=B', undefined, 'wrong: folder by agreement'],
  ['zip=A ziphash=B', undefined, 'undecided'],
  ['zip=A ziphash=B folder=C', undefined, 'undecided'],
]

test('who is wrong', () => {
  for (const [text, proven, expected] of rows) {
    const claims = text
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => word.split('='))
      .map(([side, hash]) => ({ side: side as Side, hash: hash!, where: '' }))
    const verdict = compareClaims(claims, proven)
    const sides = 'wrong' in verdict ? `: ${verdict.wrong.map(({ side }) => side).join(' ')}` : ''
    const judge = 'judge' in verdict ? ` by ${verdict.judge}` : ''
    const isProven = 'proven' in verdict && verdict.proven ? ', proven' : ''
    assert.equal(`${verdict.kind}${sides}${judge}${isProven}`, expected, `${text} / ${proven}`)
    if ('right' in verdict) assert.equal(verdict.right, 'A')
  }
})
