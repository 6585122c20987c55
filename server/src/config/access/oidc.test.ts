import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const SECRET = 'HUSH-0123456789abcdef'
const entry = (more: string) => `
publicUrl: https://go.corp.example
access:
  oidc:
    corp: { issuer: "https://id.corp.example/realms/corp", clientId: modstead${more} }
`

test('what a provider needs, and the rest by its type', async () => {
  for (const [type, groups, scopes] of [
    ['gitlab', ['groups', 'groups_direct'], ['openid', 'profile', 'email']],
    [
      'keycloak',
      ['groups', 'realm_access.roles', 'resource_access.modstead.roles'],
      ['openid', 'profile', 'email', 'offline_access'],
    ],
    ['generic', ['groups'], ['openid', 'profile', 'email']],
  ] as const) {
    const { config } = await load({ yaml: entry(`, type: ${type}`) })
    const [provider] = config.access!.oidc
    assert.deepEqual(provider!.groups, groups)
    assert.deepEqual(provider!.scopes, scopes)
    assert.equal(provider!.subject, 'preferred_username')
  }
})

test('everything that it can say, and it is shown without its secret', async () => {
  const yaml = entry(
    `, type: keycloak, clientSecret: "${SECRET}", clientAuth: post, scopes: [openid, groups], subject: email, userPrefix: kc/, groups: [groups, a.b], groupPrefix: kc/, require: { tier: "*", team: go }, userinfo: false, label: Corp`,
  )
  const { config } = await load({ yaml })
  const [provider] = config.access!.oidc
  assert.deepEqual(provider, {
    name: 'corp',
    label: 'Corp',
    type: 'keycloak',
    issuer: 'https://id.corp.example/realms/corp',
    clientId: 'modstead',
    clientSecret: SECRET,
    clientAuth: 'post',
    scopes: ['openid', 'groups'],
    subject: 'email',
    userPrefix: 'kc/',
    groups: ['groups', 'a.b'],
    groupPrefix: 'kc/',
    require: new Map([
      ['tier', undefined],
      ['team', 'go'],
    ]),
    userinfo: false,
  })
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'), shown)
  const again = await load({ yaml: shown.replaceAll('(hidden)', SECRET) })
  assert.deepEqual(again.config.access, config.access)
})

const wrong: [name: string, yaml: string, expected: RegExp][] = [
  ['no publicUrl', entry('').replace(/^publicUrl.*$/m, ''), /access\.oidc: expected publicUrl beside it/],
  ['a publicUrl without TLS', entry('').replace('https://go', 'http://go'), /expected an https publicUrl/],
  ['an issuer without TLS', entry('').replace('https://id', 'http://id'), /issuer: expected an https URL/],
  ['an issuer with a query', entry('').replace('realms/corp', 'x?y'), /issuer: expected an https URL/],
  [
    'an issuer that is no URL',
    entry('').replace('https://id.corp.example/realms/corp', 'corp'),
    /expected an https URL/,
  ],
  [
    'a name that cannot stand in an address',
    entry('').replace('    corp:', '    "a/b":'),
    /expected a name of up to 32/,
  ],
  ['scopes without openid', entry(', scopes: [profile]'), /scopes: expected "openid"/],
  [
    'a prefix with a colon',
    entry(', groupPrefix: "a:"'),
    /groupPrefix: expected text without spaces, colons/,
  ],
  ['a file of authorities that is not there', entry(', ca: /nowhere.pem'), /ca: .*nowhere\.pem/],
  [
    'the same client twice',
    `${entry('')}    two: { issuer: "https://id.corp.example/realms/corp", clientId: modstead }\n`,
    /two\.issuer: is that of another entry/,
  ],
  ['a misspelt key', entry(', clientSecrets: x'), /did you mean "clientSecret"/],
]
for (const [name, yaml, expected] of wrong)
  test(`refused: ${name}`, async () => {
    assert.match((await problemsOf({ yaml })).join('\n'), expected)
  })

test('loopback is for trying things out', async () => {
  const yaml = entry('')
    .replace('https://id.corp.example', 'http://127.0.0.1:8080')
    .replace('https://go.corp.example', 'http://localhost:6637')
  assert.equal((await load({ yaml })).config.access!.oidc[0]!.issuer, 'http://127.0.0.1:8080/realms/corp')
})

test('a tenant has issuers of its own, which send browsers back to it', async () => {
  const yaml = `
publicUrl: https://go.corp.example
access: {}
tenants:
  acme: { access: { oidc: { corp: { issuer: "https://id.acme.example", clientId: modstead } } } }
`
  const { config } = await load({ yaml })
  const { site } = config.tenants[0]!
  assert.deepEqual([site.publicUrl, site.access?.oidc[0]?.name], ['https://go.corp.example/t/acme', 'corp'])
  const problems = await problemsOf({ yaml: yaml.replace(/^publicUrl.*$/m, '') })
  assert.match(problems.join('\n'), /tenants\.acme\.access\.oidc: expected publicUrl/)
})
