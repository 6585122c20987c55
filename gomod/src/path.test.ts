import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { GomodError, type GomodErrorCode } from './error.ts'
import {
  checkFilePath,
  checkImportPath,
  checkPath,
  checkPathMajor,
  escapePath,
  isModulePath,
  matchPathMajor,
  pathMajorPrefix,
  splitPathVersion,
  unescapePath,
} from './path.ts'

/** The table of x/mod: each path with the kinds of path that it is. */
const PATHS = JSON.parse(readFileSync(new URL('../testdata/paths.json', import.meta.url), 'utf8')) as [
  path: string,
  kinds: string,
][]

function throwsCode(run: () => unknown, code: GomodErrorCode, message = /./): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof GomodError, `not a GomodError: ${String(error)}`)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

/** Module paths with every allowed character, short and long, with and without a major version suffix. */
const modulePaths = fc
  .record({
    host: fc.stringMatching(/^[a-z0-9]{1,6}\.[a-z0-9-]{1,4}$/),
    elements: fc.array(fc.stringMatching(/^[-_~0-9A-Za-z][-._~0-9A-Za-z]{0,8}$/), { maxLength: 4 }),
    suffix: fc.constantFrom('', '', '/v2', '/v17'),
  })
  .map(({ host, elements, suffix }) => [host, ...elements].join('/') + suffix)
  .filter(isModulePath)

suite('paths', () => {
  for (const [path, kinds] of PATHS) {
    test(`${JSON.stringify(path)} is: ${kinds === '' ? 'nothing' : kinds}`, () => {
      const checks = [
        ['module', checkPath],
        ['import', checkImportPath],
        ['file', checkFilePath],
      ] as const
      for (const [kind, check] of checks) {
        if (kinds.split(' ').includes(kind)) assert.equal(check(path), path)
        else throwsCode(() => check(path), 'invalid_path')
      }
    })
  }

  test('an error says what is wrong and where', () => {
    const table: [check: (path: string) => unknown, path: string, message: RegExp][] = [
      [checkPath, '', /"" is not a valid module path: it is empty/],
      [checkPath, 'x.y/a b', /" " is not allowed \(character 6\)/],
      [checkPath, 'Example.com/x', /"E" is not allowed in the first element \(character 1\)/],
      [checkPath, 'example/x', /"example" has no dot/],
      [checkPath, 'x.y//z', /an empty element/],
      [checkPath, 'x.y/.z', /".z" starts with a dot/],
      [checkPath, 'x.y/z.', /"z." ends in a dot/],
      [checkPath, 'x.y/Aux.go', /"Aux.go" names a device on Windows/],
      [checkPath, 'x.y/a~1.b', /"a~1.b" is like a Windows short name/],
      [checkPath, 'x.y/v1', /must not end in \/vN/],
      [checkPath, 'gopkg.in/yaml', /must end in \.vN/],
      [checkPath, '-x.y/z', /starts with a dash/],
      [checkFilePath, 'a/../b', /must not be "\.\."/],
      [checkFilePath, 'a\0b', /"\\x00" is not allowed \(character 2\)/],
      [checkFilePath, 'a/b☺', /"☺" is not allowed/],
    ]
    for (const [check, path, message] of table) throwsCode(() => check(path), 'invalid_path', message)
  })

  test('a stranger cannot make an error message long', () => {
    assert.throws(
      () => checkPath(`x.y/${'é'.repeat(1e6)}`),
      (error: unknown) => error instanceof GomodError && error.message.length < 400,
    )
  })

  test('letters of any script are allowed in file names, marks and new letters are not', () => {
    for (const name of ['испытание', '日本語.go', 'é', '𐐀', 'ｆ']) assert.equal(checkFilePath(name), name)
    // U+1E5D0 is a letter since Unicode 16: what go refuses must stay refused, or zips would differ.
    for (const name of ['e\u0301', '٣', '€', '\u{1e5d0}', '\u00a0'])
      throwsCode(() => checkFilePath(name), 'invalid_path')
  })
})

