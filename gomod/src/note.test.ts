import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  generateKey,
  MAX_NOTE_BYTES,
  openNote,
  parseNote,
  parseSignerKey,
  parseVerifierKey,
  signNote,
  type Signature,
  type Verifier,
} from './note.ts'

const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const PETER_SECRET = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const ENOCH = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop'
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const PETER_64 =
  'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='
const ENOCH_64 =
  'rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ='
const PETER_LINE = `— PeterNeumann ${PETER_64}\n`
const ENOCH_LINE = `— EnochRoot ${ENOCH_64}\n`
const SIGNED = `${TEXT}\n${PETER_LINE}`

const peter = parseVerifierKey(PETER)
const enoch = parseVerifierKey(ENOCH)
const peterSigner = parseSignerKey(PETER_SECRET)
const bySignature: Record<'peter' | 'enoch', Signature> = {
  peter: { name: 'PeterNeumann', keyHash: 0xc74f20a3, base64: PETER_64 },
  enoch: { name: 'EnochRoot', keyHash: 0xaf0cfe78, base64: ENOCH_64 },
}

const badKey = { name: 'GomodError', code: 'invalid_key' }
const badNote = { name: 'GomodError', code: 'invalid_note' }
const unverified = { name: 'GomodError', code: 'unverified_note' }

function open(note: string | Uint8Array, verifiers: readonly Verifier[]) {
  return openNote(Buffer.from(note), verifiers)
}

/** Every proper piece of the text, and the text with each one of its characters changed. */
function* manglings(text: string): Generator<string> {
  for (let i = 0; i <= text.length; i++) {
    for (let j = i + 1; j <= text.length; j++) if (j - i < text.length) yield text.slice(i, j)
    if (i < text.length)
      yield `${text.slice(0, i)}${String.fromCharCode(text.charCodeAt(i) + 1)}${text.slice(i + 1)}`
  }
}

test('a verifier key is read whole and right, or not at all', () => {
  assert.equal(peter.name, 'PeterNeumann')
  assert.equal(peter.keyHash, 0xc74f20a3)
  for (const bad of manglings(PETER)) assert.throws(() => parseVerifierKey(bad), badKey, bad)
  const others = [
    // A key of another length and one of another type, each with the hash that it should have.
    'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==',
    'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    ` ${PETER}`,
    `${PETER}\n`,
    PETER.replace('PeterNeumann', 'Peter Neumann'),
    PETER.replace('c74f20a3', '0xc74f20'),
  ]
  for (const bad of others) assert.throws(() => parseVerifierKey(bad), badKey, bad)
})

test('a signer key is read whole and right, or not at all, and never shown', () => {
  for (const bad of manglings(PETER_SECRET)) {
    assert.throws(
      () => parseSignerKey(bad),
      (error: Error) =>
        'code' in error && error.code === 'invalid_key' && !error.message.includes('AYEKFALVFGy'),
    )
  }
})

test('a new key signs what its other half verifies', () => {
  const { skey, vkey } = generateKey('EnochRoot')
  const [signer, verifier] = [parseSignerKey(skey), parseVerifierKey(vkey)]
  assert.equal(signer.name, 'EnochRoot')
  assert.equal(signer.keyHash, verifier.keyHash)
  const message = Buffer.from('hi')
  const signature = signer.sign(message)
  assert.ok(verifier.verify(message, signature))
  for (const i of signature.keys())
    assert.ok(
      !verifier.verify(
        message,
        signature.map((byte, j) => (i === j ? byte ^ 1 : byte)),
      ),
    )
  assert.ok(!verifier.verify(Buffer.from('hj'), signature))
  assert.ok(!verifier.verify(message, signature.subarray(1)))
  assert.ok(!verifier.verify(message, new Uint8Array(0)))
  assert.notEqual(generateKey('EnochRoot').skey, skey)
})

test('a key is made from its seed', () => {
  const seed = Buffer.from(PETER_SECRET.slice(-44), 'base64').subarray(1)
  assert.deepEqual(generateKey('PeterNeumann', seed), { skey: PETER_SECRET, vkey: PETER })
  assert.throws(() => generateKey('PeterNeumann', seed.subarray(1)), badKey)
  for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b', 'a\u3000', '\ud800'])
    assert.throws(() => generateKey(name), badKey)
})

