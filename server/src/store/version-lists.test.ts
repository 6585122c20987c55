import assert from 'node:assert/strict'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkPath } from '@modstead/gomod/path'
import { createDurable } from './durable.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { createVersionLists, type VersionLists } from './version-lists.ts'

const module = checkPath('example.com/a')

describe('version lists', () => {
  it('follow commits soon', async (t) => {
    const { lists, folder, addVersion } = await setUp(t)
    await addVersion(1)
    lists.changed({ module, folder })
    await until(async () => (await readList(folder)) === 'v1.1.0\n')
    await addVersion(2)
    lists.changed({ module, folder })
    await until(async () => (await readList(folder)) === 'v1.1.0\nv1.2.0\n')
  })

  it('are whole when closed', async (t) => {
    const { lists, folder, addVersion } = await setUp(t)
    await addVersion(1)
    lists.changed({ module, folder })
    await lists.close()
    assert.equal(await readList(folder), 'v1.1.0\n')
  })

  it('are rewritten a few times in a burst of thousands of commits', async (t) => {
    let reads = 0
    const readdir = async (path: string): Promise<string[]> => {
      reads++
      return localFileSystem.readdir(path)
    }
    const { lists, folder, addVersion } = await setUp(t, {
      ...localFileSystem,
      readdir: readdir as FileSystem['readdir'],
    })
    const start = performance.now()
    for (let i = 0; i < 3_000; i++) {
      await addVersion(i)
      lists.changed({ module, folder })
    }
    const took = performance.now() - start
    await lists.close()
    assert.equal((await readList(folder)).split('\n').length, 3_001)
    assert.ok(reads <= took / 20 + 2, `${reads} rewrites in ${took} ms`)
  })

  it('leave alone a list that is right, and make none that is empty', async (t) => {
    const { lists, folder, addVersion } = await setUp(t)
    await lists.rewrite({ module, folder })
    await assert.rejects(stat(join(folder, 'list')), { code: 'ENOENT' })
    await addVersion(1)
    await lists.rewrite({ module, folder })
    const before = await stat(join(folder, 'list'))
    await lists.rewrite({ module, folder })
    assert.equal((await stat(join(folder, 'list'))).ino, before.ino)
    await lists.rewrite({ module, folder: `${folder}/none` })
    await assert.rejects(stat(`${folder}/none`), { code: 'ENOENT' })
  })

  it('drop a version that lost a file', async (t) => {
    const { lists, folder } = await setUp(t)
    await writeFile(join(folder, 'v1.0.0.mod'), 'x')
    await writeFile(join(folder, 'v1.1.0.mod'), 'x')
    await writeFile(join(folder, 'list'), 'v1.0.0\nv1.1.0\n')
    lists.changed({ module, folder }, 'v1.0.0')
    lists.changed({ module, folder })
    await lists.close()
    assert.equal(await readList(folder), 'v1.1.0\n')
  })

  it('log a failure, and try again at the end', async (t) => {
    let broken = true
    const rename: FileSystem['rename'] = async (from, to) => {
      if (broken) throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'rename' })
      return localFileSystem.rename(from, to)
    }
    const { lists, folder, addVersion, observer } = await setUp(t, { ...localFileSystem, rename })
    await addVersion(1)
    lists.changed({ module, folder })
    await until(async () => observer.lines.length > 0)
    assert.equal(observer.lines[0]!.level, 'warn')
    broken = false
    await lists.close()
    assert.equal(await readList(folder), 'v1.1.0\n')
  })
})

async function setUp(t: TestContext, files: FileSystem = localFileSystem) {
  const root = await temporaryFolder(t)
  const folder = join(root, 'public/example.com/a/@v')
  const temporary = join(root, 'tmp')
  await mkdir(folder, { recursive: true })
  await mkdir(temporary)
  const observer = createTestObserver()
  const durable = createDurable({ files, temporary, root })
  const lists: VersionLists = createVersionLists({ files, durable, log: observer.log })
  const addVersion = async (minor: number): Promise<void> => {
    await Promise.all(
      ['info', 'mod', 'zip'].map((kind) => writeFile(join(folder, `v1.${minor}.0.${kind}`), 'x')),
    )
  }
  return { lists, folder, observer, addVersion }
}

async function readList(folder: string): Promise<string> {
  return readFile(join(folder, 'list'), 'utf8').catch(() => '')
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'it did not happen within 5 s')
    await sleep(5)
  }
}
