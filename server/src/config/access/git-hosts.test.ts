import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const files = { '/site/ca.pem': '-----BEGIN CERTIFICATE-----', '/site/token': 'HUSH-0123456789\n' }

test('everything that can be said of git hosts, and it is shown so that it loads again', async () => {
  const yaml = `
access:
  gitHosts:
    lab:
      type: gitlab
      url: https://gitlab.corp.example/
      token: file:token
      ca: ca.pem
      modules: gitlab.corp.example, go.corp.example
      repositories: { "go.corp.example/*": "platform/go/{path}" }
      account: { claim: preferred_username, map: { "service:ci": build-bot } }
      bindings: needed
      remember: 1m
      whenDown: lastKnown
    hub: { type: github, token: "HUSH-0123456789", modules: github.com/corp }
`
  const { config } = await load({ yaml, files })
  assert.deepEqual(config.access!.gitHosts, [
    {
      name: 'lab',
      type: 'gitlab',
      url: 'https://gitlab.corp.example',
      token: 'HUSH-0123456789',
      ca: '/site/ca.pem',
      modules: ['gitlab.corp.example', 'go.corp.example'],
      repositories: [{ pattern: 'go.corp.example/*', path: 'platform/go/{path}' }],
      account: { claim: 'preferred_username', map: new Map([['service:ci', 'build-bot']]) },
      bindings: 'needed',
      remember: 60_000,
      whenDown: 'lastKnown',
    },
    {
      name: 'hub',
      type: 'github',
      url: 'https://api.github.com',
      token: 'HUSH-0123456789',
      modules: ['github.com/corp'],
      repositories: [],
      depth: 2,
      account: { map: new Map() },
      bindings: 'also',
      remember: 300_000,
      whenDown: 'refuse',
    },
  ])
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'))
  const again = await load({ yaml: shown.replaceAll('(hidden)', 'HUSH-0123456789'), files })
  assert.deepEqual(again.config.access, config.access)
})

const MISTAKES: [entry: string, problem: RegExp][] = [
  ['type: gitlab', /gitHosts\.one: expected url: where gitlab is asked/],
  ['type: gitea, url: "http://git.corp.example"', /url: expected an https URL/],
  ['type: gitea, url: "https://user:x@git.corp.example"', /url: expected an https URL/],
  ['type: gitea, url: "https://git.corp.example/?x"', /url: expected an https URL/],
  ['type: bitbucket', /type: expected one of "gitlab", "github", "gitea"/],
  ['type: github, account: { map: { alice: a } }', /map.*: expected an account for "user:NAME"/],
  ['type: github, account: { map: { "user:alice": "../x" } }', /expected an account for "user:NAME"/],
  [
    'type: github, repositories: { "go.corp.example/*": "../{path}" }',
    /expected a pattern and the path of a repository/,
  ],
  [
    'type: github, repositories: { "go.corp.example/*": "https://x/{path}" }',
    /expected a pattern and the path/,
  ],
]

test('mistakes', async () => {
  for (const [entry, problem] of MISTAKES) {
    const yaml = `access: { gitHosts: { one: { token: HUSH-0123456789, modules: corp.example, ${entry} } } }`
    const problems = (await problemsOf({ yaml })).join('\n')
    assert.match(problems, problem)
    assert.ok(!problems.includes('HUSH'))
  }
})
