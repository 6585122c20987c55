import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { GomodError } from '../error.ts'
import { parseGoMod, type ParseOptions } from './parse.ts'
import { GoModError, MAX_PROBLEMS } from './problem.ts'
import { parseSyntax } from './syntax.ts'

interface CommentTables {
  readonly rationale: readonly { desc: string; in: string; rationale: string }[]
  readonly deprecated: readonly { desc: string; in: string; deprecated: string }[]
}

const COMMENTS = JSON.parse(
  readFileSync(new URL('../../testdata/modfile/comments.json', import.meta.url), 'utf8'),
) as CommentTables

/** The message of the error for a file, whose lines are `LINE:COLUMN: what`. */
function problemsOf(text: string, options: ParseOptions = {}): string {
  try {
    parseGoMod(text, options)
  } catch (error) {
    assert.ok(error instanceof GoModError, `not a GoModError: ${String(error)}`)
    assert.equal(error.code, 'invalid_gomod')
    return error.message.replaceAll(/^go\.mod:/gm, '')
  }
  return assert.fail(`no error for ${JSON.stringify(text)}`)
}

suite('a go.mod file', () => {
  test('says all that can be said', () => {
    const mod = parseGoMod(`// Deprecated: use example.com/new
module example.com/m

go 1.24.0
toolchain go1.24.3
godebug default=go1.21

require (
\tgolang.org/x/text v0.3.0 // indirect
\t"golang.org/x/net" v1.2
)
exclude golang.org/x/net v1.3.0
replace golang.org/x/net => ../net
replace golang.org/x/text v0.3.0 => example.com/text v0.3.1
// published by accident
retract [v1.0.0, v1.1.0]
retract v1.2.0 // so was this
tool example.com/m/cmd
ignore ./node_modules
`)
    assert.deepEqual(mod.module?.path, 'example.com/m')
    assert.equal(mod.module?.deprecated, 'use example.com/new')
    assert.equal(mod.go?.version, '1.24.0')
    assert.equal(mod.toolchain?.name, 'go1.24.3')
    const plain = JSON.parse(
      JSON.stringify(mod, (key, value: unknown) =>
        key === 'syntax' || key === 'position' ? undefined : value,
      ),
    ) as Record<string, unknown>
    assert.deepEqual(plain['godebug'], [{ key: 'default', value: 'go1.21' }])
    assert.deepEqual(plain['require'], [
      { path: 'golang.org/x/text', version: 'v0.3.0', indirect: true },
      { path: 'golang.org/x/net', version: 'v1.2.0', indirect: false },
    ])
    assert.deepEqual(plain['exclude'], [{ path: 'golang.org/x/net', version: 'v1.3.0' }])
    assert.deepEqual(plain['replace'], [
      { old: { path: 'golang.org/x/net', version: '' }, new: { path: '../net', version: '' } },
      {
        old: { path: 'golang.org/x/text', version: 'v0.3.0' },
        new: { path: 'example.com/text', version: 'v0.3.1' },
      },
    ])
    assert.deepEqual(plain['retract'], [
      { low: 'v1.0.0', high: 'v1.1.0', rationale: 'published by accident' },
      { low: 'v1.2.0', high: 'v1.2.0', rationale: 'so was this' },
    ])
    assert.deepEqual(plain['tool'], [{ path: 'example.com/m/cmd' }])
    assert.deepEqual(plain['ignore'], [{ path: './node_modules' }])
    assert.deepEqual(mod.require[1]?.position, { line: 10, column: 2 })
    assert.deepEqual(mod.retract[1]?.position, { line: 17, column: 1 })
  })

  test('may be empty', () => {
    const mod = parseGoMod('')
    assert.equal(mod.module, undefined)
    assert.equal(mod.go, undefined)
    assert.deepEqual(mod.require, [])
  })

  test('of a dependency is read for what concerns others', () => {
    const mod = parseGoMod(
      `module m
        surprise attack
        x y (
            z
        )
        exclude v1.2.3
        replace <-!!!
        retract v1.2.3 v1.2.4
        retract (v1.2.3, v1.2.4]
        retract v1.2.3 (
            key1 value1
            key2 value2
        )
        require good v1.0.0
      `,
      { mode: 'lax' },
    )
    assert.equal(mod.module?.path, 'm')
    assert.deepEqual(
      mod.require.map(({ path, version }) => `${path} ${version}`),
      ['good v1.0.0'],
    )
    assert.equal(mod.exclude.length + mod.replace.length, 0)
  })
})

