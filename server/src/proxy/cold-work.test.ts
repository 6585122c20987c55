import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { eventually } from '../observe/test-support.ts'
import { type Asker, createAskers } from './askers.ts'
import { makeModule, MODULE, read, scripted, setUp, VERSION } from './proxy.fixture.ts'

/** A client whose turns a test gives. */
function client() {
  const waiting: { give: () => void; refuse: (error: Error) => void }[] = []
  const state = { begun: 0, running: 0, left: 0 }
  const asker: Pick<Asker, 'begin'> = {
    begin(signal) {
      state.begun++
      const turn = Promise.withResolvers<() => void>()
      let given = false
      signal.addEventListener('abort', () => {
        if (!given) state.left++
        turn.reject(signal.reason as Error)
      })
      waiting.push({
        refuse: turn.reject,
        give() {
          given = true
          state.running++
          turn.resolve(() => void state.running--)
        },
      })
      return turn.promise
    },
  }
  return { asker, state, waiting }
}

const tooMuch = () => new ModsteadError('rate_limited', 'too much')

test('each kind of file waits for the turn of its client, and what is stored does not', async (t) => {
  const made = await makeModule()
  const origin = scripted('up', {
    info: made.info,
    mod: made.mod,
    zip: made.zip,
    list: Buffer.from(VERSION),
    latest: made.info,
  })
  const { serve, file } = await setUp(t, { origins: [origin] })
  const { asker, state, waiting } = client()
  const asked = [
    () => file('info', { asker }),
    () => file('mod', { asker }),
    () => file('zip', { asker }),
    () => serve({ kind: 'list', module: MODULE }, { asker }),
    () => serve({ kind: 'latest', module: MODULE }, { asker }),
  ]
  for (const [i, ask] of asked.entries()) {
    const answer = ask().then(read)
    await eventually(() => waiting.length === i + 1, 'it waits for its turn')
    assert.equal(origin.asked.length, i)
    waiting[i]!.give()
    assert.ok((await answer).length > 0)
    await eventually(() => state.running === 0, 'its turn is over')
  }
  for (const ask of asked) await ask().then(read)
  assert.equal(state.begun, asked.length)
})

test('whoever joins the work of a client that waits is not held up by it', async (t) => {
  const made = await makeModule()
  const origin = scripted('up', { mod: made.mod })
  const { file } = await setUp(t, { origins: [origin] })
  const [flood, other] = [client(), client()]
  const first = file('mod', { asker: flood.asker })
  await eventually(() => flood.waiting.length === 1, 'the first waits')
  const second = file('mod', { asker: other.asker })
  await eventually(() => other.waiting.length === 1, 'the second has a chance of its own')
  other.waiting[0]!.give()
  assert.deepEqual(await read(await second), made.mod)
  assert.deepEqual(await read(await first), made.mod)
  assert.equal(flood.state.left, 1, 'the place of the first in the line is free')
  assert.deepEqual(origin.asked, ['mod'])
})

test('the refusal of one is not that of another, and ends the work only when it is that of all', async (t) => {
  const made = await makeModule()
  const { file } = await setUp(t, { origins: [scripted('up', { mod: made.mod })] })
  const [flood, other] = [client(), client()]
  const both = [file('mod', { asker: flood.asker }), file('mod', { asker: other.asker })]
  await eventually(() => flood.waiting.length + other.waiting.length === 2, 'both wait')
  flood.waiting[0]!.refuse(tooMuch())
  other.waiting[0]!.give()
  for (const answer of both) assert.deepEqual(await read(await answer), made.mod)
})

test('a refusal is told, remembered by nobody, and no setback of the origin', async (t) => {
  const made = await makeModule()
  const { file } = await setUp(t, { origins: [scripted('up', { mod: made.mod })] })
  const { asker, waiting } = client()
  const refused = file('mod', { asker })
  await eventually(() => waiting.length === 1, 'it waits')
  waiting[0]!.refuse(tooMuch())
  await assert.rejects(refused, { code: 'rate_limited' })
  assert.deepEqual(await read(await file('mod')), made.mod)
})

