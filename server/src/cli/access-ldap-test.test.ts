import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GROUPS, noSlapd, PEOPLE, SERVICE, startSlapd } from '../origin/ldap/test-slapd.ts'
import { runHere } from './run.fixture.ts'

const skip = noSlapd()

test('modstead access ldap test tells each step, what failed, and what to do', { skip }, async (t) => {
  const slapd = await startSlapd(t)
  const yamlOf = ({
    url = `ldap://127.0.0.1:${slapd.port}`,
    password = SERVICE.password,
    base = PEOPLE,
    more = '',
  } = {}) => `
access:
  ldap:
    url: ${url}
    ca: ${slapd.certificates.ca}
    bindDn: ${SERVICE.dn}
    bindPassword: ${password}
    users: { base: "${base}" }
    groups: { base: "${GROUPS}" }
    attributes: { gitlab: description, phone: telephoneNumber }
    timeout: 2s
${more}`
  const run = (yaml: string, ...args: string[]) =>
    runHere({ args: ['access', 'ldap', 'test', ...args], yaml })

  const good = await run(
    yamlOf({ url: `ldap://localhost:${slapd.port}`, more: '    startTls: true\n' }),
    '--user',
    'ALICE',
  )
  assert.equal(good.code, 0, good.stderr)
  assert.match(
    good.stdout,
    new RegExp(`^ldap://localhost:${slapd.port}
  connection: localhost port ${slapd.port}
  TLS: TLSv1.3, with a certificate until .*
  bind: ${SERVICE.dn}
  users: there are entries with uid below ${PEOPLE}
  groups: there are entries with cn below ${GROUPS}
  user ALICE: uid=alice,${PEOPLE}
  name here: user:alice
  may sign in: yes
  groups: team-a
  by groups of groups: company, platform
  attribute gitlab: alice-at-gitlab
  attribute phone: no telephoneNumber
$`),
  )
  const gone = `ldap://127.0.0.1:1, ldap://127.0.0.1:${slapd.port}`
  for (const [yaml, args, output] of [
    [
      yamlOf({ url: `[${gone}]` }),
      [],
      /^ldap:\/\/127\.0\.0\.1:1\n {2}failed: the directory 127\.0\.0\.1 refuses connections\n {2}next: check access\.ldap\.url.*\nldap:[^]* groups: there are/,
    ],
    [
      yamlOf({ password: 'of-last-year' }),
      [],
      /failed: .*refuses the bindDn or its password.*\n {2}next: check access\.ldap\.bindDn/,
    ],
    [
      yamlOf({ base: 'ou=nowhere,dc=corp,dc=example' }),
      [],
      /failed: .*no such entry.*searching ou=nowhere.*\n {2}next: check base/,
    ],
    [
      yamlOf(),
      ['--user', 'dave'],
      /failed: the directory 127\.0\.0\.1 has nobody of the name dave below ou=people.*\n {2}next: check base and filter/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await run(yaml, ...args)
    assert.equal(code, 1, stderr)
    assert.match(stdout, output)
    for (const secret of [SERVICE.password, 'of-last-year']) assert.ok(!`${stdout}${stderr}`.includes(secret))
  }
  const none = await run('access: {}\n')
  assert.equal(none.code, 2)
  assert.match(none.stderr, /names no directory/)
})
