import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { ModsteadError } from '../errors.ts'
import { createBodyReader, type BodyLimits, type ReadBody } from './read-body.ts'

function reader(limits: Partial<BodyLimits> = {}): ReadBody {
  return createBodyReader({ each: 10, together: 25, deadline: 5_000, ...limits })
}

/** A server that reads one body and tells what came of it: its length, or the code of the error. */
async function startReader(
  t: TestContext,
  readBody = reader(),
  signal: AbortSignal = new AbortController().signal,
) {
  const outcome = Promise.withResolvers<number | string>()
  const server = http.createServer({ optimizeEmptyRequests: true }, (req, res) => {
    readBody(req, signal).then(
      (body) => outcome.resolve(body.length),
      (error: unknown) => outcome.resolve(error instanceof ModsteadError ? error.code : String(error)),
    )
    void outcome.promise.then(() => res.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  t.after(() => {
    socket.destroy()
    server.close()
  })
  return { socket, server, outcome: outcome.promise }
}

const HEAD = 'POST / HTTP/1.1\r\nHost: x\r\n'

test('bodies of every size', async (t) => {
  const rows: [rest: string, outcome: number | string][] = [
    ['\r\n', 0],
    ['Content-Length: 0\r\n\r\n', 0],
    ['Content-Length: 10\r\n\r\n0123456789', 10],
    ['Content-Length: 11\r\n\r\n0123456789a', 'payload_too_large'],
    ['Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n', 10],
    ['Transfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\n9a\r\n0\r\n\r\n', 'payload_too_large'],
    ['Content-Length: 99\r\n\r\n0123456789a', 'payload_too_large'],
  ]
  for (const [rest, expected] of rows) {
    const { socket, outcome } = await startReader(t)
    socket.write(HEAD + rest)
    assert.equal(await outcome, expected, rest)
  }
})

test('a body that does not come in time', async (t) => {
  const { socket, outcome } = await startReader(t, reader({ deadline: 50 }))
  socket.write(`${HEAD}Content-Length: 10\r\n\r\n01`)
  assert.equal(await outcome, 'request_timeout')
})

test('a client that leaves', async (t) => {
  const { socket, outcome } = await startReader(t)
  socket.write(`${HEAD}Content-Length: 10\r\n\r\n01`, () => socket.destroy())
  assert.match(String(await outcome), /aborted/)
})

test('a signal ends it', async (t) => {
  const controller = new AbortController()
  const { socket, outcome } = await startReader(t, reader(), controller.signal)
  socket.write(`${HEAD}Content-Length: 10\r\n\r\n01`)
  setTimeout(() => controller.abort(new ModsteadError('aborted', 'gone')), 20)
  assert.equal(await outcome, 'aborted')
})

test('bodies that arrive together share a bound, and leave it when they are done', async (t) => {
  const shared = reader()
  const started = await Promise.all(Array.from({ length: 3 }, () => startReader(t, shared)))
  for (const { socket } of started) socket.write(`${HEAD}Content-Length: 10\r\n\r\n012345678`)
  assert.equal(await Promise.race(started.map(({ outcome }) => outcome)), 'overloaded')
  for (const { socket } of started) socket.write('9')
  const outcomes = await Promise.all(started.map(({ outcome }) => outcome))
  assert.equal(outcomes.filter((outcome) => outcome === 10).length, 2)
  for (let i = 0; i < 5; i++) {
    const { socket, outcome } = await startReader(t, shared)
    socket.write(`${HEAD}Content-Length: 10\r\n\r\n0123456789`)
    assert.equal(await outcome, 10)
  }
})

test('a body that is too large is refused at once, however long its sender takes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { socket, outcome } = await startReader(t)
  socket.write(`${HEAD}Content-Length: 99\r\n\r\n0123456789a`)
  assert.equal(await outcome, 'payload_too_large')
})

test('a body that is declared too long is refused before any of it', async (t) => {
  const { socket, outcome } = await startReader(t)
  socket.write(`${HEAD}Content-Length: 11\r\n\r\n`)
  assert.equal(await outcome, 'payload_too_large')
})

test('one client has few bodies under way, whose end makes room', async (t) => {
  const readBody = reader({ ofOne: 1 })
  const first = await startReader(t, readBody)
  first.socket.write(`${HEAD}Content-Length: 3\r\n\r\n0`)
  await once(first.server, 'request')
  const second = await startReader(t, readBody)
  second.socket.write(`${HEAD}Content-Length: 3\r\n\r\n012`)
  assert.equal(await second.outcome, 'rate_limited')
  first.socket.write('12')
  assert.equal(await first.outcome, 3)
  const third = await startReader(t, readBody)
  third.socket.write(`${HEAD}Content-Length: 3\r\n\r\n012`)
  assert.equal(await third.outcome, 3)
})
