/** The test cases of golang.org/x/mod/zip: the same files are valid, omitted and invalid, and the same hashes result. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { GomodError } from '../error.ts'
import { checkModuleZip, verifyModuleZip } from './check.ts'
import { checkModuleFiles, createModuleZip, type ModuleFile } from './create.ts'
import type { FileProblem } from './files.ts'
import { goVersionOf } from './go-version.ts'
import { zipBytesOf } from './reader.ts'
import { rawZip } from './testing/raw-zip.ts'
import { readTxtar, type Txtar } from './testing/txtar.ts'

const ROOT = new URL('../../testdata/zip/', import.meta.url).pathname

/** What golang.org/x/mod says of a file or a module, and the name that the rule or the error has here. */
const RULES: readonly (readonly [theirs: RegExp, ours: string])[] = [
  [/directory is a version control repository/, 'vcs'],
  [/file is in vendor directory/, 'vendored'],
  [/(?:file|directory) is in another module/, 'nested_module'],
  [/always omitted/, 'hg_archival'],
  [/file path is not clean/, 'unclean'],
  [/malformed file path/, 'name'],
  [/must have lowercase names/, 'gomod_case'],
  [/go.mod file not in module root/, 'gomod_place'],
  [/does not have prefix/, 'prefix'],
  [/multiple entries for file|both a file and a directory|case-insensitive file name collision/, 'collision'],
  [/missing dot in first path element|malformed module path/, 'invalid_path'],
  [/should be v0 or v1|is not canonical/, 'invalid_version'],
]

for (const [name, { files }] of cases('check_files')) {
  test(`check_files/${name}`, () => {
    const given = moduleFiles(files.filter((file) => file.name !== 'want'))
    const report = checkModuleFiles(given, { goVersion: goVersion(files) })
    assert.deepEqual(lists(report), wanted(files))
  })
}

for (const [name, { files }] of cases('check_dir')) {
  test(`check_dir/${name}`, () => {
    const given = asDirectory(files.filter((file) => file.name !== 'want'))
    const report = checkModuleFiles(given, { goVersion: goVersion(files), fromDirectory: true })
    const found = lists(report)
    const want = wanted(files)
    assert.deepEqual(found.valid, want.valid)
    assert.deepEqual(new Set(found.invalid), new Set(want.invalid))
    // They name a directory that is left out, we the files in it.
    for (const line of want.omitted)
      assert.ok(
        found.omitted.some((ours) => within(ours, line)),
        line,
      )
    for (const line of found.omitted)
      assert.ok(
        want.omitted.some((theirs) => within(line, theirs)),
        line,
      )
  })
}

for (const [name, { files, settings }] of cases('check_zip')) {
  test(`check_zip/${name}`, () => {
    const zip = rawZip(entries(files.filter((file) => file.name !== 'want')))
    const report = checkModuleZip(zipBytesOf(zip), moduleOf(settings))
    assert.deepEqual(lists({ ...report, omitted: [] }), wanted(files))
  })
}

for (const folder of ['create', 'create_from_dir']) {
  for (const [name, { files, settings }] of cases(folder)) {
    test(`${folder}/${name}`, async () => {
      const fromDirectory = folder === 'create_from_dir'
      const given = fromDirectory ? asDirectory(files) : moduleFiles(files)
      const chunks: Uint8Array[] = []
      const make = () =>
        createModuleZip({ ...moduleOf(settings), files: given, fromDirectory }, (chunk) => chunks.push(chunk))
      const wantError = settings.get('wantErr')
      if (wantError !== undefined) return assert.rejects(make, matches(wantError))
      const made = await make()
      assert.equal(made.h1, settings.get('hash'))
      const verified = await verifyModuleZip(zipBytesOf(Buffer.concat(chunks)), moduleOf(settings))
      const { zipSize, omitted, ...same } = made
      assert.deepEqual({ ...verified }, { ...same, goMod: same.goMod && Buffer.from(same.goMod) })
      assert.equal(zipSize, Buffer.concat(chunks).length)
      return assert.equal(omitted.length + made.files, given.length)
    })
  }
}