test('what nobody waits for any more is not begun, and whoever comes then begins it', async (t) => {
  const made = await makeModule()
  const origin = scripted('up', { zip: made.zip })
  const { file } = await setUp(t, { origins: [origin] })
  const [gone, next] = [client(), client()]
  const leaving = new AbortController()
  const first = file('zip', { asker: gone.asker, signal: leaving.signal })
  await eventually(() => gone.waiting.length === 1, 'it waits')
  leaving.abort(new Error('gone'))
  await assert.rejects(first, { code: 'aborted' })
  assert.equal(gone.state.left, 1)
  assert.deepEqual(origin.asked, [])
  const second = file('zip', { asker: next.asker })
  await eventually(() => next.waiting.length === 1, 'the next one waits')
  next.waiting[0]!.give()
  assert.deepEqual(await read(await second), made.zip)
})

test('a list that is stale is given at once, whether its client may have it renewed or not', async (t) => {
  let now = Date.now()
  const origin = scripted('up', { list: Buffer.from('v1.0.0') })
  const { serve, observer } = await setUp(t, { origins: [origin], now: () => now })
  await serve({ kind: 'list', module: MODULE })
  now += 120_000
  const { asker, waiting, state } = client()
  const left = new AbortController()
  const stale = await serve({ kind: 'list', module: MODULE }, { asker, signal: left.signal })
  assert.equal((await read(stale)).toString(), 'v1.0.0\n')
  await eventually(() => waiting.length === 1, 'the renewal waits for its turn')
  left.abort(new Error('gone, with its answer'))
  waiting[0]!.give()
  await eventually(() => origin.asked.length === 2 && state.running === 0, 'it is renewed all the same')
  now += 120_000
  await serve({ kind: 'list', module: MODULE }, { asker })
  await eventually(() => waiting.length === 2, 'the next renewal waits')
  waiting[1]!.refuse(tooMuch())
  await serve({ kind: 'list', module: MODULE }, { asker })
  assert.equal(observer.lines.filter(({ level }) => level === 'warn').length, 0)
})

test('while nothing may be fetched, what is stored is given, lists however old, and nothing is asked', async (t) => {
  let now = Date.now()
  let closed = false
  const made = await makeModule()
  const origin = scripted('up', { mod: made.mod, zip: made.zip, list: Buffer.from(VERSION) })
  const { serve, file } = await setUp(t, {
    origins: [origin],
    now: () => now,
    refuseFetching: () => (closed ? new ModsteadError('overloaded', 'degraded') : undefined),
  })
  await file('mod')
  await serve({ kind: 'list', module: MODULE })
  closed = true
  now += 24 * 3_600_000
  const before = origin.asked.length
  assert.deepEqual(await read(await file('mod')), made.mod)
  assert.equal((await read(await serve({ kind: 'list', module: MODULE }))).toString(), 'v1.0.0\n')
  await assert.rejects(file('zip'), { code: 'overloaded' })
  await assert.rejects(serve({ kind: 'latest', module: MODULE }), { code: 'overloaded' })
  assert.equal(origin.asked.length, before)
  closed = false
  assert.deepEqual(await read(await file('zip')), made.zip)
})

test('what waits for its turn when the server stops is told so', async (t) => {
  const { file, proxy } = await setUp(t, { origins: [scripted('up', {})] })
  const { asker, waiting } = client()
  const refused = assert.rejects(file('mod', { asker }), { code: 'shutting_down' })
  await eventually(() => waiting.length === 1, 'it waits')
  await proxy.close(AbortSignal.abort())
  await refused
})

test('work of several steps has a turn for each, of whoever waits by then', async () => {
  const [flood, other] = [client(), client()]
  const askers = createAskers(flood.asker)
  const { signal } = new AbortController()
  const first = askers.turn(signal)
  flood.waiting[0]!.give()
  ;(await first)()
  assert.equal(flood.state.running, 0)
  askers.add(other.asker)
  const second = askers.turn(signal)
  assert.deepEqual([flood.waiting.length, other.waiting.length], [2, 1])
  other.waiting[0]!.give()
  ;(await second)()
  assert.deepEqual([flood.state.left, other.state.running], [1, 0])
})
