import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { equalHash, hash1, hashFiles, hashGoMod, isH1 } from './dirhash.ts'
import { GomodError } from './error.ts'

const EMPTY = 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

test('the hash is that of a summary sorted by name', () => {
  const want = h1Of(`${hex('data for abc')}  abc\n${hex('data for xyz')}  xyz\n`)
  const files = ['xyz', 'abc'].map((name) => ({ name, bytes: Buffer.from(`data for ${name}`) }))
  assert.equal(hashFiles(files), want)
  assert.equal(hash1(files.map(({ name, bytes }) => ({ name, sha256hex: hex(bytes) }))), want)
})

test('names are sorted by the bytes of their UTF-8', () => {
  // U+FF21 is after U+20000 in UTF-16, and before it in UTF-8.
  const names = ['b', '\u{20000}', '\uff21', 'é', 'a', 'a/b', 'a.b', 'aé']
  const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  assert.ok(sorted.indexOf('\uff21') < sorted.indexOf('\u{20000}'))
  const want = h1Of(sorted.map((name) => `${hex('')}  ${name}\n`).join(''))
  assert.equal(hashFiles(names.map((name) => ({ name, bytes: Buffer.alloc(0) }))), want)
})

test('a summary of many files is hashed in pieces to the same result', () => {
  const names = Array.from({ length: 5000 }, (_, i) => `file-${String(i).padStart(5, '0')}`)
  const want = h1Of(names.map((name) => `${hex('')}  ${name}\n`).join(''))
  assert.equal(hash1(names.reverse().map((name) => ({ name, sha256hex: hex('') }))), want)
})

test('no files have the hash of an empty summary', () => assert.equal(hash1([]), EMPTY))

test('a go.mod is hashed under the one name go.mod', () => {
  const text = 'module example.com/m\n\ngo 1.13\n'
  assert.equal(hashGoMod(Buffer.from(text)), h1Of(`${hex(text)}  go.mod\n`))
  // As go.sum files and sum.golang.org have it for rsc.io/quote v1.5.2.
  const quote = 'module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n'
  assert.equal(hashGoMod(Buffer.from(quote)), 'h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=')
})

test('a name with a newline is refused', () => {
  const files = [{ name: 'a\nbc', bytes: Buffer.alloc(0) }]
  assert.throws(
    () => hashFiles(files),
    (error) => error instanceof GomodError && error.code === 'invalid_path',
  )
})

test('isH1 accepts what hash1 gives and nothing else', () => {
  assert.ok(isH1(EMPTY))
  const wrong = [
    '',
    'h1:',
    EMPTY.slice(3),
    EMPTY.replace('h1', 'h2'),
    EMPTY.slice(0, -1),
    `${EMPTY}\n`,
    ` ${EMPTY}`,
    EMPTY.replace('FU=', 'FV='),
    EMPTY.replace('+', '-'),
    `${EMPTY}=`,
  ]
  for (const text of wrong) assert.equal(isH1(text), false, JSON.stringify(text))
})

test('equalHash compares whole texts', () => {
  assert.ok(equalHash(EMPTY, EMPTY))
  assert.ok(equalHash('', ''))
  for (const other of ['', EMPTY.slice(0, -1), EMPTY.replace('4', '5'), `${EMPTY} `]) {
    assert.equal(equalHash(EMPTY, other), false)
  }
})

function hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function h1Of(summary: string): string {
  return `h1:${createHash('sha256').update(summary).digest('base64')}`
}
