import assert from 'node:assert/strict'
import test from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { load, problemsOf } from '../load.fixture.ts'
import { describeConfig, formatConfig } from '../show.ts'

const FILES = { '/site/users': 'alice:$2y$05$x', '/site/acme-token': 'acme-token-0123456789\n' }

/** A file with these tenants, and what else stands at its top level. */
const given = (tenants: string, top = 'publicUrl: https://go.corp.example') => ({
  yaml: `${top}\ntenants:\n${tenants.replace(/^/gm, '  ')}\n`,
  files: FILES,
  env: { GOPROXY: 'https://proxy.golang.org,direct', SECRET: 'secret-0123456789' },
})

test('a tenant has nothing of the top level but its public route', async () => {
  const { config, warnings } = await load(
    given(
      `acme:
  hosts: [Go.Acme.example]
  origins: { git: { type: git, credentials: { token: "\${SECRET}" } } }
  tokens: { ci: { token: "file:acme-token", may: [audit] } }
  access: { htpasswd: users }
  routes: [{ modules: acme.example, from: [git], private: true }]
  quotas: { bytes: 1GiB }`,
      `publicUrl: https://go.corp.example:8443
pathPrefix: /goproxy
tokens: { root: { token: "\${SECRET}", may: [publish] } }
vanity: [{ modules: "go.corp.example/*", repository: "https://git.corp.example/{path}" }]
hooks: { forge: { type: gitea, secret: "\${SECRET}" } }`,
    ),
  )
  const [acme] = config.tenants
  assert.ok(acme)
  const { site, ...rest } = acme
  assert.deepEqual(rest, {
    name: 'acme',
    hosts: ['go.acme.example'],
    realm: 'acme',
    inheritsOrigins: false,
    ownsDirect: false,
    followsRoot: true,
    quotas: { bytes: 2 ** 30 },
  })
  assert.equal(site.publicUrl, 'https://go.acme.example:8443')
  assert.equal(site.pathPrefix, '')
  assert.deepEqual(site.tokens, [{ name: 'ci', token: 'acme-token-0123456789', may: ['audit'] }])
  assert.equal(site.access?.htpasswd, '/site/users')
  assert.deepEqual([...site.origins.keys()], ['git'])
  assert.deepEqual(
    site.routes.map(({ modules }) => modules),
    [['acme.example'], ['*']],
  )
  assert.deepEqual(site.routes[1], config.routes.at(-1))
  assert.deepEqual(
    [site.vanity, site.hooks.size, site.mirror, site.checksumLog],
    [[], 0, undefined, undefined],
  )
  assert.match(warnings.join('\n'), /^tenants\.acme: publicUrl is https and tls is not set/m)
  assert.ok(Object.isFrozen(site.routes))
})

test('a tenant that says nothing of access is closed where the top level has access', async () => {
  const guarded = await load(given('acme: {}\nbeta: { access: { anonymous: none } }', 'access: {}'))
  const [acme, beta] = guarded.config.tenants
  assert.deepEqual(acme!.site.access, guarded.config.access)
  assert.deepEqual(beta!.site.access?.anonymous, [])
  const about = guarded.warnings.filter((warning) => /has no access/.test(warning))
  assert.equal(about.length, 1)
  assert.match(about[0]!, /^tenants\.acme: has no access, and the top level has: private modules are closed/)
  assert.deepEqual(
    (await load({ yaml: formatConfig(guarded.config) })).config.tenants,
    guarded.config.tenants,
  )

  const open = await load(given('acme: {}'))
  assert.equal(open.config.tenants[0]!.site.access, undefined)
  assert.doesNotMatch(open.warnings.join(), /has no access/)
})

test('where clients reach a tenant', async () => {
  const rows: [top: string, tenant: string, url: string | undefined][] = [
    ['publicUrl: https://go.corp.example', 'acme: {}', 'https://go.corp.example/t/acme'],
    ['publicUrl: https://go.corp.example\npathPrefix: /go', 'acme: {}', 'https://go.corp.example/go/t/acme'],
    ['publicUrl: https://go.corp.example', 'acme: { hosts: go.acme.example }', 'https://go.acme.example'],
    ['listen: :8080', 'acme: { hosts: go.acme.example }', 'http://go.acme.example:8080'],
    ['listen: :8080', 'acme: {}', undefined],
  ]
  for (const [top, tenant, url] of rows) {
    const { config } = await load(given(tenant, top))
    assert.equal(config.tenants[0]!.site.publicUrl, url, tenant)
  }
})

