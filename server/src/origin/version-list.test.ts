import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseList } from './version-list.ts'
import { encodePath } from './http-tree.ts'

test('no text breaks the list parser, and each version comes once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.array(fc.nat(5)), (junk, numbers) => {
      const text = [junk, ...numbers.map((number) => `v1.0.${number}`)].join('\n')
      const versions = parseList(text).map(({ version }) => version)
      return (
        new Set(versions).size === versions.length &&
        numbers.every((number) => versions.includes(`v1.0.${number}`))
      )
    }),
  )
})

test('paths are percent-encoded as go does it', () => {
  const table: [path: string, encoded: string][] = [
    [
      'github.com/!azure/x/@v/v1.0.0-!r!c.1+incompatible.info',
      '/github.com/%21azure/x/@v/v1.0.0-%21r%21c.1+incompatible.info',
    ],
    ["a b#c?d%e;f,g'(h)*i", '/a%20b%23c%3Fd%25e%3Bf%2Cg%27%28h%29%2Ai'],
    ['$&+=:@~-._/é', '/$&+=:@~-._/%C3%A9'],
  ]
  for (const [path, encoded] of table) assert.equal(encodePath(path), encoded)
})
