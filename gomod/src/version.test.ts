import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { GomodError, type GomodErrorCode } from './error.ts'
import {
  canonicalVersion,
  checkVersion,
  compareModuleVersions,
  escapeVersion,
  isCanonicalFor,
  isQuery,
  MAX_QUERY_LENGTH,
  sortModuleVersions,
  unescapeVersion,
} from './version.ts'

function throwsCode(run: () => unknown, code: GomodErrorCode, message = /./): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof GomodError, `not a GomodError: ${String(error)}`)
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

suite('versions of modules', () => {
  test('the canonical form keeps +incompatible and no other build metadata', () => {
    const table = {
      v1: 'v1.0.0',
      'v1.2': 'v1.2.0',
      'v1.2.3-pre+meta': 'v1.2.3-pre',
      'v2.0.0+incompatible': 'v2.0.0+incompatible',
      'v2.0.0+incompatible.1': 'v2.0.0',
      master: '',
      '': '',
    }
    for (const [v, want] of Object.entries(table)) assert.equal(canonicalVersion(v), want)
  })

  test('a version fits a path or not', () => {
    const table: [path: string, v: string, fits: boolean][] = [
      ['rsc.io/quote', '0.1.0', false],
      ['github.com/go-yaml/yaml', 'v0.8.0', true],
      ['github.com/go-yaml/yaml', 'v1.0.0', true],
      ['github.com/go-yaml/yaml', 'v2.0.0', false],
      ['github.com/go-yaml/yaml', 'v2.1.5', false],
      ['github.com/go-yaml/yaml', 'v3.0.0', false],
      ['github.com/go-yaml/yaml/v2', 'v1.0.0', false],
      ['github.com/go-yaml/yaml/v2', 'v2.0.0', true],
      ['github.com/go-yaml/yaml/v2', 'v2.1.5', true],
      ['github.com/go-yaml/yaml/v2', 'v3.0.0', false],
      ['gopkg.in/yaml.v0', 'v0.8.0', true],
      ['gopkg.in/yaml.v0', 'v1.0.0', false],
      ['gopkg.in/yaml.v0', 'v2.1.5', false],
      ['gopkg.in/yaml.v1', 'v0.8.0', false],
      ['gopkg.in/yaml.v1', 'v1.0.0', true],
      ['gopkg.in/yaml.v1', 'v3.0.0', false],
      ['gopkg.in/check.v1', 'v0.0.0', false],
      ['gopkg.in/check.v1', 'v0.0.0-20160102150405-abcdef123456', true],
      ['gopkg.in/yaml.v2', 'v1.0.0', false],
      ['gopkg.in/yaml.v2', 'v2.1.5', true],
      ['gopkg.in/yaml.v2', 'v3.0.0', false],
      ['rsc.io/quote', 'v17.0.0', false],
      ['rsc.io/quote', 'v17.0.0+incompatible', true],
      ['rsc.io/quote', 'v1.2', false],
      ['rsc.io/quote', 'v1.2.3+meta', false],
      ['rsc.io/quote', '', false],
    ]
    for (const [path, v, fits] of table) {
      assert.equal(isCanonicalFor(path, v), fits, `${path}@${v}`)
      if (fits) assert.equal(checkVersion(path, v), v)
      else throwsCode(() => checkVersion(path, v), 'invalid_version')
    }
  })

  test('an error says which rule is broken', () => {
    throwsCode(() => checkVersion('rsc io/quote', 'v1.0.0'), 'invalid_path')
    throwsCode(
      () => checkVersion('rsc.io/quote', 'master'),
      'invalid_version',
      /"master" is not a semantic version/,
    )
    throwsCode(() => checkVersion('rsc.io/quote', 'v1.2'), 'invalid_version', /write "v1\.2\.0"/)
    throwsCode(() => checkVersion('rsc.io/quote', 'v2.0.0'), 'invalid_version', /must be v0 or v1/)
    throwsCode(() => checkVersion('rsc.io/quote/v3', 'v2.0.0'), 'invalid_version', /must be v3 .* "\/v3"/)
    assert.ok(!isCanonicalFor('rsc.io/quote/v1', 'v1.0.0'))
  })
})

