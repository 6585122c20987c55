import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createDurable } from './durable.ts'
import { createFailingDisk, type Operation } from './failing-disk.ts'
import { temporaryFolder } from '../observe/test-support.ts'

const NEW = Buffer.from('new')

describe('durable writes', () => {
  it('sync the file before it has its name, and the folder after', async (t) => {
    const { durable, disk, root } = await setUp(t)
    await mkdir(join(root, 'folder'))
    assert.equal(await durable.place(await durable.write(NEW), join(root, 'folder/file')), true)
    const steps: Operation[] = [
      'open',
      'write',
      'datasync',
      'mkdir',
      'open',
      'sync',
      'link',
      'open',
      'sync',
      'unlink',
    ]
    assert.deepEqual(disk.log, steps)
    assert.equal(await readFile(join(root, 'folder/file'), 'utf8'), 'new')
  })

  it('sync each folder that is new to the process once, from the top', async (t) => {
    const { durable, disk, root } = await setUp(t)
    const count = (operation: Operation): number => disk.log.filter((o) => o === operation).length
    await durable.place(await durable.write(NEW), join(root, 'a/b/c/one'))
    assert.equal(count('sync'), 4, 'of the root, a and a/b for the folders, and of a/b/c for the file')
    await durable.place(await durable.write(NEW), join(root, 'a/b/c/two'))
    assert.equal(count('sync'), 5)
    assert.equal(count('mkdir'), 3)
  })

  it('share the sync of a folder among concurrent commits', async (t) => {
    const { durable, disk, root } = await setUp(t)
    await durable.place(await durable.write(NEW), join(root, 'a/first'))
    disk.log.length = 0
    const places = Array.from({ length: 50 }, async (_, i) =>
      durable.place(await durable.write(NEW), join(root, `a/${i}`)),
    )
    assert.deepEqual(await Promise.all(places), Array(50).fill(true))
    assert.ok(disk.log.filter((o) => o === 'sync').length < 40)
  })

  it('never replace what has the name', async (t) => {
    const { durable, root } = await setUp(t)
    await writeFile(join(root, 'file'), 'old')
    assert.equal(await durable.place(await durable.write(NEW), join(root, 'file')), false)
    assert.equal(await readFile(join(root, 'file'), 'utf8'), 'old')
    await assertTidy(root)
  })

  it('do without hard links where there are none', async (t) => {
    for (const code of ['EPERM', 'ENOTSUP', 'ENOSYS']) {
      const { durable, disk, root } = await setUp(t)
      disk.fail('link', code)
      assert.equal(await durable.place(await durable.write(NEW), join(root, 'a/file')), true)
      assert.equal(
        await durable.place(await durable.write(Buffer.from('other')), join(root, 'a/file')),
        false,
      )
      assert.equal(await readFile(join(root, 'a/file'), 'utf8'), 'new')
      await assertTidy(root)
    }
  })

  it('do without syncs of folders where there are none', async (t) => {
    for (const operation of ['sync', 'open'] as const) {
      const { durable, disk, root } = await setUp(t)
      const temporary = await durable.write(NEW)
      disk.fail(operation, operation === 'sync' ? 'EINVAL' : 'EISDIR')
      assert.equal(await durable.place(temporary, join(root, 'a/file')), true)
    }
  })

  it('write a companion before the file', async (t) => {
    const { durable, disk, root } = await setUp(t)
    await writeFile(join(root, 'file.hash'), 'stale')
    await durable.place(await durable.write(NEW), join(root, 'file'), {
      bytes: Buffer.from('hash'),
      path: join(root, 'file.hash'),
    })
    assert.ok(disk.log.indexOf('rename') < disk.log.indexOf('link'))
    assert.equal(await readFile(join(root, 'file.hash'), 'utf8'), 'hash')
    await assertTidy(root)
  })

  const failures: Operation[] = ['open', 'write', 'datasync', 'mkdir', 'link', 'sync', 'rename']
  for (const operation of failures) {
    it(`leave nothing when ${operation} fails, and work afterwards`, async (t) => {
      const { durable, disk, root } = await setUp(t)
      const to = join(root, 'a/file')
      const companion = { bytes: Buffer.from('hash'), path: `${to}.hash` }
      const attempt = async (): Promise<boolean> => durable.place(await durable.write(NEW), to, companion)
      disk.fail(operation, 'ENOSPC')
      await assert.rejects(attempt(), { code: 'ENOSPC' })
      await assert.rejects(readFile(to), { code: 'ENOENT' })
      await assertTidy(root)
      disk.heal()
      assert.equal(await attempt(), true)
      assert.equal(await readFile(to, 'utf8'), 'new')
      await assertTidy(root)
    })
  }

  for (const operation of ['open', 'write', 'datasync', 'rename', 'mkdir'] as const) {
    it(`keep the old contents when ${operation} fails in a replacement`, async (t) => {
      const { durable, disk, root } = await setUp(t)
      await mkdir(join(root, 'a'))
      await writeFile(join(root, 'a/file'), 'old')
      disk.fail(operation, 'EIO')
      await assert.rejects(async () => durable.replace(await durable.write(NEW), join(root, 'a/file')), {
        code: 'EIO',
      })
      assert.equal(await readFile(join(root, 'a/file'), 'utf8'), 'old')
      await assertTidy(root)
      disk.heal()
      await durable.replace(await durable.write(NEW), join(root, 'a/file'))
      assert.equal(await readFile(join(root, 'a/file'), 'utf8'), 'new')
    })
  }

  it('publish without syncing, into folders that are not there yet', async (t) => {
    const { durable, disk, root } = await setUp(t)
    await durable.publish(NEW, join(root, 'x/y/file'))
    await durable.publish(Buffer.from('newer'), join(root, 'x/y/file'))
    assert.equal(await readFile(join(root, 'x/y/file'), 'utf8'), 'newer')
    assert.ok(!disk.log.includes('sync') && !disk.log.includes('datasync'))
    disk.fail('rename', 'EACCES')
    await assert.rejects(durable.publish(NEW, join(root, 'x/y/file')), { code: 'EACCES' })
    await assertTidy(root)
  })
})

async function setUp(t: TestContext) {
  const root = await temporaryFolder(t)
  await mkdir(join(root, 'tmp'))
  const disk = createFailingDisk()
  return { root, disk, durable: createDurable({ files: disk.files, temporary: join(root, 'tmp'), root }) }
}

async function assertTidy(root: string): Promise<void> {
  assert.deepEqual(await readdir(join(root, 'tmp')), [])
}
