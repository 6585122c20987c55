import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { recordHash } from '@modstead/gomod/tlog/hash'
import { temporaryFolder } from '../observe/test-support.ts'
import { createFailingDisk } from './failing-disk.ts'
import { openWitnessFile } from './witness-file.ts'

const heads = (size: number) =>
  new Map([['sum.corp.example', { size, hash: Buffer.from(recordHash(Buffer.from(String(size)))) }]])

test('what a witness remembers lasts, and belongs to one process at a time', async (t) => {
  const path = join(await temporaryFolder(t), 'state')
  const memory = openWitnessFile(path)
  assert.equal(await memory.read(), undefined)
  await memory.write(heads(1))
  await memory.write(heads(2))
  assert.throws(() => openWitnessFile(path), { code: 'data_folder', message: /another witness runs/ })
  memory.close()
  const again = openWitnessFile(path)
  t.after(() => again.close())
  assert.deepEqual(await again.read(), heads(2))
  await writeFile(path, '')
  await assert.rejects(again.read(), { code: 'log_refused', message: /state is damaged/ })
})

test('a disk that fails leaves what was there, and is said to fail', async (t) => {
  const folder = await temporaryFolder(t)
  const disk = createFailingDisk()
  const memory = openWitnessFile(join(folder, 'state'), disk)
  t.after(() => memory.close())
  await memory.write(heads(1))
  for (const [operation, code] of [
    ['open', 'EACCES'],
    ['write', 'ENOSPC'],
    ['datasync', 'EIO'],
    ['rename', 'EIO'],
  ] as const) {
    disk.fail(operation, code)
    await assert.rejects(memory.write(heads(2)), { code: 'store_unavailable' }, operation)
    disk.heal()
    assert.deepEqual(await memory.read(), heads(1), operation)
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
      [],
    )
  }
  disk.log.length = 0
  await memory.write(heads(2))
  assert.ok(disk.log.indexOf('datasync') < disk.log.indexOf('rename'), 'the contents last before the name')
  assert.equal(disk.log.at(-1), 'sync', 'and then the name')
  disk.fail('readFile', 'EIO')
  await assert.rejects(memory.read(), { code: 'store_unavailable' })
})

test('where there can be no lock there is no witness', async (t) => {
  const path = join(await temporaryFolder(t), 'none', 'state')
  assert.throws(() => openWitnessFile(path), { code: 'data_folder', message: /cannot be locked/ })
})
