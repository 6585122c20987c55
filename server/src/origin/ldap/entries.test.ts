import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from 'ldapts'
import { claimsOf, isBelow, isEnded, nameOf, textsOf } from './entries.ts'

const entry = (attributes: Omit<Entry, 'dn'> & Record<string, string | string[] | Buffer> = {}): Entry => ({
  dn: 'uid=x',
  ...attributes,
})
const NOW = Date.UTC(2026, 10, 26)

test('an account that was ended, and one that is only locked for a while', () => {
  const day = Math.floor(NOW / 86_400_000)
  const ticks = (time: number): string => String((time + 11_644_473_600_000) * 10_000)
  const cases: [entry: Entry, ended: boolean][] = [
    [entry(), false],
    [entry({ userAccountControl: '512' }), false],
    [entry({ userAccountControl: '514' }), true],
    [entry({ useraccountcontrol: '66050' }), true],
    [entry({ accountExpires: '0' }), false],
    [entry({ accountExpires: '9223372036854775807' }), false],
    [entry({ accountExpires: ticks(NOW - 1_000) }), true],
    [entry({ accountExpires: ticks(NOW + 60_000) }), false],
    [entry({ shadowExpire: '-1' }), false],
    [entry({ shadowExpire: '0' }), true],
    [entry({ shadowExpire: String(day) }), true],
    [entry({ shadowExpire: String(day + 1) }), false],
    [entry({ pwdAccountLockedTime: '000001010000Z' }), true],
    // By wrong passwords, for some minutes: whoever guesses must not end tokens.
    [entry({ pwdAccountLockedTime: '20261126000000Z' }), false],
    [entry({ nsAccountLock: 'TRUE' }), true],
    [entry({ nsAccountLock: 'false' }), false],
  ]
  for (const [given, ended] of cases) assert.equal(isEnded(given, NOW), ended, JSON.stringify(given))
})

test('names that can be names here', () => {
  const cases: [name: string | string[] | Buffer, user: boolean, group: boolean][] = [
    ['alice', true, true],
    ['jürgen', true, true],
    ['alice@corp.example', true, true],
    ['Domain Users', false, true],
    ['two  spaces', false, false],
    [' x', false, false],
    ['a:b', false, false],
    ['a\nb', false, false],
    ['a\u0000', false, false],
    ['x'.repeat(257), false, false],
    [Buffer.from([0xff]), false, false],
    [[], false, false],
  ]
  for (const [name, user, group] of cases) {
    assert.equal(nameOf(entry({ cn: name }), 'CN', 'user') !== undefined, user, String(name))
    assert.equal(nameOf(entry({ cn: name }), 'cn', 'group') !== undefined, group, String(name))
  }
  assert.deepEqual(textsOf(entry(), 'dn'), [])
})

test('attributes as claims', () => {
  const attributes = new Map([
    ['gitlab', 'gitlabUser'],
    ['mail', 'mail'],
    ['none', 'other'],
  ])
  assert.deepEqual(claimsOf(entry({ gitlabuser: 'a', mail: ['x', 'y'] }), attributes), {
    gitlab: 'a',
    mail: ['x', 'y'],
  })
})

test('what stands below a base', () => {
  assert.ok(isBelow('CN=a, OU=Groups,dc=x', 'ou=groups, DC=x'))
  assert.ok(isBelow('ou=groups,dc=x', 'ou=groups,dc=x'))
  assert.ok(isBelow('anything', ''))
  assert.ok(!isBelow('cn=a,ou=other-groups,dc=x', 'groups,dc=x'))
  assert.ok(!isBelow('cn=a\\,ou=groups,dc=x', 'ou=groups,dc=x'))
  assert.ok(isBelow('cn=a\\\\,ou=groups,dc=x', 'ou=groups,dc=x'))
  assert.ok(!isBelow('groups,dc=x', 'cn=a,ou=groups,dc=x'))
  assert.ok(!isBelow('cn=a,ou=people,dc=x', 'ou=groups,dc=x'))
})
