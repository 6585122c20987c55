import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ModsteadError } from '../../errors.ts'
import { parseForm } from './form.ts'

const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' }

test('a form is what its sender put in, and nothing but an error of ours where it is none', () => {
  const name = fc.stringMatching(/^[a-z_]{1,20}$/)
  const value = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((text) => !/\p{Cc}/u.test(text.toWellFormed()))
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 20 }), (fields) => {
      const wellFormed = Object.entries(fields).map(([key, text]): [string, string] => [
        key,
        text.toWellFormed(),
      ])
      const body = Buffer.from(new URLSearchParams(wellFormed).toString())
      assert.deepEqual([...parseForm({ headers }, body)], wellFormed)
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const text of parseForm({ headers }, Buffer.from(bytes)).values()) assert.ok(text !== '')
      } catch (error) {
        assert.ok(error instanceof ModsteadError && error.code === 'bad_request', String(error))
      }
    }),
  )
})
