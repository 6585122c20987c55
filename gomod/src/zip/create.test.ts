import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { ZipFile as YazlFile } from 'yazl'
import { hashFiles, hashGoMod } from '../dirhash.ts'
import { checkModuleFiles, createModuleZip, type CreatedModuleZip, type ModuleFile } from './create.ts'
import type { FileRule } from './files.ts'
import { MAX_GO_MOD, MAX_LICENSE, MAX_ZIP_FILE } from './limits.ts'
import { readZipDirectory, zipBytesOf } from './reader.ts'
import { gomodError, MODULE, PREFIX, verify } from './testing/module.ts'
import { oracleH1 } from './testing/oracle.ts'
import { zipWriter } from './writer.ts'

const MIB = 2 ** 20
const EMPTY = new Uint8Array(0)

function file(
  path: string,
  contents: string | Uint8Array = '',
  kind: ModuleFile['kind'] = 'regular',
): ModuleFile {
  const bytes = Buffer.from(contents)
  return { path, kind, size: bytes.length, open: () => bytes }
}

/** A file of which only the size is known. */
function sized(path: string, size: number): ModuleFile {
  return { path, kind: 'regular', size, open: () => assert.fail(`${path} was opened`) }
}

async function create(files: readonly ModuleFile[], more: { goVersion?: string } = {}) {
  const chunks: Uint8Array[] = []
  const made = await createModuleZip({ ...MODULE, files, ...more }, (chunk) => chunks.push(chunk))
  return { made, zip: Buffer.concat(chunks), chunks }
}

/** The paths in a zip, in its order. */
function pathsIn(zip: Uint8Array): string[] {
  return readZipDirectory(zipBytesOf(zip)).map(({ name }) => name.slice(PREFIX.length))
}

test('a zip is made of the files in their order, and hashed on the way', async () => {
  const goMod = Buffer.from('module example.com/m\n')
  const files = [
    file('z.go', 'package z'),
    file('go.mod', goMod),
    file('été/a.go', 'x'.repeat(1000)),
    file('empty'),
  ]
  const { made, zip } = await create(files)
  assert.deepEqual(pathsIn(zip), ['z.go', 'go.mod', 'été/a.go', 'empty'])
  const { zipSize, omitted, ...module } = made
  assert.deepEqual(omitted, [])
  assert.equal(zipSize, zip.length)
  assert.equal(module.goModHash, hashGoMod(goMod))
  assert.deepEqual(await verify(zip), module)
  assert.equal(await oracleH1(zip), module.h1)
})

test('the same files give the same bytes', async () => {
  const files = [
    file('go.mod', 'module example.com/m'),
    file('noise', randomBytes(1000)),
    file('large', Buffer.alloc(5 * MIB)),
  ]
  assert.ok((await create(files)).zip.equals((await create(files)).zip))
})

