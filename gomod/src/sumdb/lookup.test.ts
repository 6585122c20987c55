import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  formatLookup,
  formatSumRecord,
  lookupPath,
  MAX_LOOKUP_BYTES,
  parseLookup,
  parseLookupPath,
  sumLines,
} from './lookup.ts'

const bytes = (text: string) => Buffer.from(text)

test('lookup paths', () => {
  const paths: [module: string, version: string, path: string][] = [
    ['rsc.io/quote', 'v1.5.2', '/lookup/rsc.io/quote@v1.5.2'],
    ['github.com/Azure/sdk', 'v1.0.0-RC1', '/lookup/github.com/!azure/sdk@v1.0.0-!r!c1'],
    ['example.com/m', 'v2.0.0+incompatible', '/lookup/example.com/m@v2.0.0+incompatible'],
    [
      'golang.org/toolchain',
      'v0.0.1-go1.26.1.linux-amd64',
      '/lookup/golang.org/toolchain@v0.0.1-go1.26.1.linux-amd64',
    ],
    ['gopkg.in/yaml.v3', 'v3.0.1', '/lookup/gopkg.in/yaml.v3@v3.0.1'],
    ['a.b/c', 'v0.0.0-20170915032832-14c0d48ead0c', '/lookup/a.b/c@v0.0.0-20170915032832-14c0d48ead0c'],
  ]
  for (const [module, version, path] of paths) {
    assert.equal(lookupPath(module, version), path)
    assert.deepEqual(parseLookupPath(path), { path: module, version })
  }
})

test('what a database refuses to look up', () => {
  const bad: [path: string, code: string][] = [
    ['/latest', 'invalid_lookup'],
    ['/lookup/', 'invalid_lookup'],
    ['/lookup/rsc.io/quote', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@', 'invalid_lookup'],
    ['/lookup/@v1.5.2', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@1.5.2', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@master', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@latest', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5.2.3', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5.2+meta', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5.2@v1.5.2', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5.2-a@b', 'invalid_lookup'],
    ['/lookup/rsc.io/quote@v1.5.2\n', 'invalid_lookup'],
    ['/lookup/rsc.io/Quote@v1.5.2', 'invalid_escape'],
    ['/lookup/rsc.io/!!quote@v1.5.2', 'invalid_escape'],
    ['/lookup/rsc.io/quote!@v1.5.2', 'invalid_escape'],
    ['/lookup/rsc.io/quote@v1.5.2-RC', 'invalid_escape'],
    ['/lookup/rsc.io/qüote@v1.5.2', 'invalid_escape'],
    ['/lookup/../quote@v1.5.2', 'invalid_path'],
    ['/lookup/rsc.io/../quote@v1.5.2', 'invalid_path'],
    ['/lookup//quote@v1.5.2', 'invalid_path'],
    ['/lookup/quote@v1.5.2', 'invalid_path'],
    ['/lookup/rsc.io/quote@v1.5.2-a/b', 'invalid_version'],
    ['/lookup/rsc.io/quote@v1.5.2-\x00', 'invalid_version'],
  ]
  for (const [path, code] of bad)
    assert.throws(() => parseLookupPath(path), { name: 'GomodError', code }, path)
  assert.throws(() => lookupPath('rsc.io/quote', 'master'), { code: 'invalid_lookup' })
  assert.throws(() => lookupPath('quote', 'v1.0.0'), { code: 'invalid_path' })
  assert.throws(() => lookupPath('rsc.io/quote', 'v1.0.0/go.mod'), { code: 'invalid_version' })
})

test('an answer is its record and a note', () => {
  const answer = { id: 7, record: bytes('a b h1:c\n'), note: bytes('go.sum database tree\n…') }
  const body = formatLookup(answer)
  assert.equal(Buffer.from(body).toString(), '7\na b h1:c\n\ngo.sum database tree\n…')
  const { id, record, note } = parseLookup(body)
  assert.deepEqual([id, Buffer.from(record), Buffer.from(note)], [7, answer.record, answer.note])
  assert.throws(() => formatLookup({ ...answer, record: bytes('a\n\nb\n') }), { code: 'invalid_record' })
  for (const bad of [
    '',
    '7\n',
    'x\na\n\n',
    '7\na\n',
    'go.sum database tree\n1\n\n',
    `7\na\n\n${'x'.repeat(MAX_LOOKUP_BYTES)}`,
  ])
    assert.throws(() => parseLookup(bytes(bad)), { name: 'GomodError', code: 'invalid_record' })
})

test('lines of a record', () => {
  const record = formatSumRecord('a.b/c', 'v1.0.0', 'h1:zip=', 'h1:mod=')
  assert.equal(Buffer.from(record).toString(), 'a.b/c v1.0.0 h1:zip=\na.b/c v1.0.0/go.mod h1:mod=\n')
  assert.deepEqual(sumLines(record, 'a.b/c', 'v1.0.0'), {
    lines: ['a.b/c v1.0.0 h1:zip=', 'a.b/c v1.0.0/go.mod h1:mod='],
    h1: 'h1:zip=',
    goModH1: 'h1:mod=',
  })
  assert.deepEqual(sumLines(bytes('a.b/c v1.0.0 h2:x\n'), 'a.b/c', 'v1.0.0'), {
    lines: ['a.b/c v1.0.0 h2:x'],
  })
  const twice = bytes('a.b/c v1.0.0 h1:x\na.b/c v1.0.0 h1:x\n')
  assert.equal(sumLines(twice, 'a.b/c', 'v1.0.0').h1, 'h1:x')
})

test('lines of other versions do not count', () => {
  const others = [
    'a.b/c v1.0.0-rc h1:x\n',
    'a.b/c v1.0 h1:x\n',
    'x a.b/c v1.0.0 h1:x\n',
    'a.b/c/d v1.0.0 h1:x\n',
    'a.b/c v1.0.0\n',
    'a.b/c  v1.0.0 h1:x\n',
    'A.b/c v1.0.0 h1:x\n',
    ' a.b/c v1.0.0 h1:x\n',
  ]
  for (const other of others)
    assert.throws(
      () => sumLines(bytes(other), 'a.b/c', 'v1.0.0'),
      { name: 'GomodError', code: 'unverified_record' },
      other,
    )
  for (const line of ['', '/go.mod']) {
    const record = bytes(`a.b/c v1.0.0${line} h1:x\na.b/c v1.0.0${line} h1:y\n`)
    assert.throws(() => sumLines(record, 'a.b/c', 'v1.0.0'), { name: 'GomodError', code: 'invalid_record' })
  }
})