test('origins of the top level are used by whom it is said, and never their credentials by others', async () => {
  const top = 'origins: { hub: { url: "https://hub.corp.example", credentials: { token: "${SECRET}" } } }'
  assert.deepEqual(await problemsOf(given('acme: {}', top)), [
    'modstead.yaml:3:9: tenants.acme.inherit: the route for * of the top level asks hub with credentials: write inherit: [origins] to use them here, or a route for * with origins of its own',
  ])
  assert.match(
    (await problemsOf(given('acme: { routes: [{ modules: x.example, from: [hub] }] }', top))).join(),
    /no origin is named "hub"/,
  )
  const { config } = await load(
    given('acme: { inherit: [origins], routes: [{ modules: x.example, from: [hub], private: true }] }', top),
  )
  assert.deepEqual(config.tenants[0]!.site.routes[0]!.from, [{ origin: 'hub', then: 'absent' }])
  const own = await load(given('acme: { origins: { own: { url: "https://own.example" } } }', top))
  assert.equal(own.config.tenants[0]!.followsRoot, false)
  assert.deepEqual(
    own.config.tenants[0]!.site.routes.at(-1)!.from.map(({ origin }) => origin),
    ['own', 'direct'],
  )
})

test('what is wrong with a tenant is told where it stands, and no secret with it', async () => {
  const rows: [tenants: string, problem: RegExp][] = [
    [
      'Acme: {}',
      /^modstead\.yaml:3:3: tenants\.Acme: expected a name of a-z, 0-9 and "-", 32 characters at most$/,
    ],
    ['public: {}', /tenants\.public: is a realm of modstead itself/],
    ['default: {}', /tenants\.default: is a realm of modstead itself/],
    ['acme: { route: [] }', /3:11: tenants\.acme\.route: unknown key; did you mean "routes"\?/],
    ['acme: { dataDir: x }', /tenants\.acme\.dataDir: unknown key/],
    ['acme: { tenants: {} }', /tenants\.acme\.tenants: unknown key/],
    ['acme: { realm: public }', /tenants\.acme\.realm: expected a name/],
    ['acme: { realm: ../x }', /tenants\.acme\.realm: expected a name/],
    ['acme: { hosts: ["go.acme.example:80"] }', /tenants\.acme\.hosts\[0\]: expected a host name/],
    ['acme: { hosts: 127.0.0.1 }', /tenants\.acme\.hosts.*expected a host name/],
    ['acme: { hosts: go.corp.example }', /is the host of publicUrl/],
    [
      'acme: { hosts: a.example }\nbeta: { hosts: A.example }',
      /tenants\.beta\.hosts.*is the host of the tenant acme, too/,
    ],
    [
      'acme: { routes: [{ modules: x.example, from: [nope] }] }',
      /tenants\.acme\.routes\[0\]\.from\[0\]: no origin is named "nope"/,
    ],
    [
      'acme: { tokens: { ci: { token: short, may: [audit] } } }',
      /tenants\.acme\.tokens\.ci\.token: expected 16 characters or more, found 5$/,
    ],
    [
      'acme: { tokens: { ci: sesame-sesame } }',
      /tenants\.acme\.tokens\.ci: expected .*, found a text \(hidden\)$/,
    ],
    [
      'acme: { hooks: { forge: sesame-sesame } }',
      /tenants\.acme\.hooks\.forge: expected .*, found a text \(hidden\)$/,
    ],
    [
      'acme: { access: { bindings: [{ to: bob, role: viewer }] } }',
      /tenants\.acme\.access\.bindings\[0\]\.to\[0\]: expected "user:NAME"/,
    ],
    ['acme: { quotas: { bytes: lots } }', /tenants\.acme\.quotas\.bytes: expected a size/],
  ]
  for (const [tenants, problem] of rows) {
    const problems = await problemsOf(given(tenants))
    assert.ok(
      problems.some((line) => problem.test(line)),
      `${tenants}:\n${problems.join('\n')}`,
    )
    assert.doesNotMatch(problems.join('\n'), /sesame|short/)
  }
})

test('a private route for * at the top level is nobody’s but that of the top level', async () => {
  const top = 'routes: [{ modules: "*", from: [direct], private: true }]'
  assert.match(
    (await problemsOf(given('acme: {}', top)))[0]!,
    /tenants\.acme\.routes: the route for \* of the top level is private/,
  )
})

