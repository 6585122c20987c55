import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const KEY = `HUSH-${'k'.repeat(64)}`
const files = {
  '/site/new': `${KEY}-new\n`,
  '/site/jwks.json': '{"keys":[]}',
  '/site/ca.pem': '-----BEGIN CERTIFICATE-----',
}

test('sessions and workloads: what is usual, and all that can be said', async () => {
  const usual = (await load({ yaml: 'access: {}' })).config.access
  assert.deepEqual(usual?.issued, {
    lifetime: 86_400_000,
    refresh: 30 * 86_400_000,
    rotate: 30 * 86_400_000,
    outage: 86_400_000,
    algorithm: 'HS512',
  })
  assert.deepEqual(usual.workloads, [])
  const yaml = `
publicUrl: https://go.corp.example
access:
  lockout: { addresses: false }
  issued: { lifetime: 8h, refresh: 7d, rotate: 90d, outage: 1h, algorithm: HS256, keys: ["file:new", "${KEY}"] }
  workloads:
    gitlab:
      type: gitlab
      issuer: https://gitlab.corp.example
      audience: https://go.corp.example
      ca: ca.pem
      rules:
        - { when: { project_path: "corp/*", environment: [prod, staging] }, as: "workload:ci-{project_path}", groups: ci, can: [module:read], modules: corp.example, lifetime: 30m }
        - { when: { project_path: corp/app }, as: service:app, untilTokenEnds: true }
    github: { type: github, audience: go, rules: [{ when: { repository_owner_id: "65" }, as: "workload:{repository}" }] }
    cluster: { type: kubernetes, issuer: https://kubernetes.default.svc, audience: go, jwks: jwks.json, algorithms: [ES256], rules: [{ when: { kubernetes.io/namespace: ci }, as: workload:k8s }] }
`
  const { config } = await load({ yaml, files })
  const { issued, workloads } = config.access!
  assert.deepEqual(issued.keys, [`${KEY}-new`, KEY])
  assert.deepEqual(
    workloads.map(({ issuer, algorithms, keys }) => [issuer, algorithms, keys]),
    [
      ['https://gitlab.corp.example', ['RS256'], { kind: 'discovery', ca: '/site/ca.pem' }],
      ['https://token.actions.githubusercontent.com', ['RS256'], { kind: 'discovery' }],
      ['https://kubernetes.default.svc', ['ES256'], { kind: 'file', path: '/site/jwks.json' }],
    ],
  )
  const [first, second] = workloads[0]!.rules
  assert.deepEqual(
    [...first!.when],
    [
      ['project_path', ['corp/*']],
      ['environment', ['prod', 'staging']],
    ],
  )
  assert.deepEqual(first!.as, { kind: 'workload', name: 'ci-{project_path}' })
  assert.deepEqual(
    [first!.groups, first!.permissions, first!.modules, first!.lifetime],
    [['ci'], ['module:read'], ['corp.example'], 1_800_000],
  )
  assert.deepEqual([second!.as.kind, second!.untilTokenEnds, second!.lifetime], ['service', true, 900_000])

  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'), shown)
  let hidden = 0
  const again = await load({
    yaml: shown.replaceAll('(hidden)', () => (hidden++ === 0 ? `${KEY}-new` : KEY)),
    files,
  })
  assert.deepEqual(again.config.access, config.access)
})

const rule = '{ when: { a: b }, as: "workload:x" }'
const workload = (more: string, rules = rule) =>
  `publicUrl: https://go.corp.example\naccess: { workloads: { one: { audience: a, rules: [${rules}], ${more} } } }`
const generic = (rules: string) => workload('issuer: "https://a.example"', rules)
const github = (when: string) => workload('type: github', `{ when: { ${when} }, as: "workload:x" }`)

