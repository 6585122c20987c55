import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collisionChecker, foldCase } from './collisions.ts'

/** Texts that are equal but for case, by the simple case folding of Unicode as Go's strings.EqualFold has it. */
const EQUAL = [
  ['README', 'readme', 'ReadMe'],
  ['K', 'k', '\u212a'],
  ['S', 's', 'ſ'],
  ['Σ', 'σ', 'ς'],
  ['Å', 'å', '\u212b'],
  ['ß', 'ẞ'],
  ['Ǆ', 'ǅ', 'ǆ'],
  ['Ω', 'ω', '\u2126'],
  ['Ꭰ', 'ꭰ'],
  ['𐐀', '𐐨'],
  ['aÉb', 'AéB'],
]

/** Texts that full case folding or the Turkish one would take for equal, and Go does not. */
const DIFFERENT = [
  ['ß', 'ss'],
  ['ı', 'i'],
  ['İ', 'i'],
  ['İ', 'ı'],
  ['ﬁ', 'fi'],
  ['ΐ', '\u1fd3'],
  ['e\u0301', 'é'],
]

test('foldCase gives one form to texts that differ in case only', () => {
  for (const texts of EQUAL) assert.equal(new Set(texts.map(foldCase)).size, 1, texts.join(' '))
  for (const texts of DIFFERENT) assert.equal(new Set(texts.map(foldCase)).size, 2, texts.join(' '))
})

type Step = readonly [path: string, isDirectory: boolean, problem?: RegExp]

const SEQUENCES: readonly (readonly [what: string, steps: readonly Step[]])[] = [
  [
    'a file twice',
    [
      ['a', false],
      ['a', false, /"a" occurs more than once/],
    ],
  ],
  [
    'a directory twice',
    [
      ['a', true],
      ['a', true],
    ],
  ],
  [
    'a directory before and after its files',
    [
      ['a', true],
      ['a/b', false],
      ['a', true],
      ['a/c', false],
    ],
  ],
  [
    'a file and a directory',
    [
      ['a', false],
      ['a', true, /"a" is both/],
    ],
  ],
  [
    'a file and a file in it',
    [
      ['a', false],
      ['a/b', false, /"a" is both/],
    ],
  ],
  [
    'a file in it and a file',
    [
      ['a/b/c', false],
      ['a/b', false, /"a\/b" is both/],
    ],
  ],
  [
    'names in other letters',
    [
      ['m.go', false],
      ['M.GO', false, /"m.go" and "M.GO" differ/],
    ],
  ],
  [
    'directories in other letters',
    [
      ['a/x', false],
      ['A/y', false, /"a" and "A" differ/],
    ],
  ],
  [
    'directories high above',
    [
      ['a/b/c/x', false],
      ['A/b/c/y', false, /differ/],
    ],
  ],
  [
    'files of one name in two directories',
    [
      ['a/x', false],
      ['b/x', false],
    ],
  ],
]

for (const [what, steps] of SEQUENCES) {
  test(`collisions: ${what}`, () => {
    const check = collisionChecker()
    for (const [path, isDirectory, problem] of steps) {
      const found = check(path, isDirectory)
      if (problem === undefined) assert.equal(found, undefined)
      else assert.match(found ?? 'nothing', problem)
    }
  })
}
