import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../observe/test-support.ts'
import { createFailingDisk } from './failing-disk.ts'
import { openHighWaterFile } from './high-water-file.ts'

test('a mark is what was written last, and leaves nothing beside it, even after a crash', async (t) => {
  const folder = await temporaryFolder(t)
  const mark = openHighWaterFile(join(folder, 'high-water'))
  assert.equal(await mark.read(), undefined)
  await mark.write(Buffer.from('one'))
  // A crash between writing and renaming.
  await writeFile(join(folder, 'high-water.tmp'), 'half of tw')
  assert.equal(String(await mark.read()), 'one')
  await mark.write(Buffer.from('two'))
  assert.equal(String(await mark.read()), 'two')
  assert.deepEqual(await readdir(folder), ['high-water'])
})

test('a mark whose disk fails is the one before, and says so', async (t) => {
  const folder = await temporaryFolder(t)
  const disk = createFailingDisk()
  const mark = openHighWaterFile(join(folder, 'high-water'), { files: disk.files })
  await mark.write(Buffer.from('one'))
  for (const operation of ['open', 'write', 'datasync', 'rename'] as const) {
    disk.fail(operation, 'ENOSPC')
    await assert.rejects(
      mark.write(Buffer.from('two')),
      { code: 'store_unavailable', message: /full/ },
      operation,
    )
    disk.heal()
    assert.equal(String(await mark.read()), 'one')
    assert.deepEqual(await readdir(folder), ['high-water'])
  }
})
