import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpolate } from './interpolate.ts'

const env = { A: 'one', B_2: '', DOLLAR: '${A}' }

const cases: [text: string, expected: string, changed: boolean, problems: number][] = [
  ['plain $A and {A}', 'plain $A and {A}', false, 0],
  ['${A}', 'one', true, 0],
  ['x${A}y${B_2}z', 'xoneyz', true, 0],
  ['$${A}', '${A}', false, 0],
  ['$$${A}', '$${A}', false, 0],
  ['${DOLLAR}', '${A}', true, 0],
  ['${NONE}', '${NONE}', true, 1],
  ['${}', '${}', false, 1],
  ['${A', '${A', false, 1],
  ['${A:-x}', '${A:-x}', false, 1],
]

test('variables in texts', () => {
  for (const [text, expected, changed, problems] of cases) {
    const result = interpolate(text, env)
    assert.deepEqual(
      [result.text, result.changed, result.problems.length],
      [expected, changed, problems],
      text,
    )
  }
})
