import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import { createTokens } from './tokens.ts'

const CI = 'ci-0123456789abcdef'
const OPS = 'ops:0123456789abcdef'
const tokens = createTokens([
  { name: 'ci', token: CI, may: ['publish'] },
  { name: 'ops', token: OPS, may: ['publish', 'delete'] },
])
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

test('who a header proves, however it is written', () => {
  const cases: [header: string, name: string][] = [
    [`Bearer ${CI}`, 'ci'],
    [`bearer   ${CI} `, 'ci'],
    [`Bearer ${OPS}`, 'ops'],
    [basic(`anybody:${CI}`), 'ci'],
    [basic(`:${CI}`), 'ci'],
    [basic(`u:${OPS}`), 'ops'],
  ]
  for (const [header, name] of cases) assert.deepEqual(tokens.authorize(header, 'publish'), { name }, header)
})

test('what proves nobody', () => {
  const cases = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    CI,
    `Bearer ${CI}x`,
    `Bearer ${CI.slice(0, -1)}`,
    `Bearer ${CI} ${CI}`,
    `Token ${CI}`,
    basic(CI),
    basic(`${CI}:`),
    basic(`${CI}:x`),
    `Basic ${CI}`,
    'Basic ====',
    basic(':'),
  ]
  for (const header of cases) refused(() => tokens.authorize(header, 'publish'), 'unauthenticated')
})

test('a known token may do what it is said to, and no more', () => {
  refused(() => tokens.authorize(`Bearer ${CI}`, 'delete'), 'not_permitted')
  assert.deepEqual(tokens.authorize(`Bearer ${OPS}`, 'delete'), { name: 'ops' })
})

test('without tokens nobody may do anything, and the next step is said', () => {
  const nobody = createTokens([])
  for (const permission of ['publish', 'delete', 'audit'] as const) {
    const error = refused(() => nobody.authorize(`Bearer ${CI}`, permission), 'not_permitted')
    assert.match(error.message, new RegExp(`^nobody may ${permission} .*no tokens`))
    assert.ok(error.next?.includes(`may: [${permission}]`), error.next)
  }
})

test('no refusal repeats what was sent', () => {
  for (const header of [`Bearer wrong-${CI}`, basic(`u:wrong-${CI}`)])
    for (const text of [refused(() => tokens.authorize(header, 'publish'), 'unauthenticated')])
      assert.ok(!`${text.message} ${text.next}`.includes('wrong'))
})

function refused(attempt: () => unknown, code: ErrorCode): ModsteadError {
  try {
    attempt()
  } catch (error) {
    assert.ok(error instanceof ModsteadError)
    assert.equal(error.code, code)
    return error
  }
  throw new Error(`expected ${code}`)
}
