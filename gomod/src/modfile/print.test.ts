import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import type { GoMod } from './file.ts'
import { parseGoMod } from './parse.ts'
import { formatGoMod, printSyntax } from './print.ts'
import { GoModError } from './problem.ts'
import { autoQuote } from './quoting.ts'
import { parseSyntax } from './syntax.ts'

const FOLDER = new URL('../../testdata/modfile/', import.meta.url)

function read(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8')
}

suite('printing', () => {
  for (const name of readdirSync(FOLDER).filter((name) => /\.(?:in|golden)$/.test(name))) {
    const golden = read(name.replace(/\.in$/, '.golden'))

    test(`${name} in standard layout`, () => {
      const tree = parseSyntax(read(name), name)
      // Versions and strings are rewritten as the directives are read; some of these files have none that can be.
      try {
        parseGoMod(read(name))
      } catch (error) {
        assert.ok(error instanceof GoModError)
        assert.ok(
          name.startsWith('block') || name.startsWith('comment') || name.startsWith('rule1'),
          error.message,
        )
        assert.equal(printSyntax(tree), golden)
        return
      }
      assert.equal(printSyntax(parseGoMod(read(name)).syntax), golden)
    })
  }

  test('a line that spans two has its comment printed before it', () => {
    assert.equal(printSyntax(parseSyntax('a // 1\n"x\\\ny" // 2\n', 'go.mod')), 'a // 1\n// 2\n\n"x\\\ny"\n')
    assert.equal(printSyntax(parseSyntax('"x\\\ny" // 1\n', 'go.mod')), '// 1\n"x\\\ny"\n')
  })
})

interface SortCase {
  readonly desc: string
  readonly mode: 'strict' | 'lax'
  readonly in: string
  readonly out: string
}

suite('formatting', () => {
  for (const { desc, mode, in: text, out } of JSON.parse(read('sorts.json')) as SortCase[]) {
    test(desc, () => {
      const mod = parseGoMod(text, { mode })
      const before = printSyntax(mod.syntax)
      assert.equal(formatGoMod(mod), out)
      assert.equal(printSyntax(mod.syntax), before, 'what was parsed must not change')
    })
  }

  test('a file with Windows line ends', () => {
    const text = '// a\r\nmodule m // b\r\n\r\nrequire (\r\n\tx.y/z v1.0.0\r\n\tx.y/w v1.0.0 // c\r\n)\r\n'
    const formatted = '// a\nmodule m // b\n\nrequire (\n\tx.y/w v1.0.0 // c\n\tx.y/z v1.0.0\n)\n'
    assert.equal(formatGoMod(parseGoMod(text)), formatted)
  })
})

suite('round trips', () => {
  const comments = fc.constantFrom('', '', ' // x', ' // indirect', ' // é y')
  const paths = fc.constantFrom('x.y/z', 'x.y/a', 'A.b/c', 'q.r/s t', 'é.f/g', 'x.y/"', 'a.b/c//d')
  const versions = fc.constantFrom(
    'v1.0.0',
    'v1.2',
    'v1.10.0',
    'v1.9.0-rc1',
    'v2.0.0+incompatible',
    'v0.1.0+meta',
  )
  const lines = fc.oneof(
    fc
      .tuple(fc.constantFrom('require', 'exclude'), paths, versions)
      .map(([verb, p, v]) => [verb, autoQuote(p), v]),
    fc.tuple(paths, paths, versions).map(([p, q, v]) => ['replace', autoQuote(p), '=>', autoQuote(q), v]),
    fc.tuple(paths).map(([p]) => ['replace', autoQuote(p), '=>', '"../a b"']),
    fc.tuple(versions).map(([v]) => ['retract', v]),
    fc.tuple(versions, versions).map(([v, w]) => ['retract', `[${v},${w}]`]),
    fc.tuple(fc.constantFrom('tool', 'ignore'), paths).map(([verb, p]) => [verb, autoQuote(p)]),
    fc.constant(['godebug', 'a=b']),
  )
  const above = fc.constantFrom('', '', '\n', '// above\n', '// a\n\n// b\n', '//\n')
  const statements = fc.oneof(
    fc.tuple(above, lines, comments).map(([a, l, c]) => `${a}${l.join(' ')}${c}\n`),
    fc.tuple(above, fc.array(fc.tuple(above, lines, comments)), comments, above).map(([a, list, c, end]) => {
      const verb = list[0]?.[1][0] ?? 'require'
      const same = list.filter(([, l]) => l[0] === verb)
      return `${a}${verb} (${c}\n${same.map(([b, l, d]) => `${b}\t${l.slice(1).join(' ')}${d}\n`).join('')}${end})\n`
    }),
  )
  const files = fc.array(statements, { maxLength: 8 }).map((list) => `module m\n${list.join('')}`)

  /** What a file says, without where and in which words. */
  function meaning(mod: GoMod): string {
    return JSON.stringify(mod, (key, value: unknown) =>
      key === 'syntax' || key === 'position' ? undefined : value,
    )
  }

  function withoutBlankLines(text: string): string {
    return text.replaceAll(/\n+/g, '\n')
  }

  test('what is printed says the same', () => {
    fc.assert(
      fc.property(files, (text) => {
        const mod = parseGoMod(text)
        assert.equal(meaning(parseGoMod(printSyntax(mod.syntax))), meaning(mod))
      }),
      { numRuns: 500 },
    )
  })

  test('formatting twice is formatting once, but for blank lines', () => {
    fc.assert(
      fc.property(files, (text) => {
        const once = formatGoMod(parseGoMod(text))
        // A line that loses the one before it keeps the blank line between them, as it does with go mod edit.
        assert.equal(withoutBlankLines(formatGoMod(parseGoMod(once))), withoutBlankLines(once))
      }),
      { numRuns: 500 },
    )
  })

  test('any text is read or refused with an error of ours', () => {
    const pieces = fc.constantFrom(
      'module',
      'require',
      ' ',
      '\n',
      '(',
      ')',
      '"',
      '`',
      '//',
      '\\',
      'v1.0.0',
      'x.y',
      '[',
      ',',
      'é',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (list) => {
        for (const mode of ['strict', 'lax'] as const) {
          try {
            formatGoMod(parseGoMod(list.join(''), { mode }))
          } catch (error) {
            assert.ok(error instanceof GoModError)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
