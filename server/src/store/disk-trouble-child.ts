/** Run by `disk-trouble.test.ts` on a small file system of its own, which is the data folder. Exits 0 when all holds. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { openDataFolder } from './data-folder.ts'
import { openFileStore } from './file-store.ts'
import { createTestObserver, someHash } from '../observe/test-support.ts'
import { key } from './test-support.ts'

const [script, path] = process.argv.slice(2) as [string, string]
const folder = await openDataFolder(path, { version: '0.0.0-test' })
const observer = createTestObserver()
const store = await openFileStore(folder, { observer })
const keyOf = (i: number) => key('zip', `example.com/m${i}`, 'v1.0.0')

await (script === 'full' ? runFull() : runReadOnly())
await store.close()
await folder.close().catch((error: unknown) => {
  if (script === 'full') throw error
})

async function runFull(): Promise<void> {
  const body = Buffer.alloc(100_000, 'x')
  let stored = 0
  const unavailable = { code: 'store_unavailable', message: /disk is full/ }
  while (stored < 100) {
    try {
      await store.commit(keyOf(stored), body, someHash('x'))
    } catch (error) {
      await assert.rejects(Promise.reject(error), unavailable)
      break
    }
    stored++
  }
  assert.ok(stored > 2 && stored < 11, `${stored} files fitted`)
  const spool = await store.createSpool()
  await assert.rejects(async () => {
    for (let i = 0; i < 20; i++) await spool.append(body)
  }, unavailable)
  await spool.discard()
  assert.deepEqual(await readdir(folder.temporary), [])
  assert.equal(await store.open(keyOf(stored)), undefined)
  for (let i = 0; i < stored; i++) assert.ok((await (await store.open(keyOf(i)))!.bytes()).equals(body))
  await store.remove(keyOf(0))
  await store.remove(keyOf(1))
  assert.equal(await store.commit(keyOf(stored), body, someHash('x')), 'stored')
  await store.probe()
}

async function runReadOnly(): Promise<void> {
  await store.commit(keyOf(0), Buffer.from('held'), someHash('held'))
  // A mount of its own over the folder: the first one cannot become read-only while the lock is open in it.
  execFileSync('mount', ['--bind', path, path])
  execFileSync('mount', ['-o', 'remount,bind,ro', path])
  const unavailable = { code: 'store_unavailable', message: /read-only/ }
  await assert.rejects(store.commit(keyOf(1), Buffer.from('x'), someHash('x')), unavailable)
  await assert.rejects(store.probe(), unavailable)
  await assert.rejects(store.createSpool(), unavailable)
  assert.equal(String(await (await store.open(keyOf(0)))!.bytes()), 'held')
}
