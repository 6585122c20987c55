import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, suite, test } from 'node:test'
import type { WitnessAnswer } from '@modstead/gomod/checkpoint/add-checkpoint'
import { createCosigner, parseWitnessKey, witnessKeyOf } from '@modstead/gomod/checkpoint/cosignature'
import { answerAddCheckpoint, type WitnessState } from '@modstead/gomod/checkpoint/witness'
import { generateKey, openNote, parseVerifierKey } from '@modstead/gomod/note'
import { createLog, logKey, ORIGIN } from './checkpoints.fixture.ts'
import { createWitnessClient, MAX_ANSWER_BYTES, type PostToWitness, type Witness } from './witness.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close().closeAllConnections()
})

const log = createLog(60)

/** A witness behind HTTP. `spoil` changes its answers; `undefined` from it means that none comes. */
async function startWitness(
  name: string,
  spoil: (answer: WitnessAnswer) => WitnessAnswer | undefined = (answer) => answer,
): Promise<Witness & { requests: string[]; forget: () => void }> {
  const { skey } = generateKey(name)
  const cosigners = [createCosigner(skey, () => 1_700_000_000)]
  const fresh: WitnessState = new Map([
    [ORIGIN, { verifiers: [parseVerifierKey(logKey.vkey)], head: undefined }],
  ])
  let state = fresh
  const requests: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request)
    requests.push(`${request.method} ${request.url} ${body.toString().split('\n', 1)[0]}`)
    const judged = answerAddCheckpoint(state, body, cosigners)
    state = judged.state
    const said = spoil(judged.answer)
    if (said === undefined) return
    response.writeHead(said.status, { 'content-type': said.contentType }).end(said.body)
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  servers.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    key: parseWitnessKey(witnessKeyOf(skey)),
    url: `http://127.0.0.1:${port}/w/`,
    requests,
    forget: () => {
      state = fresh
    },
  }
}

const post: PostToWitness = async (url, body, signal) => {
  const response = await fetch(url, { method: 'POST', body: Buffer.from(body), signal })
  const contentType = response.headers.get('content-type') ?? undefined
  return { status: response.status, contentType, body: await response.bytes() }
}

function client(
  witnesses: readonly Witness[],
  options: { prove?: typeof log.prove; deadlineMs?: number } = {},
) {
  return createWitnessClient({ origin: ORIGIN, witnesses, post, prove: log.prove, ...options })
}

const { signal } = new AbortController()

