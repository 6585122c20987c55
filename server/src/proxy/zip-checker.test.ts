import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { createZipChecker } from './zip-checker.ts'
import type { Urgency } from './zip-queue.ts'

const module = checkPath('example.com/m')
const version = checkVersion(module, 'v1.0.0')
const log = { debug() {}, info() {}, warn() {}, error() {} }

/** A zip that is too large to be checked without a worker. */
async function makeZip(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-checker-'))
  t.after(() => rm(folder, { recursive: true }))
  const noise = randomBytes(200_000)
  const chunks: Uint8Array[] = []
  const files = [{ path: 'noise.bin', kind: 'regular' as const, size: noise.length, open: () => noise }]
  const { h1 } = await createModuleZip(
    { path: module, version, files },
    (chunk) => void chunks.push(Buffer.from(chunk)),
  )
  const path = join(folder, 'm.zip')
  await writeFile(path, Buffer.concat(chunks))
  return { path, size: (await stat(path)).size, h1 }
}

test('zips that clients wait for are checked before those fetched ahead, also when a client comes later', async (t) => {
  const { path, size, h1 } = await makeZip(t)
  const checker = createZipChecker({ threads: 1, log })
  t.after(() => checker.close())
  const order: string[] = []
  const check = async (name: string, urgency: Urgency): Promise<void> => {
    assert.equal(await checker.check({ path, size, module, version, source: 'test', urgency }), h1)
    order.push(name)
  }
  const background: Urgency = { priority: 'background' }
  const promotion = new AbortController()
  const all = [
    check('first', background),
    check('ahead 1', background),
    check('ahead 2', background),
    check('joined', { ...background, promoted: promotion.signal }),
    check('client 1', { priority: 'client' }),
    check('client 2', { priority: 'client' }),
  ]
  promotion.abort()
  await Promise.all(all)
  const rest = order.filter((name) => name !== 'first')
  assert.deepEqual(rest, ['joined', 'client 1', 'client 2', 'ahead 1', 'ahead 2'])
})