suite('major version suffixes', () => {
  test('a path splits into prefix and suffix', () => {
    const table: [prefix: string, pathMajor: string][] = [
      ['x.y/z', ''],
      ['x.y/z', '/v2'],
      ['x.y/z', '/v3'],
      ['x.y/z', '/v10'],
      ['x.y/v', ''],
      ['x.y/zv2', ''],
      ['v2', ''],
      ['/v', ''],
      ['', ''],
      ['gopkg.in/yaml', '.v0'],
      ['gopkg.in/yaml', '.v1'],
      ['gopkg.in/yaml', '.v2'],
      ['gopkg.in/user/yaml', '.v3'],
      ['gopkg.in/yaml', '.v2-unstable'],
      ['gopkg.in/x.v1/y', '.v2'],
    ]
    for (const [prefix, pathMajor] of table) {
      assert.deepEqual(splitPathVersion(prefix + pathMajor), { prefix, pathMajor })
    }
  })

  test('a bad suffix does not split', () => {
    const bad = [
      'x.y/v1',
      'x.y/v0',
      'x.y/v02',
      'x.y/v1.2',
      'x.y/v2.',
      'x.y/v.',
      'gopkg.in/yaml',
      'gopkg.in/yaml.v',
    ]
    for (const path of [
      ...bad,
      'gopkg.in/yaml.v02',
      'gopkg.in/yaml.v2.1x',
      'gopkg.in/yaml/v2',
      'gopkg.in/v2',
    ]) {
      assert.equal(splitPathVersion(path), undefined, path)
    }
  })

  test('the parts of every path add up to it', () => {
    for (const [path] of PATHS) {
      const split = splitPathVersion(path)
      if (split !== undefined) assert.equal(split.prefix + split.pathMajor, path)
    }
  })

  test('a version matches a suffix or not', () => {
    const table: [v: string, pathMajor: string, matches: boolean][] = [
      ['v0.0.0', '', true],
      ['v0.0.0', '/v2', false],
      ['v0.0.0', '.v0', true],
      ['v0.0.0', '.v1', false],
      ['v0.0.0-20190510104115-cbcb75029529', '.v1', true],
      ['v0.0.0-20190510104115-cbcb75029529', '.v1-unstable', true],
      ['v1.0.0', '/v2', false],
      ['v1.0.0', '.v1', true],
      ['v1.0.0', '.v1-unstable', true],
      ['v2.0.0+incompatible', '', true],
      ['v2.0.0', '', false],
      ['v2.0.0', '/v2', true],
      ['v2.0.0', '.v2', true],
      ['v2.0.0', 'v2', false],
      ['bad', '', false],
      ['bad', '/v2', false],
    ]
    for (const [v, pathMajor, matches] of table) {
      assert.equal(matchPathMajor(v, pathMajor), matches, `${v} of ${pathMajor}`)
      if (matches) checkPathMajor(v, pathMajor)
      else throwsCode(() => checkPathMajor(v, pathMajor), 'invalid_version', /must be v\d/)
    }
  })

  test('a suffix implies a tag prefix', () => {
    const table = { '': '', '/v2': 'v2', '.v0': 'v0', '.v1-unstable': 'v1' }
    for (const [pathMajor, prefix] of Object.entries(table)) assert.equal(pathMajorPrefix(pathMajor), prefix)
    for (const bad of ['v2', '/', '/v2.0', '/v02', '/x', '/v2-unstable']) {
      throwsCode(() => pathMajorPrefix(bad), 'invalid_path')
    }
  })
})

suite('escaped paths', () => {
  const table = [
    [
      'ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789',
      'ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789',
    ],
    ['github.com/GoogleCloudPlatform/omega', 'github.com/!google!cloud!platform/omega'],
  ] as const

  test('upper case becomes ! and lower case, and back', () => {
    for (const [path, escaped] of table) {
      assert.equal(escapePath(path), escaped)
      assert.equal(unescapePath(escaped), path)
    }
  })

  test('what is no path has no escaped form', () => {
    for (const [path, kinds] of PATHS) {
      if (kinds.startsWith('module')) continue
      throwsCode(() => escapePath(path), 'invalid_path')
      assert.throws(() => unescapePath(path), GomodError)
    }
  })

  test('text that escaping never makes is refused', () => {
    const bad = [
      'github.com/GoogleCloudPlatform/omega',
      'github.com/!google!cloud!platform!/omega',
      'x.y/z!',
      'x.y/é',
    ]
    for (const escaped of [
      ...bad,
      'github.com/!0google',
      'github.com/!_google',
      'github.com/!!google',
      'x.y/!A',
    ]) {
      throwsCode(() => unescapePath(escaped), 'invalid_escape')
    }
    throwsCode(() => unescapePath(''), 'invalid_path')
    throwsCode(() => unescapePath('!x.y/z'), 'invalid_path')
  })

  test('every path survives the round trip, and case never decides', () => {
    fc.assert(
      fc.property(modulePaths, (path) => {
        const escaped = escapePath(path)
        assert.equal(escaped, escaped.toLowerCase())
        assert.equal(unescapePath(escaped), path)
      }),
    )
  })

  test('text that unescapes, escapes to itself', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z!.]{1,9}\.[a-z!/]{1,12}$/), (escaped) => {
        let path: string
        try {
          path = unescapePath(escaped)
        } catch (error) {
          assert.ok(error instanceof GomodError)
          return
        }
        assert.equal(escapePath(path), escaped)
      }),
    )
  })
})
