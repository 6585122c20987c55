import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GitCredentials, GitOriginConfig } from './config.ts'
import { load, problemsOf } from './load.fixture.ts'
import { formatConfig } from './show.ts'

const PEM = '-----BEGIN PRIVATE KEY-----\n'
const FILES = {
  '/site/k.pem': PEM,
  '/site/c.pem': PEM,
  '/site/hosts': 'git.corp.example ssh-ed25519 AAAA\n',
  '/site/netrc': '',
  '/run/token': 's3cret\n',
}

async function gitOrigin(
  yaml: string,
  env: Record<string, string> = {},
  name = 'git',
): Promise<GitOriginConfig> {
  const { config } = await load({ yaml, files: FILES, env })
  const origin = name === 'direct' ? config.direct : config.origins.get(name)
  assert.equal(origin?.type, 'git')
  return origin
}

test('the example of the documentation as it stands', async () => {
  const yaml = `
origins:
  gitlab: { type: git, credentials: { token: "\${GITLAB_TOKEN}" } }
routes:
  - { modules: ["corp.example", "*.corp.example"], from: [gitlab], private: true }
`
  const { config, warnings } = await load({ yaml, env: { GITLAB_TOKEN: 'tok' } })
  const origin = config.origins.get('gitlab')
  assert.ok(origin?.type === 'git')
  assert.deepEqual(origin.hosts, ['corp.example', '*.corp.example'])
  assert.deepEqual(origin.credentials, [
    { login: { kind: 'token', token: { text: 'tok' }, scheme: 'basic' } },
  ])
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    config.routes.map(({ from }) => from.map((entry) => entry.origin)),
    [['gitlab'], ['proxy.golang.org', 'direct']],
  )
})

test('entries of each kind', async () => {
  const rows: [entry: string, expected: GitCredentials][] = [
    [
      '{ for: git.corp.example/team/, token: "file:/run/token", scheme: bearer }',
      {
        for: 'git.corp.example/team/',
        login: { kind: 'token', token: { file: '/run/token' }, scheme: 'bearer' },
      },
    ],
    [
      '{ username: u, password: p, ca: c.pem }',
      { login: { kind: 'basic', username: 'u', password: { text: 'p' } }, ca: '/site/c.pem' },
    ],
    ['{ netrc: netrc }', { login: { kind: 'netrc', file: '/site/netrc' } }],
    [
      '{ sshKey: k.pem, knownHosts: hosts }',
      { login: { kind: 'ssh', key: '/site/k.pem', knownHosts: '/site/hosts' } },
    ],
    [
      '{ oauth2: { tokenUrl: "https://sso/t", clientId: c, clientSecret: "file:/run/token" } }',
      {
        login: {
          kind: 'oauth2',
          tokenUrl: 'https://sso/t',
          clientId: 'c',
          clientSecret: { file: '/run/token' },
          scheme: 'bearer',
        },
      },
    ],
    [
      '{ githubApp: { appId: "1", privateKey: k.pem, installationId: 2, apiUrl: "https://ghe/api/v3/" } }',
      {
        login: {
          kind: 'githubApp',
          appId: '1',
          privateKey: '/site/k.pem',
          installationId: '2',
          apiUrl: 'https://ghe/api/v3',
        },
      },
    ],
    ['{ cert: c.pem, key: k.pem }', { certificate: { cert: '/site/c.pem', key: '/site/k.pem' } }],
    ['{ for: a.example, ca: c.pem }', { for: 'a.example', ca: '/site/c.pem' }],
  ]
  for (const [entry, expected] of rows) {
    const alone = await gitOrigin(`origins: { git: { type: git, credentials: ${entry} } }`)
    assert.deepEqual(alone.credentials, [expected], entry)
    const listed = await gitOrigin(`origins: { git: { type: git, credentials: [${entry}, ${entry}] } }`)
    assert.deepEqual(listed.credentials, [expected, expected], entry)
  }
})

test('hosts come from the file, or from mappings and private routes', async () => {
  const routes = (modules: string, from: string, secret = true) =>
    `routes: [{ modules: ${modules}, from: ${from}, private: ${secret} }]`
  const rows: [yaml: string, name: string, hosts: string[]][] = [
    [
      `origins: { git: { type: git, hosts: a.example } }\n${routes('[b.example]', '[git]')}`,
      'git',
      ['a.example'],
    ],
    [
      `origins: { git: { type: git } }\n${routes('["b.example/x/*", "*.c.example/y", "*/z"]', '[git]')}`,
      'git',
      ['b.example', '*.c.example'],
    ],
    [`origins: { git: { type: git } }\n${routes('[b.example]', '[git]', false)}`, 'git', []],
    [
      `origins: { git: { type: git, repositories: { "b.example/*": "ssh://git@Git.example:2222/{path}", x.example: "file:///srv/x" } } }\n${routes('[b.example]', '[git]')}`,
      'git',
      ['git.example:2222', 'b.example'],
    ],
    [routes('[b.example]', 'direct'), 'direct', ['b.example']],
    [
      `origins: { direct: { type: git, hosts: [c.example] } }\n${routes('[b.example]', 'direct')}`,
      'direct',
      ['c.example'],
    ],
  ]
  for (const [yaml, name, hosts] of rows)
    assert.deepEqual((await gitOrigin(yaml, {}, name)).hosts, hosts, yaml)
  const { config } = await load({ env: { GOPRIVATE: '*.corp.example,github.com/corp' } })
  assert.deepEqual(config.direct.hosts, ['*.corp.example', 'github.com'])
})

