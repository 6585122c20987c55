import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { sizeOf, tooMuchOnDisk, TooMuchOnDisk } from './disk-bound.ts'

const patient = new AbortController().signal

test('the size of a folder is that of all files below it; one that is gone has none', async (t) => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'a', 'b'), { recursive: true })
  await writeFile(join(folder, 'x'), Buffer.alloc(100))
  await writeFile(join(folder, 'a', 'b', 'y'), Buffer.alloc(23))
  assert.equal(await sizeOf(folder), 123)
  await rm(folder, { recursive: true })
  assert.equal(await sizeOf(folder), 0)
})

test('a folder that grows beyond its bound is told of', async (t) => {
  const folder = await temporaryFolder(t)
  const bound = tooMuchOnDisk({ folder, most: 1000, signal: patient })
  t.after(() => bound.end())
  const told = new Promise<unknown>((resolve) => {
    bound.signal.addEventListener('abort', () => resolve(bound.signal.reason))
  })
  await writeFile(join(folder, 'x'), Buffer.alloc(1001))
  assert.ok((await told) instanceof TooMuchOnDisk)
})

test('it also fires with the signal given', (t) => {
  const given = new AbortController()
  const bound = tooMuchOnDisk({ folder: '/nonexistent', most: 1, signal: given.signal })
  t.after(() => bound.end())
  given.abort(new Error('over'))
  assert.equal((bound.signal.reason as Error).message, 'over')
})
