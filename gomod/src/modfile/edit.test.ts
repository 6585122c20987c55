import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { GomodError, type GomodErrorCode } from '../error.ts'
import { setRequirements, setSeparateRequirements, type Requirement } from './edit-require.ts'
import {
  addExclude,
  addIgnore,
  addRetract,
  addTool,
  dropExclude,
  dropGo,
  dropGodebug,
  dropIgnore,
  dropReplace,
  dropRequire,
  dropRetract,
  dropTool,
  dropToolchain,
  setGo,
  setGodebug,
  setModule,
  setReplace,
  setRequire,
  setToolchain,
} from './edit.ts'
import type { GoMod, VersionInterval } from './file.ts'
import { parseGoMod } from './parse.ts'
import { formatGoMod } from './print.ts'

/** Each edit of x/mod's tables, with the file that go mod edit would write. */
interface EditCase {
  readonly edit: string
  readonly desc: string
  readonly args: readonly unknown[]
  readonly in: string
  readonly out: string
}

const CASES = JSON.parse(
  readFileSync(new URL('../../testdata/modfile/edits.json', import.meta.url), 'utf8'),
) as readonly EditCase[]

const EDITS: Record<string, (mod: GoMod, args: readonly never[]) => GoMod> = {
  setGo: (mod, [version]) => setGo(mod, version!),
  dropGo,
  setToolchain: (mod, [name]) => setToolchain(mod, name!),
  dropToolchain,
  setGodebug: (mod, [key, value]) => setGodebug(mod, key!, value!),
  dropGodebug: (mod, [key]) => dropGodebug(mod, key!),
  setRequire: (mod, [path, version]) => setRequire(mod, path!, version!),
  setRequires: (mod, [list]) => setRequirements(mod, list!),
  separate: (mod, [list]) => setSeparateRequirements(mod, list!),
  addExclude: (mod, [path, version]) => addExclude(mod, path!, version!),
  addRetract: (mod, [interval, rationale]) => addRetract(mod, interval!, rationale!),
  dropRetract: (mod, [interval]) => dropRetract(mod, interval!),
  addTool: (mod, [path]) => addTool(mod, path!),
  dropTool: (mod, [path]) => dropTool(mod, path!),
  addIgnore: (mod, [path]) => addIgnore(mod, path!),
  dropIgnore: (mod, [path]) => dropIgnore(mod, path!),
}

function throwsCode(run: () => unknown, code: GomodErrorCode): void {
  assert.throws(run, (error: unknown) => error instanceof GomodError && error.code === code)
}

suite('editing go.mod', () => {
  for (const { edit, desc, args, in: text, out } of CASES) {
    test(`${edit}: ${desc}`, () => {
      const mod = parseGoMod(text)
      const before = JSON.stringify(mod)
      assert.equal(formatGoMod(EDITS[edit]!(mod, args as readonly never[])), out)
      assert.equal(JSON.stringify(mod), before, 'the edited file must not change')
    })
  }

  test('an edited file says what is printed', () => {
    const mod = setRequire(parseGoMod('module m\nrequire x.y/a v1.0.0 // keep\n'), 'x.y/b', 'v1.2')
    assert.deepEqual(
      mod.require.map(({ path, version }) => `${path} ${version}`),
      ['x.y/a v1.0.0', 'x.y/b v1.2.0'],
    )
    assert.equal(formatGoMod(mod), 'module m\n\nrequire (\n\tx.y/a v1.0.0 // keep\n\tx.y/b v1.2.0\n)\n')
  })

  test('a file from nothing', () => {
    let mod = setModule(parseGoMod(''), 'example.com/m')
    mod = setGo(mod, '1.24.0')
    mod = setToolchain(mod, 'go1.24.3')
    mod = setModule(mod, 'example.com/n')
    assert.equal(formatGoMod(mod), 'module example.com/n\n\ngo 1.24.0\n\ntoolchain go1.24.3\n')
    assert.equal(formatGoMod(dropGo(dropToolchain(mod))), 'module example.com/n\n')
  })

  const REPLACES =
    'replace (\n\tx.y/a => ../a // 1\n\tx.y/a v1.0.0 => x.y/b v1.0.0 // 2\n\tx.y/c => ../c\n)\n'
  const every = { path: 'x.y/a', version: '' }
  const one = { path: 'x.y/a', version: 'v1.0.0' }

  test('replacements', () => {
    const mod = parseGoMod(REPLACES)
    const folder = { path: '../a b', version: '' }
    assert.equal(
      formatGoMod(setReplace(mod, every, folder)),
      'replace (\n\tx.y/a => "../a b" // 1\n\tx.y/c => ../c\n)\n',
    )
    assert.equal(
      formatGoMod(setReplace(mod, one, { path: 'x.y/d', version: 'v1.1.0' })),
      'replace (\n\tx.y/a => ../a // 1\n\tx.y/a v1.0.0 => x.y/d v1.1.0 // 2\n\tx.y/c => ../c\n)\n',
    )
    const added = setReplace(mod, { path: 'x.y/a', version: 'v1.2.0' }, folder)
    assert.equal(added.replace.length, 4)
    assert.equal(formatGoMod(dropReplace(added, { path: 'x.y/a', version: 'v1.2.0' })), formatGoMod(mod))
    assert.equal(formatGoMod(dropReplace(dropReplace(mod, every), one)), 'replace x.y/c => ../c\n')
    assert.equal(dropReplace(mod, { path: 'x.y/a', version: 'v9.0.0' }), mod)
  })

  test('exclusions and requirements', () => {
    const mod = parseGoMod('exclude x.y/a v1.0.0\nrequire x.y/a v1.1.0\nrequire x.y/a v1.2.0\n')
    assert.equal(addExclude(mod, 'x.y/a', 'v1.0.0'), mod)
    assert.equal(formatGoMod(dropExclude(dropRequire(mod, 'x.y/a'), 'x.y/a', 'v1.0.0')), '')
  })

  test('what cannot stand in the file is refused', () => {
    const mod = parseGoMod('module example.com/m')
    const intervals: VersionInterval[] = [
      { low: '', high: '' },
      { low: '1.0.0', high: '1.0.0' },
      { low: 'v1.2', high: 'v1.2' },
      { low: 'v1.2.3', high: 'v1.3' },
      { low: 'v2.0.0', high: 'v2.0.0' },
    ]
    for (const interval of intervals) {
      throwsCode(() => addRetract(mod, interval, ''), 'invalid_version')
      throwsCode(() => addExclude(mod, 'example.com/x', interval.high), 'invalid_version')
    }
    throwsCode(() => addExclude(mod, 'example.com/m/v2', 'v1.2.3'), 'invalid_version')
    throwsCode(() => setGo(mod, '1.24\nrequire x'), 'invalid_gomod')
    throwsCode(() => setToolchain(mod, 'local'), 'invalid_gomod')
    throwsCode(() => setToolchain(mod, 'go1.24\nrequire x'), 'invalid_gomod')
    throwsCode(() => setGodebug(mod, 'a b', 'c'), 'invalid_gomod')
    throwsCode(() => setRequire(mod, 'x.y/z', 'master'), 'invalid_gomod')
    throwsCode(() => setRequire(mod, 'x.y/z', ''), 'invalid_gomod')
    throwsCode(() => setReplace(mod, every, { path: 'x.y/b', version: '' }), 'invalid_gomod')
    const twice: Requirement[] = [one, { path: 'x.y/a', version: 'v1.1.0' }]
    throwsCode(() => setRequirements(mod, twice), 'invalid_gomod')
  })
})