for (const [name, { files, settings }] of cases('unzip')) {
  test(`unzip/${name}`, async () => {
    const verify = () => verifyModuleZip(zipBytesOf(rawZip(entries(files))), moduleOf(settings))
    const wantError = settings.get('wantErr')
    if (wantError !== undefined) await assert.rejects(verify, matches(wantError))
    else assert.equal((await verify()).h1, settings.get('hash'))
  })
}

function cases(folder: string): [name: string, txtar: Txtar][] {
  const names = readdirSync(`${ROOT}${folder}`)
  assert.ok(names.length > 0)
  return names.map((name) => [name, readTxtar(`${ROOT}${folder}/${name}`)])
}

function moduleOf(settings: Txtar['settings']): { path: string; version: string } {
  return { path: settings.get('path') ?? '', version: settings.get('version') ?? '' }
}

function moduleFiles(files: Txtar['files']): ModuleFile[] {
  return files.map(({ name, data }) => ({ path: name, kind: 'regular', size: data.length, open: () => data }))
}

/** The files in the order in which a directory is walked: each directory is sorted by itself. */
function asDirectory(files: Txtar['files']): ModuleFile[] {
  const key = (file: ModuleFile) => file.path.replaceAll('/', '\0')
  return moduleFiles(files).sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

function entries(files: Txtar['files']) {
  return files.map(({ name, data }) => ({ name, contents: data, descriptor: true }))
}

function goVersion(files: Txtar['files']): string | undefined {
  const goMod = files.find((file) => file.name === 'go.mod')
  return goMod && goVersionOf(goMod.data)
}

interface Lists {
  readonly valid: readonly string[]
  readonly omitted: readonly string[]
  readonly invalid: readonly string[]
}

/** A report with each problem as `path: rule`. */
function lists(report: {
  valid: readonly (string | ModuleFile)[]
  omitted: readonly FileProblem[]
  invalid: readonly FileProblem[]
}): Lists {
  const line = ({ path, rule }: FileProblem) => `${path}: ${rule}`
  return {
    valid: report.valid.map((file) => (typeof file === 'string' ? file : file.path)),
    omitted: report.omitted.map(line),
    invalid: report.invalid.map(line),
  }
}

/** The file `want` of a case in the same form. */
function wanted(files: Txtar['files']): Lists {
  const text = files.find((file) => file.name === 'want')!.data.toString()
  const [valid = [], omitted = [], invalid = []] = text.split('\n\n').map((part) =>
    part
      .split('\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => line.replace('$work/', '')),
  )
  const withRule = (line: string) => line.replace(/: .*/, (message) => `: ${ruleOf(message)}`)
  return { valid, omitted: omitted.map(withRule), invalid: invalid.map(withRule) }
}

function ruleOf(message: string): string {
  const found = RULES.find(([theirs]) => theirs.test(message))
  assert.ok(found, `no rule is known for ${message}`)
  return found[1]
}

/** Whether the problem `inner` is that of `outer`, for the same file or one in the directory it names. */
function within(inner: string, outer: string): boolean {
  const [path = '', rule] = inner.split(': ')
  const [outerPath = '', outerRule] = outer.split(': ')
  return rule === outerRule && `${path}/`.startsWith(`${outerPath}/`)
}

/** An error that stands for the same rule as the text of theirs. */
function matches(theirs: string): (error: unknown) => boolean {
  const rule = ruleOf(theirs)
  return (error) => {
    assert.ok(error instanceof GomodError, String(error))
    if (rule.startsWith('invalid_')) assert.equal(error.code, rule)
    else {
      assert.equal(error.code, 'invalid_zip')
      assert.match(error.message, MESSAGES[rule]!)
    }
    return true
  }
}

const MESSAGES: Readonly<Record<string, RegExp>> = {
  name: /^"[^"]*bad\.go'": its path is not allowed: "'" is not allowed/,
  gomod_case: /GO\.MOD": its name has to be go\.mod/,
  gomod_place: /in the root of a module only$/,
  prefix: /does not begin with "example\.com\/m@v1\.0\.0\/"$/,
  collision: /occurs more than once|is both a file and a directory|differ only in upper and lower case/,
}
