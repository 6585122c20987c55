import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { build, canonical, compare, isValid, major, majorMinor, max, prerelease, sort } from './semver.ts'

/** Ascending in precedence, with the canonical form; where that is equal, so is the precedence. */
const VERSIONS: [v: string, canonical: string][] = [
  ['bad', ''],
  ['v1-alpha.beta.gamma', ''],
  ['v1-pre', ''],
  ['v1+meta', ''],
  ['v1-pre+meta', ''],
  ['v1.2-pre', ''],
  ['v1.2+meta', ''],
  ['v1.2-pre+meta', ''],
  ['v1.0.0-alpha', 'v1.0.0-alpha'],
  ['v1.0.0-alpha.1', 'v1.0.0-alpha.1'],
  ['v1.0.0-alpha.beta', 'v1.0.0-alpha.beta'],
  ['v1.0.0-beta', 'v1.0.0-beta'],
  ['v1.0.0-beta.2', 'v1.0.0-beta.2'],
  ['v1.0.0-beta.11', 'v1.0.0-beta.11'],
  ['v1.0.0-rc.1', 'v1.0.0-rc.1'],
  ['v1', 'v1.0.0'],
  ['v1.0', 'v1.0.0'],
  ['v1.0.0', 'v1.0.0'],
  ['v1.2', 'v1.2.0'],
  ['v1.2.0', 'v1.2.0'],
  ['v1.2.3-456', 'v1.2.3-456'],
  ['v1.2.3-456.789', 'v1.2.3-456.789'],
  ['v1.2.3-456-789', 'v1.2.3-456-789'],
  ['v1.2.3-456a', 'v1.2.3-456a'],
  ['v1.2.3-pre', 'v1.2.3-pre'],
  ['v1.2.3-pre+meta', 'v1.2.3-pre'],
  ['v1.2.3-pre.1', 'v1.2.3-pre.1'],
  ['v1.2.3-zzz', 'v1.2.3-zzz'],
  ['v1.2.3', 'v1.2.3'],
  ['v1.2.3+meta', 'v1.2.3'],
  ['v1.2.3+meta-pre', 'v1.2.3'],
  ['v1.2.3+meta-pre.sha.256a', 'v1.2.3'],
]

const BY_TEXT_WHERE_EQUAL = [
  [
    'bad',
    'v1+meta',
    'v1-alpha.beta.gamma',
    'v1-pre',
    'v1-pre+meta',
    'v1.2+meta',
    'v1.2-pre',
    'v1.2-pre+meta',
  ],
  ['v1.0.0-alpha', 'v1.0.0-alpha.1', 'v1.0.0-alpha.beta', 'v1.0.0-beta', 'v1.0.0-beta.2', 'v1.0.0-beta.11'],
  ['v1.0.0-rc.1', 'v1', 'v1.0', 'v1.0.0', 'v1.2', 'v1.2.0', 'v1.2.3-456', 'v1.2.3-456.789', 'v1.2.3-456-789'],
  ['v1.2.3-456a', 'v1.2.3-pre', 'v1.2.3-pre+meta', 'v1.2.3-pre.1', 'v1.2.3-zzz', 'v1.2.3', 'v1.2.3+meta'],
  ['v1.2.3+meta-pre', 'v1.2.3+meta-pre.sha.256a'],
].flat()

/** Versions that are near each other, so that every rule of precedence decides some of them. */
const versions = fc
  .record({
    numbers: fc.array(fc.constantFrom('0', '1', '9', '10', '18446744073709551616'), {
      minLength: 1,
      maxLength: 3,
    }),
    pre: fc.array(fc.constantFrom('0', '2', '10', 'a', 'A', 'a-', '-', '0a'), { maxLength: 3 }),
    meta: fc.constantFrom('', '', '+incompatible', '+0.01'),
  })
  .map(({ numbers, pre, meta }) => {
    if (numbers.length < 3) return `v${numbers.join('.')}`
    return `v${numbers.join('.')}${pre.length > 0 ? `-${pre.join('.')}` : ''}${meta}`
  })