test('signing gives the note that others give', () => {
  assert.equal(Buffer.from(signNote(TEXT, [peterSigner])).toString(), SIGNED)
  const existing = [bySignature.enoch, { ...bySignature.peter, base64: 'BADSIGN=' }]
  const both = Buffer.from(signNote(TEXT, [peterSigner], existing)).toString()
  assert.equal(
    both,
    `${TEXT}\n${ENOCH_LINE}${PETER_LINE}`,
    'what exists comes first, and is replaced where signed anew',
  )
  assert.equal(Buffer.from(signNote(TEXT, [], [bySignature.peter])).toString(), SIGNED)
})

test('what would be no note is not signed', () => {
  for (const text of ['', 'abc', 'a\x01\n', 'a\r\n', '\ud800\n'])
    assert.throws(() => signNote(text, [peterSigner]), badNote)
  assert.throws(() => signNote(TEXT, []), badNote)
  assert.throws(() => signNote('x'.repeat(MAX_NOTE_BYTES) + '\n', [peterSigner]), badNote)
  assert.throws(() => signNote(TEXT, [], [{ name: 'a+b', keyHash: 0, base64: 'AAAAAAAA' }]), badNote)
  assert.throws(() => signNote(TEXT, [], [{ ...bySignature.peter, base64: 'BADHASH=' }]), badNote)
  assert.throws(
    () =>
      signNote(
        TEXT,
        [],
        Array.from({ length: 101 }, () => bySignature.peter),
      ),
    badNote,
  )
  assert.throws(() => signNote(TEXT, [{ ...peterSigner, name: 'bad name' }]), badKey)
  const surprise = new Error('surprise!')
  const failing = {
    ...peterSigner,
    sign: () => {
      throw surprise
    },
  }
  assert.throws(() => signNote(TEXT, [failing]), surprise)
})

test('signatures by known keys are verified, others are set apart', () => {
  const both = `${SIGNED}${ENOCH_LINE}`
  assert.deepEqual(open(both, [peter]), {
    text: TEXT,
    signatures: [bySignature.peter],
    unverified: [bySignature.enoch],
  })
  assert.deepEqual(open(both, [peter, enoch]), {
    text: TEXT,
    signatures: [bySignature.peter, bySignature.enoch],
    unverified: [],
  })
  assert.throws(() => open(both, []), unverified)
  assert.deepEqual(parseNote(Buffer.from(both)), {
    text: TEXT,
    signatures: [bySignature.peter, bySignature.enoch],
  })
})

test('repeated signatures count once', () => {
  const changed = ENOCH_64.slice(0, 46) + 'ABCD' + ENOCH_64.slice(46)
  const note = `${SIGNED}${PETER_LINE}${ENOCH_LINE}${ENOCH_LINE}— EnochRoot ${changed}\n`
  assert.deepEqual(open(note, [peter]), {
    text: TEXT,
    signatures: [bySignature.peter],
    unverified: [bySignature.enoch, { ...bySignature.enoch, base64: changed }],
  })
})

test('two verifiers for one key are an error where the key has signed', () => {
  assert.throws(() => open(`${TEXT}\n${ENOCH_LINE}`, [enoch, peter, enoch]), unverified)
  assert.equal(open(SIGNED, [enoch, peter, enoch]).signatures.length, 1)
})

test('a note has at most a hundred signatures', () => {
  assert.equal(open(`${TEXT}\n${PETER_LINE.repeat(100)}`, [peter]).signatures.length, 1)
  assert.throws(() => open(`${TEXT}\n${PETER_LINE.repeat(101)}`, [peter]), badNote)
  assert.throws(() => open(`${TEXT}\n${PETER_LINE.repeat(101)}`, []), badNote)
  assert.throws(() => open(`${'x'.repeat(MAX_NOTE_BYTES)}\n\n${PETER_LINE}`, [peter]), badNote)
})

