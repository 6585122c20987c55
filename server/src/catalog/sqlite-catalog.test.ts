import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testActs } from './acts-contract.ts'
import { testAuthRecords } from './auth-records-contract.ts'
import { testCatalog } from './catalog-contract.ts'
import { testIncidents } from './incidents-contract.ts'
import { openSqliteCatalog } from './sqlite-catalog.ts'
import { createTestObserver, someHash, temporaryFolder } from '../observe/test-support.ts'
import { path, version } from './test-support.ts'

const child = fileURLToPath(new URL('./sqlite-catalog-child.ts', import.meta.url))
const observer = createTestObserver()

async function create(t: TestContext) {
  let catalog = { close: () => Promise.resolve() }
  // Before the folder is deleted: hooks run in the order in which they were set.
  t.after(() => catalog.close())
  const file = join(await temporaryFolder(t), 'catalog.db')
  const first = await openSqliteCatalog(file, { observer })
  catalog = first
  return {
    catalog: first,
    async reopen() {
      await first.close()
      const second = await openSqliteCatalog(file, { observer })
      catalog = second
      return second
    },
  }
}

testCatalog('SQLite', create)
testActs('SQLite', create)
testIncidents('SQLite', create)
testAuthRecords('SQLite', create)

describe('SQLite catalog', () => {
  it('is private, and leaves one file when closed', async (t) => {
    const folder = await temporaryFolder(t)
    const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer })
    await catalog.learn('public', path('example.com/a'), version('v1.0.0'), { info: true })
    for (const name of await readdir(folder)) {
      assert.equal((await stat(join(folder, name))).mode & 0o077, 0, `${name} is for its owner only`)
    }
    await catalog.close()
    await catalog.close()
    assert.deepEqual(await readdir(folder), ['catalog.db'])
    const late = catalog.learn('public', path('example.com/a'), version('v1.1.0'), { info: true })
    await assert.rejects(late)
  })

  it('is refused when a newer modstead migrated it', async (t) => {
    const file = join(await temporaryFolder(t), 'catalog.db')
    await (await openSqliteCatalog(file, { observer })).close()
    const database = new DatabaseSync(file)
    database.exec(`insert into kysely_migration values ('099_future', '2030-01-01T00:00:00.000Z')`)
    database.close()
    await assert.rejects(openSqliteCatalog(file, { observer }), {
      code: 'data_folder',
      message: /written by a newer modstead.*099_future/,
      next: /newer modstead/,
    })
  })

  it('is refused when it is no database, or cannot be opened', async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'catalog.db')
    await writeFile(file, 'this is not a database, and it is longer than the header of one'.repeat(50))
    await assert.rejects(openSqliteCatalog(file, { observer }), {
      code: 'data_folder',
      message: /damaged/,
      next: /backup/,
    })
    const nowhere = openSqliteCatalog(join(folder, 'none/catalog.db'), { observer })
    await assert.rejects(nowhere, { code: 'store_unavailable', message: /cannot be opened/ })
  })

  it('goes on by itself when a full disk has space again (a real one)', async (t) => {
    const folder = await temporaryFolder(t)
    const command = 'mount -t tmpfs -o size=2m none "$0" || exit 77; exec "$1" "$2" full "$0"'
    const run = spawnSync('unshare', ['-rm', 'sh', '-c', command, folder, process.execPath, child], {
      encoding: 'utf8',
    })
    if (run.error !== undefined || run.status === 77 || /unshare/.test(run.stderr)) {
      t.skip(`this machine lets nobody mount: ${run.error?.message ?? run.stderr}`)
      return
    }
    assert.equal(run.status, 0, run.stderr)
  })

  it('has every write that was acknowledged before a kill', { timeout: 60_000 }, async (t) => {
    const file = join(await temporaryFolder(t), 'catalog.db')
    const acknowledged: string[] = []
    for (let round = 0; round < 6; round++) {
      const learning = spawn(process.execPath, [child, 'learn', file, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      learning.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
      await once(learning.stdout, 'data')
      setTimeout(() => learning.kill('SIGKILL'), round * 15)
      const [, signal] = (await once(learning, 'close')) as [number | null, string | null]
      assert.equal(signal, 'SIGKILL')
      acknowledged.push(...said.split('\n').slice(1, -1))
    }
    const catalog = await openSqliteCatalog(file, { observer })
    for (const name of acknowledged) {
      const row = await catalog.version('public', path('example.com/a'), version(name))
      assert.equal(row?.h1, someHash(name))
    }
    const { versions, zipBytes } = await catalog.totals()
    assert.ok(versions >= acknowledged.length && versions > 100, `${acknowledged.length} of ${versions}`)
    assert.equal(zipBytes, versions * 3)
    await catalog.close()
  })
})
