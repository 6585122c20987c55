import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isVendored } from './vendor.ts'

/** The cases of golang.org/x/mod/zip, and what the rule says of versions that are none. */
const BEFORE = [
  undefined,
  '',
  '1',
  '1.2',
  '1.7',
  '1.9',
  '1.14',
  '1.21.0',
  '1.22.4',
  '1.23',
  '1.23.1',
  '1.23rc1',
]
const NO_VERSION = ['1.24.1rc1', '1.24.', '1.024', 'v1.24', '1.24-x', 'latest']
const SINCE = ['1.24', '1.24.0', '1.24rc1', '1.99.0', '1.100', '2', '2.0']

const OLD = [...BEFORE, ...NO_VERSION]
const ALL = [...OLD, ...SINCE]

const CASES: readonly [path: string, vendored: boolean, versions: readonly (string | undefined)[]][] = [
  ['vendor/foo/foo.go', true, ALL],
  ['pkg/vendor/foo/foo.go', true, ALL],
  ['longpackagename/vendor/foo/foo.go', true, ALL],
  ['vendor/vendor.go', false, ALL],
  ['vendor/foo/modules.txt', true, ALL],
  ['modules.txt', false, ALL],
  ['vendor/amodules.txt', false, ALL],
  ['vendor', false, ALL],
  ['pkg/vendor', false, ALL],
  ['myvendor/foo/foo.go', false, ALL],
  // golang.org/issue/63395
  ['vendor/modules.txt', false, OLD],
  ['vendor/modules.txt', true, SINCE],
  // golang.org/issue/37397
  ['pkg/vendor/vendor.go', true, OLD],
  ['pkg/vendor/vendor.go', false, SINCE],
  ['longpackagename/vendor/vendor.go', true, OLD],
  ['longpackagename/vendor/vendor.go', false, SINCE],
]

for (const [path, vendored, versions] of CASES) {
  test(`${path} is ${vendored ? '' : 'not '}vendored for go ${versions.join(', ')}`, () => {
    for (const version of versions) assert.equal(isVendored(path, version), vendored, `go ${version}`)
  })
}
