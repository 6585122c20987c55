import assert from 'node:assert/strict'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { suite, test } from 'node:test'
import {
  createCosigner,
  openCosignatures,
  parseWitnessKey,
  witnessKeyOf,
} from '@modstead/gomod/checkpoint/cosignature'
import { generateKey, parseNote, parseVerifierKey } from '@modstead/gomod/note'
import { ModsteadError } from '../errors.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { addCheckpoint, createLog, logKey, ORIGIN } from './checkpoints.fixture.ts'
import type { WitnessedHeads, WitnessMemory } from './witness-memory.ts'
import { createWitnessOfOthers } from './witness-of-others.ts'

const { skey } = generateKey('w.example')
const log = createLog(60)
const fork = createLog(60, ' forged')

interface TestMemory extends WitnessMemory {
  written: WitnessedHeads[]
  /** Writes wait for it. */
  gate: Promise<void>
}

function createMemory(heads?: WitnessedHeads): TestMemory {
  const memory: TestMemory = {
    where: 'a test',
    written: heads === undefined ? [] : [heads],
    gate: Promise.resolve(),
    read: () => Promise.resolve(memory.written.at(-1)),
    async write(heads) {
      await memory.gate
      memory.written.push(new Map(heads))
    },
  }
  return memory
}

async function start(memory: WitnessMemory, keys: readonly string[] = [logKey.vkey]) {
  const observer = createTestObserver()
  const cosigner = createCosigner(skey, () => 1_700_000_000)
  const logs = keys.map(parseVerifierKey)
  const witness = await createWitnessOfOthers({ cosigner, logs, memory, log: observer.log })
  return { witness, lines: observer.lines }
}

suite('a witness of others', () => {
  test('remembers a head before it gives its cosignature', async () => {
    const memory = createMemory()
    const { witness } = await start(memory)
    assert.deepEqual([witness.isNew, memory.written.length], [true, 1], 'that nothing was seen lasts, too')
    const gate = Promise.withResolvers<void>()
    memory.gate = gate.promise
    let isAnswered = false
    const asked = witness.answer(await addCheckpoint(log, 0, 20)).finally(() => (isAnswered = true))
    for (let i = 0; i < 20; i++) await turnOfLoop()
    assert.equal(isAnswered, false)
    gate.resolve()
    const { status, body } = await asked
    assert.equal(status, 200)
    const { text } = parseNote(await log.checkpoint(20))
    assert.equal(openCosignatures(text, body, [parseWitnessKey(witnessKeyOf(skey))])[0]?.time, 1_700_000_000)
    assert.equal(memory.written.at(-1)?.get(ORIGIN)?.size, 20)

    const again = await start(memory)
    assert.equal(again.witness.isNew, false)
    assert.equal(again.witness.logs()[0]?.head?.size, 20)
    const older = await again.witness.answer(await addCheckpoint(log, 0, 10))
    assert.deepEqual([older.status, Buffer.from(older.body).toString()], [409, '20\n'])
  })

  test('gives nothing when it cannot remember, and goes on once it can', async () => {
    const memory = createMemory()
    const { witness } = await start(memory)
    memory.gate = Promise.reject(new ModsteadError('store_unavailable', 'full'))
    memory.gate.catch(() => undefined) // it is awaited with each write
    await assert.rejects(witness.answer(await addCheckpoint(log, 0, 20)), { code: 'store_unavailable' })
    assert.equal(witness.logs()[0]?.head, undefined)
    memory.gate = Promise.resolve()
    assert.equal((await witness.answer(await addCheckpoint(log, 0, 30))).status, 200)
    assert.equal((await witness.answer(await addCheckpoint(log, 30, 60))).status, 200)
  })

  test('vouches for one of two histories that come at the same time', async () => {
    const memory = createMemory()
    const { witness, lines } = await start(memory)
    const bodies = [await addCheckpoint(log, 0, 20), await addCheckpoint(fork, 0, 20)]
    const answers = await Promise.all(bodies.map(witness.answer))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 409],
    )
    assert.equal(lines.length, 0, 'who does not know the size asks again')
    const same = await witness.answer(await addCheckpoint(fork, 20, 20))
    const larger = await witness.answer(await addCheckpoint(fork, 20, 40))
    assert.deepEqual([same.status, larger.status], [409, 422])
    const smaller = await witness.answer(await addCheckpoint(log, 0, 5))
    assert.equal(smaller.status, 409)
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields.log, fields.cosigned, fields.asked]),
      [
        ['warn', ORIGIN, 20, 20],
        ['warn', ORIGIN, 20, 40],
        ['warn', ORIGIN, 20, 5],
      ],
    )
    assert.match(String(lines[0]?.fields.checkpoint), /^sum\.corp\.example\/log\n20\n/, 'the proof is kept')
    assert.equal(memory.written.length, 2)
  })

  test('writes nothing for the same head again, or for what is refused', async () => {
    const memory = createMemory()
    const { witness, lines } = await start(memory)
    await witness.answer(await addCheckpoint(log, 0, 20))
    assert.equal((await witness.answer(await addCheckpoint(log, 20, 20))).status, 200)
    assert.equal((await witness.answer(Buffer.from('old 0\n\nno note'))).status, 400)
    assert.equal(memory.written.length, 2)
    assert.deepEqual(lines, [])
  })

  test('keeps what it knows of logs that are not named now, and takes two keys of one log', async () => {
    const memory = createMemory()
    await (await start(memory)).witness.answer(await addCheckpoint(log, 0, 20))
    const other = await start(memory, [generateKey('other.example').vkey])
    assert.equal((await other.witness.answer(await addCheckpoint(log, 20, 30))).status, 404)
    const next = generateKey(ORIGIN).vkey
    const rotating = await start(memory, [next, logKey.vkey])
    assert.deepEqual(
      rotating.witness.logs().map(({ name, head }) => [name, head?.size]),
      [[ORIGIN, 20]],
    )
    assert.equal((await rotating.witness.answer(await addCheckpoint(log, 20, 30))).status, 200)
    const rotated = await start(memory, [next])
    assert.equal((await rotated.witness.answer(await addCheckpoint(log, 30, 40))).status, 403)
  })
})