test('direct is what is said of it, and no origin of the list', async () => {
  const yaml = 'origins: { direct: { type: git, timeouts: { fetch: 1h } } }'
  const { config, warnings } = await load({ yaml })
  assert.deepEqual([config.direct.timeouts.fetch, config.origins.has('direct')], [3_600_000, false])
  assert.deepEqual(
    config.routes.at(-1)!.from.map(({ origin }) => origin),
    ['proxy.golang.org', 'direct'],
  )
  assert.deepEqual(warnings, [])
})

test('a git origin that no route names is not asked for everything', async () => {
  const { config, warnings } = await load({
    yaml: 'origins: { git: { type: git }, a: { url: "https://a.example" } }',
  })
  assert.deepEqual(
    config.routes[0]!.from.map(({ origin }) => origin),
    ['a', 'direct'],
  )
  assert.deepEqual(warnings, ['no route asks the origin git'])
})

test('URLs of repositories are read as they will be used', async () => {
  const rows: [pattern: string, url: string, expected: string][] = [
    ['a.example/*', 'git@Git.example:team/{path}.git', 'ssh://git@git.example/team/{path}.git'],
    ['a.example/*/*', 'https://x.example/xxx/{path}', 'https://x.example/xxx/{path}'],
    ['a.example/tool', 'file:///srv/git/tool.git', 'file:///srv/git/tool.git'],
    ['a.example', 'https://path.example:443/x', 'https://path.example/x'],
  ]
  for (const [pattern, url, expected] of rows) {
    const yaml = `origins: { git: { type: git, repositories: { "${pattern}": "${url}" } } }`
    assert.deepEqual((await gitOrigin(yaml)).repositories, [{ pattern, url: expected }])
  }
})

test('mistakes, each with its place', async () => {
  const rows: [origin: string, problem: RegExp][] = [
    ['hosts: ["https://a.example"]', /git\.hosts\[0\]: expected a host such as git\.corp\.example/],
    ['hosts: ["*"]', /git\.hosts\[0\]: expected a host pattern that says more than "any host"/],
    ['hosts: [a.example/x]', /git\.hosts\[0\]: expected a host/],
    [
      'repositories: { "a.example/*": "https://b.example/x" }',
      /repositories\["a\.example\/\*"\]: expected a URL with \{path\} in it/,
    ],
    ['repositories: { a.example: "https://b.example/{path}" }', /expected a pattern with a path/],
    [
      'repositories: { "a.example/*": "https://{path}.example/x" }',
      /expected \{path\} behind the host|expected a URL/,
    ],
    ['repositories: { "a.example/*": "ext::sh -c {path}" }', /expected a URL without spaces/],
    [
      'repositories: { "a.example/*": "https://u:hunter2@b.example/{path}" }',
      /expected a URL without a login in it.*found "https:\/\/\(hidden\)@b/,
    ],
    ['repositories: { "a.example//x": "https://b.example/x" }', /is no use: it has an empty element/],
    ['credentials: { tokn: hunter2 }', /git\.credentials\.tokn: unknown key; did you mean "token"\?/],
    [
      'credentials: [{ token: a }, { tokn: hunter2 }]',
      /git\.credentials\[1\]\.tokn: unknown key; did you mean "token"\?/,
    ],
    ['credentials: hunter2', /git\.credentials: expected .*, found a text \(hidden\)/],
    ['credentials: { token: 1 }', /git\.credentials\.token: expected a token .*\(hidden\)/],
    ['credentials: {}', /git\.credentials.*: expected one of: token; .* found none of them/],
    ['credentials: { for: a.example }', /expected one of: token; .* found none of them/],
    ['credentials: { token: hunter2, username: u }', /found token and username/],
    ['credentials: { sshKey: k.pem }', /found sshKey$/m],
    [
      'credentials: { username: u, password: p, scheme: basic }',
      /scheme: has a meaning beside token and oauth2 only/,
    ],
    ['credentials: { token: hunter2, cert: c.pem }', /expected cert and key together/],
    ['credentials: { token: hunter2, for: "https://a.example" }', /credentials.*for: expected a host/],
    [
      'credentials: { token: hunter2, for: "a.example/x/../y" }',
      /credentials.*for: expected a path of plain names/,
    ],
    ['credentials: { token: hunter2, for: "*.example" }', /credentials.*for: expected a host/],
    ['credentials: { token: "file:none" }', /git\.credentials\.token: cannot read \/site\/none/],
    ['credentials: { netrc: none }', /credentials.*netrc: cannot read/],
    [
      'credentials: { oauth2: { tokenUrl: "ftp://x", clientId: c, clientSecret: hunter2 } }',
      /tokenUrl: expected a URL of https or http/,
    ],
    ['credentials: { oauth2: { tokenUrl: "https://x", clientId: c } }', /clientSecret: missing/],
    ['credentials: { githubApp: { appId: "1", privateKey: hosts } }', /privateKey: expected a PEM file/],
    ['credentials: [{ token: "file:none" }]', /git\.credentials\[0\]\.token: cannot read \/site\/none/],
    ['url: "https://a.example"', /origins\.git\.url: unknown key; known here: type, hosts/],
    ['timeouts: { fetch: never }', /timeouts\.fetch: expected a duration/],
  ]
  for (const [origin, problem] of rows) {
    const text = (
      await problemsOf({ yaml: `origins: { git: { type: git, ${origin} } }`, files: FILES })
    ).join('\n')
    assert.match(text, problem, origin)
    assert.match(text, /^modstead\.yaml:1:[2-9]\d*: /, origin)
    assert.ok(!text.includes('hunter2'), text)
  }
})

