import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const PEM = '-----BEGIN CERTIFICATE-----'
const files = Object.fromEntries(['cert', 'key', 'ca', 'crl', 'spire'].map((name) => [`/site/${name}`, PEM]))
const TLS = `
tls:
  cert: cert
  key: key
  keyPassword: HUSH
  clientCa: ca
  clientCrl: crl
  clientListen: ":6638"
  trustDomains: { corp.example: { ca: spire, listen: "127.0.0.1:6639" } }
`

test('everything that can be said of client certificates, and it is shown so that it loads again', async () => {
  const yaml = `${TLS}
access:
  certificates:
    - { subject: 'cn=build-*, OU=ci,o=Corp\\, Inc,2.5.4.5=7', as: "workload:{1}", groups: [ci, "{1}"] }
    - { san: "dns:*.CI.corp.example", as: "workload:{0}" }
    - { san: "email:*@Corp.example", as: "user:{1}" }
    - { san: "uri:spiffe://corp.example/ns/ci/sa/*", as: "service:ci" }
`
  const { config, warnings } = await load({ yaml, files })
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.tls, {
    cert: '/site/cert',
    key: '/site/key',
    keyPassword: 'HUSH',
    minVersion: 'TLSv1.2',
    clients: [
      { listen: [{ host: '', port: 6638 }], ca: '/site/ca', crl: '/site/crl' },
      { listen: [{ host: '127.0.0.1', port: 6639 }], ca: '/site/spire', trustDomain: 'corp.example' },
    ],
  })
  const rules = config.access!.certificates
  assert.deepEqual(rules[0], {
    match: {
      kind: 'subject',
      attributes: new Map([
        ['CN', ['build-*']],
        ['OU', ['ci']],
        ['O', ['Corp, Inc']],
        ['2.5.4.5', ['7']],
      ]),
    },
    as: { kind: 'workload', name: '{1}' },
    groups: ['ci', '{1}'],
  })
  assert.deepEqual(
    rules.slice(1).map(({ match }) => match),
    [
      { kind: 'dns', pattern: '*.ci.corp.example' },
      { kind: 'email', pattern: '*@corp.example' },
      { kind: 'uri', pattern: 'spiffe://corp.example/ns/ci/sa/*' },
    ],
  )
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'))
  const again = await load({ yaml: shown.replace('(hidden)', 'HUSH'), files })
  assert.deepEqual([again.config.tls, again.config.access], [config.tls, config.access])
})

const MISTAKES: [rule: string, problem: RegExp][] = [
  ['as: "user:a"', /certificates\[0\]: expected either subject or san/],
  ['subject: CN=a, san: "dns:a", as: "user:a"', /expected either subject or san/],
  ['subject: a, as: "user:a"', /subject: expected attributes such as .*found "a"/],
  ['subject: XX=a, as: "user:a"', /expected attributes such as .* of CN, OU/],
  ['subject: "CN=", as: "user:a"', /expected attributes such as/],
  [
    'subject: CN=a, as: "group:a"',
    /as: expected "user:NAME", "service:NAME" or "workload:NAME", found "group:a"/,
  ],
  ['subject: CN=a, as: "user:a b"', /as: expected "user:NAME"/],
  ['subject: CN=a, as: "user:{1}"', /as: \{1\} stands for nothing: the pattern has 0 stars/],
  ['subject: CN=*, as: "user:{0}"', /as: \{0\} stands for nothing/],
  ['subject: CN=*, as: "user:{name}"', /as: \{name\} stands for nothing/],
  [
    'subject: CN=*, as: "user:{1}", groups: "{2}"',
    /groups: \{2\} stands for nothing: the pattern has 1 star(?!s)/,
  ],
  ['san: "ip:127.0.0.1", as: "user:a"', /san: expected "dns:PATTERN", "email:PATTERN" or "uri:PATTERN"/],
  ['san: "dns:a/b", as: "user:a"', /expected a host such as/],
  ['san: "email:corp.example", as: "user:a"', /expected an address such as/],
  ['san: "uri:spiffe://*/a", as: "user:a"', /expected a trust domain in lower case and without stars/],
  ['san: "uri:spiffe://other.example/a", as: "user:a"', /other\.example is not one of tls\.trustDomains/],
]

test('mistakes', async () => {
  for (const [rule, problem] of MISTAKES) {
    const yaml = `${TLS}access: { certificates: [{ ${rule} }] }`
    assert.match((await problemsOf({ yaml, files })).join('\n'), problem, rule)
  }
  const tls = async (more: string) =>
    (await problemsOf({ yaml: `tls: { cert: cert, key: key, ${more} }`, files })).join()
  assert.match(await tls('clientListen: ":1"'), /tls\.clientListen: has a meaning beside clientCa only/)
  assert.match(await tls('clientCrl: crl'), /tls\.clientCrl: has a meaning beside clientCa only/)
  assert.match(
    await tls('clientCa: ca, clientListen: "unix:/x"'),
    /tls\.clientListen: expected addresses with ports/,
  )
  assert.match(await tls('clientCa: nowhere'), /tls\.clientCa: /)
})

test('certificates that nobody asks for, or that say nothing', async () => {
  const warned = async (yaml: string) => (await load({ yaml, files })).warnings.join('\n')
  assert.match(
    await warned('tls: { cert: cert, key: key, clientCa: ca }'),
    /tls\.clientCa has no effect: tls\.clientListen/,
  )
  assert.match(await warned(TLS), /no client certificate names anybody/)
  const rule = 'access: { certificates: [{ subject: CN=a, as: "user:a" }] }'
  assert.match(await warned(rule), /access\.certificates has no effect/)
})
