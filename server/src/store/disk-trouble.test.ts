/** What the store says and leaves behind when its disk fails: with injected errors, and on real full and read-only ones. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ModsteadError } from '../errors.ts'
import { openDataFolder } from './data-folder.ts'
import { createFailingDisk } from './failing-disk.ts'
import { openFileStore } from './file-store.ts'
import { createTestObserver, someHash, temporaryFolder } from '../observe/test-support.ts'
import { collect, key } from './test-support.ts'

const zip = key('zip', 'example.com/a', 'v1.0.0')

describe('a disk in trouble', () => {
  const codes = {
    ENOSPC: /full/,
    EDQUOT: /quota/,
    EROFS: /read-only/,
    EACCES: /permit/,
    EIO: /error/,
    EMFILE: /files open/,
  }
  for (const [code, words] of Object.entries(codes)) {
    it(`is store_unavailable in words: ${code}`, async (t) => {
      const { store, disk, folder } = await setUp(t)
      disk.fail('open', code)
      await assertUnavailable(store.commit(zip, Buffer.from('x'), someHash('x')), words)
      await assertUnavailable(store.createSpool(), words)
      await assertUnavailable(store.probe(), words)
      disk.fail('stat', code)
      await assertUnavailable(store.open(zip), words)
      disk.fail('readdir', code)
      await assertUnavailable(store.versions('public', zip.module), words)
      await assertUnavailable(collect(store.walk('public')), words)
      disk.heal()
      assert.deepEqual(await readdir(folder.temporary), [])
      assert.equal(await store.commit(zip, Buffer.from('x'), someHash('x')), 'stored')
      disk.fail('unlink', code)
      await assertUnavailable(store.remove(zip), words)
      disk.fail('read', code)
      await assertUnavailable((await store.open(zip))!.bytes(), words)
      disk.heal()
    })
  }

  it('fails a spool for good, and leaves no file', async (t) => {
    const { store, disk, folder } = await setUp(t)
    const spool = await store.createSpool()
    await spool.append(Buffer.from('start'))
    disk.fail('writev', 'ENOSPC')
    const appends = await Promise.allSettled([spool.append(Buffer.from('a')), spool.append(Buffer.from('b'))])
    for (const { status } of appends) assert.equal(status, 'rejected')
    disk.heal()
    await assertUnavailable(spool.append(Buffer.from('c')), /full/)
    assert.equal(spool.size, 5)
    await assertUnavailable(store.commit(zip, spool, someHash('x')), /full/)
    assert.equal(await store.open(zip), undefined)
    await spool.discard()
    assert.deepEqual(await readdir(folder.temporary), [])
  })

  it('tells a file that became shorter while it was read', async (t) => {
    const { store, folder } = await setUp(t)
    await store.commit(zip, Buffer.from('whole'), someHash('x'))
    const file = (await store.open(zip))!
    await truncate(join(folder.public, 'example.com/a/@v/v1.0.0.zip'), 2)
    await assertUnavailable(file.bytes(), /shorter/)
    await assertUnavailable(collect(file.stream(0, 5)), /shorter/)
  })

  it('goes on by itself when a full disk has space again (a real one)', async (t) => {
    await inOwnMounts(t, 'full', 'mount -t tmpfs -o size=1m none "$0"')
  })

  it('refuses writes but serves what it has when read-only (a real one)', async (t) => {
    await inOwnMounts(t, 'read-only', 'mount -t tmpfs -o size=4m none "$0"')
  })
})

async function setUp(t: TestContext) {
  const disk = createFailingDisk()
  const folder = await openDataFolder(await temporaryFolder(t), { version: '0.0.0-test' })
  const store = await openFileStore(folder, { observer: createTestObserver(), files: disk.files })
  t.after(async () => {
    await store.close()
    await folder.close()
  })
  return { store, disk, folder }
}

async function assertUnavailable(promise: Promise<unknown>, words: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ModsteadError)
    assert.equal(error.code, 'store_unavailable')
    assert.match(error.message, words)
    assert.doesNotMatch(error.message, /\/secret|\/tmp/, 'clients read the message')
    assert.ok(error.next !== undefined && error.cause !== undefined)
    return true
  })
}

/** Runs a script of `disk-trouble-child.ts` where mounts are its own and end with it. Needs root or user namespaces. */
async function inOwnMounts(t: TestContext, script: string, mount: string): Promise<void> {
  const folder = await temporaryFolder(t)
  const child = fileURLToPath(new URL('./disk-trouble-child.ts', import.meta.url))
  const command = `${mount} || exit 77; exec "$1" "$2" ${script} "$0"`
  const run = spawnSync('unshare', ['-rm', 'sh', '-c', command, folder, process.execPath, child], {
    encoding: 'utf8',
  })
  if (run.error !== undefined || run.status === 77 || /unshare/.test(run.stderr)) {
    t.skip(`this machine lets nobody mount: ${run.error?.message ?? run.stderr}`)
    return
  }
  assert.equal(run.status, 0, run.stderr)
}
