import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { generateKey, parseSignerKey, parseVerifierKey, signNote } from '../note.ts'
import { recordHash } from '../tlog/hash.ts'
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts'

const HASH = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
/** The example of tlog-checkpoint. */
const TEXT = `example.com/behind-the-sofa\n20852163\n${HASH}\n`
const invalid = { name: 'GomodError', code: 'invalid_note' }
const unverified = { name: 'GomodError', code: 'unverified_note' }
const line = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\u0000-\u001f]/.test(text))

test('a checkpoint has an origin, a size, a root, and what else its log says', () => {
  const { origin, tree, extensions } = parseCheckpoint(TEXT)
  assert.deepEqual([origin, tree.size, extensions], ['example.com/behind-the-sofa', 20852163, []])
  assert.equal(formatCheckpoint({ origin, tree, extensions }), TEXT)
  assert.deepEqual(parseCheckpoint(`${TEXT}a\nb c\n`).extensions, ['a', 'b c'])
  assert.equal(parseCheckpoint(`go.sum database tree\n0\n${HASH}\n`).origin, 'go.sum database tree')
})

test('what is no checkpoint is refused', () => {
  const bad = ['', '\n', TEXT.slice(0, -1), `${TEXT}\n`, `${TEXT}a\n\nb\n`, `${TEXT}a\tb\n`, `\n1\n${HASH}\n`]
  for (const size of ['', '01', '-1', '+1', '1.0', '1e3', ' 1', '0x1', '9007199254740993', '9'.repeat(400)])
    bad.push(`o\n${size}\n${HASH}\n`)
  for (const root of ['', 'x', HASH.slice(4), `${HASH} `, HASH.replace('2I=', '2J='), `${HASH}${HASH}`])
    bad.push(`o\n1\n${root}\n`)
  for (const text of bad) assert.throws(() => parseCheckpoint(text), invalid, JSON.stringify(text))
  const tree = { size: 1, hash: recordHash(Buffer.from('a')) }
  for (const origin of ['', 'a\nb', 'a\r', '\ud800'])
    assert.throws(() => formatCheckpoint({ origin, tree, extensions: [] }), invalid)
  assert.throws(() => formatCheckpoint({ origin: 'o', tree, extensions: [''] }), invalid)
  const short = { size: 1, hash: tree.hash.subarray(1) }
  assert.throws(() => formatCheckpoint({ origin: 'o', tree: short, extensions: [] }), invalid)
  const none = { ...tree, size: 1.5 }
  assert.throws(() => formatCheckpoint({ origin: 'o', tree: none, extensions: [] }), {
    code: 'invalid_proof',
  })
})

test('what is formatted is parsed to the same, and what is accepted is formatted to the same text', () => {
  const checkpoint = fc.record({
    origin: line,
    tree: fc.record({
      size: fc.nat({ max: 2 ** 31 - 1 }),
      hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    }),
    extensions: fc.array(line, { maxLength: 3 }),
  })
  fc.assert(
    fc.property(checkpoint, (checkpoint) => {
      const text = formatCheckpoint(checkpoint)
      assert.equal(formatCheckpoint(parseCheckpoint(text)), text)
      assert.equal(parseCheckpoint(text).origin, checkpoint.origin)
      assert.deepEqual(parseCheckpoint(text).extensions, checkpoint.extensions)
    }),
  )
})

test('a signed checkpoint opens with the key of its log and its origin, and with no other', () => {
  const { skey, vkey } = generateKey('sum.corp.example')
  const verifiers = [parseVerifierKey(vkey)]
  const checkpoint = { ...parseCheckpoint(TEXT), origin: 'sum.corp.example' }
  const note = signCheckpoint(checkpoint, [parseSignerKey(skey)])
  const opened = openCheckpoint(note, { origin: 'sum.corp.example', verifiers })
  assert.equal(opened.checkpoint.tree.size, 20852163)
  assert.equal(opened.note.signatures.length, 1)
  assert.throws(() => openCheckpoint(note, { origin: 'other.example', verifiers }), unverified)
  const others = [parseVerifierKey(generateKey('sum.corp.example').vkey)]
  assert.throws(() => openCheckpoint(note, { origin: 'sum.corp.example', verifiers: others }), unverified)
  const noCheckpoint = signNote('sum.corp.example\n', [parseSignerKey(skey)])
  assert.throws(() => openCheckpoint(noCheckpoint, { origin: 'sum.corp.example', verifiers }), invalid)
  for (let i = 0; i < note.length; i++) {
    const mutated = Buffer.from(note)
    mutated[i]! ^= 1
    assert.throws(() => openCheckpoint(mutated, { origin: 'sum.corp.example', verifiers }), {
      name: 'GomodError',
    })
  }
})
