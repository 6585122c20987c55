import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ModsteadError } from '../errors.ts'
import { openDataFolder } from './data-folder.ts'
import { createDurable } from './durable.ts'
import { localFileSystem } from './file-system.ts'
import { temporaryFolder } from '../observe/test-support.ts'

const version = '1.2.3'
const child = fileURLToPath(new URL('./data-folder-child.ts', import.meta.url))

describe('data folder', () => {
  it('is made on an empty machine, and opened again', async (t) => {
    const path = join(await temporaryFolder(t), 'var/lib/modstead')
    const folder = await openDataFolder(path, { version })
    assert.equal(folder.unclean, false)
    const inUse = [
      'modstead.json',
      'modstead.lock',
      'modstead.pid',
      'modstead.reserve',
      'public',
      'realms',
      'tmp',
    ]
    assert.deepEqual((await readdir(path)).toSorted(), inUse)
    assert.deepEqual(JSON.parse(await readFile(join(path, 'modstead.json'), 'utf8')), {
      format: 1,
      createdBy: version,
    })
    await folder.close()
    const again = await openDataFolder(path, { version: '9.9.9' })
    assert.equal(again.unclean, false)
    assert.match(await readFile(join(path, 'modstead.json'), 'utf8'), /"1.2.3"/, 'who made it stays')
    await again.close()
  })

  it('may hold dot files and lost+found', async (t) => {
    const path = await temporaryFolder(t)
    await mkdir(join(path, 'lost+found'))
    await mkdir(join(path, '.snapshot'))
    await writeFile(join(path, '.bash_history'), '')
    await (await openDataFolder(path, { version })).close()
  })

  it('goes on where a crash interrupted its making', async (t) => {
    const path = await temporaryFolder(t)
    await writeFile(join(path, 'modstead.lock'), '')
    await writeFile(join(path, 'modstead.pid'), '12 host\n')
    await mkdir(join(path, 'tmp'))
    await (await openDataFolder(path, { version })).close()
  })

  it('loses the temporary files that a crash left, and no other', async (t) => {
    const path = await temporaryFolder(t)
    await (await openDataFolder(path, { version })).close()
    const other = ['tmp/notes.txt', 'tmp/modstead-1-x.tmp', 'public/modstead-1-2.tmp']
    for (const name of ['tmp/modstead-1-2.tmp', 'tmp/modstead-99-100000.tmp', ...other]) {
      await writeFile(join(path, name), 'x')
    }
    await (await openDataFolder(path, { version })).close()
    assert.deepEqual((await readdir(join(path, 'tmp'))).toSorted(), ['modstead-1-x.tmp', 'notes.txt'])
    assert.deepEqual(await readdir(join(path, 'public')), ['modstead-1-2.tmp'])
  })

  it('shows nobody else what is on its way, also if an earlier modstead did', async (t) => {
    const path = join(await temporaryFolder(t), 'data')
    const modeOf = async (name: string) => (await stat(join(path, name))).mode & 0o777
    await (await openDataFolder(path, { version })).close()
    assert.equal(await modeOf('tmp'), 0o700)
    await chmod(join(path, 'tmp'), 0o755)
    const folder = await openDataFolder(path, { version })
    t.after(() => folder.close())
    assert.equal(await modeOf('tmp'), 0o700)
    assert.equal(folder.exposed, false)
    assert.equal(await modeOf('public'), 0o777 & ~process.umask())
    const durable = createDurable({ files: localFileSystem, temporary: folder.temporary, root: path })
    await durable.replace(await durable.write(Buffer.from('x')), join(folder.public, 'x'))
    assert.equal(await modeOf('public/x'), 0o666 & ~process.umask(), 'what is public stays readable')
  })

  it(
    'says so where others can see what is on its way, and it cannot be helped',
    { skip: process.geteuid?.() !== 0 && 'only root can make a folder of somebody else' },
    async (t) => {
      const path = join(await temporaryFolder(t), 'data')
      await chmod(dirname(path), 0o777)
      await mkdir(join(path, 'tmp'), { recursive: true })
      await chmod(path, 0o777)
      await chmod(join(path, 'tmp'), 0o777)
      const run = spawnSync(process.execPath, [child, 'open-as-nobody', path], {
        encoding: 'utf8',
        timeout: 20_000,
      })
      assert.equal(run.stdout, 'open, exposed\n', run.stderr)
    },
  )

  it('is refused where no folder can be made, like below /proc', { timeout: 60_000 }, async (t) => {
    if (
      !(await access('/proc/self').then(
        () => true,
        () => false,
      ))
    ) {
      t.skip('this machine has no /proc')
      return
    }
    for (const path of ['/proc/modstead', '/proc/modstead/data']) {
      // In a process of its own, which can be ended if it tries for ever.
      const run = spawnSync(process.execPath, [child, 'open', path], { encoding: 'utf8', timeout: 20_000 })
      assert.match(run.stdout, /^data_folder: .* cannot be made: \/proc takes no new folders/, run.stderr)
    }
  })

  const foreign: { name: string; files: string[]; next: RegExp }[] = [
    {
      name: 'a home folder',
      files: ['Documents/letter.txt', '.bashrc', 'go/src/x.go'],
      next: /empty folder/,
    },
    { name: 'a single file', files: ['notes.txt'], next: /empty folder/ },
    { name: 'web sites', files: ['example.com/index.html', 'example.com/a/b/c.html'], next: /empty folder/ },
    { name: 'a folder named public that is not modules', files: ['public/index.html'], next: /empty folder/ },
    {
      name: 'a cache with a stranger in it',
      files: ['example.com/a/@v/list', 'x.txt'],
      next: /empty folder/,
    },
    {
      name: 'a data folder without its marker',
      files: ['catalog.db', 'public/example.com/a/@v/list'],
      next: /modstead.json/,
    },
    {
      name: 'GOMODCACHE itself',
      files: ['cache/download/example.com/a/@v/list', 'example.com/a@v1.0.0/a.go'],
      next: /cache\/download/,
    },
    {
      name: 'the cache folder in it',
      files: ['download/example.com/a/@v/list', 'lock'],
      next: /cache\/download/,
    },
  ]
  for (const { name, files, next } of foreign) {
    it(`is not ${name}`, async (t) => {
      const path = await temporaryFolder(t)
      await makeFiles(path, files)
      const before = await readdir(path, { recursive: true })
      await assertRefused(openDataFolder(path, { version }), /not modstead's/, next)
      assert.deepEqual(await readdir(path, { recursive: true }), before, 'nothing was touched')
    })
  }

  it('is not a file, nor below one', async (t) => {
    const path = await temporaryFolder(t)
    await writeFile(join(path, 'file'), 'x')
    for (const name of ['file', 'file/below']) {
      await assertRefused(openDataFolder(join(path, name), { version }), /is not a folder/, /--data-dir/)
    }
  })

  const markers: { name: string; text: string; message: RegExp; next: RegExp }[] = [
    {
      name: 'a newer format',
      text: '{"format":2,"createdBy":"3.0.0"}',
      message: /has format 2/,
      next: /newer modstead/,
    },
    { name: 'an empty marker', text: '', message: /is damaged/, next: /backup/ },
    { name: 'a torn marker', text: '{"format":', message: /is damaged/, next: /backup/ },
    { name: 'a foreign marker', text: '[]', message: /is damaged/, next: /backup/ },
    { name: 'a marker without a format', text: '{"format":"1"}', message: /is damaged/, next: /backup/ },
  ]
  for (const { name, text, message, next } of markers) {
    it(`is refused with ${name}`, async (t) => {
      const path = await temporaryFolder(t)
      await writeFile(join(path, 'modstead.json'), text)
      await assertRefused(openDataFolder(path, { version }), message, next)
      assert.deepEqual(await readdir(path), ['modstead.json'])
    })
  }

  it('is refused where it may not be written', async (t) => {
    const path = await temporaryFolder(t)
    await chmod(path, 0o500)
    const run = spawnSync(process.execPath, [child, 'open-as-nobody', path], { encoding: 'utf8' })
    assert.match(run.stdout, /^data_folder: .* is not open to the user that runs modstead/, run.stderr)
  })

  it('is refused on a read-only file system', async (t) => {
    const path = await temporaryFolder(t)
    const mount = 'mount -t tmpfs -o ro none "$0" || exit 77; exec "$1" "$2" open "$0"'
    const args = ['-rm', 'sh', '-c', mount, path, process.execPath, child]
    const run = spawnSync('unshare', args, { encoding: 'utf8' })
    if (run.error !== undefined || run.status === 77 || /unshare/.test(run.stderr)) {
      t.skip(`this machine lets nobody mount: ${run.error?.message ?? run.stderr}`)
      return
    }
    assert.match(run.stdout, /^data_folder: .* is on a read-only file system/, run.stderr)
  })

  it('belongs to one opener in this process', async (t) => {
    const path = await temporaryFolder(t)
    const folder = await openDataFolder(path, { version })
    for (let i = 0; i < 2; i++) {
      await assertRefused(
        openDataFolder(path, { version }),
        new RegExp(`process ${process.pid}$`),
        /Stop that one/,
      )
    }
    await folder.close()
    await (await openDataFolder(path, { version })).close()
  })

  it('belongs to one process, until that ends in whatever way', async (t) => {
    const path = await temporaryFolder(t)
    const holder = await hold(t, path)
    await assertRefused(
      openDataFolder(path, { version }),
      new RegExp(`process ${holder.pid}$`),
      /Stop that one/,
    )
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const folder = await openDataFolder(path, { version })
    assert.equal(folder.unclean, true, 'the other did not end by itself')
    await folder.close()
    const again = await openDataFolder(path, { version })
    assert.equal(again.unclean, false)
    await again.close()
  })
})

describe('adoption of a module cache', () => {
  const cache = [
    'example.com/!upper/@v/list',
    'example.com/!upper/@v/v1.0.0.info',
    'example.com/!upper/@v/v1.0.0.lock',
    'example.com/!upper/@v/v1.0.0.mod',
    'example.com/!upper/@v/v1.0.0.partial',
    'example.com/!upper/@v/v1.0.0.zip',
    'example.com/!upper/@v/v1.0.0.ziphash',
    'gopkg.in/yaml.v3/@v/v3.0.1.mod',
    'sumdb/sum.golang.org/lookup/example.com/a@v1.0.0',
    'sumdb/sum.golang.org/tile/8/0/000',
  ]
  const adopted = (path: string) => Promise.all(cache.map((name) => access(join(path, 'public', name))))

  it('moves its entries into public', async (t) => {
    const path = await temporaryFolder(t)
    await makeFiles(path, cache)
    const folder = await openDataFolder(path, { version })
    await adopted(path)
    const names = (await readdir(path)).filter((name) => !name.startsWith('modstead.'))
    assert.deepEqual(names.toSorted(), ['public', 'realms', 'tmp'])
    await folder.close()
    await (await openDataFolder(path, { version })).close()
    await adopted(path)
  })

  it('takes a public folder that was filled before the first start', async (t) => {
    const path = await temporaryFolder(t)
    await makeFiles(join(path, 'public'), cache)
    await (await openDataFolder(path, { version })).close()
    await adopted(path)
  })

  it('takes a cache that holds checksums only', async (t) => {
    const path = await temporaryFolder(t)
    await makeFiles(path, ['sumdb/sum.golang.org/tile/8/0/000'])
    await (await openDataFolder(path, { version })).close()
    await access(join(path, 'public/sumdb/sum.golang.org/tile/8/0/000'))
  })

  it('goes on after a crash in the middle', async (t) => {
    const path = await temporaryFolder(t)
    await makeFiles(join(path, 'public'), cache.slice(0, 7))
    await makeFiles(path, [...cache.slice(7), 'tmp/modstead-1-1.tmp'])
    const adopting = ['example.com', 'gopkg.in', 'sumdb', '../escape', 'a/b']
    await writeFile(join(path, 'modstead.json'), JSON.stringify({ format: 1, createdBy: '1.0.0', adopting }))
    await (await openDataFolder(path, { version })).close()
    await adopted(path)
    assert.deepEqual(JSON.parse(await readFile(join(path, 'modstead.json'), 'utf8')), {
      format: 1,
      createdBy: '1.0.0',
    })
  })

  it('does not choose between two of the same name', async (t) => {
    const path = await temporaryFolder(t)
    await makeFiles(join(path, 'public'), ['example.com/a/@v/v1.0.0.mod'])
    await makeFiles(path, ['example.com/a/@v/v1.1.0.mod', 'gopkg.in/yaml.v3/@v/v3.0.1.mod'])
    await assertRefused(openDataFolder(path, { version }), /there are both/, /Move one of the two away/)
    await access(join(path, 'example.com/a/@v/v1.1.0.mod'))
    await rename(join(path, 'example.com'), join(path, '.away'))
    await (await openDataFolder(path, { version })).close()
    await access(join(path, 'public/gopkg.in/yaml.v3/@v/v3.0.1.mod'))
  })
})

/** A process that has the folder open until it is killed. */
async function hold(t: TestContext, path: string): Promise<ChildProcess> {
  const holder = spawn(process.execPath, [child, 'hold', path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => holder.kill('SIGKILL'))
  const [said] = (await once(holder.stdout, 'data')) as [Buffer]
  assert.equal(String(said), 'open\n')
  return holder
}

async function makeFiles(root: string, names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), 'x')
  }
}

async function assertRefused(opening: Promise<unknown>, message: RegExp, next: RegExp): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof ModsteadError, String(error))
    assert.equal(error.code, 'data_folder')
    assert.match(error.message, message)
    assert.match(error.next ?? '', next)
    return true
  })
}
