import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { GomodError } from './error.ts'
import {
  isPseudoVersion,
  isZeroPseudoVersion,
  pseudoVersion,
  pseudoVersionBase,
  pseudoVersionRev,
  pseudoVersionTime,
  zeroPseudoVersion,
} from './pseudo.ts'
import { compare } from './semver.ts'

const TIME = new Date('2006-01-02T15:04:05Z')

const TABLE: [major: string, older: string, version: string][] = [
  ['', '', 'v0.0.0-20060102150405-hash'],
  ['v0', '', 'v0.0.0-20060102150405-hash'],
  ['v1', '', 'v1.0.0-20060102150405-hash'],
  ['v2', '', 'v2.0.0-20060102150405-hash'],
  ['unused', 'v0.0.0', 'v0.0.1-0.20060102150405-hash'],
  ['unused', 'v1.2.3', 'v1.2.4-0.20060102150405-hash'],
  ['unused', 'v1.2.99999999999999999', 'v1.2.100000000000000000-0.20060102150405-hash'],
  ['unused', 'v1.2.3-pre', 'v1.2.3-pre.0.20060102150405-hash'],
  ['unused', 'v1.3.0-pre', 'v1.3.0-pre.0.20060102150405-hash'],
  ['unused', 'v0.0.0--', 'v0.0.0--.0.20060102150405-hash'],
  ['unused', 'v1.0.0+metadata', 'v1.0.1-0.20060102150405-hash+metadata'],
  ['unused', 'v2.0.0+incompatible', 'v2.0.1-0.20060102150405-hash+incompatible'],
  ['unused', 'v2.3.0-pre+incompatible', 'v2.3.0-pre.0.20060102150405-hash+incompatible'],
]

function throwsInvalid(run: () => unknown, message = /./): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof GomodError, `not a GomodError: ${String(error)}`)
    assert.equal(error.code, 'invalid_version')
    assert.match(error.message, message)
    return true
  })
}

suite('pseudo-versions', () => {
  for (const [major, older, version] of TABLE) {
    test(`${version} follows ${older === '' ? 'nothing' : older}`, () => {
      assert.equal(pseudoVersion(major, older, TIME, 'hash'), version)
      assert.ok(isPseudoVersion(version))
      assert.deepEqual(pseudoVersionTime(version), TIME)
      assert.equal(pseudoVersionRev(version), 'hash')
      assert.equal(pseudoVersionBase(version), older)
    })
  }

  test('other versions are none', () => {
    const others = [
      '',
      '---',
      'v1.2.3',
      'v0.0.0-',
      'v1.0.0-2006010215040-hash',
      'v1.0.0-200601021504051-hash',
    ]
    const near = [
      'v1.0.0-20060102150405-',
      'v1.0.0-20060102150405',
      'v1.0.0-20060102150405-ha.sh',
      'v1-20060102150405-h',
    ]
    const wrongBase = [
      'v1.2.0-20060102150405-hash',
      'v1.2.3-1.20060102150405-hash',
      'v1.2.3-pre.1.20060102150405-hash',
    ]
    for (const v of [
      ...others,
      ...near,
      ...wrongBase,
      'v1.2.3-pre0.20060102150405-hash',
      'v1.2.20060102150405-hash',
    ]) {
      assert.ok(!isPseudoVersion(v), v)
      throwsInvalid(() => pseudoVersionTime(v), /not a valid pseudo-version/)
      throwsInvalid(() => pseudoVersionRev(v))
      throwsInvalid(() => pseudoVersionBase(v))
    }
  })

  test('a version that can follow no tag has no base', () => {
    for (const v of [
      'v0.0.0-0.20060102150405-hash',
      'v0.1.0-0.20060102150405-hash',
      'v1.0.0-0.20060102150405-hash',
    ]) {
      assert.ok(isPseudoVersion(v), v)
      throwsInvalid(() => pseudoVersionBase(v), /no version just before/)
    }
    for (const v of ['v0.0.0-20060102150405-hash+incompatible', 'v0.0.0-20060102150405-hash+metadata']) {
      throwsInvalid(() => pseudoVersionBase(v), /no tag before it/)
    }
  })

  test('a time that is none is found', () => {
    for (const time of [
      '20060231000000',
      '20061301000000',
      '20060101240000',
      '20060101006000',
      '20060101000060',
    ]) {
      assert.ok(isPseudoVersion(`v1.0.0-${time}-hash`))
      throwsInvalid(() => pseudoVersionTime(`v1.0.0-${time}-hash`), /is not a time/)
    }
    throwsInvalid(() => pseudoVersion('v1', '', new Date(Number.NaN), 'hash'))
    throwsInvalid(() => pseudoVersion('v1', '', new Date('+010000-01-01T00:00:00Z'), 'hash'))
  })

  test('the pseudo-version of no commit', () => {
    assert.equal(zeroPseudoVersion(''), 'v0.0.0-00010101000000-000000000000')
    assert.equal(zeroPseudoVersion('v2'), 'v2.0.0-00010101000000-000000000000')
    assert.ok(isZeroPseudoVersion(zeroPseudoVersion('v3')))
    assert.ok(!isZeroPseudoVersion('v0.0.0-20060102150405-hash'))
    assert.equal(pseudoVersionTime(zeroPseudoVersion('')).toISOString(), '0001-01-01T00:00:00.000Z')
  })

  test('a pseudo-version comes after its base, before the next one, and gives back what it was made of', () => {
    const tags = fc.stringMatching(
      /^v[0-9]\.[0-9]\.(?:0|[1-9][0-9]{0,30})(?:-[a-z]{1,3}(?:\.[1-9])?)?(?:\+incompatible)?$/,
    )
    const times = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    fc.assert(
      fc.property(tags, times, times, fc.stringMatching(/^[0-9a-f]{12}$/), (tag, time, other, rev) => {
        const v = pseudoVersion('', tag, time, rev)
        assert.equal(pseudoVersionBase(v), tag)
        assert.equal(pseudoVersionRev(v), rev)
        assert.equal(pseudoVersionTime(v).getTime(), Math.floor(time.getTime() / 1000) * 1000)
        assert.equal(compare(tag, v), -1)
        const sooner = Math.floor(time.getTime() / 1000) - Math.floor(other.getTime() / 1000)
        if (sooner !== 0) assert.equal(compare(v, pseudoVersion('', tag, other, rev)), Math.sign(sooner))
      }),
    )
  })
})