test('the map of versions', async () => {
  const { config } = await load(
    given(`acme:
  versions:
    - { modules: corp.example/lib, version: LATEST }
    - { modules: [corp.example/lib, corp.example/other], version: v1.4.2, from: "2026-12-01T00:00:00Z", enforce: true }
    - { modules: corp.example/lib, version: STABLE, from: 2027-01-01T00:00:00+01:00 }
  stableQuery: true`),
  )
  const { versions, stableQuery } = config.tenants[0]!.site
  assert.equal(stableQuery, true)
  assert.deepEqual(
    versions.map(({ version, from, enforce }) => [version, from, enforce]),
    [
      ['STABLE', Date.UTC(2026, 11, 31, 23), false],
      ['v1.4.2', Date.UTC(2026, 11, 1), true],
      ['LATEST', -Infinity, false],
    ],
  )
  const rows: [entry: string, problem: RegExp][] = [
    ['{ modules: "[", version: LATEST }', /versions\[0\]\.modules\[0\]: the pattern "\[" is no use/],
    [
      '{ modules: x.example, version: stable }',
      /versions\[0\]\.version: expected "LATEST", "STABLE" or a canonical version/,
    ],
    ['{ modules: x.example, version: v1.4 }', /versions\[0\]\.version: expected/],
    ['{ modules: x.example, version: LATEST, enforce: true }', /versions\[0\]\.enforce: has no meaning/],
    ['{ modules: x.example, version: v1.0.0, from: tomorrow }', /versions\[0\]\.from: expected a time/],
    [
      '{ modules: x.example, version: v1.0.0, from: 2026-12-01T00:00:00 }',
      /versions\[0\]\.from: expected a time/,
    ],
  ]
  for (const [entry, problem] of rows) {
    const problems = await problemsOf(given(`acme: { versions: [${entry}] }`))
    assert.ok(
      problems.some((line) => problem.test(line)),
      problems.join('\n'),
    )
  }
})

test('what is shown can be read again, and has no secrets', async () => {
  const yaml = given(
    `acme:
  hosts: [go.acme.example]
  inherit: [origins]
  origins: { git: { type: git }, direct: { type: git } }
  tokens: { ci: { token: "\${SECRET}", may: [audit] } }
  routes: [{ modules: acme.example, from: [git], private: true }]
  versions: [{ modules: x.example, version: STABLE, from: 2027-01-01T00:00:00Z }]
  quotas: { bytes: 1GiB }
beta: { realm: acme }`,
  )
  const { config } = await load(yaml)
  const text = formatConfig(config)
  assert.doesNotMatch(text, /secret-0123456789/)
  const again = await load({ ...yaml, yaml: text.replaceAll('(hidden)', '${SECRET}') })
  assert.equal(formatConfig(again.config), text)
  const { tenants } = describeConfig(config) as { tenants: Record<string, Record<string, unknown>> }
  assert.deepEqual(Object.keys(tenants), ['acme', 'beta'])
  assert.equal(tenants['beta']!['realm'], 'acme')
  assert.deepEqual(tenants['beta']!['routes'], [])
})

test('each realm has one log at most, each with a name of its own', async () => {
  const [first, second] = ['sum.acme.example', 'sum.beta.example'].map((name) => generateKey(name).skey)
  const rows: [tenants: string, problem: RegExp | undefined, top?: string][] = [
    [`acme: { checksumLog: { key: "${first}" } }\nbeta: { checksumLog: { key: "${second}" } }`, undefined],
    [
      `acme: { checksumLog: { key: "${first}" } }\nbeta: { checksumLog: { key: "${first}" } }`,
      /^modstead\.yaml:\S+ tenants\.beta\.checksumLog\.key: sum\.acme\.example is the name of another checksum database here/,
    ],
    [
      `acme: { checksumLog: { key: "${first}" } }\nbeta: { realm: acme, checksumLog: { key: "${second}" } }`,
      /tenants\.beta\.checksumLog: the realm acme has a log already/,
    ],
    [
      `acme: { realm: default, checksumLog: { key: "${first}" } }`,
      /tenants\.acme\.checksumLog: the realm default has a log already/,
      `checksumLog: { key: "${second}" }`,
    ],
    ['acme: { checksumLog: { key: sesame } }', /tenants\.acme\.checksumLog\.key: /],
  ]
  for (const [tenants, problem, top] of rows) {
    if (problem === undefined) {
      const { config } = await load(given(tenants, top))
      assert.deepEqual(
        config.tenants.map(({ site }) => site.checksumLog?.name),
        ['sum.acme.example', 'sum.beta.example'],
      )
      assert.doesNotMatch(formatConfig(config), /PRIVATE/)
      continue
    }
    const problems = await problemsOf(given(tenants, top))
    assert.ok(
      problems.some((line) => problem.test(line)),
      problems.join('\n'),
    )
    assert.doesNotMatch(problems.join('\n'), /sesame|PRIVATE\+KEY\+sum/)
  }
})