suite('semver', () => {
  test('the parts of a version', () => {
    const table: [v: string, major: string, majorMinor: string, prerelease: string, build: string][] = [
      ['v1', 'v1', 'v1.0', '', ''],
      ['v1.2', 'v1', 'v1.2', '', ''],
      ['v1.2.3', 'v1', 'v1.2', '', ''],
      ['v12.34.5-pre.1+meta.2', 'v12', 'v12.34', '-pre.1', '+meta.2'],
      ['v1.2.3+a-b', 'v1', 'v1.2', '', '+a-b'],
      ['v1.2.3--', 'v1', 'v1.2', '--', ''],
      ['bad', '', '', '', ''],
    ]
    for (const [v, ...parts] of table) {
      assert.deepEqual([major(v), majorMinor(v), prerelease(v), build(v)], parts, v)
    }
  })

  test('the canonical form', () => {
    for (const [v, want] of VERSIONS) {
      assert.equal(canonical(v), want)
      assert.equal(isValid(v), want !== '')
    }
  })

  test('what is not a version', () => {
    const bad = [
      '',
      'v',
      '1.2.3',
      'V1.2.3',
      'v01.2.3',
      'v1.02.3',
      'v1.2.03',
      'v1.2.3.4',
      'v1.2.3 ',
      ' v1.2.3',
      'v1.',
    ]
    const badParts = [
      'v1.2.',
      'v1.2.3-',
      'v1.2.3+',
      'v1.2.3-01',
      'v1.2.3-a..b',
      'v1.2.3-a.',
      'v1.2.3-+m',
      'v1.2.3+a+b',
    ]
    for (const v of [...bad, ...badParts, 'v1.2.3+é', 'v1.2.3-a_b', 'v1.2.3+a..b', 'v-1.2.3', 'v1.2.3\n']) {
      assert.ok(!isValid(v), v)
    }
    for (const v of ['v1.2.3-0', 'v1.2.3-0a', 'v1.2.3+01', 'v0.0.0', 'v1.2.3--01']) assert.ok(isValid(v), v)
  })

  test('precedence', () => {
    for (const [i, [a, aCanonical]] of VERSIONS.entries()) {
      for (const [j, [b, bCanonical]] of VERSIONS.entries()) {
        const want = aCanonical === bCanonical ? 0 : i < j ? -1 : 1
        assert.equal(compare(a, b), want, `${a} against ${b}`)
        assert.equal(max(a, b), i < j ? bCanonical : aCanonical, `the greater of ${a} and ${b}`)
      }
    }
  })

  test('sorting decides by text where precedence is equal, and leaves its input alone', () => {
    const reversed = Object.freeze(VERSIONS.map(([v]) => v).reverse())
    assert.deepEqual(sort(reversed), BY_TEXT_WHERE_EQUAL)
    assert.deepEqual(sort(['\u{1f600}', '\uff5e', 'v0.0.1']), ['\uff5e', '\u{1f600}', 'v0.0.1'])
  })

  test('the order is total', () => {
    fc.assert(
      fc.property(versions, versions, versions, (a, b, c) => {
        assert.equal(compare(a, b), compare(b, a) === 0 ? 0 : -compare(b, a))
        if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0)
        assert.equal(compare(a, b) === 0, canonical(a) === canonical(b))
      }),
      { numRuns: 1000 },
    )
  })

  test('the parts of a canonical version add up to it', () => {
    fc.assert(
      fc.property(versions, (v) => {
        assert.equal(canonical(canonical(v)), canonical(v))
        assert.ok(canonical(v).startsWith(`${majorMinor(v)}.`))
        assert.ok(canonical(v).endsWith(prerelease(v)))
        if (v.split('.').length >= 3) assert.equal(canonical(v) + build(v), v)
      }),
    )
  })
})
