import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const SECRET = 'HUSH-0123456789abcdefghijklmnopqrstuv'

test('without access there is none, and a token says what it may', async () => {
  assert.equal((await load({ yaml: '' })).config.access, undefined)
})

test('everything that access can say, and it is shown without secrets', async () => {
  const yaml = `
tokens: { ci: { token: "${SECRET}" } }
access:
  anonymous: none
  groups: { team-a: [alice, bob], team-b: alice }
  admins: [user:root, service:ci]
  roles: { auditor: [module:read, audit:read] }
  bindings:
    - { to: ["group:team-a", $authenticated, "workload:project_path:corp/app:ref:main"], role: developer, modules: corp.example/a }
    - { to: user:eve, role: auditor }
  jwt:
    shared: { issuer: "https://a.example", audience: go, algorithms: [HS256], secret: "${SECRET}", require: { ref: main, env: "*" } }
    keyed: { issuer: "https://b.example", audience: go, algorithms: [RS256, EdDSA], jwks: "https://b.example/jwks", kind: user }
  lockout: { secrets: 5, closed: 1m }
`
  const { config } = await load({ yaml })
  const { access } = config
  assert.ok(access)
  assert.deepEqual(access.anonymous, [])
  assert.deepEqual(
    [...access.groups],
    [
      ['alice', ['team-a', 'team-b']],
      ['bob', ['team-a']],
    ],
  )
  assert.deepEqual(access.admins, [
    { kind: 'user', name: 'root' },
    { kind: 'service', name: 'ci' },
  ])
  assert.deepEqual(access.bindings[0]!.to[2], { kind: 'workload', name: 'project_path:corp/app:ref:main' })
  assert.equal(access.bindings[1]!.modules, undefined)
  assert.deepEqual(
    [...access.issuers[0]!.require],
    [
      ['ref', 'main'],
      ['env', undefined],
    ],
  )
  assert.deepEqual(access.issuers[1]!.keys, { kind: 'jwks', url: 'https://b.example/jwks' })
  assert.deepEqual(access.lockout, { secrets: 5, within: 60_000, closed: 60_000, addresses: true })
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'), shown)
  // What is shown can be loaded, but for the secrets.
  const again = await load({ yaml: shown.replaceAll('(hidden)', SECRET) })
  assert.deepEqual(again.config.access, access)
})

const jwt = (entry: string) => `access: { jwt: { one: { issuer: a, audience: b, ${entry} } } }`
const MISTAKES: [yaml: string, problem: RegExp][] = [
  [
    'access: { bindings: [{ to: alice, role: viewer }] }',
    /bindings\[0\]\.to\[0\]: expected "user:NAME".* found "alice"/,
  ],
  ['access: { bindings: [{ to: "$admin", role: viewer }] }', /found "\$admin"/],
  ['access: { bindings: [{ to: "user:a b", role: viewer }] }', /found "user:a b"/],
  [
    'access: { bindings: [{ to: $all, role: reader }] }',
    /role: expected one of admin, .*viewer, found "reader"/,
  ],
  ['access: { bindings: [{ to: $all, role: viewer, modules: "https://x" }] }', /modules\[0\].*scheme/],
  ['access: { anonymous: "[" }', /anonymous\[0\].*cannot be used/],
  ['access: { roles: { viewer: [module:read] } }', /roles\.viewer: is a role that every modstead has/],
  ['access: { roles: { mine: [module:write] } }', /roles\.mine\[0\]: expected one of "module:read"/],
  [
    'access: { htpasswd: /nowhere/users }',
    /access\.htpasswd: .*no such file; "modstead user set NAME" makes it/,
  ],
  ['access: { rember: 1s }', /access\.rember: unknown key.*remember/],
  [jwt('algorithms: [none], secret: x'), /algorithms\[0\]: expected one of "HS256"/],
  [jwt('algorithms: [HS256]'), /one: expected either secret or jwks/],
  [jwt(`algorithms: [HS256], secret: "${SECRET}", jwks: "https://x"`), /one: expected either secret or jwks/],
  [jwt('algorithms: [HS256], jwks: "https://x/y"'), /algorithms: expected none of HS256/],
  [jwt(`algorithms: [HS256, RS256], secret: "${SECRET}"`), /algorithms: expected only HS256/],
  [jwt('algorithms: [HS512], secret: "too short"'), /secret: expected 64 bytes or more .*, found 9/],
  [jwt('algorithms: [RS256], jwks: "http://x/y"'), /jwks: expected an https URL or the path of a file/],
]

test('mistakes', async () => {
  for (const [yaml, problem] of MISTAKES) {
    const problems = (await problemsOf({ yaml })).join('\n')
    assert.match(problems, problem)
    assert.ok(!problems.includes('HUSH'))
  }
})

test('a reverse proxy that all requests come from', async () => {
  const yaml = 'publicUrl: https://go.corp.example\naccess: { htpasswd: users }\n'
  const files = { '/site/users': '' }
  const { warnings } = await load({ yaml, files })
  assert.match(warnings.join('\n'), /access\.lockout\.addresses to false/)
  const told = await load({ yaml: yaml.replace('users }', 'users, lockout: { addresses: false } }'), files })
  assert.deepEqual(told.warnings, [])
})

test('private modules that nobody may read are warned of, and a misspelt role has a suggestion', async () => {
  const routes = 'routes: [{ modules: corp.example, from: [direct], private: true }, { modules: "*" }]\n'
  const { warnings } = await load({ yaml: `access: {}\n${routes}` })
  assert.match(
    warnings.join('\n'),
    /nobody may read the private modules corp\.example: access\.bindings says/,
  )
  const bound = 'access: { bindings: [{ to: user:a, role: viewer }] }\n'
  assert.deepEqual((await load({ yaml: bound + routes })).warnings, [])
  const problems = await problemsOf({ yaml: 'access: { bindings: [{ to: user:a, role: develper }] }' })
  assert.match(JSON.stringify(problems), /did you mean .{0,3}developer/)
})
