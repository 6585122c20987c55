import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuesses } from './lockout.ts'

const ALICE = ['user alice', 'address 192.0.2.1']
const BOB = ['user bob', 'address 192.0.2.2']

function guessing() {
  const clock = { now: 1000 }
  const guesses = createGuesses(
    { secrets: 3, within: 60_000, closed: 300_000, addresses: true },
    () => clock.now,
  )
  const wrong = (keys: readonly string[], ...secrets: string[]) => {
    for (const secret of secrets) if (guesses.mayTry(keys)) guesses.wrong(keys, secret)
  }
  return { clock, guesses, wrong }
}

test('one stale secret, however often it is tried, closes nothing', () => {
  const { guesses, wrong } = guessing()
  wrong(ALICE, ...Array<string>(1000).fill('stale'), 'typo')
  assert.ok(guesses.mayTry(ALICE))
})

test('three different wrong secrets within a minute close the user everywhere and the address for all', () => {
  const { clock, guesses, wrong } = guessing()
  wrong(ALICE, 'a', 'b', 'c')
  assert.ok(!guesses.mayTry(ALICE))
  assert.ok(!guesses.mayTry(['user alice', 'address 192.0.2.9']))
  assert.ok(!guesses.mayTry(['user carol', 'address 192.0.2.1']))
  assert.ok(guesses.mayTry(BOB))
  clock.now += 299_999
  assert.ok(!guesses.mayTry(ALICE))
})

test('secrets that are further apart than a minute do not add up', () => {
  const { clock, guesses, wrong } = guessing()
  for (const secret of ['a', 'b', 'c', 'd', 'e', 'f']) {
    wrong(ALICE, secret)
    clock.now += 30_000
  }
  assert.ok(guesses.mayTry(ALICE))
})

test('one password for many users closes the address', () => {
  const { guesses, wrong } = guessing()
  for (const user of ['a', 'b', 'c']) wrong([`user ${user}`, 'address 192.0.2.1'], `${user} summer`)
  assert.ok(!guesses.mayTry(['user d', 'address 192.0.2.1']))
  assert.ok(guesses.mayTry(['user a', 'address 192.0.2.2']))
})

test('after the lock there is one trial: a wrong one closes again, a right one opens, none found out waits', () => {
  const { clock, guesses, wrong } = guessing()
  wrong(ALICE, 'a', 'b', 'c')
  clock.now += 300_000
  assert.ok(guesses.mayTry(ALICE))
  assert.ok(!guesses.mayTry(ALICE), 'only one at a time')
  guesses.wrong(ALICE, 'd')
  assert.ok(!guesses.mayTry(ALICE))
  clock.now += 300_000
  assert.ok(guesses.mayTry(ALICE))
  guesses.dropped(ALICE)
  assert.ok(guesses.mayTry(ALICE))
  guesses.right(ALICE)
  wrong(ALICE, 'e', 'f')
  assert.ok(guesses.mayTry(ALICE))
})

test('a right password forgives its user, and not the address', () => {
  const { guesses, wrong } = guessing()
  wrong(['user bob', ALICE[1]!], 'a', 'b')
  guesses.right(ALICE)
  wrong(['user carol', ALICE[1]!], 'c')
  assert.ok(!guesses.mayTry(ALICE))
})

test('names that nobody has do not fill the memory', () => {
  const { guesses } = guessing()
  for (let i = 0; i < 50_000; i++) guesses.wrong([`user ${i}`], 'x')
  // The first was forgotten, so that it starts anew.
  guesses.wrong(['user 0'], 'y')
  guesses.wrong(['user 0'], 'z')
  assert.ok(guesses.mayTry(['user 0']))
})
