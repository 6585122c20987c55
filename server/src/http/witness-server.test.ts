import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { MAX_ADD_CHECKPOINT_BYTES } from '@modstead/gomod/checkpoint/add-checkpoint'
import { createCosigner, witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { generateKey, parseVerifierKey } from '@modstead/gomod/note'
import { ModsteadError } from '../errors.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { addCheckpoint, createLog, logKey, ORIGIN } from '../sumdb/checkpoints.fixture.ts'
import type { WitnessedHeads, WitnessMemory } from '../sumdb/witness-memory.ts'
import { createWitnessOfOthers } from '../sumdb/witness-of-others.ts'
import { ask, askRaw } from './http.fixture.ts'
import { openWitnessServer } from './witness-server.ts'

const { skey } = generateKey('w.example')
const key = witnessKeyOf(skey)
const log = createLog(20)

async function start(t: TestContext, { isFull = false, request = 5_000 } = {}) {
  const observer = createTestObserver()
  let heads: WitnessedHeads = new Map()
  const memory: WitnessMemory = {
    where: 'a test',
    read: () => Promise.resolve(heads),
    write(next) {
      if (isFull) return Promise.reject(new ModsteadError('store_unavailable', 'its disk is full'))
      heads = next
      return Promise.resolve()
    },
  }
  const witness = await createWitnessOfOthers({
    cosigner: createCosigner(skey, () => 1_700_000_000),
    logs: [parseVerifierKey(logKey.vkey)],
    memory,
    log: observer.log,
  })
  const server = await openWitnessServer({
    address: { host: '127.0.0.1', port: 0 },
    tls: undefined,
    witness,
    key,
    name: 'w.example',
    log: observer.log,
    timeouts: { headers: Math.min(5_000, request), request, idle: 5_000, keepAlive: 5_000, handshake: 5_000 },
  })
  t.after(() => server.stop(0))
  return { server, port: Number(new URL(server.address).port), lines: observer.lines }
}

test('a witness answers logs, and tells people what it cosigned', async (t) => {
  const { port } = await start(t)
  const before = await ask(port, '/')
  assert.deepEqual([before.status, before.headers['content-type']], [200, 'text/plain; charset=utf-8'])
  assert.equal(
    before.text,
    `The witness w.example\n${key}\n\nIt cosigns heads of:\n${ORIGIN}: nothing cosigned yet\n`,
  )
  const body = Buffer.from(await addCheckpoint(log, 0, 20))
  const cosigned = await ask(port, '/add-checkpoint', { method: 'POST', body })
  assert.deepEqual([cosigned.status, cosigned.headers['cache-control']], [200, 'no-store'])
  assert.match(cosigned.text, /^— w\.example \S+\n$/)
  assert.match((await ask(port, '/')).text, /: 20 records, root \S{43}=\n$/)
  const head = await ask(port, '/', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text], [200, ''])
  const again = await ask(port, '/add-checkpoint', { method: 'POST', body })
  assert.deepEqual(
    [again.status, again.text, again.headers['content-type']],
    [409, '20\n', 'text/x.tlog.size'],
  )
})

test('what is no request of a log is refused with a sentence', async (t) => {
  const { port } = await start(t)
  const post = (body: string | Buffer) => ask(port, '/add-checkpoint', { method: 'POST', body })
  const rows: [answer: ReturnType<typeof ask>, status: number, text: RegExp][] = [
    [post(''), 400, /no blank line/],
    [post('old x\n\n'), 400, /its first line must be/],
    [post('old 0\n\nno note'), 400, /note/],
    [post(Buffer.alloc(MAX_ADD_CHECKPOINT_BYTES + 1)), 413, /larger than/],
    [ask(port, '/add-checkpoint'), 405, /only POST/],
    [ask(port, '/', { method: 'DELETE' }), 405, /only GET, HEAD/],
    [ask(port, '/add-checkpoint/'), 404, /heads of logs go to \/add-checkpoint/],
    [ask(port, '/?x'), 404, /nothing at this address/],
  ]
  for (const [answer, status, text] of rows) {
    const said = await answer
    assert.equal(said.status, status, said.text)
    assert.match(said.text, text)
  }
  assert.equal((await ask(port, '/add-checkpoint')).headers.allow, 'POST')
  assert.match(await askRaw(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 40[05] /)
  assert.match(await askRaw(port, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 405 /)
})

test('a body that does not come in time, and a disk that is full', async (t) => {
  const slow = await start(t, { request: 1_000 })
  const late = 'POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01'
  assert.match(await askRaw(slow.port, late), /^HTTP\/1\.1 408 /)
  const full = await start(t, { isFull: true })
  const body = Buffer.from(await addCheckpoint(log, 0, 20))
  const refused = await ask(full.port, '/add-checkpoint', { method: 'POST', body })
  assert.equal(refused.status, 503)
  assert.match(refused.text, /disk is full/)
  assert.equal(full.lines.at(-1)?.level, 'error')
})

test('when it stops, nobody is left', async (t) => {
  const { server, port } = await start(t)
  const held = askRaw(port, 'POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01')
  held.catch(() => undefined) // it is broken off
  await ask(port, '/')
  await server.stop(200)
  await assert.rejects(ask(port, '/'), { code: 'ECONNREFUSED' })
})
