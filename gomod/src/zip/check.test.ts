import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { hashFiles, hashGoMod } from '../dirhash.ts'
import { checkModuleZip, verifyModuleZip } from './check.ts'
import type { FileRule } from './files.ts'
import { MAX_GO_MOD, MAX_LICENSE, MAX_ZIP_FILE } from './limits.ts'
import { zipBytesOf, type ZipBytes } from './reader.ts'
import { entriesWith, FILES, gomodError, H1, MODULE, PREFIX, verify } from './testing/module.ts'
import { rawZip, type RawEntry } from './testing/raw-zip.ts'

const MIB = 2 ** 20

test('a good zip gives its hashes, its go.mod, and its sizes', async () => {
  const goMod = Buffer.from(FILES[0]!.contents)
  const size = FILES.reduce((sum, file) => sum + file.contents.length, 0)
  assert.deepEqual(await verify(rawZip(FILES)), {
    h1: H1,
    goMod,
    goModHash: hashGoMod(goMod),
    files: 3,
    size,
  })
})

test('a zip may lack a go.mod, or have one that is a directory', async () => {
  const { goMod, goModHash, files } = await verify(rawZip([{ name: `${PREFIX}go.mod/a.go` }]))
  assert.deepEqual({ goMod, goModHash, files }, { goMod: undefined, goModHash: undefined, files: 1 })
  assert.equal((await verify(rawZip([]))).files, 0)
})

test('entries of directories are no files, but part of the hash, as often as they occur', async () => {
  const names = [PREFIX, `${PREFIX}sub/`, `${PREFIX}sub/`, `${PREFIX}other/`]
  const zip = rawZip([...names.map((name) => ({ name, method: 0 })), ...FILES])
  const { h1, files } = await verify(zip)
  assert.equal(files, 3)
  const entries = [...names.map((name) => ({ name, contents: '' })), ...FILES]
  assert.equal(h1, hashFiles(entries.map(({ name, contents }) => ({ name, bytes: Buffer.from(contents) }))))
})

/** Names behind the prefix of the module, or whole ones where they begin with a colon. */
const NAMES: readonly (readonly [rule: FileRule, ...names: string[]])[] = [
  [
    'prefix',
    ':',
    ':go.mod',
    ':example.com/m@v1.0.0',
    ':example.com/m@v1.0.1/go.mod',
    ':other.com/m@v1.0.0/go.mod',
  ],
  ['prefix', ':EXAMPLE.com/m@v1.0.0/go.mod', ':/example.com/m@v1.0.0/a', ':../example.com/m@v1.0.0/a'],
  ['unclean', 'a/../b', 'a//b', './a', 'a/.', 'a/./b', '/', 'a//', '/..'],
  ['absolute', '/a', '/etc/passwd'],
  [
    'name',
    '../a',
    '..',
    'a\\b',
    'C:/a',
    'a:b',
    'a\nb',
    'a*b',
    '"',
    'con',
    'a/NUL.txt',
    'a.',
    'a/...',
    "a'",
    '\u{1f600}',
    '\u200b',
  ],
  ['collision', 'M.GO', 'm.go', 'm.go/a', 'Sub/b', 'sub/EMPTY.txt', 'sub', 'ſub/c'],
  ['gomod_case', 'GO.MOD', 'Go.mod'],
  ['gomod_place', 'sub/go.mod', 'a/b/GO.MOD'],
]

for (const [rule, ...names] of NAMES) {
  test(`names are refused by the rule ${rule}`, async () => {
    for (const given of names) {
      const name = given.startsWith(':') ? given.slice(1) : PREFIX + given
      // The root's go.mod would be what GO.MOD collides with.
      const zip = rawZip([...FILES.slice(1), { name }])
      const report = checkModuleZip(zipBytesOf(zip), MODULE)
      assert.deepEqual(
        report.invalid.map(({ path, rule }) => [path, rule]),
        [[name, rule]],
      )
      await assert.rejects(verify(zip), gomodError('invalid_zip', /^"[^]*": .*[^.]$/), given)
    }
  })
}

test('names that look odd and are allowed', async () => {
  const names = [
    'été.go',
    'a b',
    '.git/config',
    '-',
    '~',
    'a@b',
    '{}',
    'vendor/a/b',
    'console/..a',
    'GO.MODS',
  ]
  const { files } = await verify(rawZip(names.map((name) => ({ name: PREFIX + name }))))
  assert.equal(files, names.length)
})

