import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { matchGlob, parseGlob } from './glob.ts'
import { checkPattern, claimsAllParents, compilePatterns } from './pattern.ts'

suite('patterns', () => {
  test('a pattern matches the first elements of a path', () => {
    const table: [patterns: string, path: string, matches: boolean][] = [
      ['', 'rsc.io/quote', false],
      ['/', 'rsc.io/quote', false],
      ['*/quote', 'rsc.io/quote', true],
      ['*/quo', 'rsc.io/quote', false],
      ['*/quo??', 'rsc.io/quote', true],
      ['*/quo*', 'rsc.io/quote', true],
      ['*quo*', 'rsc.io/quote', false],
      ['rsc.io', 'rsc.io/quote', true],
      ['*.io', 'rsc.io/quote', true],
      ['rsc.io/', 'rsc.io/quote', true],
      ['rsc', 'rsc.io/quote', false],
      ['rsc*', 'rsc.io/quote', true],
      ['rsc.io', 'rsc.io/quote/v3', true],
      ['*/quote', 'rsc.io/quote/v3', true],
      ['*/quote/', 'rsc.io/quote/v3', true],
      ['*/quote/*', 'rsc.io/quote/v3', true],
      ['*/quote/*/', 'rsc.io/quote/v3', true],
      ['*/v3', 'rsc.io/quote/v3', false],
      ['*/*/v3', 'rsc.io/quote/v3', true],
      ['*/*/*', 'rsc.io/quote/v3', true],
      ['*/*/*/', 'rsc.io/quote/v3', true],
      ['*/*/*', 'rsc.io/quote', false],
      ['*/*/*/', 'rsc.io/quote', false],
      ['*/*/*,,', 'rsc.io/quote', false],
      ['*/*/*,,*/quote', 'rsc.io/quote', true],
      [',,*/quote', 'rsc.io/quote', true],
      ['rsc.io/q[a-z]ote', 'rsc.io/quote', true],
      ['rsc.io/q[^a-t]ote', 'rsc.io/quote', true],
      ['rsc.io/q[^a-z]ote', 'rsc.io/quote', false],
      ['rsc.io/q\\uote', 'rsc.io/quote', true],
      ['rsc.io/q\\*ote', 'rsc.io/quote', false],
      ['rsc.io/[', 'rsc.io/quote', false],
      ['rsc.io/[,rsc.io', 'rsc.io/quote', true],
      ['rsc.io/quo', 'rsc.io/quote', false],
      ['rsc.io/quote//', 'rsc.io/quote/v3', false],
      ['RSC.io', 'rsc.io/quote', false],
    ]
    for (const [patterns, path, matches] of table) {
      assert.equal(compilePatterns(patterns).matches(path), matches, `${patterns} on ${path}`)
      assert.equal(compilePatterns(patterns.split(',')).matches(path), matches, `${patterns} on ${path}`)
    }
  })

  test('what stands above a match, its host included, could be its parent', () => {
    const table: [patterns: string, parents: string[], others: string[]][] = [
      ['corp.example', [], ['corp.example', 'corp.example/team', 'corp']],
      ['*.corp.example', [], ['git.corp.example', 'corp.example', 'corp.example/team']],
      [
        'corp.example/team/*',
        ['corp.example', 'corp.example/team'],
        ['other.example', 'corp.example/other', 'corp.example/team/x'],
      ],
      [
        'github.com/corp/a/b',
        ['github.com', 'github.com/corp', 'github.com/corp/a'],
        ['github.com/corp/b', 'github.com/other', 'github.com/corp/a/b'],
      ],
      [
        '*.corp.example/a/b',
        ['git.corp.example', 'git.corp.example/a'],
        ['corp.example', 'corp.example/a', 'git.corp.example/b'],
      ],
      ['corp.example/*/secret', ['corp.example', 'corp.example/x', 'corp.example/y'], ['other.example/x']],
      ['corp.example/t-[a-c]?/x', ['corp.example/t-a1'], ['corp.example/t-d1', 'corp.example/t-a']],
      ['*/*/secret', ['gopkg.in/yaml.v3'], ['gopkg.in', 'github.com/x/y']],
      ['corp.example/a\\/b/c', ['corp.example/a', 'corp.example/a/b'], ['corp.example/b']],
      ['corp.example/[/x', [], ['corp.example/[']],
    ]
    for (const [patterns, parents, others] of table) {
      const set = compilePatterns(patterns)
      for (const path of parents) assert.ok(set.couldBeParentOf(path), `${path} is above ${patterns}`)
      for (const path of others) assert.ok(!set.couldBeParentOf(path), `${path} is not above ${patterns}`)
    }
  })

  test('the patterns in use can be shown', () => {
    assert.deepEqual(compilePatterns('a.b/,,*.c,[').patterns, ['a.b', '*.c'])
  })

  test('a pattern that cannot work is found', () => {
    const bad = [
      '',
      '/',
      'a,b',
      'a b',
      'https://a.b',
      '/a.b',
      'a.b//c',
      'a.b//',
      'a.b/[',
      'a.b/[]',
      'a.b/[^]',
      'a.b/[a-]',
    ]
    for (const pattern of [...bad, 'a.b/[-a]', 'a.b\\', 'a.b/[a\\', 'a.b/[/]', 'A.b/c', 'a.b/[a']) {
      assert.match(checkPattern(pattern) ?? '', /\w/, `${pattern} should be found`)
    }
    for (const pattern of ['a.b', 'a.b/', '*.b/[a-z\\]]?/\\*', 'github.com/Azure', 'a.b/]']) {
      assert.equal(checkPattern(pattern), undefined, pattern)
    }
  })

  test('a pattern that claims every path of a length is found', () => {
    for (const pattern of ['*/*/secret', '*/*/*/', '*/**/x']) assert.ok(claimsAllParents(pattern), pattern)
    for (const pattern of ['*', '*.b/*', 'a.b/*/secret', '*/x/*', '*/*', '[', '*/a*/x']) {
      assert.ok(!claimsAllParents(pattern), pattern)
    }
  })
})

