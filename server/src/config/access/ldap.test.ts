import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const LEAST = 'users: { base: "ou=people,dc=x" }'
const ldapOf = (entry: string, least = LEAST): string => `access: { ldap: { ${least}, ${entry} } }`

async function built(yaml: string, files: Record<string, string> = {}) {
  const { config } = await load({ yaml, files })
  assert.ok(config.access?.ldap)
  return { config, ldap: config.access.ldap }
}

test('what stands for what was not said', async () => {
  const { ldap: standard } = await built(
    ldapOf('url: ldaps://ldap.corp.example, groups: { base: "ou=groups,dc=x" }'),
  )
  assert.deepEqual(standard, {
    servers: [{ url: 'ldaps://ldap.corp.example', host: 'ldap.corp.example', port: 636, security: 'tls' }],
    users: {
      base: 'ou=people,dc=x',
      filter: '(&(objectClass=person)(uid={user}))',
      name: 'uid',
      scope: 'sub',
    },
    groups: {
      base: 'ou=groups,dc=x',
      filter: '(|(member={dn})(uniqueMember={dn})(memberUid={user}))',
      name: 'cn',
      scope: 'sub',
      nested: true,
    },
    sync: 900_000,
    keepFor: 3_600_000,
    timeout: 5_000,
    connections: 4,
    attributes: new Map(),
  })
  const { ldap: windows } = await built(
    ldapOf('url: ldaps://dc.corp.example, preset: activeDirectory, groups: { base: "dc=x" }'),
  )
  assert.equal(windows.users.name, 'sAMAccountName')
  assert.match(windows.groups!.filter, /member:1\.2\.840\.113556\.1\.4\.1941:=\{dn\}/)
  const { ldap: without } = await built(ldapOf('url: "ldap://[::1]:1389"'))
  assert.equal(without.groups, undefined)
  assert.deepEqual(without.servers, [{ url: 'ldap://[::1]:1389', host: '::1', port: 1389, security: 'none' }])
})

test('everything that ldap can say is shown, without its secret, and can be loaded again', async () => {
  const yaml = `
access:
  ldap:
    url: [ldap://a.corp.example, "ldap://b.corp.example:1389/"]
    startTls: true
    ca: ca.pem
    bindDn: cn=modstead,dc=corp,dc=example
    bindPassword: HUSH-1
    users: { base: "ou=people,dc=corp,dc=example", filter: "(|(uid={user})(mail={user}))", name: uid, scope: one }
    groups: { memberOf: memberOf, name: cn, nested: false }
    sync: 5m
    keepFor: 2h
    timeout: 3s
    connections: 8
    attributes: { gitlab: gitlabUsername }
`
  const files = { '/site/ca.pem': '-----BEGIN CERTIFICATE-----' }
  const { config, ldap } = await built(yaml, files)
  assert.deepEqual(ldap.bind, { dn: 'cn=modstead,dc=corp,dc=example', password: 'HUSH-1' })
  assert.deepEqual(
    ldap.servers.map(({ host, port, security }) => [host, port, security]),
    [
      ['a.corp.example', 389, 'startTls'],
      ['b.corp.example', 1389, 'startTls'],
    ],
  )
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'), shown)
  const again = await built(shown.replaceAll('(hidden)', 'HUSH-1'), files)
  assert.deepEqual(again.ldap, ldap)
  const open = await built(ldapOf('url: ldap://ldap.corp.example, insecure: true'))
  assert.deepEqual((await built(formatConfig(open.config))).ldap, open.ldap)
})

const MISTAKES: [yaml: string, problem: RegExp][] = [
  [ldapOf('url: ldap://ldap.corp.example'), /url\[0\]: expected ldaps:\/\/, or startTls: true/],
  [ldapOf('url: [ldaps://a, ldap://b]'), /url\[1\]: expected ldaps:\/\//],
  [ldapOf('url: ldap://127.0.0.1.corp.example'), /url\[0\]: expected ldaps:\/\//],
  [ldapOf('url: ldaps://a, startTls: true'), /url\[0\]: expected ldap:\/\/ beside startTls/],
  [ldapOf('url: https://a'), /url\[0\]: expected a URL such as ldaps:/],
  [ldapOf('url: "ldaps://a/dc=x"'), /url\[0\]: expected a URL such as ldaps:/],
  [ldapOf('url: "ldaps://u:p@a"'), /url\[0\]: expected a URL such as ldaps:/],
  [ldapOf('url: "ldaps://a:99999"'), /url\[0\]: expected a URL such as ldaps:/],
  [ldapOf('url: ldaps://a, bindDn: "cn=x"'), /ldap: expected both of bindDn and bindPassword/],
  [ldapOf('url: ldaps://a, ca: nowhere.pem'), /ldap\.ca: /],
  [ldapOf('url: ldaps://a, keepFor: 1m'), /keepFor: expected at least the time of sync, 15m/],
  [ldapOf('url: ldaps://a, bindpw: x'), /bindpw: unknown key/],
  [ldapOf('url: ldaps://a, groups: {}'), /groups: expected base, or memberOf/],
  [
    ldapOf('url: ldaps://a, groups: { memberOf: m, filter: "(member={dn})" }'),
    /filter: expected either filter or memberOf/,
  ],
  ...(
    [
      ['(uid={user}', /cannot be used: Unbalanced parens/],
      ['(uid=x)', /\{user\} is missing/],
      ['(uid={name})', /there is no \{name\}, only \{user\}/],
      ['(member={dn}{user})', /there is no \{dn\}/],
      ['(&(uid={user})({user}=x))', /a placeholder stands where no value can stand|Invalid attribute/],
    ] as const
  ).map(([filter, problem]): [string, RegExp] => [
    ldapOf('url: ldaps://a', `users: { base: dc=x, filter: "${filter}" }`),
    problem,
  ]),
]

test('mistakes', async () => {
  for (const [yaml, problem] of MISTAKES) assert.match((await problemsOf({ yaml })).join('\n'), problem, yaml)
})

test('a binding may name a group of several words, and only that', async () => {
  const yaml = (to: string) => `access: { bindings: [{ to: ["${to}"], role: viewer }] }`
  const { config } = await load({ yaml: yaml('group:Domain Users') })
  assert.deepEqual(config.access!.bindings[0]!.to, [{ kind: 'group', name: 'Domain Users' }])
  for (const to of ['user:Domain Users', 'group:two  spaces', 'group:a:b'])
    assert.match((await problemsOf({ yaml: yaml(to) })).join('\n'), /expected "user:NAME"/, to)
})
