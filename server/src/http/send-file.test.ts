import assert from 'node:assert/strict'
import { mkdtemp, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { setTimeout as wait } from 'node:timers/promises'
import { createBufferPool } from './buffer-pool.ts'
import { ask, fileAnswer, startServer } from './http.fixture.ts'

const ZIP = '/example.com/mod/@v/v1.0.0.zip'
const MIB = 1 << 20
/** More than there are big buffers for. */
const SLOW = 60
/** Nothing of the files here fits into so little memory. */
const config = { memory: 1000 }

test('big files arrive as they are, whole and in parts', async (t) => {
  const { port, proxy } = await startServer(t, { config })
  for (const size of [1, 65_536, 65_537, 2 * MIB + 3, 9 * MIB]) {
    const { path, bytes } = await bigFile(t, size)
    proxy.answers.set(ZIP, () => fileAnswer(bytes, { path }))
    const whole = await ask(port, ZIP)
    assert.equal(whole.headers['content-length'], String(size))
    assert.ok(whole.body.equals(bytes), `${size} bytes`)
    const start = Math.floor(size / 3)
    const part = await ask(port, ZIP, { headers: { range: `bytes=${start}-` } })
    assert.ok(part.body.equals(bytes.subarray(start)), `${size} bytes from ${start}`)
  }
})

test('a file without a path is sent from its stream', async (t) => {
  const { port, proxy } = await startServer(t, { config })
  const { bytes } = await bigFile(t, 3 * MIB)
  proxy.answers.set(ZIP, () => fileAnswer(bytes))
  assert.ok((await ask(port, ZIP)).body.equals(bytes))
  const part = await ask(port, ZIP, { headers: { range: 'bytes=1000000-1999999' } })
  assert.ok(part.body.equals(bytes.subarray(1_000_000, 2_000_000)))
})

test('a file that cannot be opened is 503, one that is too short never looks whole', async (t) => {
  const { port, proxy, observer } = await startServer(t, { config })
  const { path, bytes } = await bigFile(t, 4 * MIB)
  proxy.answers.set(ZIP, () => fileAnswer(bytes, { path: `${path}.none` }))
  const absent = await ask(port, ZIP)
  assert.deepEqual([absent.status, absent.headers['retry-after']], [503, '10'])
  await truncate(path, 3 * MIB)
  proxy.answers.set(ZIP, () => fileAnswer(bytes, { path }))
  await assert.rejects(ask(port, ZIP), { code: 'ECONNRESET' })
  await truncate(path, 0)
  assert.equal((await ask(port, ZIP)).status, 503)
  assert.equal(observer.lines.filter(({ fields }) => fields.code === 'store_unavailable').length, 3)
  assert.equal(observer.gauges.get('modstead_send_buffer_bytes')!(), 0)
})

test('clients that leave give back their buffers and files', async (t) => {
  const { port, proxy, observer } = await startServer(t, { config })
  const { path, bytes } = await bigFile(t, 24 * MIB)
  proxy.answers.set(ZIP, () => fileAnswer(bytes, { path }))
  const sockets = await Promise.all(Array.from({ length: 30 }, () => startDownload(port)))
  assert.ok(((await openFiles(path)) ?? 30) >= 30)
  for (const socket of sockets) socket.destroy()
  await until(async () => ((await openFiles(path)) ?? 0) === 0)
  await until(async () => observer.gauges.get('modstead_send_buffer_bytes')!() === 0)
  assert.equal(observer.gauges.get('modstead_http_connections')!(), 0)
  assert.deepEqual(observer.lines, [], 'leaving is nothing to log')
  assert.ok((await ask(port, ZIP)).body.equals(bytes), 'the buffers given back are fit for others')
})

test('many slow clients share bounded memory, and a fast one passes them', async (t) => {
  const { port, proxy, observer } = await startServer(t, { config })
  const { path, bytes } = await bigFile(t, 24 * MIB)
  proxy.answers.set(ZIP, () => fileAnswer(bytes, { path }))
  const before = externalMemory()
  const sockets = await Promise.all(Array.from({ length: SLOW }, () => startDownload(port)))
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  const inUse = observer.gauges.get('modstead_send_buffer_bytes')!
  assert.ok(inUse() <= 32 * MIB)
  // Beside the pool: small buffers, and what these clients, which live in this process too, have received and not read.
  assert.ok(externalMemory() - before < 32 * MIB + SLOW * (128 + 64) * 1024)
  assert.ok((await ask(port, ZIP)).body.equals(bytes))
  // One of the slow ones reads on and gets all of it.
  const socket = sockets[SLOW - 1]!
  let received = socket.bytesRead
  socket.on('data', (chunk: Buffer) => (received += chunk.length))
  socket.resume()
  await until(async () => received >= bytes.length)
})

/** Bytes outside the heap that something still refers to: other tests of the process leave garbage behind. */
function externalMemory(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
  return process.memoryUsage().external
}

test('the pool keeps to its bound and gives small buffers beyond', () => {
  const pool = createBufferPool({ bound: 3000, big: 1000, small: 10 })
  const buffers = Array.from({ length: 4 }, () => pool.take(false))
  assert.deepEqual(
    buffers.map(({ length }) => length),
    [1000, 1000, 1000, 10],
  )
  assert.equal(pool.inUse(), 3000)
  assert.equal(pool.take(true).length, 10)
  for (const buffer of buffers) pool.give(buffer)
  assert.equal(pool.inUse(), 0)
  assert.equal(pool.take(false), buffers[2])
  assert.equal(pool.take(true), buffers[3])
})

/** Begins a download and reads no more than its first bytes. */
async function startDownload(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1')
  socket.write(`GET ${ZIP} HTTP/1.1\r\nHost: x\r\n\r\n`)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.once('error', reject)
  socket.once('data', (chunk: Buffer) => {
    assert.match(chunk.toString('latin1'), /^HTTP\/1\.1 200 OK\r\n/)
    socket.pause()
    resolve()
  })
  await promise
  return socket
}

async function bigFile(t: TestContext, size: number): Promise<{ path: string; bytes: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-send-'))
  t.after(() => rm(folder, { recursive: true }))
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 7 + (i >> 8) * 13 + (i >> 16)) & 0xff
  const path = join(folder, 'file.zip')
  await writeFile(path, bytes)
  return { path, bytes }
}

/** How many descriptors of this process lead to the file; only Linux tells. */
async function openFiles(path: string): Promise<number | undefined> {
  if (process.platform !== 'linux') return undefined
  const descriptors = await readdir('/proc/self/fd')
  // The descriptor of the reading itself is gone by now.
  const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((link) => link === path).length
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not come to pass in time')
    await wait(5)
  }
}
