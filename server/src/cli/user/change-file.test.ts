import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type * as promises from 'node:fs/promises'
import { chmod, chown, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ModsteadError } from '../../errors.ts'
import { temporaryFolder } from '../../observe/test-support.ts'
import { createFailingDisk } from '../../store/failing-disk.ts'
import { changeFile } from './change-file.ts'

const add = (text: string) => (before: Buffer) => Buffer.concat([before, Buffer.from(text)])

test('a new file is for its owner only, one that was there keeps owner, mode and links', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'users')
  assert.equal(await changeFile(path, { edit: add('a\n') }), 'made')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await chmod(path, 0o640)
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(path, 1234, 2345)
  const link = join(folder, 'link')
  await symlink('users', link)
  const { ino } = await stat(path)
  assert.equal(await changeFile(link, { edit: add('b\n') }), 'changed')
  const { mode, uid, gid, ino: now } = await stat(path)
  assert.equal(mode & 0o777, 0o640)
  assert.notEqual(now, ino)
  if (isRoot) assert.deepEqual([uid, gid], [1234, 2345])
  const given = join(folder, 'given')
  if (isRoot) {
    await changeFile(given, { edit: add('a\n'), owner: { uid: 1234, gid: 2345 } })
    assert.equal((await stat(given)).uid, 1234)
    await rm(given)
  }
  assert.ok((await lstat(link)).isSymbolicLink())
  assert.equal(await readFile(path, 'utf8'), 'a\nb\n')
  assert.equal(await changeFile(path, { edit: () => undefined }), 'same')
  assert.deepEqual((await readdir(folder)).sort(), ['link', 'users'])
})

test('commands at once take turns, and nothing of any is lost', async (t) => {
  const path = join(await temporaryFolder(t), 'users')
  await Promise.all(Array.from({ length: 8 }, (_, i) => changeFile(path, { edit: add(`${i}\n`) })))
  const lines = (await readFile(path, 'utf8')).trim().split('\n')
  assert.deepEqual(lines.sort(), ['0', '1', '2', '3', '4', '5', '6', '7'])
})

test('what cannot be changed is as it was, and nothing is left beside it', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'users')
  await writeFile(path, 'a\n')
  await assert.rejects(
    changeFile(path, {
      edit(before) {
        throw new Error(`with ${before.length}`)
      },
    }),
    /with 2/,
  )
  await assert.rejects(changeFile(path, { edit: () => Buffer.alloc((16 << 20) + 1) }), /16 MiB/)
  await mkdir(join(folder, 'folder'))
  await assert.rejects(changeFile(join(folder, 'folder'), { edit: add('x') }), /it is no file/)
  await assert.rejects(changeFile(join(folder, 'none', 'users'), { edit: add('x') }), {
    code: 'store_unavailable',
    next: 'make its folder first',
  })
  assert.equal(await readFile(path, 'utf8'), 'a\n')
  assert.deepEqual((await readdir(folder)).sort(), ['folder', 'users'])
})

test('a disk that fails leaves the file as it was, and nothing beside it', async (t) => {
  const folder = await temporaryFolder(t)
  const path = join(folder, 'users')
  await writeFile(path, 'a\n')
  for (const [operation, code, message] of [
    ['open', 'ENOSPC', /the disk is full/],
    ['sync', 'ENOSPC', /the disk is full/],
    ['readFile', 'EIO', /EIO/],
    ['rename', 'EBUSY', /EBUSY/],
  ] as const) {
    const disk = createFailingDisk()
    disk.fail(operation, code)
    const files = disk.files as typeof promises
    await assert.rejects(changeFile(path, { edit: add('b\n'), files }), (error) => {
      assert.ok(error instanceof ModsteadError)
      assert.equal(error.code, 'store_unavailable')
      assert.match(error.message, message)
      return true
    })
    assert.equal(await readFile(path, 'utf8'), 'a\n')
    assert.deepEqual(await readdir(folder), ['users'])
  }
})

test('what a crash has left is named, and an editor beside it loses nothing', async (t) => {
  const path = join(await temporaryFolder(t), 'users')
  await writeFile(path, 'a\n')
  const left = join(path, '..', '.users.modstead-new')
  await writeFile(left, 'half')
  await assert.rejects(changeFile(path, { edit: add('b\n'), patience: 0 }), {
    next: `if none is, remove ${left}`,
  })
  assert.equal(await readFile(left, 'utf8'), 'half')
  await rm(left)
  const edit = (before: Buffer): Buffer => {
    writeFileSync(path, 'from the editor\n')
    return Buffer.concat([before, Buffer.from('b\n')])
  }
  await assert.rejects(changeFile(path, { edit }), /another program has changed it just now/)
  assert.equal(await readFile(path, 'utf8'), 'from the editor\n')
})