suite('escaped versions', () => {
  test('upper case becomes ! and lower case, and back', () => {
    const table = {
      'v1.0.0-RC1': 'v1.0.0-!r!c1',
      'v1.0.0+incompatible': 'v1.0.0+incompatible',
      'Fix#7': '!fix#7',
    }
    for (const [v, escaped] of Object.entries(table)) {
      assert.equal(escapeVersion(v), escaped)
      assert.equal(unescapeVersion(escaped), v)
    }
  })

  test('what could not name a file is refused', () => {
    for (const v of ['', '.', '..', 'a/b', 'a\\b', 'v1.', 'a!', 'é', 'nul', 'COM1.x', 'a\nb', 'a:b', '<v1']) {
      throwsCode(() => escapeVersion(v), 'invalid_version')
    }
    for (const escaped of ['', '.', '..', 'a/b', 'v1.', 'nul', 'a\nb', '!con']) {
      throwsCode(() => unescapeVersion(escaped), 'invalid_version')
    }
    for (const escaped of ['v1.0.0-RC1', 'a!', '!1', '!!a', 'é']) {
      throwsCode(() => unescapeVersion(escaped), 'invalid_escape')
    }
  })

  test('every version survives the round trip', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^v1\.2\.3-[-0-9A-Za-z]{0,12}x$/), (v) => {
        assert.equal(escapeVersion(v), escapeVersion(v).toLowerCase())
        assert.equal(unescapeVersion(escapeVersion(v)), v)
      }),
    )
  })
})

suite('queries', () => {
  test('what go may send', () => {
    for (const query of ['master', 'v1', 'v1.2', 'v1.2.3', 'v1.2.3+meta', 'deadbeef', 'Feature_7', 'x@y']) {
      assert.ok(isQuery(query), query)
    }
  })

  test('what it never sends', () => {
    const bad = [
      '',
      'a/b',
      '..',
      'a..b',
      'a\0b',
      'a\x7fb',
      '-x',
      '>v1',
      '<=v1',
      'a!',
      'é',
      'a\\b',
      'a.',
      'con',
      'a~*',
    ]
    for (const query of bad) assert.ok(!isQuery(query), query)
    assert.ok(isQuery('a'.repeat(MAX_QUERY_LENGTH)))
    assert.ok(!isQuery('a'.repeat(MAX_QUERY_LENGTH + 1)))
  })
})

suite('the order of module versions', () => {
  test('path, then precedence, then file', () => {
    const sorted = [
      ['a.b/c', 'v1.9.0'],
      ['a.b/c', 'v1.10.0-pre'],
      ['a.b/c', 'v1.10.0'],
      ['a.b/c', 'v1.10.0/go.mod'],
      ['a.b/c', 'v1.10.0+meta'],
      ['a.b/c', 'v2.0.0+incompatible'],
      ['a.b/c-d', 'v1.0.0'],
      ['a.b/c/d', ''],
      ['a.b/c/d', 'v1.0.0'],
    ].map(([path, version]) => ({ path: path!, version: version! }))
    assert.deepEqual(sortModuleVersions([...sorted].reverse()), sorted)
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) assert.equal(compareModuleVersions(a, b), Math.sign(i - j))
    }
  })

  test('the order is total', () => {
    const versions = fc.constantFrom(
      '',
      'x',
      'v1',
      'v1.0.0',
      'v1.0.0+a',
      'v1.0.0+a-',
      'v1.0.0+a.b',
      'v1.0.0-0',
      'v2.0.0',
    )
    const files = fc.constantFrom('', '/go.mod', '/a')
    const all = fc.record({
      path: fc.constantFrom('a.b', 'a.b/c'),
      version: fc.tuple(versions, files).map((v) => v.join('')),
    })
    fc.assert(
      fc.property(all, all, all, (a, b, c) => {
        assert.equal(compareModuleVersions(a, b) + compareModuleVersions(b, a), 0)
        assert.equal(compareModuleVersions(a, b) === 0, a.path === b.path && a.version === b.version)
        if (compareModuleVersions(a, b) <= 0 && compareModuleVersions(b, c) <= 0) {
          assert.ok(compareModuleVersions(a, c) <= 0)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