const MISTAKES: [yaml: string, problem: RegExp][] = [
  ['access: { issued: { lifetime: 1s } }', /issued\.lifetime: expected a duration .*1m to 7d/],
  ['access: { issued: { algorithm: RS256 } }', /issued\.algorithm: expected one of "HS256"/],
  ['access: { issued: { keys: [] } }', /issued\.keys/],
  [
    'access: { issued: { keys: ["HUSH-too-short"] } }',
    /keys\[0\]: expected 64 bytes or more for HS512, found 14/,
  ],
  [`access: { issued: { keys: ["${KEY}", "${KEY}"] } }`, /keys\[1\]: is that of another entry/],
  ['access: { issued: { lifetme: 1h } }', /lifetme: unknown key.*lifetime/],
  [workload(''), /one: expected an issuer: the type generic has no usual one/],
  [workload('type: kubernetes'), /expected an issuer/],
  [workload('issuer: "http://a.example"'), /issuer: expected an https URL/],
  [workload('issuer: a, jwks: "http://a.example/jwks"'), /jwks: expected an https URL or the path of a file/],
  [workload('issuer: a, jwks: nowhere.json'), /jwks: /],
  [workload('issuer: a, jwks: jwks.json, ca: ca.pem'), /ca: is of no use/],
  [workload('issuer: "https://a.example", algorithms: [HS256]'), /algorithms\[0\]: expected one of "RS256"/],
  [workload('issuer: "https://go.corp.example"'), /issuer: is the address of this server/],
  [workload('issuer: "https://go.corp.example/"'), /issuer: is the address of this server/],
  [
    `publicUrl: https://go.corp.example\naccess: { jwt: { one: { issuer: "https://go.corp.example", audience: b, algorithms: [RS256], jwks: jwks.json } } }`,
    /jwt\.one\.issuer: is the address of this server/,
  ],
  [generic(''), /rules/],
  [generic('{ when: {}, as: "workload:x" }'), /when: expected at least one claim/],
  [
    generic('{ when: { a: b }, as: "user:root" }'),
    /as: expected "workload:NAME" or "service:NAME".* found "user:root"/,
  ],
  [generic('{ when: { a: b }, as: "workload:{a" }'), /as: expected/],
  [generic('{ when: { a: b }, as: "workload:" }'), /as: expected/],
  [generic('{ when: { a: b }, as: "workload:x", lifetime: 2h }'), /lifetime: expected a duration .*1m to 1h/],
  [generic('{ when: { a: b }, as: "workload:x", can: [read] }'), /can\[0\]: expected one of "module:read"/],
  [generic('{ when: { a: b }, as: "workload:x", modules: "https://x" }'), /modules\[0\].*scheme/],
  [github('ref: main'), /when: expected one of sub, repository.* gives tokens to everybody/],
  [github('repository: "*/app"'), /gives tokens to everybody/],
  [github('repository_owner: "corp*"'), /gives tokens to everybody/],
  [github('sub: "repo:*"'), /gives tokens to everybody/],
  [github('repository: [corp/app, "**"]'), /gives tokens to everybody/],
  [
    workload('type: gitlab', '{ when: { ref_protected: "true" }, as: "workload:x" }'),
    /gives tokens to everybody/,
  ],
]

test('mistakes', async () => {
  for (const [yaml, problem] of MISTAKES) {
    const problems = (await problemsOf({ yaml, files })).join('\n')
    assert.match(problems, problem, yaml)
    assert.ok(!problems.includes('HUSH'))
  }
  const { warnings } = await load({ yaml: github('sub: "repo:corp/**"').replace(/^publicUrl.*\n/, '') })
  assert.match(warnings.join('\n'), /name this server as http:\/\/127\.0\.0\.1:6637, .*set publicUrl/)
  for (const when of ['repository: "corp/*"', 'sub: "repo:corp/**"', 'repository_owner_id: "65", ref: "*"'])
    await load({ yaml: github(when) })
})

test('people with passwords need an address that they know, unless they are on this machine', async () => {
  const warned = async (text: string): Promise<boolean> => {
    const { warnings } = await load({
      yaml: `access: { htpasswd: /etc/users }\n${text}`,
      files: { '/etc/users': '' },
    })
    return warnings.some((line) => line.includes('people of access.htpasswd'))
  }
  assert.equal(await warned('listen: 0.0.0.0:6637'), true)
  assert.equal(await warned('listen: 127.0.0.1:6637'), false)
  assert.equal(await warned(''), false)
  assert.equal(await warned('listen: 0.0.0.0:6637\npublicUrl: https://go.corp.example'), false)
})