suite('versions in go.mod', () => {
  const table: [line: string, strict: boolean, lax: boolean][] = [
    ['go ', false, false],
    ['go 1', false, false],
    ['go 1.22', true, true],
    ['go 1.22.333', true, true],
    ['go v1.2', false, false],
    ['go 1.2rc1', true, true],
    ['go 1.2 3.4', false, false],
    ['go 1.2.3', true, true],
    ['go 1.2beta1', true, true],
    ['go 1.2.beta1', false, true],
    ['go v1.2.3', false, true],
    ['go v1.2rc1', false, true],
    ['go v1.2.beta1', false, true],
    ['go 01.2', false, false],
    ['toolchain go1.2', true, true],
    ['toolchain go1.2.3', true, true],
    ['toolchain go1.2rc1', true, true],
    ['toolchain go1.2rc1-gccgo', true, true],
    ['toolchain default', true, true],
    ['toolchain inconceivable!', false, true],
    ['toolchain go1x', false, true],
  ]
  for (const [line, strict, lax] of table) {
    test(`${line} is ${strict ? 'right' : lax ? 'right in a dependency' : 'wrong'}`, () => {
      for (const mode of ['strict', 'lax'] as const) {
        if (mode === 'strict' ? strict : lax) parseGoMod(`module m\n${line}\n`, { mode })
        else assert.match(problemsOf(`module m\n${line}\n`, { mode }), /^2:1: /)
      }
    })
  }

  test('a dependency may say its Go version loosely', () => {
    assert.equal(parseGoMod('go v1.20.0-x', { mode: 'lax' }).go?.version, '1.20')
  })

  test('can be fixed while reading', () => {
    const fixVersion = (path: string, version: string): string => {
      if (path !== 'example.com/m') throw new GomodError('invalid_version', `no version of ${path}`)
      return `v${version}`
    }
    const mod = parseGoMod(
      `require example.com/m 1.0.0
replace example.com/m 1.0.0 => example.com/m 1.1.0
retract ( 1.0.0
  [1.0.0, 1.1.0] )
retract [1.0.0, 1.1.0]
retract 1.2.0
module example.com/m`,
      { fixVersion, mode: 'lax' },
    )
    assert.equal(mod.require[0]?.version, 'v1.0.0')
    assert.deepEqual(
      mod.retract.map(({ low, high }) => `${low} ${high}`),
      ['v1.0.0 v1.1.0', 'v1.2.0 v1.2.0'],
    )
    assert.match(problemsOf('require x.y/z 1.0.0', { fixVersion }), /^1:1: no version of x\.y\/z$/)
    assert.match(problemsOf('retract 1.0.0', { fixVersion }), /^1:1: .* needs a module directive$/)
  })
})