test('of many problems the first is named, and the others counted', async () => {
  const zip = rawZip([...FILES, { name: 'x' }, { name: 'y' }, { name: 'z' }])
  await assert.rejects(verify(zip), gomodError('invalid_zip', /^"x": .* \(and 2 more such files\)$/))
})

test('the name of the module has to be one', () => {
  const source = zipBytesOf(rawZip(FILES))
  const named = (path: string, version: string) => () => checkModuleZip(source, { path, version })
  assert.throws(named('m', 'v1.0.0'), gomodError('invalid_path', /no dot/))
  assert.throws(named('example.com/m', 'v1.0'), gomodError('invalid_version', /not a canonical/))
  assert.throws(named('example.com/m', 'v2.0.0'), gomodError('invalid_version', /must be v0 or v1/))
  assert.throws(named('example.com/m', 'master'), gomodError('invalid_version', /not a semantic/))
})

/** A file whose declared size is all that there is of it. */
function declared(name: string, size: number): RawEntry {
  return { name: PREFIX + name, local: { size }, central: { size } }
}

test('sizes at their limits are no problem by themselves', () => {
  const cases = [
    [declared('large.go', MAX_ZIP_FILE)],
    [declared('small.go', 10), declared('large.go', MAX_ZIP_FILE - 10)],
    [declared('go.mod', MAX_GO_MOD), declared('LICENSE', MAX_LICENSE)],
    [declared('sub/LICENSE', MAX_LICENSE + 1)],
  ]
  for (const entries of cases) {
    const { valid, invalid, sizeProblem } = checkModuleZip(zipBytesOf(rawZip(entries)), MODULE)
    assert.deepEqual(
      { count: valid.length, invalid, sizeProblem },
      { count: entries.length, invalid: [], sizeProblem: undefined },
    )
  }
})

test('sizes beyond their limits are refused before anything is inflated', async () => {
  const cases: [RegExp, ...RawEntry[]][] = [
    [/together/, declared('large.go', MAX_ZIP_FILE + 1)],
    [/together/, declared('small.go', 10), declared('large.go', MAX_ZIP_FILE - 9)],
    [/^"[^"]*\/go\.mod": a go\.mod has at most/, declared('go.mod', MAX_GO_MOD + 1)],
    [/^"[^"]*\/LICENSE": a LICENSE has at most/, declared('LICENSE', MAX_LICENSE + 1)],
  ]
  for (const [message, ...entries] of cases) {
    const zip = rawZip(entries)
    const reads: number[] = []
    const source = counting(zipBytesOf(zip), reads)
    await assert.rejects(verifyModuleZip(source, MODULE), gomodError('zip_too_large', message))
    assert.equal(reads.length, 1)
  }
})

test('a zip that is too large is refused unread', async () => {
  const source = (size: number) => ({ size, read: (_: number, length: number) => Buffer.alloc(length) })
  await assert.rejects(
    verifyModuleZip(source(MAX_ZIP_FILE), MODULE),
    gomodError('invalid_zip', /no end record/),
  )
  const unread = { size: MAX_ZIP_FILE + 1, read: () => assert.fail('read') }
  await assert.rejects(verifyModuleZip(unread, MODULE), gomodError('zip_too_large', /this one has 524288001/))
})

/** Entries that are too large to be handled whole, and so are read in pieces. */
const LARGE: Readonly<Record<string, Uint8Array>> = {
  'zeros, 20 MiB': Buffer.alloc(20 * MIB),
  'noise, 3 MiB': randomBytes(3 * MIB),
  'both, 5 MiB': Buffer.concat([randomBytes(2 * MIB), Buffer.alloc(3 * MIB)]),
}

