import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { isPseudoVersion, pseudoVersionTime } from '@modstead/gomod/pseudo'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../errors.ts'
import { makeClientModule } from './client-module.ts'
import { createClientOrigin } from './client-origin.ts'
import { readSources, type SourceFile } from './sources.ts'

const PATH = checkPath('go.corp.example/modstead/client')
const OTHER = checkPath('modstead.invalid/modstead/client')
const SMALL: SourceFile[] = [
  { path: 'go.mod', contents: Buffer.from('module modstead.invalid/modstead/client\n\ngo 1.24\n') },
  { path: 'main.go', contents: Buffer.from('package main\n\nfunc main() {}\n') },
]
const options = { signal: new AbortController().signal, priority: 'client' } as const

suite('the module', () => {
  test('is the helper without its tests, under the path that was asked for', async () => {
    const sources = await readSources()
    const names = sources.map(({ path }) => path)
    assert.ok(names.includes('go.mod') && names.includes('main.go') && names.includes('LICENSE'))
    assert.deepEqual(
      names.filter((name) => name.endsWith('_test.go')),
      [],
    )
    const made = await makeClientModule(PATH, '0.1.0', sources)
    assert.match(made.goMod.toString(), /^module go\.corp\.example\/modstead\/client\n\ngo 1\.\d+\n$/)
    assert.equal(
      (await makeClientModule(OTHER, '0.1.0', sources)).goMod.toString().split('\n')[0],
      `module ${OTHER}`,
    )
  })

  test('needs nothing but the standard library', async () => {
    for (const { path, contents } of await readSources()) {
      const block = /^import \(([^)]*)\)/m.exec(contents.toString())?.[1] ?? ''
      for (const [, name = ''] of block.matchAll(/"([^"]+)"/g))
        assert.ok(!name.includes('.'), `${path}: ${name}`)
    }
  })

  // Written down once: whoever changes how versions or zips are made sees that clients will see it, too.
  test('has a version and a hash that follow from its contents alone', async () => {
    const made = await makeClientModule(PATH, '0.1.0', SMALL)
    assert.equal(made.version, 'v0.1.0-0.20261126000000-f1e7e39b3ba7')
    assert.equal(made.h1, 'h1:PwkpI/uFIjpguhx56du324GDrhE+WThN0PNp51ziKfg=')
    assert.deepEqual(JSON.parse(made.info.toString()), {
      Version: made.version,
      Time: '2026-11-26T00:00:00Z',
    })
    const again = await makeClientModule(PATH, '0.1.0', SMALL)
    assert.deepEqual(again, made)
  })

  test('has another version for other contents, whatever modstead calls itself', async () => {
    const one = await makeClientModule(PATH, '0.1.0', SMALL)
    const changed = SMALL.map((file) =>
      file.path === 'main.go'
        ? { ...file, contents: Buffer.from('package main\n\nfunc main() { }\n') }
        : file,
    )
    const renamed = SMALL.map((file) => (file.path === 'main.go' ? { ...file, path: 'other.go' } : file))
    const versions = [one.version]
    for (const sources of [changed, renamed])
      versions.push((await makeClientModule(PATH, '0.1.0', sources)).version)
    versions.push((await makeClientModule(OTHER, '0.1.0', SMALL)).version)
    assert.equal(new Set(versions).size, 4)
  })

  test('is a pseudo-version before every release', async () => {
    for (const [release, start] of [
      ['0.1.0', 'v0.1.0-0.2026'],
      ['0.2.0-rc.1', 'v0.2.0-rc.1.0.2026'],
      ['0.3.0+build-7', 'v0.3.0-0.2026'],
    ] as const) {
      const { version, info } = await makeClientModule(PATH, release, SMALL)
      assert.ok(version.startsWith(start), version)
      assert.ok(isPseudoVersion(version))
      const { Time } = JSON.parse(info.toString()) as { Time: string }
      assert.equal(pseudoVersionTime(version).getTime(), Date.parse(Time))
    }
  })

  test('a go.mod that cannot be named anew is an error', async () => {
    const sources = [{ path: 'go.mod', contents: Buffer.from('module other.example/x\n') }]
    await assert.rejects(makeClientModule(PATH, '0.1.0', sources), /cannot be|can be rewritten/)
  })
})

suite('its origin', () => {
  const origin = createClientOrigin([PATH, OTHER], '0.1.0')
  const absent = (error: unknown) => error instanceof ModsteadError && error.code === 'not_found'

  test('knows the latest version and its files', async () => {
    const latest = await origin.resolve(PATH, 'latest', options)
    assert.ok(latest !== 'unchanged')
    const { version } = latest
    assert.deepEqual(await origin.versions(PATH, options), { versions: [] })
    assert.deepEqual(await origin.resolve(PATH, version, options), latest)
    const { bytes } = await origin.goMod(PATH, version, options)
    assert.match(bytes.toString(), /^module go\.corp\.example/)
    const { size, chunks } = await origin.zip(PATH, version, options)
    const read: Buffer[] = []
    for await (const chunk of chunks) read.push(chunk)
    const zip = Buffer.concat(read)
    assert.equal(zip.length, size)
  })

  test('has no other version, path or query', async () => {
    const version = 'v0.1.0-0.20261126000000-000000000000' as Version
    await assert.rejects(origin.zip(PATH, version, options), absent)
    await assert.rejects(origin.goMod(PATH, version, options), absent)
    await assert.rejects(origin.resolve(PATH, 'main', options), absent)
    for (const path of ['go.corp.example', 'go.corp.example/modstead', `${PATH}/x`])
      await assert.rejects(origin.versions(checkPath(path), options), absent)
  })
})
