import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { checkPath, isModulePath } from '@modstead/gomod/path'
import { checkVersion, isCanonicalFor, isQuery } from '@modstead/gomod/version'
import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError, type ErrorCode } from '../errors.ts'
import type { ModuleRequest } from '../proxy/request.ts'
import { createParser, formatModuleRequest, type Endpoint } from './parse.ts'

const parse = createParser({ prefix: '', databases: ['sum.golang.org', 'sum.example.com/log'] })
const parsePrefixed = createParser({ prefix: '/go/proxy', databases: ['sum.golang.org'] })

const REQUESTS: [target: string, request: object][] = [
  ['/example.com/@v/list', { kind: 'list', module: 'example.com' }],
  ['/golang.org/x/mod/@v/list', { kind: 'list', module: 'golang.org/x/mod' }],
  ['/golang.org/x/mod/@latest', { kind: 'latest', module: 'golang.org/x/mod' }],
  ['/golang.org/x/mod/@v/latest.info', { kind: 'latest', module: 'golang.org/x/mod' }],
  ['/golang.org/x/mod/@v/v0.1.0.info', { kind: 'info', module: 'golang.org/x/mod', version: 'v0.1.0' }],
  ['/golang.org/x/mod/@v/v0.1.0.mod', { kind: 'mod', module: 'golang.org/x/mod', version: 'v0.1.0' }],
  ['/golang.org/x/mod/@v/v0.1.0.zip', { kind: 'zip', module: 'golang.org/x/mod', version: 'v0.1.0' }],
  ['/github.com/!azure/sdk/@v/list', { kind: 'list', module: 'github.com/Azure/sdk' }],
  ['/github.com/%21azure/sdk/@v/list', { kind: 'list', module: 'github.com/Azure/sdk' }],
  [
    '/example.com/m/@v/v1.0.0-%21r%21c.1.info',
    { kind: 'info', module: 'example.com/m', version: 'v1.0.0-RC.1' },
  ],
  [
    '/example.com/m/@v/v2.0.0+incompatible.zip',
    { kind: 'zip', module: 'example.com/m', version: 'v2.0.0+incompatible' },
  ],
  [
    '/example.com/m/@v/v2.0.0%2Bincompatible.zip',
    { kind: 'zip', module: 'example.com/m', version: 'v2.0.0+incompatible' },
  ],
  ['/gopkg.in/yaml.v2/@v/v2.4.0.mod', { kind: 'mod', module: 'gopkg.in/yaml.v2', version: 'v2.4.0' }],
  ['/example.com/m/v2/@v/v2.0.0.mod', { kind: 'mod', module: 'example.com/m/v2', version: 'v2.0.0' }],
  ['/example.com/m/@v/master.info', { kind: 'query', module: 'example.com/m', query: 'master' }],
  ['/example.com/m/@v/list.info', { kind: 'query', module: 'example.com/m', query: 'list' }],
  ['/example.com/m/@v/v1.info', { kind: 'query', module: 'example.com/m', query: 'v1' }],
  ['/example.com/m/@v/v2.0.0.info', { kind: 'query', module: 'example.com/m', query: 'v2.0.0' }],
  ['/example.com/m/@v/v1.0.0+meta.info', { kind: 'query', module: 'example.com/m', query: 'v1.0.0+meta' }],
  ['/example.com/m/@v/0123abc.info', { kind: 'query', module: 'example.com/m', query: '0123abc' }],
  ['/example.com/m/@v/a%23b.info', { kind: 'query', module: 'example.com/m', query: 'a#b' }],
  ['/example.com/m/@v/a.mod.info', { kind: 'query', module: 'example.com/m', query: 'a.mod' }],
  [
    '/golang.org/toolchain/@v/v0.0.1-go1.26.0.linux-amd64.zip',
    { kind: 'zip', module: 'golang.org/toolchain', version: 'v0.0.1-go1.26.0.linux-amd64' },
  ],
  ['http://anything:80/example.com/m/@v/list', { kind: 'list', module: 'example.com/m' }],
]

