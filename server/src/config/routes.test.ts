import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteConfig } from './config.ts'
import { type Given, load } from './load.fixture.ts'
import { formatOriginList } from './origin-list.ts'

/** `PATTERNS <- LIST checksum`, with `private` where it is. */
function line({ modules, from, private: isPrivate, checksum }: RouteConfig): string {
  return `${modules.join(' ')} <- ${formatOriginList(from)} ${checksum}${isPrivate ? ' private' : ''}`
}

async function routesOf(given: Given): Promise<string[]> {
  return (await load(given)).config.routes.map(line)
}

const SUM = 'sum.golang.org'
const TWO = 'origins:\n  a: { url: "https://a.example" }\n  b: { url: "https://b.example" }\n'
const KEY = 'localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6'

const environment: [name: string, env: Record<string, string>, expected: string[]][] = [
  ['defaults', {}, [`* <- proxy.golang.org,direct ${SUM}`]],
  ['a list', { GOPROXY: 'https://x.example/go|https://y.example' }, [`* <- x.example/go|y.example ${SUM}`]],
  ['direct', { GOPROXY: 'direct' }, [`* <- direct ${SUM}`]],
  ['off', { GOPROXY: 'off' }, [`* <- off ${SUM}`]],
  [
    'the same proxy twice',
    { GOPROXY: 'https://x.example,https://x.example/' },
    [`* <- x.example,x.example ${SUM}`],
  ],
  [
    'the same host with other credentials',
    { GOPROXY: 'https://u:1@x.example,https://u:2@x.example' },
    [`* <- x.example,x.example-2 ${SUM}`],
  ],
  [
    'GOPRIVATE',
    { GOPRIVATE: 'corp.example,*.corp.example' },
    ['corp.example *.corp.example <- direct off private', `* <- proxy.golang.org,direct ${SUM}`],
  ],
  [
    'GONOSUMDB alone',
    { GONOSUMDB: 'corp.example' },
    ['corp.example <- proxy.golang.org,direct off', `* <- proxy.golang.org,direct ${SUM}`],
  ],
  [
    'GOPRIVATE for the checksum database only',
    { GOPRIVATE: 'corp.example', GONOPROXY: 'none' },
    ['corp.example <- proxy.golang.org,direct off', `* <- proxy.golang.org,direct ${SUM}`],
  ],
  [
    'GONOSUMDB for everything leaves toolchains proven',
    { GONOSUMDB: '*' },
    [
      `golang.org/toolchain <- proxy.golang.org,direct ${SUM}`,
      '* <- proxy.golang.org,direct off',
      `* <- proxy.golang.org,direct ${SUM}`,
    ],
  ],
  ['GOSUMDB=off', { GOSUMDB: 'off' }, ['* <- proxy.golang.org,direct off']],
  [
    'another database',
    { GOSUMDB: `${KEY} https://sum.example` },
    ['* <- proxy.golang.org,direct localhost.localdev/sumdb'],
  ],
]

test('routes from the environment of go', async () => {
  for (const [name, env, expected] of environment) assert.deepEqual(await routesOf({ env }), expected, name)
})

const upstreams: [name: string, given: Given, expected: string[]][] = [
  [
    'over GOPROXY',
    { env: { GOPROXY: 'off' }, flags: { upstream: 'https://x.example' } },
    [`* <- x.example ${SUM}`],
  ],
  [
    'beside GOPRIVATE and GOSUMDB',
    { env: { GOPRIVATE: 'corp.example', GOSUMDB: 'off' }, flags: { upstream: 'x.example|direct' } },
    ['corp.example <- direct off private', '* <- x.example|direct off'],
  ],
  ['a folder', { flags: { upstream: 'file:///srv/modules' } }, [`* <- file:///srv/modules ${SUM}`]],
  [
    'names and URLs of origins of the file',
    { yaml: TWO, flags: { upstream: 'b,https://a.example/,c.example' } },
    [`* <- b,a,c.example ${SUM}`],
  ],
  [
    'over the list of the route for everything',
    {
      yaml: `${TWO}routes:\n  - { modules: corp.example, from: [a] }\n  - { modules: "*", from: [b], fresh: 5m }`,
      flags: { upstream: 'x.example' },
    },
    [`corp.example <- a ${SUM}`, `* <- x.example ${SUM}`],
  ],
]

test('--upstream replaces the default list', async () => {
  for (const [name, given, expected] of upstreams) assert.deepEqual(await routesOf(given), expected, name)
})