suite('witnesses', () => {
  test('cosign each head of a log that grows, asked once for each', async () => {
    const witnesses = [await startWitness('w1.example'), await startWitness('w2.example')]
    const ask = client(witnesses)
    for (const size of [1, 2, 2, 17, 60]) {
      const checkpoint = await log.checkpoint(size)
      const { cosignatures, failures } = await ask(checkpoint, signal)
      assert.deepEqual(failures, [])
      assert.deepEqual(
        cosignatures.map(({ witness, time }) => [witness, time]),
        [
          ['w1.example', 1_700_000_000],
          ['w2.example', 1_700_000_000],
        ],
      )
      const note = Buffer.concat([checkpoint, ...cosignatures.map(({ line }) => Buffer.from(line))])
      const keys = [parseVerifierKey(logKey.vkey), ...witnesses.map(({ key }) => key)]
      assert.equal(openNote(note, keys).signatures.length, 3)
    }
    const asked = ['old 0', 'old 1', 'old 2', 'old 2', 'old 17']
    for (const { requests } of witnesses)
      assert.deepEqual(
        requests,
        asked.map((old) => `POST /w/add-checkpoint ${old}`),
      )
  })

  test('are asked again with the size they name, after a restart of ours or a loss of theirs', async () => {
    const witness = await startWitness('w1.example')
    await client([witness])(await log.checkpoint(20), signal)
    const ask = client([witness])
    assert.equal((await ask(await log.checkpoint(30), signal)).cosignatures.length, 1)
    witness.forget()
    assert.equal((await ask(await log.checkpoint(40), signal)).cosignatures.length, 1)
    assert.deepEqual(
      witness.requests.map((request) => request.split(' ').at(-1)),
      ['0', '0', '20', '30', '0'],
    )
  })

  test('that have seen a larger head raise the alarm', async () => {
    const witness = await startWitness('w1.example')
    const ask = client([witness])
    await ask(await log.checkpoint(50), signal)
    for (const again of [ask, client([witness])]) {
      const { cosignatures, failures } = await again(await log.checkpoint(20), signal)
      assert.deepEqual(cosignatures, [])
      assert.deepEqual([failures[0]?.kind, failures[0]?.size], ['conflict', 50])
      assert.match(failures[0]!.message, /has seen 50 records .* which has 20 here/)
    }
  })

  test('that have seen another history raise the alarm, whether the head is as large or larger', async () => {
    const witness = await startWitness('w1.example')
    await client([witness])(await log.checkpoint(20), signal)
    const fork = createLog(40, ' forged')
    for (const size of [20, 40]) {
      const { failures } = await client([witness], fork)(await fork.checkpoint(size), signal)
      assert.deepEqual([failures[0]?.kind, failures[0]?.size], ['conflict', 20], `size ${size}`)
      assert.match(failures[0]!.message, /forked/)
    }
    // Where both histories are the same, there is nothing to raise.
    const young = await startWitness('w2.example')
    await client([young])(await log.checkpoint(7), signal)
    assert.deepEqual((await client([young], fork)(await fork.checkpoint(40), signal)).failures, [])
  })

  test('that are down, silent or refuse do not keep the others from being heard', async () => {
    const good = await startWitness('good.example')
    const silent = await startWitness('silent.example', () => undefined)
    const down = { ...good, key: parseWitnessKey(witnessKeyOf(generateKey('down.example').skey)) }
    const impostor = { ...(await startWitness('impostor.example')), key: down.key }
    const began = performance.now()
    const witnesses = [silent, { ...down, url: 'http://127.0.0.1:9' }, impostor, good]
    const { cosignatures, failures } = await client(witnesses, { deadlineMs: 300 })(
      await log.checkpoint(5),
      signal,
    )
    assert.ok(performance.now() - began < 5_000)
    assert.deepEqual(
      cosignatures.map(({ witness }) => witness),
      ['good.example'],
    )
    assert.deepEqual(
      failures.map(({ kind }) => kind),
      ['unreachable', 'unreachable', 'refused'],
    )
    assert.match(failures[0]!.message, /no answer within 300 milliseconds/)
  })

  test('that do not know the log say so, with what to do', async () => {
    const witness = await startWitness('w1.example')
    const ask = createWitnessClient({ origin: 'x.example', witnesses: [witness], post, prove: log.prove })
    const { failures } = await ask(await log.checkpoint(5, 'x.example'), signal)
    assert.equal(failures[0]?.kind, 'refused')
    assert.match(failures[0].message, /404.*add the log/)
    await assert.rejects(ask(await log.checkpoint(5), signal), { code: 'internal' })
    await assert.rejects(ask(Buffer.from('no note'), signal), { code: 'invalid_note' })
  })

  test('that answer with anything but a valid cosignature are not believed', async () => {
    const flip = (at: number) => (answer: WitnessAnswer) => {
      const body = Buffer.from(answer.body)
      body[at % body.length]! ^= 1
      return { ...answer, body }
    }
    const longLine = Buffer.from(`— w2.example ${Buffer.alloc(MAX_ANSWER_BYTES).toString('base64')}\n`)
    const spoils: ((answer: WitnessAnswer) => WitnessAnswer)[] = [
      ...Array.from({ length: 130 }, (_, i) => flip(i)),
      (answer) => ({ ...answer, body: Buffer.from('') }),
      (answer) => ({ ...answer, body: Buffer.from('<html>') }),
      (answer) => ({ ...answer, body: Buffer.concat([answer.body, longLine]) }),
      (answer) => ({ ...answer, status: 302 }),
      (answer) => ({ ...answer, status: 500 }),
      (answer) => ({ ...answer, status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('-1\n') }),
      (answer) => ({ ...answer, status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('0\n') }),
      (answer) => ({ ...answer, status: 409, contentType: 'text/x.tlog.size', body: Buffer.from('3\n') }),
      (answer) => ({ ...answer, status: 422, body: Buffer.from('no\n') }),
    ]
    const checkpoint = await log.checkpoint(5)
    for (const [i, spoil] of spoils.entries()) {
      const witness = await startWitness('w1.example', spoil)
      const { cosignatures, failures } = await client([witness])(checkpoint, signal)
      assert.deepEqual(cosignatures, [], `answer ${i}`)
      assert.deepEqual([failures[0]?.kind, failures.length], ['refused', 1], `answer ${i}`)
      assert.ok(witness.requests.length <= 2)
    }
  })

  test('are left as soon as the caller gives up, and a proof that cannot be made is an error of ours', async () => {
    const silent = await startWitness('silent.example', () => undefined)
    const caller = new AbortController()
    const asking = client([silent])(await log.checkpoint(5), caller.signal)
    setTimeout(() => caller.abort(new Error('gave up')), 50)
    await assert.rejects(asking, /gave up/)
    const deaf = createWitnessClient({
      origin: ORIGIN,
      witnesses: [silent],
      post: () => new Promise(() => {}),
      prove: log.prove,
      deadlineMs: 50,
    })
    assert.equal((await deaf(await log.checkpoint(5), signal)).failures[0]?.kind, 'unreachable')
    const witness = await startWitness('w1.example')
    await client([witness])(await log.checkpoint(5), signal)
    const broken = client([witness], { prove: () => Promise.reject(new Error('disk')) })
    await assert.rejects(broken(await log.checkpoint(9), signal), /disk/)
  })
})
