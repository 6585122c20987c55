import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { createTestObserver, eventually, temporaryFolder } from '../../observe/test-support.ts'
import { collect, failsWith } from '../test-origin.ts'
import { BrokenClone } from './clone.ts'
import { makeRepository, noise } from './test-repository.ts'
import { createZipBuilder, type ZipBuilder, type ZipBuilderOptions, type ZipOrder } from './zip-builder.ts'

interface Fixture {
  builder: ZipBuilder
  order: ZipOrder
  /** The files in scratch. */
  left(): Promise<string[]>
}

async function fixture(t: TestContext, options: Partial<ZipBuilderOptions> = {}): Promise<Fixture> {
  const folder = await temporaryFolder(t)
  const scratch = join(folder, 'scratch')
  await mkdir(scratch)
  const gitDir = join(folder, 'repository')
  const [hash] = makeRepository(gitDir, [
    { files: { 'go.mod': 'module corp.example/lib\n', 'large.bin': noise(20 << 20, 1) } },
  ])
  const { log } = createTestObserver()
  const builder = createZipBuilder({ scratch, threads: 1, most: 2 ** 30, deadline: 40_000, log, ...options })
  t.after(() => builder.close())
  const named = { module: checkPath('corp.example/lib'), version: 'v1.0.0' as Version, url: 'file:///lib' }
  return {
    builder,
    order: { ...named, limit: 1 << 30, gitDir, hash: hash!, folder: '', license: undefined },
    left: () => readdir(scratch),
  }
}

test('a zip is given once, and nothing stays behind', async (t) => {
  const { builder, order, left } = await fixture(t)
  const { size, chunks } = await builder.build(order, new AbortController().signal)
  assert.equal((await collect(chunks)).length, size)
  assert.deepEqual(await left(), [])
})

test('a zip that nobody reads is deleted when it is given up', async (t) => {
  const { builder, order, left } = await fixture(t)
  const leaving = new AbortController()
  await builder.build(order, leaving.signal)
  assert.equal((await left()).length, 1)
  leaving.abort()
  let files = 1
  await eventually(() => {
    void left().then(({ length }) => (files = length))
    return files === 0
  }, 'the zip was deleted')
})

test('one that is given up while it is made leaves nothing, whatever it was at', async (t) => {
  const { builder, order, left } = await fixture(t)
  for (const wanted of ['.zip.tar', '.zip']) {
    const leaving = new AbortController()
    const building = builder.build(order, leaving.signal)
    let over = false
    building.then(
      () => (over = true),
      () => (over = true),
    )
    while (!over && !(await left()).some((name) => name.endsWith(wanted))) continue
    leaving.abort()
    await assert.rejects(building, { name: 'AbortError' })
    assert.deepEqual(await left(), [])
  }
  const { size, chunks } = await builder.build(order, new AbortController().signal)
  assert.equal((await collect(chunks)).length, size)
})

test('what cannot be made says why, and leaves nothing', async (t) => {
  const { builder, order, left } = await fixture(t, { most: 1 << 20 })
  const signal = new AbortController().signal
  await failsWith(builder.build(order, signal), 'upstream_invalid', /its files have more than 1048576 bytes/)
  const small = await fixture(t)
  await failsWith(
    small.builder.build({ ...small.order, limit: 19 << 20 }, signal),
    'upstream_invalid',
    /more than the 19922944 bytes that limits\.zip/,
  )
  assert.deepEqual(await small.left(), [])
  await assert.rejects(builder.build({ ...order, hash: 'f'.repeat(40) }, signal), BrokenClone)
  assert.deepEqual(await left(), [])
})
