import assert from 'node:assert/strict'
import type http from 'node:http'
import { test, type TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { createAccess } from '../access/access.ts'
import { createConfigTokens } from '../access/tokens/config-tokens.ts'
import { createDecide } from '../access/decide.ts'
import { createIdentify } from '../access/identify.ts'
import { BUILT_IN_ROLES, type BuiltInRole, type Permission } from '../config/permissions.ts'
import { ROLES } from '../access/roles.ts'
import { ask, askRaw, bytesAnswer, createTableMirror, startServer } from './http.fixture.ts'

const LIB = checkPath('corp.example/a/lib')
const LOG = 'sum.corp.example'
const secretOf = (name: string) => `${name}-0123456789abcdef`
const bearer = (name: string) => ({ authorization: `Bearer ${secretOf(name)}` })

/** A server with somebody of each role for `corp.example/a`, and of each for everything. */
async function guarded(t: TestContext, requests = false) {
  const names = BUILT_IN_ROLES.flatMap((role) => [role, `${role}-of-all`])
  const bindings = BUILT_IN_ROLES.flatMap((role) => [
    { to: [{ kind: 'service' as const, name: role }], role, modules: ['corp.example/a'] },
    { to: [{ kind: 'service' as const, name: `${role}-of-all` }], role },
  ])
  const tokens = [...names, 'nobody'].map((name) => ({ name, token: secretOf(name), may: [] }))
  const access = createAccess({
    identify: createIdentify({ credentials: [createConfigTokens(tokens)] }),
    decide: createDecide(
      { anonymous: ['*'], admins: [], roles: new Map(), bindings },
      { isPrivate: (module) => module.startsWith('corp.example') },
    ),
    open: false,
    closed: false,
  })
  const own = createTableMirror(LOG, {
    latest: 'head',
    [`lookup/${LIB}@v1.0.0`]: 'record',
    'tile/8/0/000': 'hashes',
    'tile/8/data/000': 'records',
  })
  const server = await startServer(t, {
    access,
    databases: [{ ...own, own: true }],
    config: { log: { level: 'info', format: 'json', requests } },
  })
  for (const module of [LIB, checkPath('example.com/open')])
    for (const [file, body] of [
      ['@v/list', 'v1.0.0\n'],
      ['@latest', '{"Version":"v1.0.0"}'],
      ['@v/v1.0.0.info', '{"Version":"v1.0.0"}'],
      ['@v/v1.0.0.mod', `module ${module}\n`],
      ['@v/v1.0.0.zip', 'zip'],
    ] as const)
      server.proxy.answers.set(`/${module}/${file}`, () => bytesAnswer(body, { module }))
  return { ...server, names }
}

interface Endpoint {
  method: string
  path: string
  /** What it takes; `undefined`: nothing. */
  permission: Permission | undefined
  /** It is about a module, so that a binding for that is enough. */
  module: boolean
  headers?: http.OutgoingHttpHeaders
}

const read = { method: 'GET', permission: 'module:read', module: true } as const
const ENDPOINTS: Endpoint[] = [
  ...['@v/list', '@latest', '@v/v1.0.0.info', '@v/v1.0.0.mod', '@v/v1.0.0.zip'].flatMap((file) => [
    { ...read, path: `/${LIB}/${file}` },
    { ...read, path: `/${LIB}/${file}`, method: 'HEAD' },
    { ...read, path: `/example.com/open/${file}`, permission: undefined },
  ]),
  { ...read, path: `/sumdb/${LOG}/lookup/${LIB}@v1.0.0` },
  { ...read, path: `/lookup/${LIB}@v1.0.0` },
  { ...read, path: `/sumdb/${LOG}/latest`, permission: undefined },
  { ...read, path: `/sumdb/${LOG}/supported`, permission: undefined },
  { ...read, path: `/sumdb/${LOG}/tile/8/0/000`, permission: undefined },
  { ...read, path: `/sumdb/${LOG}/tile/8/data/000`, permission: 'audit:read', module: false },
  { ...read, path: '/api/v1/incidents', permission: 'audit:read', module: false },
  { ...read, path: '/', permission: undefined },
  { ...read, path: '/healthz', permission: undefined },
  { ...read, path: '/metrics', permission: undefined },
  { method: 'PUT', path: `/${LIB}/@v/v1.0.0.zip`, permission: 'module:publish', module: true },
  {
    method: 'DELETE',
    path: `/${LIB}/@v/v1.0.0`,
    permission: 'module:delete',
    module: true,
    headers: { 'Modstead-Reason': 'a test' },
  },
]

test('every endpoint for every role, cold and from memory', async (t) => {
  const { port, names } = await guarded(t)
  for (const round of ['cold', 'warm'])
    for (const { method, path, permission, module, headers } of ENDPOINTS) {
      const send = (credentials: http.OutgoingHttpHeaders) =>
        ask(port, path, { method, headers: { ...headers, ...credentials } })
      for (const name of names) {
        const role = name.replace('-of-all', '') as BuiltInRole
        const reaches = module || role !== name
        const may = permission === undefined || (ROLES[role].includes(permission) && reaches)
        const { status } = await send(bearer(name))
        assert.ok(may ? status < 300 : status === 403, `${round} ${name} ${method} ${path}: ${status}`)
      }
      const expected = permission === undefined ? [200, 200] : [401, 403]
      assert.deepEqual([(await send({})).status, (await send(bearer('nobody'))).status], expected, path)
      const known = path === '/healthz' || path === '/metrics'
      assert.equal((await send(bearer('unknown'))).status, known ? 200 : 401, `a wrong token at ${path}`)
    }
})

test('what one may not see looks like what is not there', async (t) => {
  const { port, proxy } = await guarded(t)
  for (const [headers, status] of [
    [{}, 401],
    [bearer('nobody'), 403],
  ] as const)
    for (const file of [
      '@v/list',
      '@latest',
      '@v/v1.0.0.info',
      '@v/v1.0.0.mod',
      '@v/v1.0.0.zip',
      '@v/main.info',
    ]) {
      const there = await ask(port, `/${LIB}/${file}`, { headers })
      const not = await ask(port, `/corp.example/a/not/${file}`, { headers })
      assert.deepEqual([there.status, not.status], [status, status])
      assert.equal(there.text.replaceAll('/lib', '/not'), not.text)
      assert.deepEqual(Object.keys(there.headers), Object.keys(not.headers))
    }
  assert.deepEqual(proxy.served, [], 'nothing was looked for')
})

test('no credential reaches the logs, wherever it is put', async (t) => {
  const { port, observer } = await guarded(t, true)
  const secret = 'HUSH-0123456789abcdef'
  const token = `mst_HUSH${'x'.repeat(42)}`
  const basic = Buffer.from(`HUSH:${secret}`).toString('base64')
  for (const headers of [
    { authorization: `Bearer ${secret}` },
    { authorization: `Basic ${basic}` },
    { authorization: secret },
    { 'x-auth-token': secret },
    { 'x-auth-token': secret, authorization: `Bearer ${secret}` },
    { authorization: `Bearer ${'HUSH'.repeat(2000)}` },
  ])
    for (const path of [`/${LIB}/@v/list`, '/api/v1/incidents', '/', `/${LIB}/@v/list?token=${secret}`]) {
      const { status, text } = await ask(port, path, { headers })
      assert.ok(status >= 400 && !text.includes('HUSH'), `${status} ${text}`)
    }
  for (const target of [`http://u:${secret}@host/${LIB}/@v/list`, `/${token}/${LIB}/@v/list`])
    await askRaw(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const split = await askRaw(
    port,
    `GET /${LIB}/@v/list HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nX-Auth-Token: ${secret}\r\nConnection: close\r\n\r\n`,
  )
  assert.match(split, /^HTTP\/1\.1 400 /)
  const lines = JSON.stringify(observer.lines)
  assert.ok(observer.lines.length > 20)
  assert.ok(!lines.includes('HUSH') && !lines.includes(basic), lines)
})