test('credentials that go out unencrypted are warned of', async () => {
  const yaml = `
origins:
  git:
    type: git
    repositories: { "a.example/*": "http://git.example/{path}" }
    credentials: [{ token: t }, { for: b.example, oauth2: { tokenUrl: "http://sso.example/", clientId: c, clientSecret: s } }]
routes: [{ modules: a.example, from: [git], private: true }]
`
  assert.deepEqual((await load({ yaml })).warnings, [
    'sso.example is asked for tokens without encryption: its URL is http',
    'the credentials of origin git are sent unencrypted where its repositories are http',
  ])
})

test('what is shown hides secrets and loads again', async () => {
  const yaml = `
origins:
  git:
    type: git
    repositories: { "a.example/*": "git@git.example:{path}" }
    credentials:
      - { for: a.example, token: hunter2 }
      - { for: b.example, username: ci, password: hunter2 }
      - { for: c.example, token: "file:/run/token" }
      - { for: d.example, oauth2: { tokenUrl: "https://sso/", clientId: c, clientSecret: hunter2 } }
      - { for: e.example, githubApp: { appId: "1", privateKey: k.pem } }
      - { for: f.example, sshKey: k.pem, knownHosts: hosts }
      - { for: g.example, netrc: netrc, cert: c.pem, key: k.pem, ca: c.pem }
routes: [{ modules: a.example, from: [git], private: true }]
`
  const text = formatConfig((await load({ yaml, files: FILES })).config)
  assert.ok(!/hunter2|s3cret/.test(text), text)
  assert.match(text, /^ {8}token: file:\/run\/token$/m)
  assert.match(text, /^ {2}direct:\n {4}type: git$/m)
  assert.equal(formatConfig((await load({ yaml: text, files: FILES })).config), text)
})

test('what would never be used, or never be allowed, is warned of', async () => {
  const rows: [credentials: string, warnings: RegExp[]][] = [
    [
      '[{ for: git.corp.example, token: a }, { for: Git.corp.example/, token: b }]',
      [/\[1\] is never used: .*\[0\]/],
    ],
    ['[{ token: a }, { username: u, password: p }]', [/\[1\] is never used: .* is without for/]],
    ['[{ for: a.example, token: a }, { for: a.example, sshKey: k.pem, knownHosts: hosts }]', []],
    ['[{ for: a.example, token: a }, { for: a.example/team, token: b }, { token: c }]', []],
  ]
  for (const [credentials, expected] of rows) {
    const yaml = `origins: { git: { type: git, credentials: ${credentials} } }\nroutes: [{ modules: corp.example, from: [git], private: true }]`
    const { warnings } = await load({ yaml, files: FILES })
    assert.equal(warnings.length, expected.length, warnings.join('\n'))
    for (const [index, one] of expected.entries()) assert.match(warnings[index]!, one)
  }
  const mapped: [hosts: string, url: string, warned: boolean][] = [
    ['git.corp.example', 'ssh://git@git.corp.example:2222/{path}', false],
    ['"*.corp.example"', 'https://git.corp.example/{path}', false],
    ['other.example', 'file:///srv/{path}', false],
    ['other.example', 'https://git.corp.example/{path}', true],
  ]
  for (const [hosts, url, warned] of mapped) {
    const yaml = `origins: { git: { type: git, repositories: { "corp.example/*": "${url}" } } }
routes: [{ modules: corp.example, from: [git], hosts: ${hosts}, private: true }]`
    const { warnings } = await load({ yaml })
    if (warned)
      assert.match(
        warnings.join('\n'),
        /leaves out git\.corp\.example, where .* of origin git are for corp\.example\/\*/,
      )
    else assert.deepEqual(warnings, [], hosts)
  }
})
