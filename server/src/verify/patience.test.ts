import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPatience } from './patience.ts'

test('eight failures in a row are enough', () => {
  const patience = createPatience()
  for (let i = 0; i < 7; i++) patience.failed('gone')
  patience.answered()
  for (let i = 0; i < 7; i++) patience.failed('gone')
  assert.equal(patience.spent(), undefined)
  patience.failed('gone for good')
  assert.equal(patience.spent(), 'gone for good')
})