test('module requests', () => {
  for (const [target, request] of REQUESTS) {
    const endpoint = parse(target)
    assert.equal(endpoint.kind, 'module', target)
    assert.deepEqual(endpoint.request, request, target)
    const prefixed = parsePrefixed(`/go/proxy${target.replace('http://anything:80', '')}`)
    assert.deepEqual(prefixed, { ...endpoint, path: `/go/proxy${endpoint.path}` })
    assert.deepEqual(parse(endpoint.path), endpoint, 'the normalised path means the same')
  }
})

const SUMDB: [target: string, database: string, request: object][] = [
  ['/sumdb/sum.golang.org/supported', 'sum.golang.org', { kind: 'supported' }],
  ['/sumdb/sum.golang.org/latest', 'sum.golang.org', { kind: 'latest' }],
  ['/latest', 'sum.golang.org', { kind: 'latest' }],
  ['/sumdb/sum.example.com/log/supported', 'sum.example.com/log', { kind: 'supported' }],
  [
    '/sumdb/sum.example.com/log/tile/8/0/000.p/1',
    'sum.example.com/log',
    { kind: 'tile', path: '8/0/000.p/1', records: false },
  ],
  [
    '/sumdb/sum.golang.org/tile/8/0/x001/234',
    'sum.golang.org',
    { kind: 'tile', path: '8/0/x001/234', records: false },
  ],
  ['/tile/8/1/005.p/17', 'sum.golang.org', { kind: 'tile', path: '8/1/005.p/17', records: false }],
  ['/tile/8/data/005', 'sum.golang.org', { kind: 'tile', path: '8/data/005', records: true }],
  [
    '/lookup/github.com/%21azure/sdk@v1.0.0-%21r1',
    'sum.golang.org',
    { kind: 'lookup', module: 'github.com/Azure/sdk', version: 'v1.0.0-R1' },
  ],
  [
    '/sumdb/sum.golang.org/lookup/golang.org/x/mod@v0.1.0',
    'sum.golang.org',
    { kind: 'lookup', module: 'golang.org/x/mod', version: 'v0.1.0' },
  ],
]

test('requests to checksum databases', () => {
  for (const [target, database, request] of SUMDB) {
    const path = target.replaceAll('%21', '!')
    assert.deepEqual(parse(target), { kind: 'sumdb', path, database, request }, target)
    assert.deepEqual(parse(path), { kind: 'sumdb', path, database, request }, path)
  }
})