suite('comments in go.mod', () => {
  for (const { desc, in: text, rationale } of COMMENTS.rationale) {
    test(`rationale of a retraction: ${desc}`, () => {
      assert.deepEqual(
        parseGoMod(text).retract.map((retract) => retract.rationale),
        [rationale],
      )
    })
  }

  for (const { desc, in: text, deprecated } of COMMENTS.deprecated) {
    test(`deprecation: ${desc}`, () => {
      assert.equal(parseGoMod(text).module?.deprecated, deprecated)
    })
  }

  test('indirect', () => {
    const table: Record<string, boolean> = {
      '// indirect': true,
      '//indirect': true,
      '// indirect; for x': true,
      '// indirect;': false,
      '// indirect for x': false,
      '// for x indirect': false,
      '': false,
    }
    for (const [comment, indirect] of Object.entries(table)) {
      assert.equal(parseGoMod(`require x.y/z v1.0.0 ${comment}`).require[0]?.indirect, indirect, comment)
    }
  })

  test('belong to what they stand at', () => {
    const tree = parseSyntax(
      `
// a

// b
block ( // c
\t// d

\t// e
\tx // f
\t// g

\t// h
) // i
// j

// k
`,
      'go.mod',
    )
    const texts = (comments: readonly { text: string }[]): string[] => comments.map(({ text }) => text)
    const [first, block, ...rest] = tree.statements
    assert.ok(first !== undefined && block?.kind === 'block')
    assert.deepEqual(texts(first.before), ['// a'])
    assert.deepEqual(texts(block.before), ['// b'])
    assert.deepEqual(texts(block.open.suffix), ['// c'])
    assert.deepEqual(texts(block.lines[0]!.before), ['// d', '', '// e'])
    assert.deepEqual(texts(block.lines[0]!.suffix), ['// f'])
    assert.deepEqual(texts(block.close.before), ['// g', '', '// h'])
    assert.deepEqual(texts(block.close.suffix), ['// i'])
    assert.deepEqual(
      rest.map(({ before }) => texts(before)),
      [['// j'], ['// k']],
    )
    assert.deepEqual(texts(parseSyntax('// a\r\r\n', 'go.mod').statements[0]!.before), ['// a\r'])
  })
})

suite('tokens of go.mod', () => {
  const table: [text: string, tokens: string][] = [
    ['require ()', 'require ( )'],
    ['require []{},', 'require [ ] { } ,'],
    ['require a[b]c{d}e,', 'require a [ b ] c { d } e ,'],
    ['require (\n\ta[b]\n)', 'require ( a [ b ] )'],
    ['require [v1.0.0, v1.1.0)', 'require [ v1.0.0 , v1.1.0 )'],
    ['require ( ) x', 'require ( ) x'],
    ['( x', '( x'],
    ['a https://b', 'a https:'],
    ['a "b // c" `d e`f', 'a "b // c" `d e` f'],
    ['a\té😀\r\n', 'a é😀'],
  ]
  for (const [text, tokens] of table) {
    test(JSON.stringify(text), () => {
      const found = parseSyntax(text, 'go.mod').statements.flatMap((statement) => {
        if (statement.kind === 'comments') return []
        if (statement.kind === 'line') return statement.tokens
        return [...statement.tokens, '(', ...statement.lines.flatMap((line) => line.tokens), ')']
      })
      assert.equal(found.join(' '), tokens)
    })
  }
})

