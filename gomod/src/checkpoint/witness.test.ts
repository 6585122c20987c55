import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { generateKey, parseSignerKey, parseVerifierKey, signNote } from '../note.ts'
import { createNaiveLog } from '../tlog/naive-log.ts'
import { proveTree } from '../tlog/proof.ts'
import type { Tree } from '../tlog/tree.ts'
import { formatAddCheckpoint, readWitnessAnswer, SIZE_CONTENT_TYPE } from './add-checkpoint.ts'
import { signCheckpoint } from './checkpoint.ts'
import { createCosigner, parseWitnessKey, witnessKeyOf } from './cosignature.ts'
import { answerAddCheckpoint, type WitnessState } from './witness.ts'

const ORIGIN = 'sum.corp.example/log'
const logKey = generateKey(ORIGIN)
const witnessKey = generateKey('witness.example')
const cosigners = [createCosigner(witnessKey.skey, () => 1_700_000_000)]
const witnesses = [parseWitnessKey(witnessKeyOf(witnessKey.skey))]
const log = createNaiveLog(40)

function signed(tree: Tree, { origin = ORIGIN, skey = logKey.skey } = {}): Uint8Array {
  return signCheckpoint({ origin, tree, extensions: [] }, [parseSignerKey(skey)])
}

function knowing(head: Tree | undefined): WitnessState {
  return new Map([[ORIGIN, { verifiers: [parseVerifierKey(logKey.vkey)], head }]])
}

async function ask(state: WitnessState, oldSize: number, newSize: number, tree = log.tree(newSize)) {
  const proof = oldSize > 0 && oldSize < newSize ? await proveTree(newSize, oldSize, log.hashes) : []
  const body = formatAddCheckpoint({ oldSize, proof, checkpoint: signed(tree) })
  return answerAddCheckpoint(state, body, cosigners)
}

suite('a witness', () => {
  test('follows a log from nothing through every pair of sizes', async () => {
    for (let first = 0; first <= 20; first++)
      for (let second = first; second <= 40; second += 3) {
        let { state, answer } = await ask(knowing(undefined), 0, first)
        assert.equal(answer.status, 200)
        ;({ state, answer } = await ask(state, first, second))
        assert.equal(answer.status, 200, `${first} to ${second}`)
        assert.equal(state.get(ORIGIN)?.head?.size, second)
        const verdict = readWitnessAnswer(answer, { checkpoint: signed(log.tree(second)), witnesses })
        assert.equal(verdict.kind, 'cosigned')
      }
  })

  test('names its size where the old size is another, and a smaller head never gets through', async () => {
    const state = knowing(log.tree(20))
    const table: [oldSize: number, newSize: number, status: number][] = [
      [0, 30, 409],
      [19, 30, 409],
      [21, 30, 409],
      [0, 10, 409],
      [10, 10, 409],
      [20, 10, 400],
    ]
    for (const [oldSize, newSize, status] of table) {
      const result = await ask(state, oldSize, newSize)
      assert.equal(result.answer.status, status, `${oldSize} to ${newSize}`)
      assert.equal(result.state, state)
      if (status !== 409) continue
      assert.equal(result.answer.contentType, SIZE_CONTENT_TYPE)
      assert.equal(Buffer.from(result.answer.body).toString(), '20\n')
    }
  })

  test('refuses another history of the log: in the same size 409, in a larger one 422', async () => {
    const state = knowing(log.tree(20))
    const same = await ask(state, 20, 20, { size: 20, hash: log.tree(19).hash })
    assert.equal(same.answer.status, 409)
    assert.notEqual(same.answer.contentType, SIZE_CONTENT_TYPE)
    assert.equal((await ask(state, 20, 30, { size: 30, hash: log.tree(31).hash })).answer.status, 422)
    const fork = createNaiveLog(5)
    for (let i = 5; i < 30; i++) fork.add(Buffer.from(`other ${i}`))
    const proof = await proveTree(30, 20, fork.hashes)
    const body = formatAddCheckpoint({ oldSize: 20, proof, checkpoint: signed(fork.tree(30)) })
    const forked = answerAddCheckpoint(state, body, cosigners)
    assert.equal(forked.answer.status, 422)
    assert.equal(forked.state, state)
    assert.equal(
      (await ask(knowing(undefined), 0, 0, { size: 0, hash: log.tree(1).hash })).answer.status,
      409,
    )
  })

  test('refuses proofs that are too short, too long or where there is nothing to prove', async () => {
    const proof = await proveTree(30, 20, log.hashes)
    const table: [oldSize: number, newSize: number, proof: Uint8Array[]][] = [
      [20, 30, proof.slice(1)],
      [20, 30, [...proof, proof[0]!]],
      [20, 30, []],
      [20, 20, proof],
      [0, 30, proof],
    ]
    for (const [oldSize, newSize, proof] of table) {
      const state = knowing(oldSize === 0 ? undefined : log.tree(oldSize))
      const body = formatAddCheckpoint({ oldSize, proof, checkpoint: signed(log.tree(newSize)) })
      assert.equal(answerAddCheckpoint(state, body, cosigners).answer.status, 422, `${oldSize} to ${newSize}`)
    }
  })

  test('knows its logs and their keys', () => {
    const status = (checkpoint: Uint8Array) =>
      answerAddCheckpoint(
        knowing(undefined),
        formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint }),
        cosigners,
      ).answer.status
    assert.equal(status(signed(log.tree())), 200)
    assert.equal(status(signed(log.tree(), { origin: 'other.example' })), 404)
    assert.equal(status(signed(log.tree(), { skey: generateKey(ORIGIN).skey })), 403)
    assert.equal(status(signNote('no checkpoint\n', [parseSignerKey(logKey.skey)])), 400)
    assert.equal(status(Buffer.from('no note')), 400)
    assert.equal(answerAddCheckpoint(knowing(undefined), Buffer.from('hello'), cosigners).answer.status, 400)
  })

  test('does not sign a request with any byte changed', async () => {
    const state = knowing(log.tree(20))
    const proof = await proveTree(30, 20, log.hashes)
    const body = Buffer.from(formatAddCheckpoint({ oldSize: 20, proof, checkpoint: signed(log.tree(30)) }))
    assert.equal(answerAddCheckpoint(state, body, cosigners).answer.status, 200)
    for (let i = 0; i < body.length; i++) {
      const mutated = Buffer.from(body)
      mutated[i]! ^= 1
      const { answer, state: after } = answerAddCheckpoint(state, mutated, cosigners)
      assert.ok([400, 403, 404, 409, 422].includes(answer.status), `byte ${i}: ${answer.status}`)
      assert.equal(after, state)
    }
  })
})