const REFUSED: [target: string, code: ErrorCode, text?: RegExp][] = [
  ['/Example.com/m/@v/list', 'bad_path', /"Example.com\/m" is not an escaped module path/],
  ['/example.com/%41/@v/list', 'bad_path'],
  ['/example.com%2Fm/@v/list', 'bad_path', /%2F/],
  ['/example.com%2fm/@v/list', 'bad_path'],
  ['/example.com/../m/@v/list', 'bad_path'],
  ['/example.com/%2e%2e/m/@v/list', 'bad_path'],
  ['/example.com/./@v/list', 'bad_path'],
  ['/example.com//m/@v/list', 'bad_path'],
  ['//example.com/m/@v/list', 'bad_path'],
  ['/example.com/m//@v/list', 'bad_path'],
  ['/@v/list', 'bad_path'],
  ['/m/@v/list', 'bad_path', /no dot/],
  ['/example.com/%00/@v/list', 'bad_path'],
  ['/example.com/\0/@v/list', 'bad_path'],
  ['/example.com/m%C3%BC/@v/list', 'bad_path'],
  ['/example.com/m\u00fc/@v/list', 'bad_path'],
  ['/example.com/a b/@v/list', 'bad_path'],
  ['/example.com/a%20b/@v/list', 'bad_path'],
  ['/example.com/a%/@v/list', 'bad_path', /hexadecimal/],
  ['/example.com/a%2/@v/list', 'bad_path'],
  ['/example.com/a%zz/@v/list', 'bad_path'],
  ['/example.com/%2521azure/@v/list', 'bad_path', /twice/],
  ['/example.com/!/@v/list', 'bad_path'],
  ['/example.com/!A/@v/list', 'bad_path'],
  ['/example.com/!1/@v/list', 'bad_path'],
  ['/example.com/!!a/@v/list', 'bad_path'],
  ['/example.com/m\\x/@v/list', 'bad_path'],
  ['/example.com/m#x/@v/list', 'bad_path'],
  ['/example.com/m/v1/@v/list', 'bad_path'],
  ['/gopkg.in/yaml/@v/list', 'bad_path'],
  ['/example.com/m/@v/V1.0.0.info', 'bad_version'],
  ['/example.com/m/@v/.info', 'bad_version'],
  ['/example.com/m/@v/a/b.info', 'bad_version', /slash/],
  ['/example.com/m/@v/../v1.0.0.info', 'bad_version'],
  ['/example.com/m/@v/-x.info', 'bad_version'],
  ['/example.com/m/@v/a..b.info', 'bad_version'],
  ['/example.com/m/@v/a%3Cb.info', 'bad_version'],
  ['/example.com/m/@v/a%2521b.info', 'bad_path', /twice/],
  ['/example.com/m/@v/master.mod', 'bad_version', /master is not a version/],
  ['/example.com/m/@v/master.zip', 'bad_version'],
  ['/example.com/m/@v/v1.zip', 'bad_version', /not a canonical version/],
  ['/example.com/m/@v/v1.2.mod', 'bad_version'],
  ['/example.com/m/@v/v1.0.0+meta.mod', 'bad_version'],
  ['/example.com/m/@v/v2.0.0.zip', 'bad_version', /major versions differ/],
  ['/example.com/m/v2/@v/v1.0.0.mod', 'bad_version'],
  ['/t/nope/corp.example/lib/@v/list', 'no_endpoint'],
  ['/example.com/m/@v/v1.0.0.ziphash', 'no_endpoint'],
  ['/example.com/m/@v/v1.0.0.lock', 'no_endpoint'],
  ['/example.com/m/@v/v1.0.0', 'no_endpoint'],
  ['/example.com/m/@v/', 'no_endpoint'],
  ['/example.com/m/@v', 'no_endpoint'],
  ['/example.com/m/@latest/', 'no_endpoint'],
  ['/example.com/m/@x/v1.0.0.info', 'no_endpoint'],
  ['/example.com/m/@V/list', 'no_endpoint'],
  ['/example.com/m/@v/LIST', 'no_endpoint'],
  ['/example.com/m', 'no_endpoint'],
  ['/example.com/m?go-get=1', 'no_endpoint'],
  ['/favicon.ico', 'no_endpoint'],
  ['/supported', 'no_endpoint'],
  ['/sumdb/', 'no_endpoint'],
  ['/sumdb/sum.golang.org', 'no_endpoint'],
  ['/sumdb/sum.golang.org/', 'no_endpoint'],
  ['/sumdb/other.example/supported', 'no_endpoint', /mirrors no checksum database/],
  ['/sumdb/sum.golang.org.evil/supported', 'no_endpoint'],
  ['/lookup/golang.org/x/mod', 'bad_version'],
  ['/lookup/golang.org/x/mod@', 'bad_version'],
  ['/lookup/golang.org/x/mod@master', 'bad_version'],
  ['/lookup/golang.org/x/mod@v2.0.0', 'bad_version'],
  ['/lookup/golang.org/x/mod@v0.1.0/go.mod', 'bad_version'],
  ['/lookup/Golang.org/x/mod@v0.1.0', 'bad_path'],
  ['/lookup/mod@v0.1.0', 'bad_path'],
  ['/tile/8/0/1', 'bad_path'],
  ['/tile/8/0/x000/001', 'bad_path'],
  ['/tile/8/0/001.p/256', 'bad_path'],
  ['/tile/8/0/001.p/0', 'bad_path'],
  ['/tile/../8/0/001', 'bad_path'],
  ['/example.com/m/@v/list?x', 'bad_request', /query/],
  ['/latest?', 'bad_request'],
  ['*', 'bad_request'],
  ['example.com:443', 'bad_request'],
  [`/example.com/${'a'.repeat(2048)}/@v/list`, 'uri_too_long'],
]