suite('problems of go.mod', () => {
  const table: [text: string, problem: RegExp][] = [
    ['a\nb /* c */', /^2:3: a go\.mod file has no \/\* \*\/ comments/],
    ['a b/*', /^1:4: a go\.mod file has no/],
    ['a\n😀 "b', /^2:3: the string has no end$/],
    ['a "b\nc"', /^1:5: the string does not end on its line$/],
    ['a\n é\u0001', /^2:3: unexpected character "\\x01"$/],
    ['\ufeffmodule m', /^1:1: unexpected character "\\ufeff"$/],
    ['a\n  b (\n\nc', /^2:3: the block has no closing parenthesis$/],
    ['b (\n) c', /^2:3: expected the end of the line/],
    ['module a b', /^1:1: usage: module/],
    ['module a\nmodule b', /^2:1: a second module directive$/],
    ["module 'a'", /^1:1: "'a'" is badly quoted/],
    ['module "\\q"', /^1:1: .* is badly quoted/],
    ['go 1.20\ngo 1.21', /^2:1: a second go directive$/],
    ['toolchain go1.20\ntoolchain go1.21', /^2:1: a second toolchain directive$/],
    ['godebug a', /^1:1: usage: godebug key=value$/],
    ['require x.y/z', /^1:1: usage: require example\.com\/path v1\.2\.3$/],
    ['require (\n\tx.y/z v1\n\tx.y/z master\n)', /^3:2: "x\.y\/z": "master" is not a version/],
    ['require x.y/v1 v1.0.0', /^1:1: "x\.y\/v1" is not a module path/],
    ['require x.y/z v2.0.0', /^1:1: "x\.y\/z": .* must be v0 or v1/],
    ['exclude x.y/z/v2 v1.0.0', /^1:1: "x\.y\/z\/v2": .* must be v2/],
    ['replace x.y/z', /^1:1: usage: replace/],
    ['replace x.y/z => w', /^1:1: the replacement "w" needs a version/],
    ['replace x.y/z => w@v1.0.0', /^1:1: write the replacement "w@v1\.0\.0" as path and version/],
    ['replace x.y/z => ./w v1.0.0', /^1:1: the folder "\.\/w" cannot have a version$/],
    ['replace x.y/z => .\\w', /^1:1: the folder .* is written for Windows/],
    ['replace x.y/z v2.0.0 => ./w', /^1:1: "x\.y\/z": .* must be v0 or v1/],
    ['retract', /^1:1: expected a version or \[low, high\]$/],
    ['retract [v1.0.0, v1.1.0', /^1:1: expected \[low, high\]/],
    ['retract v1.0.0 v1.1.0', /^1:1: unexpected "v1\.1\.0"/],
    ['tool', /^1:1: usage: tool/],
    ['ignore a b', /^1:1: usage: ignore/],
    ['frobnicate', /^1:1: unknown directive "frobnicate"$/],
    ['constructor x', /^1:1: unknown directive "constructor"$/],
    ['go (\n\t1.20\n)', /^1:1: unknown block go$/],
    ['require x (\n)', /^1:1: unknown block require x$/],
  ]
  for (const [text, problem] of table) {
    test(JSON.stringify(text), () => assert.match(problemsOf(text), problem))
  }

  test('are all told at once, with the name of the file', () => {
    try {
      parseGoMod('foo\nmodule m\n\nrequire (\n\tx.y/z v1.0.0\n\tx.y/z 1\n)\n', { file: 'sub/go.mod' })
      assert.fail()
    } catch (error) {
      assert.ok(error instanceof GoModError)
      assert.equal(error.file, 'sub/go.mod')
      assert.deepEqual(
        error.problems.map(({ line, column }) => [line, column]),
        [
          [1, 1],
          [6, 2],
        ],
      )
      assert.match(error.message, /^sub\/go\.mod:1:1: .*\nsub\/go\.mod:6:2: .*$/)
    }
  })
})

suite('hostile go.mod files', () => {
  const MIB = 2 ** 20
  const table: Record<string, [text: string, outcome: RegExp]> = {
    'many wrong lines': ['x\n'.repeat(50_000), /^(?:.*\n){99}.*$/],
    'far too many lines': ['x\n'.repeat(8 * MIB), /^100001:1: the file has more than 200000 words$/],
    'far too many comments': ['//\n'.repeat(4 * MIB), /more than 200000 words$/],
    'far too many words in a line': ['module '.repeat(2 * MIB), /more than 200000 words$/],
    'one word': ['x'.repeat(16 * MIB), /unknown directive "x{120}"…$/],
    'opening parentheses': [`${'('.repeat(100_000)}x`, /unknown directive/],
    'nested blocks': ['a (\n'.repeat(50_000), /no closing parenthesis/],
    'one string': [`module "${'\\x41'.repeat(4 * MIB)}" x`, /usage: module/],
    'one string of backslashes': [`tool "${'\\\\'.repeat(8 * MIB)}`, /the string has no end/],
    'strings over the end of their line': ['"\\\n" // x\n'.repeat(60_000), /unknown directive/],
    'one comment': [`module a b //${' /'.repeat(8 * MIB)}`, /usage: module/],
  }
  for (const [name, [text, outcome]] of Object.entries(table)) {
    test(`${name}: an error, soon`, () => {
      const start = performance.now()
      assert.match(problemsOf(text), outcome)
      assert.ok(performance.now() - start < 5000, 'too slow')
    })
  }

  test('retractions of an unknown form are passed over quickly', () => {
    const start = performance.now()
    const mod = parseGoMod('retract [\n'.repeat(60_000), { mode: 'lax' })
    assert.equal(mod.retract.length, 0)
    assert.ok(performance.now() - start < 5000, 'too slow')
  })

  test('the number of problems is bounded', () => {
    assert.equal(problemsOf('require (\n' + 'x\n'.repeat(1000) + ')').split('\n').length, MAX_PROBLEMS)
  })
})
