import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { temporaryFolder } from '../observe/test-support.ts'
import { createBatches, type StorageUnderTest, testLogStorage } from './log-contract.ts'
import { openSqliteLog } from './sqlite-log.ts'

async function create(t: TestContext): Promise<StorageUnderTest> {
  let open = { close: () => Promise.resolve() }
  // Before the folder is deleted: hooks run in the order in which they were set.
  t.after(() => open.close())
  const file = join(await temporaryFolder(t), 'log.db')
  const storage = await openSqliteLog(file)
  open = storage
  return {
    storage,
    async reopen() {
      await storage.close()
      const second = await openSqliteLog(file)
      open = second
      return second
    },
  }
}

testLogStorage('SQLite', create)

describe('SQLite log', () => {
  it('is private, and leaves one file when closed', async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'log.db')
    const storage = await openSqliteLog(file)
    await storage.append(createBatches()(3))
    await storage.close()
    assert.equal((await stat(file)).mode & 0o077, 0)
    await assert.rejects(stat(`${file}-wal`), { code: 'ENOENT' })
  })

  it('refuses a batch after another process has written, and finds what that wrote', async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'log.db')
    const next = createBatches()
    const [first, second, third] = [next(3), next(300), next(2)]
    const storage = await openSqliteLog(file)
    t.after(() => storage.close())
    await storage.append(first)
    const other = await openSqliteLog(file)
    await other.append(second)
    await other.close()
    await assert.rejects(storage.append({ ...second, size: 3 }), { code: 'log_refused' })
    assert.equal((await storage.head())?.size, 303)
    assert.equal(await storage.find('example.com/m302', 'v1.0.0'), 302)
    await storage.append(third)
    assert.equal(await storage.find('example.com/m304', 'v1.0.0'), 304)
  })

  it('says what is wrong with a file that is no log of this version', async (t) => {
    const folder = await temporaryFolder(t)
    const garbage = join(folder, 'garbage.db')
    await writeFile(garbage, 'not a database, but long enough to be looked at '.repeat(100))
    await assert.rejects(openSqliteLog(garbage), {
      code: 'store_unavailable',
      message: /checksum log is not/,
    })
    const newer = join(folder, 'newer.db')
    const database = new DatabaseSync(newer)
    database.exec('pragma user_version = 99')
    database.close()
    await assert.rejects(openSqliteLog(newer), { code: 'data_folder', message: /newer modstead/ })
    await assert.rejects(openSqliteLog(join(folder, 'missing', 'log.db')), { code: 'store_unavailable' })
  })

  it('a batch that cannot be written changes nothing, and the next one can be', async (t) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'log.db')
    const storage = await openSqliteLog(file)
    t.after(() => storage.close())
    const next = createBatches()
    await storage.append(next(2))
    const locker = new DatabaseSync(file)
    locker.exec('begin immediate')
    const batch = next(2)
    await assert.rejects(storage.append(batch), {
      code: 'store_unavailable',
      message: /has its checksum log locked/,
    })
    assert.equal((await storage.head())?.size, 2)
    locker.exec('rollback')
    locker.close()
    await storage.append(batch)
    assert.equal((await storage.head())?.size, 4)
  })
})
