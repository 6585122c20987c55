/** One test for each phase of a request that may hang. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../observe/test-support.ts'
import { asked, collect, failsWith, MODULE, testOrigin, VERSION } from './test-origin.ts'
import { listen, respond, startTestUpstream } from './test-upstream.ts'

test('name look-up', async () => {
  const lookup = (): Promise<never> => new Promise(() => undefined)
  const origin = testOrigin('http://slow.example.com', { timeouts: { lookup: 40 } }, { lookup })
  const error = await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_timeout',
    /^slow\.example\.com \(origin public\) did not answer within 40 ms \(looking up its name\)$/,
  )
  assert.equal(error.origin, 'public')
})

test(
  'connect: a listener that accepts nobody any more',
  { skip: process.platform !== 'linux' && 'needs a Linux backlog' },
  async () => {
    const script = `const s = require('node:net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const fillers: Socket[] = []
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const port = Number(line.toString())
      child.kill('SIGSTOP')
      for (let i = 0; i < 4; i++) fillers.push(connect(port, '127.0.0.1').on('error', () => undefined))
      const origin = testOrigin(`http://127.0.0.1:${port}`, { timeouts: { connect: 60 } })
      await failsWith(
        origin.versions(MODULE, asked()),
        'upstream_timeout',
        /did not answer within 60 ms \(connecting\)$/,
      )
      await origin.close()
    } finally {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  },
)

test('TLS handshake that never ends', async (t) => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.on('close', () => sockets.delete(socket)).resume()
  })
  await listen(server)
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const origin = testOrigin(`https://127.0.0.1:${port}`, { timeouts: { tls: 60 } })
  await failsWith(origin.versions(MODULE, asked()), 'upstream_timeout', /within 60 ms \(TLS handshake\)$/)
  await eventually(() => sockets.size === 0, 'the connection is closed')
})

test('headers that never come', async () => {
  const upstream = await startTestUpstream(() => undefined)
  const origin = testOrigin(upstream.url, { timeouts: { headers: 60 } })
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_timeout',
    /within 60 ms \(waiting for its answer\)$/,
  )
  assert.equal(upstream.seen.length, 1, 'a request that took its time is not repeated')
  await eventually(() => upstream.open() === 0, 'the connection is closed')
  await upstream.close()
})

test('half a head, then nothing', async () => {
  const upstream = await startTestUpstream((_request, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-'))
  const origin = testOrigin(upstream.url, { timeouts: { headers: 60 } })
  await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_timeout', /waiting for its answer/)
  await upstream.close()
})

test('a body that falls silent', async () => {
  const upstream = await startTestUpstream((_request, socket) =>
    respond(socket, 200, 'half', { 'content-length': '8' }),
  )
  const origin = testOrigin(upstream.url, { timeouts: { idle: 60 } })
  const source = await origin.zip(MODULE, VERSION, asked())
  assert.equal(source.size, 8)
  await failsWith(
    collect(source.chunks),
    'upstream_timeout',
    /sent nothing for 60 ms in the middle of its answer$/,
  )
  await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_timeout', /sent nothing for 60 ms/)
  await eventually(() => upstream.open() === 0, 'the connections are closed')
  await upstream.close()
})

test('a body that drips for longer than the whole may take', async () => {
  const upstream = await startTestUpstream((_request, socket) => {
    respond(socket, 200, 'x', { 'content-length': '1000000' })
    const drip = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => clearInterval(drip))
  })
  const origin = testOrigin(upstream.url, { timeouts: { idle: 1_000, total: 300 } })
  const source = await origin.zip(MODULE, VERSION, asked())
  await failsWith(collect(source.chunks), 'upstream_timeout', /did not finish its answer within 300 ms$/)
  await failsWith(
    origin.versions(MODULE, asked()),
    'upstream_timeout',
    /did not finish its answer within 300 ms$/,
  )
  await eventually(() => upstream.open() === 0, 'the connections are closed')
  await upstream.close()
})

test('a zip that nobody reads is closed when its time is over', async () => {
  const upstream = await startTestUpstream((_request, socket) =>
    respond(socket, 200, 'x', { 'content-length': '10' }),
  )
  const origin = testOrigin(upstream.url, { timeouts: { total: 200 } })
  await origin.zip(MODULE, VERSION, asked())
  await eventually(() => upstream.open() === 0, 'the connection is closed')
  await upstream.close()
})

test('a reader that takes its time is not the host falling silent', async () => {
  const upstream = await startTestUpstream((_request, socket) => respond(socket, 200, Buffer.alloc(2 << 20)))
  const origin = testOrigin(upstream.url, { timeouts: { idle: 150 } })
  const { chunks } = await origin.zip(MODULE, VERSION, asked())
  let length = 0
  for await (const chunk of chunks) {
    if (length === 0) await new Promise((resolve) => setTimeout(resolve, 300))
    length += chunk.length
  }
  assert.equal(length, 2 << 20)
  await origin.close()
  await upstream.close()
})

test('waiting for a free connection', async () => {
  const upstream = await startTestUpstream(() => undefined)
  const origin = testOrigin(upstream.url, { connections: 1, timeouts: { total: 100 } })
  const first = origin.versions(MODULE, asked())
  const second = origin.versions(MODULE, asked())
  await failsWith(first, 'upstream_timeout', /did not finish its answer within 100 ms/)
  await failsWith(second, 'upstream_timeout', /did not finish its answer within 100 ms/)
  assert.equal(upstream.seen.length, 1)
  await upstream.close()
})

test('an abort ends every phase at once and closes the connection', async () => {
  const upstream = await startTestUpstream((request, socket) => {
    if (request.path.endsWith('.zip')) respond(socket, 200, 'half', { 'content-length': '8' })
  })
  const origin = testOrigin(upstream.url)
  const waiting = new AbortController()
  const headers = origin.versions(MODULE, asked({ signal: waiting.signal }))
  await eventually(() => upstream.seen.length === 1, 'the request arrives')
  waiting.abort()
  await failsWith(headers, 'aborted', /given up/)
  const reading = new AbortController()
  const { chunks } = await origin.zip(MODULE, VERSION, asked({ signal: reading.signal }))
  const body = collect(chunks)
  setTimeout(() => reading.abort(), 20)
  await failsWith(body, 'aborted', /given up/)
  await eventually(() => upstream.open() === 0, 'the connections are closed')
  await failsWith(origin.versions(MODULE, asked({ signal: AbortSignal.abort() })), 'aborted', /given up/)
  assert.equal(upstream.seen.length, 2, 'a request that was given up before it began is not sent')
  await upstream.close()
})

test('an abort ends a look-up and a connection attempt', async () => {
  const lookup = (): Promise<never> => new Promise(() => undefined)
  const origin = testOrigin('http://slow.example.com', {}, { lookup })
  const controller = new AbortController()
  const versions = origin.versions(MODULE, asked({ signal: controller.signal }))
  setTimeout(() => controller.abort(), 10)
  await failsWith(versions, 'aborted', /given up/)
})
