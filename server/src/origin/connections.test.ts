import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { ModsteadError } from '../errors.ts'
import { eventually } from '../observe/test-support.ts'
import { asked, collect, failsWith, MODULE, testOrigin, VERSION } from './test-origin.ts'
import { respond, startTestUpstream } from './test-upstream.ts'

/** An upstream that answers when told to. */
async function startPatient() {
  const waiting: { path: string; socket: Socket }[] = []
  const upstream = await startTestUpstream(({ path }, socket) => void waiting.push({ path, socket }))
  return {
    upstream,
    waiting,
    answerOne(): string {
      const { path, socket } = waiting.shift()!
      respond(socket, 200, 'module x\n')
      return path
    },
  }
}

test('connections are bounded, and used again', async () => {
  const upstream = await startTestUpstream(
    (_request, socket) => void setTimeout(() => respond(socket, 200), 2),
  )
  const origin = testOrigin(upstream.url, { connections: 3 })
  await Promise.all(Array.from({ length: 30 }, () => origin.versions(MODULE, asked())))
  assert.equal(upstream.seen.length, 30)
  assert.equal(upstream.peak(), 3)
  await origin.versions(MODULE, asked())
  assert.ok(upstream.seen.at(-1)!.connection <= 3, 'no connection was opened for it')
  await origin.close()
  await eventually(() => upstream.open() === 0, 'the connections are closed')
  await upstream.close()
})

test('connections to hosts of redirects count too, and make room for each other', async () => {
  const other = await startTestUpstream((_request, socket) => respond(socket, 200, 'PK'))
  const upstream = await startTestUpstream(({ path }, socket) =>
    path.endsWith('.zip')
      ? respond(socket, 302, '', { location: `${other.url}/zip` })
      : respond(socket, 200, 'module x\n'),
  )
  const origin = testOrigin(upstream.url, { connections: 2 })
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, upstream.open() + other.open())), 1)
  for (let i = 0; i < 3; i++) {
    await Promise.all([origin.goMod(MODULE, VERSION, asked()), origin.goMod(MODULE, VERSION, asked())])
    const zips = await Promise.all([
      origin.zip(MODULE, VERSION, asked()),
      origin.zip(MODULE, VERSION, asked()),
    ])
    await Promise.all(zips.map(({ chunks }) => collect(chunks)))
    most = Math.max(most, upstream.open() + other.open())
  }
  clearInterval(watch)
  // A connection that was just closed here may still be seen as open over there.
  assert.ok(most <= 4, `${most} connections were open at once`)
  await eventually(() => upstream.open() + other.open() <= 2, 'no more connections than allowed stay open')
  await origin.close()
  await upstream.close()
  await other.close()
})

test('clients go before background requests, which leave connections free', async () => {
  const { upstream, waiting, answerOne } = await startPatient()
  const origin = testOrigin(upstream.url, { connections: 4 })
  const ask = (name: string, priority: 'client' | 'background') =>
    origin.goMod(checkPath(`example.com/${name}`), VERSION, asked({ priority }))
  const background = ['b1', 'b2', 'b3', 'b4', 'b5'].map((name) => ask(name, 'background'))
  await eventually(() => waiting.length === 3, 'three of them are sent')
  const client = ask('c1', 'client')
  await eventually(() => waiting.length === 4, 'a client finds a connection free')
  const second = ask('c2', 'client')
  answerOne()
  await eventually(() => waiting.length === 4, 'the next is sent')
  assert.match(waiting.at(-1)!.path, /c2/, 'the client that waited goes before the others')
  while (upstream.seen.length < 7 || waiting.length > 0) {
    await eventually(() => waiting.length > 0, 'a request waits')
    answerOne()
  }
  await Promise.all([...background, client, second])
  await origin.close()
  await upstream.close()
})

test('a connection that the host closed meanwhile costs no try', async () => {
  const upstream = await startTestUpstream(({ connection, number }, socket) => {
    // The second request meets a host that hangs up without a word.
    if (connection === 1 && number === 2) return void socket.destroy()
    respond(socket, 200, 'v1.0.0\n')
  })
  const origin = testOrigin(upstream.url, { tries: 1 })
  await origin.versions(MODULE, asked())
  await origin.versions(MODULE, asked())
  assert.deepEqual(
    upstream.seen.map(({ connection }) => connection),
    [1, 1, 2],
  )
  upstream.disconnect()
  await eventually(() => upstream.open() === 0, 'all are closed')
  await origin.versions(MODULE, asked())
  await origin.close()
  await upstream.close()
})

test('a connection is not used again after a failure on it', async () => {
  const upstream = await startTestUpstream(({ path }, socket) =>
    path.endsWith('.mod')
      ? respond(socket, 200, 'x'.repeat(200), { 'content-length': '1000' })
      : respond(socket, 200, ''),
  )
  const origin = testOrigin(upstream.url, { limits: { mod: 100 } })
  await origin.versions(MODULE, asked())
  await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_invalid', /100 bytes/)
  await origin.versions(MODULE, asked())
  assert.deepEqual(
    upstream.seen.map(({ connection }) => connection),
    [1, 1, 2],
  )
  await origin.close()
  await upstream.close()
})

test('closing ends what runs, what waits and what comes later', async () => {
  const { upstream, waiting } = await startPatient()
  const origin = testOrigin(upstream.url, { connections: 1 })
  const running = origin.versions(MODULE, asked())
  const queued = origin.versions(MODULE, asked())
  await eventually(() => waiting.length === 1, 'the first is sent')
  const isShutdown = (error: unknown): boolean =>
    error instanceof ModsteadError && error.code === 'shutting_down'
  const ended = [assert.rejects(running, isShutdown), assert.rejects(queued, isShutdown)]
  await origin.close()
  await Promise.all(ended)
  await assert.rejects(origin.versions(MODULE, asked()), isShutdown)
  await eventually(() => upstream.open() === 0, 'the connection is closed')
  await upstream.close()
})

test('the id of this process is added to those the request came with', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 200))
  const origin = testOrigin(upstream.url, {}, { via: 'ours' })
  await origin.versions(MODULE, asked())
  await origin.versions(MODULE, asked({ via: 'theirs, others' }))
  assert.deepEqual(
    upstream.seen.map(({ headers }) => headers['modstead-via']),
    ['ours', 'theirs, others, ours'],
  )
  await origin.close()
  await upstream.close()
})
