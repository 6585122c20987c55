import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ModsteadError } from '../../errors.ts'
import { fieldOf, parseForm } from './form.ts'

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

test('a token that was read from a file may end with a line break, and nothing else may', () => {
  const token = (value: string, name = 'subject_token') =>
    fieldOf(parseForm({ headers }, Buffer.from(new URLSearchParams({ [name]: value }).toString())), name)
  for (const value of ['a.b.c', 'a.b.c\n', 'a.b.c\r\n']) assert.equal(token(value), 'a.b.c')
  for (const [value, name] of [['a.b.c\n\n'], ['a\nb'], ['x\n', 'refresh_token']] as const)
    assert.throws(
      () => token(value, name),
      (error) => error instanceof ModsteadError && /without line breaks/.test(error.next ?? ''),
    )
})