test('refused targets', () => {
  for (const [target, code, text] of REFUSED) {
    const error = refusalOf(target)
    assert.equal(error?.code, code, `${target}: ${error?.message}`)
    if (text !== undefined) assert.match(error.message, text)
  }
})

test('the prefix is needed, and exact', () => {
  for (const target of [
    '/example.com/m/@v/list',
    '/go/example.com/m/@v/list',
    '/go/proxyexample.com/m/@v/list',
    '/go/proxy',
    '/latest',
    '/sumdb/sum.golang.org/supported',
  ]) {
    assert.throws(() => parsePrefixed(target), { code: 'no_endpoint' }, target)
  }
  assert.throws(() => parsePrefixed('/x'), { next: 'module requests start with /go/proxy/' })
})

test('without a mirrored database there is none at the root either', () => {
  const bare = createParser({ prefix: '', databases: [] })
  for (const target of ['/latest', '/tile/8/0/001', '/sumdb/sum.golang.org/supported'])
    assert.throws(() => bare(target), { code: 'no_endpoint' }, target)
})

test('whatever comes in, only known refusals go out, and what passes is valid', () => {
  const letters = fc.constantFrom(
    ...Array.from('abzAZ019!%/@.-_~+#?v&<\\\u00fc\0 '),
    '%21',
    '%2F',
    '%2e',
    '@v/',
    '.info',
    '.mod',
    '/sumdb/',
  )
  const noise = fc.array(letters, { maxLength: 40 }).map((parts) => `/${parts.join('')}`)
  const mutated = fc
    .tuple(
      fc.constantFrom(...REQUESTS.map(([target]) => target), ...SUMDB.map(([target]) => target)),
      fc.nat(60),
      letters,
    )
    .map(([target, at, letter]) => target.slice(0, at) + letter + target.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(noise, mutated, fc.string()), (target) => {
      let endpoint: Endpoint
      try {
        endpoint = parse(target)
      } catch (error) {
        assert.ok(error instanceof ModsteadError, String(error))
        return
      }
      assert.deepEqual(parse(endpoint.path), endpoint)
      const { request } = endpoint
      if ('module' in request) checkPath(request.module)
      if ('module' in request && 'version' in request) checkVersion(request.module, request.version)
      if ('query' in request) assert.ok(isQuery(request.query))
    }),
    { numRuns: 3000 },
  )
})

test('parsing inverts formatting', () => {
  const element = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,8}$/)
  const module = fc
    .tuple(fc.constantFrom('example.com', 'github.com', 'x.y.z'), fc.array(element, { maxLength: 4 }))
    .map(([host, rest]) => [host, ...rest].join('/'))
    .filter((path): path is ModulePath => isModulePath(path))
  const version = fc
    .tuple(
      fc.nat(1),
      fc.nat(99),
      fc.nat(99),
      fc.constantFrom('', '-pre', '-RC.1', '-0.20200102030405-0123456789ab'),
    )
    .map(([a, b, c, d]) => `v${a}.${b}.${c}${d}`)
  const query = fc
    .stringMatching(/^[A-Za-z0-9#^~ ()=+_.-]{1,20}$/)
    .filter((q) => isQuery(q) && q !== 'latest')
  const request: fc.Arbitrary<ModuleRequest> = fc.oneof(
    fc.record({ kind: fc.constantFrom('list' as const, 'latest' as const), module }),
    fc
      .record({ kind: fc.constant('query' as const), module, query })
      .filter((r) => !isCanonicalFor(r.module, r.query)),
    fc
      .record({ kind: fc.constantFrom('info' as const, 'mod' as const, 'zip' as const), module, version })
      .filter((r) => isCanonicalFor(r.module, r.version))
      .map((r) => ({ ...r, version: r.version as Version })),
  )
  fc.assert(
    fc.property(request, (request) => {
      const path = formatModuleRequest(request)
      assert.deepEqual(parse(path), { kind: 'module', path, request: { ...request } })
    }),
  )
})

function refusalOf(target: string): ModsteadError | undefined {
  try {
    parse(target)
  } catch (error) {
    if (error instanceof ModsteadError) return error
    throw error
  }
  return undefined
}
