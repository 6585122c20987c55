import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey, parseVerifierKey } from '../note.ts'
import { DEFAULT_GOSUMDB, KNOWN_SUMDBS, parseGosumdb } from './known.ts'

const GOLANG = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'
const OURS = 'go.corp.example/sumdb+c41ac0b4+AUyAPQAKXwcYC7zOMo7z6KsqnlFjiPgDXAtLyMyFA8jI'

test('known databases have keys of their name', () => {
  for (const [name, vkey] of KNOWN_SUMDBS) assert.equal(parseVerifierKey(vkey).name, name)
  assert.ok(KNOWN_SUMDBS.has(DEFAULT_GOSUMDB))
})

test('values of GOSUMDB', () => {
  const { vkey } = generateKey('localhost:6637/sumdb')
  const values: [value: string, meaning: object][] = [
    ['off', { off: true }],
    ['sum.golang.org', { name: 'sum.golang.org', vkey: GOLANG }],
    ['  sum.golang.org\t', { name: 'sum.golang.org', vkey: GOLANG }],
    [GOLANG, { name: 'sum.golang.org', vkey: GOLANG }],
    ['sum.golang.google.cn', { name: 'sum.golang.org', vkey: GOLANG, url: 'https://sum.golang.google.cn' }],
    [
      'sum.golang.org https://go.corp.example/x',
      { name: 'sum.golang.org', vkey: GOLANG, url: 'https://go.corp.example/x' },
    ],
    [
      `${GOLANG}  https://go.corp.example`,
      { name: 'sum.golang.org', vkey: GOLANG, url: 'https://go.corp.example' },
    ],
    [vkey, { name: 'localhost:6637/sumdb', vkey }],
  ]
  for (const [value, meaning] of values) assert.deepEqual(parseGosumdb(value), meaning, value)
})

test('what is no value of GOSUMDB', () => {
  const bad = [
    '',
    ' ',
    'OFF',
    ' off',
    'off https://go.corp.example',
    'sum.example.com',
    ' sum.golang.google.cn',
    'sum.golang.org https://a.example https://b.example',
    'sum.golang.org go.corp.example',
    'sum.golang.org ftp://go.corp.example',
    OURS.replace('c41ac0b4', 'c41ac0b5'),
    GOLANG.slice(0, -1),
  ]
  for (const value of bad)
    assert.throws(() => parseGosumdb(value), { name: 'GomodError', code: 'invalid_gosumdb' }, value)
})

test('a database is called host or host/path', () => {
  const good = [
    'localhost',
    'localhost:6637',
    'sum.example.com',
    'sum.example.com/a/b',
    'a_b.example',
    '127.0.0.1:1/x',
    '[::1]:6637',
    'a/$&,;=:@',
  ]
  for (const name of good) assert.equal(read(name), name)
  const bad = [
    'a/',
    '/a',
    'https://a',
    'a?b',
    'a#b',
    'a@b',
    'a/b?c',
    'a/b#c',
    'a/%41',
    'a%41',
    'a:b',
    'a\\b',
    'a/b\\c',
    'a:1:2',
    'a//',
    'a"b',
    'a/!',
    'a/*',
    "a/'",
    '[::1',
  ]
  for (const name of bad)
    assert.throws(() => read(name), { name: 'GomodError', code: 'invalid_gosumdb' }, name)
})

/** The name that a key of that name is read with. */
function read(name: string): string {
  const value = parseGosumdb(generateKey(name).vkey)
  return 'off' in value ? 'off' : value.name
}
