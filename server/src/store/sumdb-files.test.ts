import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createFailingDisk } from './failing-disk.ts'
import { openSumdbFiles } from './sumdb-files.ts'
import { temporaryFolder } from '../observe/test-support.ts'

const FLEETING = { lasting: false }
const LASTING = { lasting: true }

describe('checksum database files', () => {
  it('lie where go keeps them', async (t) => {
    const folder = await setUp(t)
    const files = openSumdbFiles(folder, 'sum.golang.org')
    const paths = ['lookup/github.com/!azure/x@v1.0.0-!r!c', 'tile/8/0/x001/234', 'tile/8/0/x001/234.p/5']
    for (const path of paths) {
      assert.equal(await files.readCache(path), undefined)
      await files.writeCache(path, Buffer.from(path), FLEETING)
      assert.equal(String(await files.readCache(path)), path)
      assert.equal(await readFile(join(folder.public, 'sumdb/sum.golang.org', path), 'utf8'), path)
    }
    await files.writeCache(paths[0]!, Buffer.from('again'), FLEETING)
    assert.equal(String(await files.readCache(paths[0]!)), 'again')
    assert.deepEqual(await readdir(folder.temporary), [])
  })

  it('are cut from wider ones that a cache from elsewhere has, where these are hashes', async (t) => {
    const folder = await setUp(t)
    const files = openSumdbFiles(folder, 'sum.golang.org')
    const wide = Buffer.alloc(9 * 32, 'tile')
    await files.writeCache('tile/8/0/x001/234.p/7', wide.subarray(1, 7 * 32), FLEETING)
    await files.writeCache('tile/8/0/x001/234.p/9', wide, FLEETING)
    await files.writeCache('tile/8/data/x001/234.p/9', wide, FLEETING)
    assert.deepEqual(await files.readCache('tile/8/0/x001/234.p/5'), wide.subarray(0, 5 * 32))
    assert.equal(await files.readCache('tile/8/0/x001/234.p/10'), undefined)
    assert.equal(await files.readCache('tile/8/0/x001/235.p/5'), undefined)
    assert.equal(await files.readCache('tile/8/data/x001/234.p/5'), undefined)
    await files.writeCache('tile/8/0/x001/234.p/5', wide.subarray(32, 6 * 32), FLEETING)
    assert.deepEqual(await files.readCache('tile/8/0/x001/234.p/5'), wide.subarray(32, 6 * 32))
  })

  it('last through a power cut where they are meant to, whole', async (t) => {
    const folder = await setUp(t)
    const disk = createFailingDisk()
    const files = openSumdbFiles(folder, 'sum.golang.org', { files: disk.files })
    await files.writeCache('tile/8/0/000', Buffer.from('x'), LASTING)
    const [synced, named, folderSynced] = ['datasync', 'rename', 'sync'].map((step) =>
      disk.log.findLastIndex((operation) => operation === step),
    )
    assert.ok(synced! >= 0 && synced! < named! && named! < folderSynced!, disk.log.join(' '))
    assert.equal(String(await files.readCache('tile/8/0/000')), 'x')
    await files.writeCache('tile/8/0/000', Buffer.from('y'), LASTING)
    assert.equal(String(await files.readCache('tile/8/0/000')), 'y')
    disk.fail('datasync', 'EIO')
    await assert.rejects(files.writeCache('tile/8/0/000', Buffer.from('z'), LASTING), {
      code: 'store_unavailable',
    })
    disk.heal()
    assert.equal(String(await files.readCache('tile/8/0/000')), 'y')
  })

  it('are none when a power cut emptied them', async (t) => {
    const folder = await setUp(t)
    const files = openSumdbFiles(folder, 'sum.golang.org')
    await files.writeCache('tile/8/0/000', Buffer.from('x'), FLEETING)
    await writeFile(join(folder.public, 'sumdb/sum.golang.org/tile/8/0/000'), '')
    assert.equal(await files.readCache('tile/8/0/000'), undefined)
  })

  it('replace the signed head only where the old one is the one at hand', async (t) => {
    const folder = await setUp(t)
    const files = openSumdbFiles(folder, 'corp.example:8443/sum')
    const [one, two, three] = ['one', 'two', 'three'].map((text) => Buffer.from(text))
    assert.equal(await files.readHead(), undefined)
    assert.equal(await files.writeHead(two, one!), 'conflict')
    assert.equal(await files.writeHead(undefined, one!), 'ok')
    assert.equal(await files.writeHead(undefined, two!), 'conflict')
    assert.equal(await files.writeHead(one, two!), 'ok')
    assert.equal(await files.writeHead(one, three!), 'conflict')
    assert.equal(String(await files.readHead()), 'two')
    const racing = await Promise.all([files.writeHead(two, one!), files.writeHead(two, three!)])
    assert.deepEqual(racing.toSorted(), ['conflict', 'ok'])
    const again = openSumdbFiles(folder, 'corp.example:8443/sum')
    assert.equal(String(await again.readHead()), racing[0] === 'ok' ? 'one' : 'three')
    assert.equal(await openSumdbFiles(folder, 'other.example').readHead(), undefined)
  })

  it('cannot lead elsewhere', async (t) => {
    const folder = await setUp(t)
    for (const name of [
      '',
      '.',
      '..',
      '../x',
      'a/../b',
      '/a',
      'a/',
      'a//b',
      'a\\b',
      'a\0',
      'a b',
      'a/latest',
      'a/tile',
    ]) {
      assert.throws(() => openSumdbFiles(folder, name), { code: 'bad_path' }, name)
    }
    const files = openSumdbFiles(folder, 'sum.golang.org')
    const paths = [
      '',
      'lookup',
      'lookup/',
      'tile/..',
      'lookup/../../x',
      'tile/8/0/..',
      'latest',
      '/tile/8/0/000',
    ]
    const more = [
      'supported',
      'tile//8',
      'tile/8/0/a\0',
      'lookup/a\\b',
      'lookup/%2e%2e/x',
      `tile/${'a/'.repeat(600)}b`,
    ]
    for (const path of [...paths, ...more]) {
      await assert.rejects(files.readCache(path), { code: 'bad_path' }, path)
      await assert.rejects(files.writeCache(path, Buffer.from('x'), FLEETING), { code: 'bad_path' }, path)
    }
    assert.deepEqual(await readdir(folder.public), [])
  })
})

async function setUp(t: TestContext) {
  const path = await temporaryFolder(t)
  const folder = {
    path,
    public: join(path, 'public'),
    temporary: join(path, 'tmp'),
    sumdb: join(path, 'sumdb'),
  }
  await mkdir(folder.public)
  await mkdir(folder.temporary)
  return folder
}
