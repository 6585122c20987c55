import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OidcProvider } from '../../config/access/access-config.ts'
import { claimAt, accountOf } from './account.ts'

const USUAL: OidcProvider = {
  name: 'idp',
  label: 'Corp',
  type: 'generic',
  issuer: 'https://id.example',
  clientId: 'go.corp.example',
  clientAuth: 'basic',
  scopes: ['openid'],
  subject: 'preferred_username',
  userPrefix: '',
  groups: ['groups'],
  groupPrefix: '',
  require: new Map(),
  userinfo: true,
}

/** As GitLab 17 answers at /oauth/userinfo, with the claims of its ID token beside them. */
const GITLAB = {
  iss: 'https://gitlab.corp.example',
  sub: '42',
  sub_legacy: 'f3c1',
  aud: 'modstead',
  exp: 1,
  iat: 1,
  nonce: 'n',
  auth_time: 1,
  name: 'Alice Ames',
  nickname: 'alice',
  preferred_username: 'alice',
  email: 'alice@corp.example',
  email_verified: true,
  profile: 'https://gitlab.corp.example/alice',
  groups: ['corp', 'corp/team-a'],
  groups_direct: ['corp/team-a', 'corp/team-b'],
  'https://gitlab.org/claims/groups/owner': ['corp/team-a'],
}

/** As Keycloak 26 does with the mappers of docs/sign-in.md. */
const KEYCLOAK = {
  iss: 'https://id.corp.example/realms/corp',
  sub: '5c9d',
  typ: 'ID',
  azp: 'go.corp.example',
  sid: 's',
  preferred_username: 'alice',
  email: 'alice@corp.example',
  email_verified: false,
  groups: ['/corp/team-a'],
  realm_access: { roles: ['offline_access', 'auditor'] },
  resource_access: { 'go.corp.example': { roles: ['deployer'] }, account: { roles: ['view-profile'] } },
}

test('claims as GitLab shapes them', () => {
  const account = accountOf(GITLAB, {
    ...USUAL,
    type: 'gitlab',
    groups: ['groups', 'groups_direct'],
    groupPrefix: 'gl/',
  })
  assert.ok(typeof account === 'object')
  assert.equal(account.id, 'alice')
  assert.deepEqual(account.groups, ['gl/corp', 'gl/corp/team-a', 'gl/corp/team-b'])
  assert.equal(account.claims.email, 'alice@corp.example')
  for (const claim of ['nonce', 'aud', 'exp', 'groups']) assert.ok(!(claim in account.claims), claim)
  const owners = { ...USUAL, groups: ['https://gitlab.org/claims/groups/owner'] }
  const owner = accountOf(GITLAB, owners)
  assert.deepEqual(typeof owner === 'object' && owner.groups, ['corp/team-a'])
})

test('claims as Keycloak shapes them, with the roles of a client whose name has dots', () => {
  const groups = ['groups', 'realm_access.roles', 'resource_access.go.corp.example.roles']
  const account = accountOf(KEYCLOAK, { ...USUAL, type: 'keycloak', groups, userPrefix: 'kc/' })
  assert.ok(typeof account === 'object')
  assert.equal(account.id, 'kc/alice')
  assert.deepEqual(account.groups, ['corp/team-a', 'offline_access', 'auditor', 'deployer'])
})

const refused: [name: string, claims: Record<string, unknown>, more: Partial<OidcProvider>, why: RegExp][] = [
  ['no name', { sub: '1' }, {}, /preferred_username is missing/],
  ['a name with a space', { preferred_username: 'a b' }, {}, /cannot be a name/],
  ['a name with a colon, which bindings use', { preferred_username: 'user:a' }, {}, /cannot be a name/],
  ['a name with a line break', { preferred_username: 'a\nb' }, {}, /cannot be a name/],
  ['a name that is no text', { preferred_username: ['alice'] }, {}, /cannot be a name/],
  ['a very long name', { preferred_username: 'a'.repeat(257) }, {}, /cannot be a name/],
  ['an address that nobody verified', { email: 'a@x' }, { subject: 'email' }, /verified/],
  [
    'an address said to be verified in words',
    { email: 'a@x', email_verified: 'true' },
    { subject: 'email' },
    /verified/,
  ],
  [
    'a name like an address',
    { preferred_username: 'ceo@corp', email: 'me@x', email_verified: true },
    {},
    /verified/,
  ],
  [
    'a claim that is not there',
    { preferred_username: 'a' },
    { require: new Map([['team', undefined]]) },
    /claim team/,
  ],
  [
    'a claim of another value',
    { preferred_username: 'a', team: ['x'] },
    { require: new Map([['team', 'y']]) },
    /claim team/,
  ],
]
for (const [name, claims, more, why] of refused)
  test(`nobody: ${name}`, () => {
    const account = accountOf(claims, { ...USUAL, ...more })
    assert.ok(typeof account === 'string')
    assert.match(account, why)
  })

test('claims that are asked for may be one of a list, true or a number', () => {
  const require = new Map([
    ['teams', 'b'],
    ['active', 'true'],
    ['level', '3'],
    ['realm_access.roles', 'r'],
  ])
  const claims = {
    preferred_username: 'a',
    teams: ['a', 'b'],
    active: true,
    level: 3,
    realm_access: { roles: ['r'] },
  }
  assert.ok(typeof accountOf(claims, { ...USUAL, require }) === 'object')
})

test('groups that nothing could name, or that are too many, are left out', () => {
  const groups = [
    'ok',
    'a b',
    'c:d',
    '',
    5,
    null,
    'x'.repeat(300),
    ...Array.from({ length: 3_000 }, (_, i) => `g${i}`),
  ]
  const account = accountOf({ preferred_username: 'a', groups }, USUAL)
  assert.ok(typeof account === 'object')
  assert.equal(account.groups[0], 'ok')
  assert.equal(account.groups[1], 'g0')
  assert.equal(account.groups.length, 2_000)
})

test('paths of claims lead nowhere that is not an own property', () => {
  for (const path of ['__proto__', 'constructor.name', 'a.__proto__.b', 'toString', '', '.', 'a..b'])
    assert.equal(claimAt({ a: { b: 1 } }, path), undefined, path)
  assert.equal(claimAt({ 'a.b': 1, a: { b: 2 } }, 'a.b'), 1)
  assert.equal(claimAt({ a: ['x'] }, 'a.0'), undefined)
})
