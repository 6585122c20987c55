import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { openFileStore, type FileStore, type FileStoreOptions } from './file-store.ts'
import { testModuleStore } from './store-contract.ts'
import { createTestObserver, someHash, temporaryFolder } from '../observe/test-support.ts'
import { collect, key } from './test-support.ts'

testModuleStore('file system', async (t) => {
  const first = await openStore(t)
  return {
    store: first.store,
    async reopen() {
      await first.close()
      return (await openStore(t, {}, first.folder.path)).store
    },
  }
})

describe('file store', () => {
  it('lies in the layout of Go’s own cache', async (t) => {
    const { store, folder, close } = await openStore(t)
    for (const realm of ['public', 'Team']) {
      await store.commit(key('info', 'example.com/Upper', 'v1.2.3-RC1', realm), Buffer.from('{}'))
      await store.commit(key('mod', 'example.com/Upper', 'v1.2.3-RC1', realm), Buffer.from('module x\n'))
      await store.commit(
        key('zip', 'example.com/Upper', 'v1.2.3-RC1', realm),
        Buffer.from('PK'),
        someHash('PK'),
      )
    }
    await close()
    for (const root of [folder.public, join(folder.realms, '!team')]) {
      const at = join(root, 'example.com/!upper/@v')
      const names = ['list', ...['info', 'mod', 'zip', 'ziphash'].map((kind) => `v1.2.3-!r!c1.${kind}`)]
      assert.deepEqual((await readdir(at)).toSorted(), names)
      assert.equal(await readFile(join(at, 'v1.2.3-!r!c1.ziphash'), 'utf8'), someHash('PK'))
      assert.equal(await readFile(join(at, 'list'), 'utf8'), 'v1.2.3-RC1\n')
    }
    assert.deepEqual(await readdir(folder.temporary), [])
  })

  it('takes an empty file for none, and replaces it', async (t) => {
    const { store, folder } = await openStore(t)
    const at = join(folder.public, 'example.com/a/@v')
    await mkdir(at, { recursive: true })
    for (const kind of ['info', 'mod', 'zip'] as const) {
      const k = key(kind, 'example.com/a', 'v1.0.0')
      await writeFile(join(at, `v1.0.0.${kind}`), '')
      assert.equal(await store.open(k), undefined)
      assert.equal(await store.commit(k, Buffer.from('contents'), someHash('contents')), 'stored')
      assert.equal(String(await (await store.open(k))!.bytes()), 'contents')
    }
  })

  it('hashes a held zip whose hash file is missing or broken, once', async (t) => {
    const asked: string[] = []
    const hashZip: FileStoreOptions['hashZip'] = async (path, size, { version }) => {
      asked.push(`${version} ${size} ${await readFile(path, 'utf8')}`)
      return someHash('held')
    }
    const { store, folder } = await openStore(t, { hashZip })
    const at = join(folder.public, 'example.com/a/@v')
    await mkdir(at, { recursive: true })
    const broken = { 'v1.0.0': undefined, 'v1.1.0': '', 'v1.2.0': '\0\0\0', 'v1.3.0': 'h1:no' }
    for (const [version, ziphash] of Object.entries(broken)) {
      const k = key('zip', 'example.com/a', version)
      await writeFile(join(at, `${version}.zip`), 'held')
      if (ziphash !== undefined) await writeFile(join(at, `${version}.ziphash`), ziphash)
      await assert.rejects(store.commit(k, Buffer.from('new'), someHash('new')), {
        code: 'checksum_mismatch',
      })
      assert.equal(await store.commit(k, Buffer.from('new'), someHash('held')), 'identical')
      assert.equal(await readFile(join(at, `${version}.ziphash`), 'utf8'), someHash('held'))
    }
    assert.deepEqual(
      asked,
      Object.keys(broken).map((version) => `${version} 4 held`),
    )
  })

  it('says that a held zip without a hash is damaged when it is no module zip', async (t) => {
    const { store, folder } = await openStore(t)
    const at = join(folder.public, 'example.com/a/@v')
    await mkdir(at, { recursive: true })
    await writeFile(join(at, 'v1.0.0.zip'), 'not a zip')
    const commit = store.commit(key('zip', 'example.com/a', 'v1.0.0'), Buffer.from('new'), someHash('new'))
    await assert.rejects(commit, {
      code: 'store_unavailable',
      message: /stored zip of example.com\/a@v1.0.0 is damaged/,
    })
  })

  it('overwrites the hash that a crash left without its zip', async (t) => {
    const { store, folder } = await openStore(t)
    const at = join(folder.public, 'example.com/a/@v')
    await mkdir(at, { recursive: true })
    await writeFile(join(at, 'v1.0.0.ziphash'), someHash('old'))
    const k = key('zip', 'example.com/a', 'v1.0.0')
    assert.equal(await store.commit(k, Buffer.from('new'), someHash('new')), 'stored')
    assert.equal(await readFile(join(at, 'v1.0.0.ziphash'), 'utf8'), someHash('new'))
  })

  it('passes over what is no module file', async (t) => {
    const { store, folder } = await openStore(t)
    const at = join(folder.public, 'example.com/a/@v')
    await mkdir(at, { recursive: true })
    await mkdir(join(folder.public, 'sumdb/sum.golang.org/lookup/example.com/@v'), { recursive: true })
    await mkdir(join(folder.public, 'Upper.example/@v'), { recursive: true })
    await mkdir(join(at, 'v1.5.0.zip'))
    await symlink('v1.0.0.mod', join(at, 'v1.6.0.mod'))
    const names = [
      'v1.0.0.mod',
      'v1.0.0.lock',
      'v1.0.0.ziphash',
      'v1.0.0.partial',
      'list',
      'list.lock',
      'v1.mod',
    ]
    const wrong = [
      'v2.0.0.mod',
      'v1.0.0+meta.zip',
      'v1.0.0-!1.mod',
      'v1.0.0-RC.mod',
      '.mod',
      'mod',
      'v1.0.0.tmp123',
    ]
    for (const name of [...names, ...wrong]) await writeFile(join(at, name), 'x')
    await writeFile(join(folder.public, 'Upper.example/@v/v1.0.0.mod'), 'x')
    await writeFile(join(folder.public, 'sumdb/sum.golang.org/lookup/example.com/@v/v1.0.0.mod'), 'x')
    const k = key('mod', 'example.com/a', 'v1.0.0')
    assert.deepEqual(await collect(store.walk('public')), [k])
    assert.equal(await store.open(key('zip', 'example.com/a', 'v1.5.0')), undefined)
  })

  it('goes on when somebody deletes its folders', async (t) => {
    const { store, folder } = await openStore(t)
    await store.commit(key('mod', 'example.com/a', 'v1.0.0'), Buffer.from('x'))
    await rm(join(folder.public, 'example.com'), { recursive: true })
    assert.equal(await store.commit(key('mod', 'example.com/a', 'v1.0.0'), Buffer.from('y')), 'stored')
    await rm(join(folder.public, 'example.com'), { recursive: true })
    assert.equal(
      await store.commit(key('zip', 'example.com/a', 'v1.0.0'), Buffer.from('y'), someHash('y')),
      'stored',
    )
  })

  it('refuses a name that the file system has no room for', async (t) => {
    const { store, folder } = await openStore(t)
    const long = key('mod', `example.com/${'a'.repeat(300)}`, 'v1.0.0')
    assert.equal(await store.open(long), undefined)
    await assert.rejects(store.commit(long, Buffer.from('x')), { code: 'bad_path' })
    assert.deepEqual(await readdir(folder.temporary), [])
  })

  it('refuses a realm that could lead elsewhere, and a spool that is not its own', async (t) => {
    const { store } = await openStore(t)
    for (const realm of ['..', '.', '', 'a/b', 'a\0', '../public', 'a..b']) {
      await assert.rejects(store.open(key('mod', 'example.com/a', 'v1.0.0', realm)), { code: 'internal' })
    }
    const other = await openStore(t)
    const spool = await other.store.createSpool()
    await spool.append(Buffer.from('x'))
    await assert.rejects(store.commit(key('mod', 'example.com/a', 'v1.0.0'), spool), { code: 'internal' })
    await spool.discard()
  })
})

async function openStore(
  t: TestContext,
  options: Partial<FileStoreOptions> = {},
  path?: string,
): Promise<{ store: FileStore; folder: DataFolder; close(): Promise<void> }> {
  let close: () => Promise<void> = () => Promise.resolve()
  // Before the folder is deleted: hooks run in the order in which they were set.
  t.after(() => close())
  const folder = await openDataFolder(path ?? (await temporaryFolder(t)), { version: '0.0.0-test' })
  const store = await openFileStore(folder, { observer: createTestObserver(), ...options })
  close = async () => {
    close = () => Promise.resolve()
    await store.close()
    await folder.close()
  }
  return { store, folder, close: () => close() }
}
