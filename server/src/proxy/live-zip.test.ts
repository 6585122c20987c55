import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ModsteadError } from '../errors.ts'
import type { StoredZip } from './answer.ts'
import { createArrivingZip } from './live-zip.ts'
import type { Spool } from './store.ts'

let folder: string
let files = 0
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modstead-live-'))
})
after(() => rm(folder, { recursive: true }))

async function spool(): Promise<Spool> {
  const path = join(folder, String(files++))
  const handle = await open(path, 'w+')
  let size = 0
  return {
    path,
    get size() {
      return size
    },
    async append(chunk) {
      await handle.write(chunk, 0, chunk.length, size)
      size += chunk.length
    },
    async read(offset, length) {
      return (await handle.read(Buffer.alloc(length), 0, length, offset)).buffer
    },
    discard: () => handle.close(),
  }
}

const stored: StoredZip = {
  sha256: undefined,
  file: {
    size: 0,
    modified: new Date(0),
    bytes: () => Promise.reject(new Error('not read here')),
    async *stream() {},
  },
}
const never = new AbortController().signal

async function collect(chunks: AsyncIterable<Uint8Array>, pause = 0): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) {
    parts.push(chunk)
    if (pause > 0) await sleep(pause)
  }
  return Buffer.concat(parts)
}

test('every reader gets all the bytes, whether it keeps up, lags behind the window or comes late', async () => {
  const bytes = randomBytes(9 << 20)
  const file = await spool()
  const zip = await createArrivingZip(file, bytes.length)
  const quick = collect(zip.chunks(never))
  const slow = collect(zip.chunks(never), 1)
  for (let at = 0; at < bytes.length; at += 50_000) await zip.append(bytes.subarray(at, at + 50_000))
  const late = collect(zip.chunks(never))
  await sleep(5)
  await rm(file.path) // as a commit does: the name goes, the open file stays
  await zip.finish(stored)
  for (const reader of [quick, slow, late]) assert.ok((await reader).equals(bytes))
  assert.equal(await zip.stored, stored)
  await file.discard()
})

for (const size of [100_000, undefined]) {
  test(`the end is held back until the zip is verified (size ${size ?? 'unknown'})`, async () => {
    const bytes = randomBytes(100_000)
    const file = await spool()
    const zip = await createArrivingZip(file, size)
    const got: Uint8Array[] = []
    const reading = (async () => {
      for await (const chunk of zip.chunks(never)) got.push(chunk)
    })()
    await zip.append(bytes)
    await sleep(5)
    const before = Buffer.concat(got)
    assert.equal(before.length, 100_000 - 512)
    assert.ok(bytes.subarray(0, before.length).equals(before))
    await zip.fail(new ModsteadError('checksum_mismatch', 'tampered'))
    await assert.rejects(reading, { code: 'checksum_mismatch' })
    assert.equal(Buffer.concat(got).length, before.length, 'nothing more after the failure')
    await assert.rejects(zip.stored, { code: 'checksum_mismatch' })
    await file.discard()
  })
}

test('a zip shorter than what is held back shows nothing before it is verified', async () => {
  const file = await spool()
  const zip = await createArrivingZip(file, 300)
  await zip.append(Buffer.alloc(300, 1))
  assert.equal(zip.visible, 0)
  const reading = collect(zip.chunks(never))
  await zip.finish(stored)
  assert.equal((await reading).length, 300)
  await file.discard()
})

test('a reader whose client is gone stops, the others go on, and the file handle is closed at the end', async () => {
  const file = await spool()
  const zip = await createArrivingZip(file, 2_000_000)
  const gone = new AbortController()
  const leaving = assert.rejects(collect(zip.chunks(gone.signal)), { name: 'AbortError' })
  const staying = collect(zip.chunks(never))
  await zip.append(randomBytes(1_000_000))
  gone.abort()
  await zip.append(randomBytes(1_000_000))
  await leaving
  await zip.finish(stored)
  assert.equal((await staying).length, 2_000_000)
  assert.equal(await openFilesNamed(file.path), 1, 'only the spool itself still holds the file')
  await file.discard()
})

test('who begins to read after the zip was stored and all others left reads the stored file', async () => {
  const file = await spool()
  const zip = await createArrivingZip(file, 3_000)
  const bytes = randomBytes(3_000)
  await zip.append(bytes)
  const late = zip.chunks(never)
  await zip.finish({
    ...stored,
    file: {
      ...stored.file,
      size: bytes.length,
      async *stream(start, end) {
        yield bytes.subarray(start, end)
      },
    },
  })
  assert.ok((await collect(late)).equals(bytes))
  await file.discard()
})

async function openFilesNamed(path: string): Promise<number> {
  const names = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return names.filter((name) => name === path).length
}
