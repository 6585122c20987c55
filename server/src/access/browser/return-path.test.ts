import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { localPath } from './return-path.ts'

for (const given of [
  '/',
  '/auth',
  '/auth/device?user_code=BCDF-GHJK',
  '/t/a/auth',
  '/a/../auth?x=%2F%2Fevil',
])
  test(`a path of this server: ${given}`, () => assert.ok(localPath(given)?.startsWith('/')))

const elsewhere = [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/..//evil.example',
  '/./\\evil.example',
  '/%2e%2e//evil.example',
  'https://evil.example',
  'https:evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  'evil.example',
  '',
  ' /auth',
  '/\t/evil.example',
  '/\n/evil.example',
  '/auth\r\nSet-Cookie: a=b',
  '/auth\0',
  '/ä',
  `/${'a'.repeat(1024)}`,
]
for (const given of elsewhere)
  test(`no path of this server: ${JSON.stringify(given).slice(0, 60)}`, () =>
    assert.equal(localPath(given), undefined))

test('nothing else than text', () => {
  assert.equal(localPath(undefined), undefined)
  assert.equal(localPath(null), undefined)
})

test('property: wherever a browser is led, it stays with this server, and the header stays one line', () => {
  const parts = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '@',
    ':',
    '?',
    '#',
    'evil.example',
    '\t',
    '\r\n',
    'a',
    '//',
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), (texts) => {
      const path = localPath(texts.join(''))
      if (path === undefined) return
      assert.equal(new URL(path, 'https://go.corp.example/auth/signin').origin, 'https://go.corp.example')
      assert.match(path, /^\/[\x21-\x7e]*$/)
    }),
    { numRuns: 2_000 },
  )
})