/** Whether `pattern` matches by trying everything, for patterns without classes. */
function matchesNaively(pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  const head = pattern[0]!
  if (head === '*') {
    return (
      matchesNaively(pattern.slice(1), name) || (/^[^/]/.test(name) && matchesNaively(pattern, name.slice(1)))
    )
  }
  if (name === '' || (head === '?' ? name.startsWith('/') : head !== name[0])) return false
  return matchesNaively(pattern.slice(1), name.slice(1))
}

suite('matching', () => {
  const paths = fc.stringMatching(/^[ab]{1,3}(?:\/[ab]{1,3}){0,3}$/)
  const globs = fc.stringMatching(/^[ab*?]{1,4}(?:\/[ab*?]{1,4}){0,3}$/)

  test('agrees with trying everything', () => {
    fc.assert(
      fc.property(fc.array(globs, { maxLength: 4 }), paths, (patterns, path) => {
        const set = compilePatterns(patterns)
        const elements = path.split('/')
        const prefixes = elements.map((_, i) => elements.slice(0, i + 1).join('/'))
        const matches = patterns.some((pattern) => prefixes.some((prefix) => matchesNaively(pattern, prefix)))
        assert.equal(set.matches(path), matches)
        const parents = patterns.flatMap((pattern) => {
          const parts = pattern.split('/')
          return parts
            .map((_, i) => parts.slice(0, i).join('/'))
            .filter((parent) => parent.includes('/') || /[ab]/.test(parent))
        })
        assert.equal(
          set.couldBeParentOf(path),
          parents.some((parent) => matchesNaively(parent, path)),
        )
      }),
      { numRuns: 3000 },
    )
  })

  test('what lies above a match is a match itself or a parent', () => {
    fc.assert(
      fc.property(globs, paths, (pattern, path) => {
        const set = compilePatterns(pattern)
        const above = path.slice(0, path.lastIndexOf('/'))
        if (!set.matches(path) || !path.includes('/') || /^[*?]+(?:\/|$)/.test(pattern)) return
        assert.ok(set.matches(above) || set.couldBeParentOf(above))
      }),
      { numRuns: 2000 },
    )
  })

  test('many stars and a long path take no time', () => {
    const glob = parseGlob(`${'*a'.repeat(200)}*b`)
    assert.ok(typeof glob !== 'string')
    const start = process.hrtime.bigint()
    assert.ok(!matchGlob(glob, 'a'.repeat(20_000)))
    assert.ok(Number(process.hrtime.bigint() - start) / 1e6 < 2000)
  })
})
