import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { generateKey, parseSignerKey, signNote } from '../note.ts'
import {
  formatAddCheckpoint,
  MAX_ADD_CHECKPOINT_BYTES,
  parseAddCheckpoint,
  readWitnessAnswer,
  SIZE_CONTENT_TYPE,
} from './add-checkpoint.ts'
import { createCosigner, parseWitnessKey, witnessKeyOf } from './cosignature.ts'

const HASH = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
const TEXT = `example.com/behind-the-sofa\n20852163\n${HASH}\n`
const invalid = { name: 'GomodError', code: 'invalid_request' }
const { skey } = generateKey('witness.example')
const witnesses = [parseWitnessKey(witnessKeyOf(skey))]
const checkpoint = signNote(TEXT, [parseSignerKey(generateKey('example.com/behind-the-sofa').skey)])
const cosignature = Buffer.from(
  signNote(TEXT, [createCosigner(skey, () => 5)]).subarray(Buffer.byteLength(TEXT) + 1),
)

function verdict(status: number, body: string | Buffer, contentType?: string) {
  return readWitnessAnswer({ status, contentType, body: Buffer.from(body) }, { checkpoint, witnesses })
}

test('a request is an old size, a proof, a blank line and a checkpoint', () => {
  const body = Buffer.concat([Buffer.from(`old 20852014\n${HASH}\n${HASH}\n\n`), checkpoint])
  const request = parseAddCheckpoint(body)
  assert.equal(request.oldSize, 20852014)
  assert.equal(request.proof.length, 2)
  assert.deepEqual(Buffer.from(request.checkpoint), Buffer.from(checkpoint))
  assert.deepEqual(Buffer.from(formatAddCheckpoint(request)), body)
  const first = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint })
  assert.ok(Buffer.from(first).toString().startsWith(`old 0\n\nexample.com/`))
})

test('malformed requests are refused', () => {
  const bad = [
    '',
    'old 1',
    'old 1\n',
    '\n\n',
    'old\n\n',
    'old \n\n',
    'old 01\n\n',
    'old -1\n\n',
    'Old 1\n\n',
    ' old 1\n\n',
  ]
  bad.push('old 1 \n\n', 'old  1\n\n', 'old 1\r\n\r\n', 'old 99999999999999999999\n\n', `old 1\n${HASH} \n\n`)
  bad.push(
    `old 1\n${HASH.slice(4)}\n\n`,
    'old 1\nold 2\n\n',
    `old 1\n${`${HASH}\n`.repeat(64)}\n`,
    `${HASH}\n\n`,
  )
  for (const body of bad)
    assert.throws(() => parseAddCheckpoint(Buffer.from(body)), invalid, JSON.stringify(body))
  assert.throws(() => parseAddCheckpoint(Buffer.alloc(MAX_ADD_CHECKPOINT_BYTES + 1, 'old 1\n\n')), invalid)
  const proof = Array.from({ length: 64 }, () => new Uint8Array(32))
  assert.throws(() => formatAddCheckpoint({ oldSize: 1, proof, checkpoint }), invalid)
  assert.throws(() => formatAddCheckpoint({ oldSize: 1, proof: [new Uint8Array(31)], checkpoint }), invalid)
  assert.throws(() => formatAddCheckpoint({ oldSize: -1, proof: [], checkpoint }), { code: 'invalid_proof' })
})

test('requests are read as they were written, and any bytes are read to the same or refused', () => {
  const request = fc.record({
    oldSize: fc.nat({ max: 2 ** 31 - 1 }),
    proof: fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
    checkpoint: fc.uint8Array(),
  })
  fc.assert(
    fc.property(request, (request) => {
      const body = formatAddCheckpoint(request)
      assert.deepEqual(Buffer.from(formatAddCheckpoint(parseAddCheckpoint(body))), Buffer.from(body))
      assert.equal(parseAddCheckpoint(body).oldSize, request.oldSize)
    }),
  )
  const text = fc.string({ unit: fc.constantFrom('old ', '0', '7', '\n', '\n\n', ' ', `${HASH}\n`, 'é') })
  fc.assert(
    fc.property(text, (text) => {
      const body = Buffer.from(text)
      try {
        assert.deepEqual(Buffer.from(formatAddCheckpoint(parseAddCheckpoint(body))), body)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid_request')
      }
    }),
  )
})

test('200 with a valid cosignature is one; anything else under 200 is invalid', () => {
  const good = verdict(200, cosignature)
  assert.ok(good.kind === 'cosigned' && good.cosignatures[0]?.time === 5)
  for (let i = 0; i < cosignature.length; i++) {
    const mutated = Buffer.from(cosignature)
    mutated[i]! ^= 1
    assert.equal(verdict(200, mutated).kind, 'invalid', `byte ${i}`)
  }
  for (const body of ['', '\n', '<html>', Buffer.from(checkpoint), Buffer.alloc(2_000_000, 'x')])
    assert.equal(verdict(200, body).kind, 'invalid')
})

test('409 names a size only with its content type and one line', () => {
  for (const type of [SIZE_CONTENT_TYPE, 'Text/X.tlog.size; charset=utf-8'])
    assert.deepEqual(verdict(409, '20852014\n', type), { kind: 'other_size', size: 20852014 })
  for (const body of [
    '',
    '7',
    '77',
    '07\n',
    '-7\n',
    '7\n7\n',
    '7\r\n',
    ' 7\n',
    '99999999999999999999\n',
    'seven\n',
  ])
    assert.equal(verdict(409, body, SIZE_CONTENT_TYPE).kind, 'invalid', JSON.stringify(body))
  const refused = verdict(409, '7\n', 'text/plain')
  assert.ok(refused.kind === 'refused' && refused.reason === 'other_root')
})

test('every other status is a refusal whose message shows little of what was said', () => {
  const table: [status: number, reason: string][] = [
    [400, 'bad_request'],
    [403, 'unknown_key'],
    [404, 'unknown_log'],
    [422, 'bad_proof'],
    [204, 'other'],
    [429, 'other'],
    [500, 'other'],
  ]
  for (const [status, reason] of table) {
    const answer = verdict(status, `why\u001b[31m${'x'.repeat(5000)}`)
    assert.ok(answer.kind === 'refused')
    assert.equal(answer.reason, reason)
    assert.match(answer.message, new RegExp(`answered ${status}: "why`))
    assert.ok(answer.message.length < 250 && !/[\u0000-\u001f]/.test(answer.message))
  }
})
