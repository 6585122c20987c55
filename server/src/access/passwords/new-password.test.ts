import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, passwordProblem, passwordWeakness } from './new-password.ts'
import { parsePasswordHash } from './password-hash.ts'

test('a new hash is one that the file may have, with a salt of its own', async () => {
  const [one, two] = [await hashPassword('пароль с пробелом'), await hashPassword('пароль с пробелом')]
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  assert.notEqual(one, two)
  const parsed = parsePasswordHash(one)
  assert.ok(typeof parsed === 'object')
  assert.equal(parsed.form, 'argon2id (m=19456, t=2, p=1)')
  assert.equal(await parsed.matches('пароль с пробелом'), true)
  assert.equal(await parsed.matches('пароль'), false)
})

test('passwords that cannot be, and those that are easily guessed', () => {
  assert.equal(passwordProblem('x'), undefined)
  assert.match(passwordProblem('') ?? '', /empty/)
  assert.match(passwordProblem('a\tb') ?? '', /control/)
  assert.match(passwordProblem('x'.repeat(1025)) ?? '', /1024/)
  const cases: [password: string, problem: RegExp | undefined][] = [
    ['correct horse', undefined],
    ['пароль-длинный', undefined],
    ['elevenchars', /less than 12/],
    ['💡💡💡💡💡💡', /less than 12/],
    ['Alice', /name of the user/],
    ['ALICEaliceAlice', /name of the user/],
    ['aaaaaaaaaaaaaaaa', /one character/],
  ]
  for (const [password, problem] of cases) {
    const found = passwordWeakness('alice', password)
    assert.ok(
      problem === undefined ? found === undefined : problem.test(found ?? ''),
      `${password}: ${found}`,
    )
  }
})
