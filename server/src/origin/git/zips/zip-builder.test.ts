import assert from 'node:assert/strict'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { verifyModuleZip } from '@modstead/gomod/zip/check'
import { createTestObserver, eventually, temporaryFolder } from '../../../observe/test-support.ts'
import { collect, failsWith } from '../../test-origin.ts'
import { BrokenClone } from '../clones/clone.ts'
import { makeRepository, noise } from '../test-repository.ts'
import { createZipBuilder, type ZipBuilder, type ZipOrder } from './zip-builder.ts'
import type { RunGit } from '../programs/git-helper.ts'
import { runGit } from '../programs/run-git.ts'

const PATIENT = new AbortController().signal
const MODULE = checkPath('corp.example/lib')
const VERSION = 'v1.0.0' as Version

interface Fixture {
  scratch: string
  gitDir: string
  order: ZipOrder
  builder(options?: { most?: number; deadline?: number; run?: RunGit }): ZipBuilder
}

async function fixture(t: TestContext, files: Record<string, string | Buffer> = {}): Promise<Fixture> {
  const place = await temporaryFolder(t)
  const scratch = join(place, 'scratch')
  await mkdir(scratch)
  const gitDir = join(place, 'repository')
  const [hash] = makeRepository(gitDir, [
    {
      files: {
        'go.mod': `module ${MODULE}\n`,
        'a.go': 'package lib\n',
        'sub/go.mod': 'module x\n',
        LICENSE: 'Free\n',
        ...files,
      },
    },
  ])
  return {
    scratch,
    gitDir,
    order: {
      module: MODULE,
      version: VERSION,
      gitDir,
      hash: hash!,
      folder: '',
      license: undefined,
      limit: 1 << 30,
      url: 'https://git.test/lib',
    },
    builder({ most = 1 << 30, deadline = 40_000, run = runGit } = {}) {
      const builder = createZipBuilder({
        scratch,
        threads: 1,
        most,
        deadline,
        run,
        log: createTestObserver().log,
      })
      t.after(() => builder.close())
      return builder
    },
  }
}

test('a zip is a module zip, and is gone from the disk once it was read', async (t) => {
  const f = await fixture(t, { noise: noise(1 << 20, 1) })
  const source = await f.builder().build(f.order, PATIENT)
  const zip = await collect(source.chunks)
  assert.equal(zip.length, source.size)
  const bytes = { size: zip.length, read: (at: number, length: number) => zip.subarray(at, at + length) }
  const { files } = await verifyModuleZip(bytes, { path: MODULE, version: VERSION })
  assert.equal(files, 4)
  assert.deepEqual(await readdir(f.scratch), [])
})

test('trouble of the disk is not blamed on the repository', async (t) => {
  const f = await fixture(t)
  const full: RunGit = async () => ({
    status: 128,
    stdout: Buffer.alloc(0),
    said: 'fatal: write error: No space left on device',
  })
  await failsWith(
    f.builder({ run: full }).build(f.order, PATIENT),
    'store_unavailable',
    /: its disk is full$/,
  )
  const noTar: RunGit = async () => {
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
  }
  await failsWith(
    f.builder({ run: noTar }).build(f.order, PATIENT),
    'store_unavailable',
    /: its disk is full$/,
  )
  // The worker is to write where something stands.
  const inTheWay: RunGit = async (order) => {
    await writeFile(order.output!.replace(/\.tar$/, ''), '')
    return runGit(order)
  }
  await failsWith(
    f.builder({ run: inTheWay }).build(f.order, PATIENT),
    'store_unavailable',
    /^modstead could not make the zip of .*: the file system answered EEXIST$/,
  )
  assert.deepEqual(await readdir(f.scratch), [])
})

test('a reader that leaves in the middle leaves nothing on the disk', async (t) => {
  const f = await fixture(t, { noise: noise(1 << 20, 1) })
  const source = await f.builder().build(f.order, PATIENT)
  for await (const chunk of source.chunks) if (chunk.length > 0) break
  assert.deepEqual(await readdir(f.scratch), [])
})

test('what cannot be a zip is told apart, and leaves nothing on the disk', async (t) => {
  const f = await fixture(t, { 'A.go': 'package lib\n', noise: noise(6 << 20, 1) })
  await failsWith(
    f.builder().build(f.order, PATIENT),
    'upstream_invalid',
    /no zip can be made of corp\.example\/lib@v1\.0\.0 .*A\.go/,
  )
  await failsWith(f.builder({ deadline: 1 }).build(f.order, PATIENT), 'upstream_invalid', /within 1 ms|A\.go/)
  await assert.rejects(f.builder().build({ ...f.order, hash: '1'.repeat(40) }, PATIENT), BrokenClone)
  await assert.rejects(f.builder().build({ ...f.order, folder: 'none' }, PATIENT), BrokenClone)
  await rm(f.gitDir, { recursive: true })
  await assert.rejects(f.builder().build(f.order, PATIENT), BrokenClone)
  assert.deepEqual(await readdir(f.scratch), [])
})

test('a zip that nobody reads is deleted when it is given up', async (t) => {
  const f = await fixture(t)
  const leaving = new AbortController()
  await f.builder().build(f.order, leaving.signal)
  assert.equal((await readdir(f.scratch)).length, 1)
  leaving.abort()
  let files = 1
  await eventually(() => {
    void readdir(f.scratch).then(({ length }) => (files = length))
    return files === 0
  }, 'the zip was deleted')
})

test('who gives up leaves nothing on the disk, whatever was under way, and the next zip is made', async (t) => {
  const f = await fixture(t, { noise: noise(12 << 20, 1) })
  const builder = f.builder()
  for (const wanted of ['.zip.tar', '.zip']) {
    const leaving = new AbortController()
    const building = builder.build(f.order, leaving.signal)
    const failing = assert.rejects(building, { name: 'AbortError' })
    const deadline = Date.now() + 20_000
    while (Date.now() < deadline && !(await readdir(f.scratch)).some((name) => name.endsWith(wanted)))
      continue
    leaving.abort()
    await failing
    assert.deepEqual(await readdir(f.scratch), [])
  }
  const next = await builder.build(f.order, PATIENT)
  assert.equal((await collect(next.chunks)).length, next.size)
  assert.deepEqual(await readdir(f.scratch), [])
})

test('what is larger than it may be is told with the setting, and leaves nothing on the disk', async (t) => {
  const f = await fixture(t, { noise: noise(2 << 20, 1) })
  await failsWith(
    f.builder({ most: 1 << 20 }).build(f.order, PATIENT),
    'upstream_invalid',
    /its files have more than 1048576 bytes/,
  )
  await failsWith(
    f.builder().build({ ...f.order, limit: 1 << 20 }, PATIENT),
    'upstream_invalid',
    /more than the 1048576 bytes that limits\.zip/,
  )
  assert.deepEqual(await readdir(f.scratch), [])
})