for (const [what, contents] of Object.entries(LARGE)) {
  const name = `${PREFIX}large`
  const data = deflateRawSync(contents)
  const zip = (changes: Partial<RawEntry>) =>
    rawZip([{ name: `${PREFIX}a` }, { name, contents, ...changes }, { name: `${PREFIX}b` }])

  test(`large files are read in pieces: ${what}`, async () => {
    const want = hashFiles([
      { name: `${PREFIX}a`, bytes: Buffer.alloc(0) },
      { name, bytes: contents },
      { name: `${PREFIX}b`, bytes: Buffer.alloc(0) },
    ])
    for (const method of [0, 8]) {
      for (const descriptor of [false, true])
        assert.equal((await verify(zip({ method, descriptor }))).h1, want)
    }
  })

  test(`large files are checked as small ones are: ${what}`, async () => {
    const size = contents.length
    const cases: [RegExp, Partial<RawEntry>][] = [
      [/CRC is wrong/, { local: { crc: 1 }, central: { crc: 1 } }],
      [/CRC is wrong/, { method: 0, local: { crc: 1 }, central: { crc: 1 } }],
      [/more than the declared/, { local: { size: size - 1 }, central: { size: size - 1 } }],
      [/fewer than the declared/, { local: { size: size + 1 }, central: { size: size + 1 } }],
      [/more bytes behind/, { data: Buffer.concat([data, Buffer.from('x')]) }],
      [/more bytes behind/, { data: Buffer.concat([data, Buffer.alloc(MIB)]) }],
      [/cut off|broken/, { data: data.subarray(0, -1) }],
      [/broken/, { data: Buffer.concat([Buffer.of(0xff), data.subarray(1)]) }],
      [/another CRC/, { descriptor: Buffer.alloc(16, 'x') }],
      [/no room/, { descriptor: Buffer.alloc(11, 'x') }],
    ]
    for (const [message, changes] of cases)
      await assert.rejects(verify(zip(changes)), gomodError('invalid_zip', message))
  })
}

test('a go.mod of any size is given, deflated or stored', async () => {
  for (const bytes of [100, 100_000, 6 * MIB])
    for (const method of [0, 8]) {
      const contents = Buffer.alloc(bytes, '// comment\n')
      const { goMod, goModHash } = await verify(rawZip(entriesWith('go.mod', { contents, method })))
      assert.ok(contents.equals(goMod!))
      assert.equal(goModHash, hashGoMod(contents))
    }
})

test('a file is read about once, in few reads, and its buffer may be used again', async () => {
  const entries = Array.from({ length: 1000 }, (_, i) => ({
    name: `${PREFIX}${i}`,
    contents: randomBytes(i % 100 === 0 ? 300_000 : 8000),
    descriptor: i % 2 === 0,
    method: i % 3 === 0 ? 0 : 8,
  }))
  const zip = rawZip([...entries, { name: `${PREFIX}large`, contents: randomBytes(5 * MIB) }])
  const buffer = Buffer.alloc(2 * MIB)
  const reads: number[] = []
  const reusing = {
    size: zip.length,
    read: (offset: number, length: number) => {
      buffer.fill(0)
      return buffer.subarray(0, zip.copy(buffer, 0, offset, offset + length))
    },
  }
  const { h1 } = await verifyModuleZip(counting(reusing, reads), MODULE)
  assert.equal(h1, (await verify(zip)).h1)
  const total = reads.reduce((sum, length) => sum + length, 0)
  assert.ok(total < 1.25 * zip.length + 2 * MIB, `${total} of ${zip.length} bytes read`)
  assert.ok(reads.length < (1.5 * zip.length) / MIB + 5, `${reads.length} reads`)
})

test('an abort stops the work with its reason', async () => {
  const contents = randomBytes(MIB)
  const many = rawZip(Array.from({ length: 40 }, (_, i) => ({ name: `${PREFIX}${i}`, contents, method: 0 })))
  const bomb = rawZip([{ name: `${PREFIX}bomb`, contents: Buffer.alloc(100 * MIB) }])
  const stored = rawZip([{ name: `${PREFIX}stored`, contents: Buffer.alloc(40 * MIB), method: 0 }])
  for (const zip of [many, bomb, stored]) {
    const { signal, abort } = abortable()
    const work = verifyModuleZip(zipBytesOf(zip), { ...MODULE, signal })
    setImmediate(abort)
    await assert.rejects(work, /^Error: enough$/)
  }
  const { signal, abort } = abortable()
  abort()
  await assert.rejects(verifyModuleZip(zipBytesOf(many), { ...MODULE, signal }), /^Error: enough$/)
})

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new Error('enough')) }
}

function counting(source: ZipBytes, lengths: number[]): ZipBytes {
  return {
    size: source.size,
    read: (offset, length) => {
      lengths.push(length)
      return source.read(offset, length)
    },
  }
}
