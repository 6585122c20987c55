import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BadPacket, DELIMITER, FLUSH, packet, passMessage, readPackets } from './packets.ts'
import { streamOf } from '../test-repository.ts'

async function read(...pieces: (string | Buffer)[]): Promise<string[]> {
  const parts: string[] = []
  for await (const part of readPackets(streamOf(...pieces)))
    parts.push(typeof part === 'string' ? part : `=${part.toString('latin1')}`)
  return parts
}

test('packets are read whatever the pieces they come in', async () => {
  const part = fc.oneof(
    fc.constant({ wire: FLUSH, part: 'flush' }),
    fc.constant({ wire: DELIMITER, part: 'delimiter' }),
    fc.string({ maxLength: 70 }).map((line) => {
      const bytes = Buffer.from(packet(line))
      return { wire: bytes.toString('latin1'), part: `=${bytes.subarray(4).toString('latin1')}` }
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.nat(300)), async (parts, cuts) => {
      const stream = Buffer.from(parts.map(({ wire }) => wire).join(''), 'latin1')
      const places = [0, ...cuts.filter((cut) => cut <= stream.length).sort((a, b) => a - b), stream.length]
      const pieces = places.slice(1).map((end, index) => stream.subarray(places[index], end))
      assert.deepEqual(
        await read(...pieces),
        parts.map((part) => part.part),
      )
    }),
  )
})

test('an empty packet and the largest one are packets', async () => {
  assert.deepEqual(await read('0004'), ['='])
  const largest = Buffer.concat([Buffer.from('fff0'), Buffer.alloc(65_516, 120)])
  assert.equal((await read(largest))[0]?.length, 65_517)
})

test('what is no packet is refused', async () => {
  const table: [wire: string, message: RegExp][] = [
    ['0002', /not git’s protocol/],
    ['0003', /not git’s protocol/],
    ['fff1', /not git’s protocol/],
    ['<htm', /not git’s protocol/],
    ['-001', /not git’s protocol/],
    ['0x10', /not git’s protocol/],
    ['0009abc', /broke off/],
    ['00', /broke off/],
  ]
  for (const [wire, message] of table)
    await assert.rejects(
      read(packet('before'), wire),
      (error) => error instanceof BadPacket && message.test(error.message),
      wire,
    )
})

test('a message is passed over up to its flush packet, and no further', () => {
  const message = packet('version 2') + DELIMITER + packet('agent=git')
  const table: [bytes: string, passed: number, ended: boolean][] = [
    ['', 0, false],
    ['00', 0, false],
    [message, message.length, false],
    [`${message}000`, message.length, false],
    [`${message}0010abc`, message.length, false],
    [message + FLUSH, message.length + 4, true],
    [`${message}${FLUSH}0010abc`, message.length + 4, true],
  ]
  for (const [bytes, passed, ended] of table)
    assert.deepEqual(passMessage(Buffer.from(bytes)), { passed, ended }, bytes)
  assert.throws(() => passMessage(Buffer.from('HTTP/1.1')), BadPacket)
})
