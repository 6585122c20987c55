import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCheckpoint } from '@modstead/gomod/checkpoint/checkpoint'
import { createCosigner, parseWitnessKey, witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { answerAddCheckpoint, type WitnessState } from '@modstead/gomod/checkpoint/witness'
import { generateKey, openNote, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { formatSumRecord } from '@modstead/gomod/sumdb/lookup'
import { openSqliteLog } from '../../catalog/sqlite-log.ts'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { createWitnessPost } from '../../origin/witness-post.ts'
import type { Incident } from '../../proxy/catalog.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import { createCheckpoints } from './checkpoints.ts'
import { openChecksumLog } from './log.ts'

const NAME = 'sum.corp.example'
const { skey, vkey } = generateKey(NAME)
const HASH = `h1:${Buffer.alloc(32, 1).toString('base64')}`
const { signal } = new AbortController()

/** A real witness behind HTTP, which can be switched off. */
async function startWitness(t: TestContext, name: string) {
  const { skey: witnessKey } = generateKey(name)
  const cosigners = [createCosigner(witnessKey, () => 1_700_000_000)]
  let state: WitnessState = new Map([[NAME, { verifiers: [parseVerifierKey(vkey)], head: undefined }]])
  const witness = { down: false, asked: 0 }
  const server = createServer((request, response) => {
    const answerWith = (body: Buffer): void => {
      witness.asked++
      if (witness.down) {
        response.destroy()
        return
      }
      const result = answerAddCheckpoint(state, body, cosigners)
      state = result.state
      response.writeHead(result.answer.status, { 'content-type': result.answer.contentType })
      response.end(result.answer.body)
    }
    void buffer(request).then(answerWith)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo
  const key = parseWitnessKey(witnessKeyOf(witnessKey))
  return { ...witness, state: witness, configured: { key, url: `http://127.0.0.1:${port}` } }
}

type StartedWitness = Awaited<ReturnType<typeof startWitness>>

async function open(t: TestContext, witnesses: readonly StartedWitness[]) {
  const folder = await temporaryFolder(t)
  const storage = await openSqliteLog(join(folder, 'log.db'))
  const signers = [parseSignerKey(skey)]
  const logger = createTestObserver()
  const log = await openChecksumLog({
    signers,
    verifiers: [parseVerifierKey(vkey)],
    storage,
    mark: openHighWaterFile(join(folder, 'high-water')),
    log: logger.log,
  })
  const incidents: Incident[] = []
  const { post, close } = createWitnessPost({})
  const checkpoints = createCheckpoints({
    log,
    signers,
    witnesses: witnesses.map(({ configured }) => configured),
    post,
    record: async (incident) => `inc-${incidents.push(incident)}`,
    logger: logger.log,
  })
  t.after(async () => {
    await checkpoints.close()
    await close()
    await log.close()
    await storage.close()
  })
  const add = (n: number) => {
    const module = `corp.example/m${n}`
    return log.append({ module, version: 'v1.0.0', record: formatSumRecord(module, 'v1.0.0', HASH, HASH) })
  }
  return { log, checkpoints, incidents, add, logger }
}

function opened(bytes: Uint8Array) {
  return openCheckpoint(bytes, { origin: NAME, verifiers: [parseVerifierKey(vkey)] }).checkpoint.tree
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !what(); i++) await sleep(20)
  assert.ok(what())
}

describe('checkpoints of our log', () => {
  it('are its heads in another form', async (t) => {
    const { log, checkpoints, add } = await open(t, [])
    for (let n = 0; n < 3; n++) {
      const { size, hash } = opened(checkpoints.newest())
      assert.deepEqual([size, Buffer.from(hash)], [log.head().size, Buffer.from(log.head().root)])
      await add(n)
    }
    assert.deepEqual(checkpoints.witnesses(), [])
  })

  it('are cosigned as the log grows; one witness that is away is told of, and asked again', async (t) => {
    const [one, two] = [await startWitness(t, 'w1.example'), await startWitness(t, 'w2.example')]
    const { checkpoints, add, log, logger } = await open(t, [one, two])
    await add(0)
    assert.deepEqual(await checkpoints.ask(signal), [])
    checkpoints.follow()
    two.state.down = true
    await Promise.all([1, 2, 3].map(add))
    await until(() => opened(checkpoints.newest()).size === log.head().size)
    assert.equal(openNote(checkpoints.newest(), [one.configured.key]).signatures.length, 1)
    const [first, second] = checkpoints.witnesses()
    assert.deepEqual(first, { witness: 'w1.example', cosigned: { size: 4, at: 1_700_000_000_000 } })
    assert.equal(second?.cosigned?.size, 1)
    assert.equal(second?.failure?.kind, 'unreachable')
    assert.ok(logger.lines.some(({ fields }) => fields['witness'] === 'w2.example'))
  })

  it('a witness that has seen another history is an incident', async (t) => {
    const witness = await startWitness(t, 'w1.example')
    const first = await open(t, [witness])
    await first.add(1)
    await first.add(2)
    await first.checkpoints.ask(signal)
    const forged = await open(t, [witness])
    await forged.add(3)
    const conflicts = await forged.checkpoints.ask(signal)
    assert.deepEqual(
      conflicts.map(({ witness, size }) => ({ witness, size })),
      [{ witness: 'w1.example', size: 2 }],
    )
    assert.deepEqual(
      forged.incidents.map(({ kind, source, found }) => ({ kind, source, found })),
      [{ kind: 'checksum_database', source: 'witness w1.example', found: 'a head over 2 records' }],
    )
  })

  it('a witness that is heard late, and has seen another history, ends the signing', async (t) => {
    const witness = await startWitness(t, 'w1.example')
    const first = await open(t, [witness])
    await first.add(1)
    await first.add(2)
    await first.checkpoints.ask(signal)
    const restored = await open(t, [witness])
    await restored.add(1)
    witness.state.down = true
    assert.deepEqual(await restored.checkpoints.ask(signal), [], 'nobody warns')
    witness.state.down = false
    restored.checkpoints.follow()
    await restored.add(3)
    const shown = restored.log.head().size
    await until(() => restored.incidents.length > 0)
    await assert.rejects(restored.add(4), {
      code: 'log_refused',
      message: /signs nothing: the witness w1\.example has seen/,
    })
    assert.equal(restored.log.head().size, shown)
    assert.equal(await restored.log.find('corp.example/m1', 'v1.0.0'), 0, 'what was shown is given')
  })
})
