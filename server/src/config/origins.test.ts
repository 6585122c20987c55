import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from './config.ts'
import { load, problemsOf } from './load.fixture.ts'
import { formatConfig } from './show.ts'

const PEM = '-----BEGIN CERTIFICATE-----\n'

/** The module proxy that is called `a`. */
function proxyOf(config: Config) {
  const origin = config.origins.get('a')
  assert.equal(origin?.type, 'goproxy')
  return origin
}

async function credentialsOf(credentials: string, files: Record<string, string> = {}, env = {}) {
  const yaml = `origins: { a: { url: "https://a.example", credentials: ${credentials} } }`
  return proxyOf((await load({ yaml, files, env })).config).credentials
}

test('credentials of each kind', async () => {
  const files = {
    '/site/token': 's3cret\n',
    '/run/pw': 'p\r\n',
    '/home/user/.netrc': '',
    '/site/c.pem': PEM,
    '/site/k.pem': PEM,
  }
  const env = { PW: 'from-env', WHERE: 'file:token' }
  const rows: [string, object][] = [
    ['{ username: u, password: p }', { kind: 'basic', username: 'u', password: 'p' }],
    ['{ username: u, password: "${PW}" }', { kind: 'basic', username: 'u', password: 'from-env' }],
    [
      '{ username: u, password: "x${PW}$${PW}" }',
      { kind: 'basic', username: 'u', password: 'xfrom-env${PW}' },
    ],
    ['{ username: u, password: "file:/run/pw" }', { kind: 'basic', username: 'u', password: 'p' }],
    ['{ username: u, password: "file:///run/pw" }', { kind: 'basic', username: 'u', password: 'p' }],
    ['{ token: "file:token" }', { kind: 'bearer', token: 's3cret' }],
    ['{ token: "${WHERE}" }', { kind: 'bearer', token: 's3cret' }],
    ['{ netrc: ~/.netrc }', { kind: 'netrc', file: '/home/user/.netrc' }],
    ['{ cert: c.pem, key: k.pem }', { kind: 'clientCertificate', cert: '/site/c.pem', key: '/site/k.pem' }],
  ]
  for (const [yaml, expected] of rows) assert.deepEqual(await credentialsOf(yaml, files, env), expected, yaml)
})

test('user name and password of a URL become credentials', async () => {
  const { config } = await load({ yaml: 'origins: { a: { url: "https://u:p@a.example/x/" } }' })
  const { url, credentials } = proxyOf(config)
  assert.deepEqual(
    { url, credentials },
    { url: 'https://a.example/x', credentials: { kind: 'basic', username: 'u', password: 'p' } },
  )
})

test('a URL of --upstream takes the credentials that are configured for it', async () => {
  const yaml = 'origins: { a: { url: "https://a.example", credentials: { token: t } } }'
  const { config } = await load({ yaml, flags: { upstream: 'https://a.example' } })
  assert.deepEqual([...config.origins.keys()], ['a'])
  const other = await load({ yaml, flags: { upstream: 'https://x:y@a.example' } })
  assert.deepEqual([...other.config.origins.keys()], ['a', 'a.example'])
})

test('files that are not there, empty, or no PEM', async () => {
  const rows: [string, RegExp][] = [
    ['{ token: "file:none" }', /credentials.token: cannot read \/site\/none: there is no such file/],
    ['{ token: "file:empty" }', /credentials.token: expected a secret in empty, found an empty file/],
    ['{ netrc: none }', /credentials.netrc: cannot read/],
    ['{ cert: empty, key: empty }', /credentials.cert: expected a PEM file/],
  ]
  for (const [credentials, expected] of rows) {
    const yaml = `origins: { a: { url: "https://a.example", credentials: ${credentials} } }`
    assert.match((await problemsOf({ yaml, files: { '/site/empty': '' } })).join('\n'), expected)
  }
})

test('own timeouts and limits stand beside the defaults', async () => {
  const yaml =
    'origins: { a: { url: "https://a", timeouts: { idle: 5s }, limits: { zip: 1MiB }, connections: 2, tries: 1 } }'
  const { timeouts, limits, connections, tries } = proxyOf((await load({ yaml })).config)
  assert.deepEqual(
    [timeouts.idle, timeouts.connect, limits.zip, limits.info, connections, tries],
    [5000, 30_000, 2 ** 20, 2 ** 20, 2, 1],
  )
})

test('what is shown hides secrets and loads again', async () => {
  const yaml = `
publicUrl: https://go.corp.example
origins:
  a: { url: "https://a.example", credentials: { username: ci, password: hunter2 } }
  b: { url: "https://b.example", credentials: { token: hunter2 } }
  c: { url: "https://hunter2@c.example" }
  d: { url: "http://d.example", ca: ca.pem }
routes:
  - { modules: [corp.example, "*.corp.example"], from: "a,b|direct", private: true, fresh: 90s }
shutdownGrace: 1500ms
`
  const files = { '/site/ca.pem': PEM }
  const { config } = await load({ yaml, files })
  const text = formatConfig(config)
  assert.ok(!text.includes('hunter2'), text)
  assert.equal(formatConfig((await load({ yaml: text, files })).config), text)
  assert.match(text, /^shutdownGrace: 1500ms$/m)
  assert.match(text, /^ {4}from: a,b\|direct$/m)
})