test('one wrong signature by a known key spoils the note', () => {
  const wrong = PETER_64.slice(0, 46) + 'ABCD' + PETER_64.slice(46)
  assert.throws(() => open(`${TEXT}\n— PeterNeumann ${wrong}\n`, [peter]), unverified)
  assert.throws(() => open(`${SIGNED}— EnochRoot rwz+eAAAAAA=\n`, [peter, enoch]), unverified)
  assert.throws(() => open(SIGNED.replace('answer', 'Answer'), [peter]), unverified)
})

test('what is no note is refused', () => {
  const bad: (string | Uint8Array)[] = [
    '',
    TEXT,
    `${TEXT}\n`,
    `${TEXT}${PETER_LINE}`,
    SIGNED.slice(0, -1),
    `${SIGNED}\n`,
    `\x01${SIGNED}`,
    SIGNED.replace('\n', '\r\n'),
    Buffer.concat([Buffer.of(0xff), Buffer.from(SIGNED)]),
    `${TEXT}\n— Bad Name ${PETER_64}\n`,
    `${TEXT}\n— Peter+Neumann ${PETER_64}\n`,
    `${TEXT}\n— PeterNeumann ${PETER_64} \n`,
    `${TEXT}\n— PeterNeumann  ${PETER_64}\n`,
    `${TEXT}\n— PeterNeumann\n`,
    `${TEXT}\n— PeterNeumann \n`,
    `${TEXT}\n—  ${PETER_64}\n`,
    `${TEXT}\n- PeterNeumann ${PETER_64}\n`,
    `${TEXT}\n— PeterNeumann x08gow==\n`,
    `${TEXT}\n— PeterNeumann ${PETER_64.slice(0, -1)}\n`,
    `${SIGNED}Unexpected line.\n`,
    `${TEXT}\nUnexpected line.\n${PETER_LINE}`,
  ]
  for (const note of bad) assert.throws(() => open(note, [peter]), badNote, Buffer.from(note).toString())
})

test('the unused bits of base64 are no room for a second form of a signature', () => {
  // Go's decoder ignores them, so that this note has the same signature for it.
  const twin = PETER_64.replace(/M=$/, 'N=')
  assert.deepEqual(Buffer.from(twin, 'base64'), Buffer.from(PETER_64, 'base64'))
  assert.throws(() => open(`${TEXT}\n— PeterNeumann ${twin}\n`, [peter]), badNote)
})

test('the text may itself have blank lines, a byte order mark and any Unicode', () => {
  for (const text of [
    '\n',
    '\n\n\n',
    'a\n\n— b c\n',
    '\ufeffa\n',
    '\u0000'.replace('\u0000', '\ufffd\u007f\u{1f511}\n'),
  ])
    assert.equal(open(signNote(text, [peterSigner]), [peter]).text, text)
  const text = fc.string({ unit: 'grapheme' }).filter((text) => !/[\u0000-\u0009\u000b-\u001f]/.test(text))
  fc.assert(
    fc.property(text, (text) =>
      assert.equal(open(signNote(`${text}\n`, [peterSigner]), [peter]).text, `${text}\n`),
    ),
  )
})

test('no changed byte of a note goes unnoticed', () => {
  const note = Buffer.from(SIGNED)
  for (const i of note.keys()) {
    for (const bit of [1, 0x20, 0x80]) {
      const changed = Buffer.from(note)
      changed[i]! ^= bit
      assert.throws(() => openNote(changed, [peter]), { name: 'GomodError' }, `byte ${i}`)
    }
  }
})

test('another signature type is a verifier of its own', () => {
  // As C2SP's cosignatures do: the signature carries a time and covers it too.
  const timed: Verifier = {
    name: 'witness.example',
    keyHash: 0x01020304,
    verify: (message, signature) => signature.length === 9 && signature[8] === message.length % 256,
  }
  const signer = {
    ...timed,
    sign: (message: Uint8Array) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, message.length % 256),
  }
  const note = signNote(TEXT, [peterSigner, signer])
  assert.deepEqual(
    openNote(note, [peter, timed]).signatures.map(({ name }) => name),
    ['PeterNeumann', 'witness.example'],
  )
})
