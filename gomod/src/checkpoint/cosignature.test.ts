import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { test } from 'node:test'
import { generateKey, openNote, parseSignerKey, parseVerifierKey, signNote } from '../note.ts'
import {
  createCosigner,
  formatSignatureLine,
  openCosignatures,
  parseWitnessKey,
  witnessKeyOf,
} from './cosignature.ts'

const TEXT = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
const SEED = Buffer.alloc(32, 7)
const { skey, vkey } = generateKey('witness.example/w1', SEED)
const witness = parseWitnessKey(witnessKeyOf(skey))
const cosigner = createCosigner(skey, () => 1679315147)
const log = parseSignerKey(generateKey('example.com/behind-the-sofa').skey)

const key = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]),
  format: 'der',
  type: 'pkcs8',
})

/** The signature proper over `TEXT` at any time that eight bytes can hold. */
function cosignedAt(time: bigint): Buffer {
  const stamp = Buffer.alloc(8)
  stamp.writeBigUInt64BE(time)
  return Buffer.concat([stamp, sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${TEXT}`), key)])
}

/** The signature lines under a note, as a witness answers them. */
function linesOf(text: string, signers = [cosigner]): Buffer {
  return Buffer.from(signNote(text, signers).subarray(Buffer.byteLength(text) + 1))
}

test('a cosignature is a time and an Ed25519 signature over header, time and text', () => {
  const made = Buffer.from(cosigner.sign(Buffer.from(TEXT)))
  assert.equal(made.toString('hex'), cosignedAt(1679315147n).toString('hex'))
  assert.equal(made.toString('hex', 0, 8), '00000000641850cb')
})

test('the key of a witness is that of its signer key, with the type 4 and a hash of its own', () => {
  assert.match(witnessKeyOf(skey), /^witness\.example\/w1\+[0-9a-f]{8}\+B/)
  assert.notEqual(witness.keyHash, parseVerifierKey(vkey).keyHash)
  assert.equal(witness.keyHash, cosigner.keyHash)
  for (const bad of [vkey, witnessKeyOf(skey).slice(1), `${witnessKeyOf(skey)}A`, '', skey])
    assert.throws(() => parseWitnessKey(bad), { name: 'GomodError', code: 'invalid_key' })
  assert.throws(() => parseVerifierKey(witnessKeyOf(skey)), { name: 'GomodError', code: 'invalid_key' })
})

test('cosignatures are opened for the text they are of, with their time', () => {
  const lines = linesOf(TEXT)
  const [cosignature, ...others] = openCosignatures(TEXT, lines, [witness])
  assert.equal(others.length, 0)
  assert.equal(cosignature!.time, 1679315147)
  assert.equal(formatSignatureLine(cosignature!.signature), lines.toString())
  const note = Buffer.concat([signNote(TEXT, [log]), lines])
  assert.equal(openNote(note, [witness]).signatures.length, 1)
  assert.throws(() => openCosignatures(TEXT.replace('2085', '2086'), lines, [witness]), {
    code: 'unverified_note',
  })
})

test('lines by unknown keys are left out, and alone they are not enough', () => {
  const other = createCosigner(generateKey('witness.example/w2').skey, () => 1)
  assert.equal(openCosignatures(TEXT, linesOf(TEXT, [other, cosigner]), [witness]).length, 1)
  assert.throws(() => openCosignatures(TEXT, linesOf(TEXT, [other]), [witness]), { code: 'unverified_note' })
  // The same key as a log's signs other bytes: it does not cosign.
  assert.throws(() => openCosignatures(TEXT, linesOf(TEXT, [parseSignerKey(skey)]), [witness]), {
    code: 'unverified_note',
  })
})

test('every change of a byte is refused', () => {
  const lines = linesOf(TEXT)
  for (let i = 0; i < lines.length; i++)
    for (const flip of [1, 0x80]) {
      const mutated = Buffer.from(lines)
      mutated[i]! ^= flip
      assert.throws(() => openCosignatures(TEXT, mutated, [witness]), { name: 'GomodError' }, `byte ${i}`)
    }
  for (const bad of ['', '\n', 'x\n', lines.toString().slice(0, -1)])
    assert.throws(() => openCosignatures(TEXT, Buffer.from(bad), [witness]), { code: 'invalid_note' })
})

test('an answer cannot bring a text of its own', () => {
  const longer = `${TEXT}\nmore\n`
  const smuggled = Buffer.concat([Buffer.from('more\n\n'), linesOf(longer)])
  assert.throws(() => openCosignatures(TEXT, smuggled, [witness]), { code: 'invalid_note' })
})

test('a time that is none is neither signed nor believed', () => {
  for (const time of [-1, 1.5, NaN, 2 ** 53])
    assert.throws(() => createCosigner(skey, () => time).sign(Buffer.from(TEXT)), RangeError)
  const believed = (signature: Uint8Array) => witness.verify(Buffer.from(TEXT), signature)
  for (const time of [0n, 2n ** 53n - 1n]) assert.equal(believed(cosignedAt(time)), true)
  for (const time of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) assert.equal(believed(cosignedAt(time)), false)
  for (const end of [0, 7, 8, 71]) assert.equal(believed(cosignedAt(1n).subarray(0, end)), false)
})