test('no files make an empty zip', async () => {
  const { made, zip } = await create([])
  assert.equal(zip.length, 22)
  assert.equal(made.h1, 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
  assert.equal((await verify(zip)).h1, made.h1)
})

/** Files of a module that states go 1.24, and what becomes of each. */
const FATES: readonly (readonly [path: string, fate: FileRule | 'valid', kind?: ModuleFile['kind']])[] = [
  ['m.go', 'valid'],
  ['LICENSE', 'valid'],
  ['.gitattributes', 'valid'],
  ['.git/config', 'valid'],
  ['vendor/x.go', 'valid'],
  ['vendor/modules.txt', 'vendored'],
  ['vendor/a.com/x/x.go', 'vendored'],
  ['a/vendor/x.go', 'valid'],
  ['a/vendor/b/x.go', 'vendored'],
  ['vendor/a.com/x/GO.MOD', 'vendored'],
  ['nested/go.mod', 'nested_module'],
  ['nested/deep/x.go', 'nested_module'],
  ["nested/bad'name", 'nested_module'],
  ['shouting/Go.Mod', 'nested_module'],
  ['shouting/x.go', 'nested_module'],
  ['linked/go.mod', 'symlink', 'symlink'],
  ['linked/x.go', 'valid'],
  ['directory/go.mod', 'irregular', 'dir'],
  ['directory/x.go', 'valid'],
  ['.hg_archival.txt', 'hg_archival'],
  ['sub/.hg_archival.txt', 'valid'],
  ['link', 'symlink', 'symlink'],
  ['LINK', 'collision', 'symlink'],
  ['pipe', 'irregular', 'other'],
  ['gitlink', 'irregular', 'dir'],
  ['GO.MOD', 'gomod_case'],
  ['M.GO', 'collision'],
  ['m.go/x', 'collision'],
  ["bad'name", 'name'],
  ['a//b', 'unclean'],
  ['/a', 'absolute'],
  ['../a', 'name'],
]

test('each file is valid, omitted or invalid, by the first rule that applies', () => {
  const files = FATES.map(([path, , kind]) => file(path, '', kind))
  const report = checkModuleFiles(files, { goVersion: '1.24' })
  const found = new Map<string, string>([
    ...report.valid.map(({ path }) => [path, 'valid'] as const),
    ...[...report.omitted, ...report.invalid].map(({ path, rule }) => [path, rule] as const),
  ])
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(FATES))
  assert.deepEqual(
    report.invalid.map(({ path }) => path),
    ['LINK', 'GO.MOD', 'M.GO', 'm.go/x', "bad'name", 'a//b', '/a', '../a'],
  )
})

test('of a directory on disk, version control is left out as well', () => {
  const files = ['.git/config', 'a/.svn/x', '.hg/x', '.bzr/x', '.github/x', '.git'].map((path) => file(path))
  const report = checkModuleFiles([...files, file('n/go.mod', '', 'symlink'), file('n/x')], {
    goVersion: undefined,
    fromDirectory: true,
  })
  assert.deepEqual(
    report.omitted.map(({ path, rule }) => `${path}: ${rule}`),
    [
      '.git/config: vcs',
      'a/.svn/x: vcs',
      '.hg/x: vcs',
      '.bzr/x: vcs',
      'n/go.mod: nested_module',
      'n/x: nested_module',
    ],
  )
  assert.deepEqual(
    report.valid.map(({ path }) => path),
    ['.github/x', '.git'],
  )
})

test('a path that occurs often is reported once', () => {
  const { valid, invalid } = checkModuleFiles([file('a'), file('a'), file('a')], { goVersion: undefined })
  assert.equal(valid.length, 1)
  assert.deepEqual(
    invalid.map(({ path, rule }) => [path, rule]),
    [['a', 'collision']],
  )
})

test('what is vendored goes by the go directive, or by the version that is given', async () => {
  const vendored = [file('vendor/modules.txt'), file('a/vendor/x.go')]
  const goMod = (text: string) => file('go.mod', `module example.com/m\n${text}`)
  const left = async (text: string, more?: { goVersion: string }) =>
    pathsIn((await create([goMod(text), ...vendored], more)).zip)
  assert.deepEqual(await left('go 1.24\n'), ['go.mod', 'a/vendor/x.go'])
  assert.deepEqual(await left('go 1.24rc1\n'), ['go.mod', 'a/vendor/x.go'])
  assert.deepEqual(await left('go 1.23.9\n'), ['go.mod', 'vendor/modules.txt'])
  assert.deepEqual(await left(''), ['go.mod', 'vendor/modules.txt'])
  assert.deepEqual(await left('go 1.24\n)('), ['go.mod', 'vendor/modules.txt'])
  assert.deepEqual(await left('go 1.24\n', { goVersion: '1.20' }), ['go.mod', 'vendor/modules.txt'])
  assert.deepEqual(await left('', { goVersion: '1.25' }), ['go.mod', 'a/vendor/x.go'])
})