const files: [name: string, yaml: string, expected: string[]][] = [
  ['origins alone', TWO, [`* <- a|b|direct ${SUM}`]],
  [
    'no origins: GOPROXY',
    'routes: [{ modules: x.example, from: [off] }]',
    [`x.example <- off ${SUM}`, `* <- env.example ${SUM}`],
  ],
  ['routes replace GOPRIVATE', 'routes: []', [`* <- env.example ${SUM}`]],
  [
    'without routes GOPRIVATE holds',
    'memory: 1',
    ['env.private <- direct off private', `* <- env.example ${SUM}`],
  ],
  [
    'an array: any failure',
    `${TWO}routes: [{ modules: "*", from: [b, a, direct] }]`,
    [`* <- b|a|direct ${SUM}`],
  ],
  [
    'an array with fallback',
    `${TWO}routes: [{ modules: "*", from: [b, a], fallback: absent }]`,
    [`* <- b,a ${SUM}`],
  ],
  ['a text', `${TWO}routes: [{ modules: "*", from: "b,a|direct" }]`, [`* <- b,a|direct ${SUM}`]],
  [
    'a route without from',
    `${TWO}routes: [{ modules: [x.example, y.example], checksum: off }]`,
    ['x.example y.example <- a|b|direct off', `* <- a|b|direct ${SUM}`],
  ],
  [
    'private without from',
    `${TWO}routes: [{ modules: x.example, private: true }]`,
    ['x.example <- direct off private', `* <- a|b|direct ${SUM}`],
  ],
  [
    'origins of private routes stay out of the implied list',
    `${TWO}routes: [{ modules: x.example, from: [a], private: true }]`,
    ['x.example <- a off private', `* <- b|direct ${SUM}`],
  ],
  [
    'all origins are for private routes: GOPROXY',
    `${TWO}routes: [{ modules: x.example, from: [a, b], private: true }]`,
    ['x.example <- a|b off private', `* <- env.example ${SUM}`],
  ],
  ['no checksum database', `${TWO}sumdb: off`, ['* <- a|b|direct off']],
]

test('routes of the file', async () => {
  const env = { GOPROXY: 'https://env.example', GOPRIVATE: 'env.private' }
  for (const [name, yaml, expected] of files) {
    const routes = await routesOf({
      yaml: yaml.includes('routes') || yaml === 'memory: 1' ? yaml : `${yaml}\nroutes: []`,
      env,
    })
    assert.deepEqual(routes, expected, name)
  }
})

test('times and switches of a route', async () => {
  const yaml = 'routes: [{ modules: "*", fresh: 5m, staleWhileRevalidate: 0, absent: 1s, lookAhead: false }]'
  const { fresh, staleWhileRevalidate, absent, lookAhead } = (await load({ yaml })).config.routes[0]!
  assert.deepEqual([fresh, staleWhileRevalidate, absent, lookAhead], [300_000, 0, 1000, false])
})

const warnings: [name: string, given: Given, expected: RegExp][] = [
  ['an unused origin', { yaml: `${TWO}routes: [{ modules: "*", from: [a] }]` }, /no route asks the origin b/],
  [
    'an origin that hears private names and others',
    {
      yaml: `${TWO}routes: [{ modules: x.example, from: [a], private: true }, { modules: "*", from: [a, b] }]`,
    },
    /it will hear private names/,
  ],
  [
    'routes after the last',
    { yaml: 'routes: [{ modules: "*" }, { modules: x.example }]' },
    /routes\[0\] matches every module/,
  ],
  ['GONOPROXY without GONOSUMDB', { env: { GONOPROXY: 'x.example' } }, /no checksum database proves them/],
  [
    'a malformed pattern',
    { env: { GOPRIVATE: 'https://x.example' } },
    /GONOPROXY: the pattern "https:\/\/x.example" is no use/,
  ],
  ['a pattern that claims all', { env: { GOPRIVATE: '*/*/secret' } }, /could stand above/],
  ['credentials in the open', { yaml: 'origins: { a: { url: "http://u:p@a" } }' }, /sent unencrypted/],
]

test('warnings', async () => {
  for (const [name, given, expected] of warnings)
    assert.match((await load(given)).warnings.join('\n'), expected, name)
})

test('a private route is not proven by a public database, whose log would hear its names', async () => {
  const yaml = `${TWO}routes: [{ modules: x.example, private: true, checksum: ${SUM} }]`
  await assert.rejects(load({ yaml }), { code: 'config_invalid', message: /sum\.golang\.org is public/ })
})