test('one bad file fails the module and is named', async () => {
  await assert.rejects(
    create([file('a'), file("b'"), file('c*')]),
    gomodError('invalid_zip', /^"b'": .* \(and 1 more/),
  )
  await assert.rejects(
    create([file('a', '', 'symlink'), file('A')]),
    gomodError('invalid_zip', /^"A": "a" and "A" differ/),
  )
})

test('the name of the module has to be one', async () => {
  const named = (path: string, version: string) => createModuleZip({ path, version, files: [] }, () => {})
  await assert.rejects(named('m', 'v1.0.0'), gomodError('invalid_path', /no dot/))
  await assert.rejects(named('example.com/m/v2', 'v1.0.0'), gomodError('invalid_version', /must be v2/))
  await assert.rejects(
    named('example.com/m', 'v1.0.0+meta'),
    gomodError('invalid_version', /not a canonical/),
  )
})

test('sizes are held to their limits before anything is opened', async () => {
  const problem = (...files: ModuleFile[]) => checkModuleFiles(files, { goVersion: undefined })
  assert.equal(problem(sized('a', MAX_ZIP_FILE)).sizeProblem, undefined)
  assert.equal(problem(sized('a', 10), sized('b', MAX_ZIP_FILE - 10)).sizeProblem, undefined)
  assert.deepEqual(problem(sized('go.mod', MAX_GO_MOD), sized('LICENSE', MAX_LICENSE)).invalid, [])
  assert.match(problem(sized('a', -1)).sizeProblem ?? '', /together/)

  const refused = (message: RegExp, ...files: ModuleFile[]) =>
    assert.rejects(create(files), gomodError('zip_too_large', message))
  await refused(/together/, sized('a', MAX_ZIP_FILE + 1))
  await refused(/together/, sized('a', 10), sized('b', MAX_ZIP_FILE - 9))
  await refused(/^"go\.mod": a go\.mod has at most/, sized('go.mod', MAX_GO_MOD + 1))
  await refused(/^"LICENSE": a LICENSE has at most/, sized('LICENSE', MAX_LICENSE + 1))
})

test('a file that has not the size it was said to have fails the module', async () => {
  for (const size of [12, 14, 0]) {
    for (const path of ['m.go', 'go.mod']) {
      await assert.rejects(
        create([{ ...file(path, 'thirteen byte'), size }]),
        gomodError('invalid_zip', new RegExp(`^"${path}": it has (?:more|fewer) than the ${size} bytes`)),
      )
    }
  }
  const pieces = Array.from({ length: 6 }, () => Buffer.alloc(MIB))
  for (const size of [6 * MIB - 1, 6 * MIB + 1]) {
    const large: ModuleFile = { path: 'large', kind: 'regular', size, open: () => pieces }
    await assert.rejects(create([large]), gomodError('invalid_zip', /^"large": it has (?:more|fewer) than/))
  }
})

test('contents come whole or in pieces, at once or later', async () => {
  for (const size of [0, 10, 100_000, 5 * MIB]) {
    const contents = Buffer.concat([randomBytes(size / 2), Buffer.alloc(size - Math.floor(size / 2))])
    const half = Math.floor(size / 3)
    const pieces = [contents.subarray(0, half), new Uint8Array(0), contents.subarray(half)]
    const forms: ModuleFile['open'][] = [
      () => contents,
      () => Promise.resolve(contents),
      () => pieces,
      () => Promise.resolve(pieces),
      async function* () {
        yield* pieces
      },
    ]
    const want = hashFiles([{ name: `${PREFIX}a`, bytes: contents }])
    for (const open of forms) {
      const { made, zip } = await create([{ path: 'a', kind: 'regular', size, open }])
      assert.equal(made.h1, want)
      assert.equal((await verify(zip)).h1, want)
      assert.equal(await oracleH1(zip), want)
    }
  }
})

test('the zip comes in chunks, and what does not shrink is stored', async () => {
  const files = [...Array(100).keys()].map((i) => file(`${i}`, randomBytes(10_000)))
  const { zip, chunks } = await create([...files, file('large', randomBytes(6 * MIB))])
  assert.ok(chunks.length > 20)
  assert.ok(chunks.every((chunk) => chunk.length <= MIB))
  assert.equal(readZipDirectory(zipBytesOf(zip)).filter(({ method }) => method === 0).length, 100)
})

test('errors of files and of the sink pass through, and an abort stops the work', async () => {
  const failure = new Error('EIO')
  const fail = () => {
    throw failure
  }
  await assert.rejects(create([{ ...sized('a', 1), open: fail }]), failure)
  const large = file('large', randomBytes(5 * MIB))
  const failing: ModuleFile = {
    ...large,
    async *open() {
      yield (await large.open()) as Uint8Array
      fail()
    },
  }
  await assert.rejects(create([failing]), failure)
  await assert.rejects(createModuleZip({ ...MODULE, files: [large] }, fail), failure)
  const signal = AbortSignal.abort(new Error('enough'))
  await assert.rejects(
    createModuleZip({ ...MODULE, files: [large], signal }, () => {}),
    /enough/,
  )
})

test('a zip that comes out larger than allowed is given up', async () => {
  let size = 0
  const writer = zipWriter((chunk) => (size += chunk.length), MIB)
  writer.add('a', randomBytes(MIB - 1000))
  const message = gomodError('zip_too_large', /more than the 1048576 bytes/)
  assert.throws(() => writer.add('b', randomBytes(1000)), message)
  await assert.rejects(writer.addPieces('c', [randomBytes(MIB)]), message)
  assert.throws(() => writer.finish(), message)
  assert.ok(size <= MIB)
})

test('a name that no zip can hold is refused', async () => {
  await assert.rejects(create([file('a'.repeat(65_600))]), gomodError('invalid_zip', /at most 65535$/))
})

test('65,535 files and more need the zip64 records', async () => {
  for (const count of [65_534, 65_535, 65_536]) {
    const chunks: Uint8Array[] = []
    const writer = zipWriter((chunk) => chunks.push(chunk), MAX_ZIP_FILE)
    for (let i = 0; i < count; i++) writer.add(`${i}`, EMPTY)
    writer.finish()
    const zip = Buffer.concat(chunks)
    assert.equal(readZipDirectory(zipBytesOf(zip)).length, count)
    assert.equal(zip.includes('PK\x06\x06'), count > 65_534)
  }
})

test('property: what is made of any files is read back, here and by yauzl, with the hash that was promised', async () => {
  const element = fc.stringMatching(/^[a-zé漢𐐀][a-z0-9 _.-]{0,8}[a-z0-9]$/u)
  const path = fc.array(element, { minLength: 1, maxLength: 3 }).map((elements) => elements.join('/'))
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(5000).map((size) => new Uint8Array(size)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(path, contents), { maxLength: 12 }), async (list) => {
      const given = list.map(([path, contents]) => file(path, contents))
      const { valid } = checkModuleFiles(given, { goVersion: undefined })
      const { made, zip } = await create(valid)
      assert.deepEqual(
        pathsIn(zip),
        valid.map(({ path }) => path),
      )
      assert.equal((await verify(zip)).h1, made.h1)
      assert.equal(await oracleH1(zip), made.h1)
    }),
    { numRuns: 300 },
  )
})

test('zips of yazl are read', async () => {
  const contents = { 'go.mod': 'module example.com/m\n', 'a/b.go': 'b'.repeat(5000), empty: '' }
  for (const options of [{}, { compress: false }, { forceZip64Format: true }]) {
    const writer = new YazlFile()
    for (const [path, text] of Object.entries(contents))
      writer.addBuffer(Buffer.from(text), PREFIX + path, options)
    writer.end(options)
    const chunks: Uint8Array[] = []
    for await (const chunk of writer.outputStream) chunks.push(chunk)
    const { made }: { made: CreatedModuleZip } = await create(
      Object.entries(contents).map(([path, text]) => file(path, text)),
    )
    assert.equal((await verify(Buffer.concat(chunks))).h1, made.h1)
  }
})
