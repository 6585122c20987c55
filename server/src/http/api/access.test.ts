import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../observe/test-support.ts'
import { startApi } from './api.fixture.ts'

test('what the configuration says of access can be read by who may audit, and by nobody else', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const operator = await tokenFor('operator')
  const developer = await tokenFor('developer')
  for (const path of [
    '/roles',
    '/bindings',
    '/groups',
    '/services',
    '/principals/user:ann',
    '/access/check?subject=user:ann',
    '/acts',
    '/configuration',
    '/incidents',
  ]) {
    assert.equal((await call(operator, path)).status, 200, path)
    assert.equal((await call(developer, path)).status, 403, path)
    assert.equal((await call('', path)).status, 401, path)
  }
  const { json } = await call(operator, '/bindings')
  assert.deepEqual(json.admins, ['user:root'])
  assert.deepEqual((json.bindings as unknown[]).at(-1), {
    to: ['group:team'],
    role: 'developer',
    modules: ['corp.example/team'],
  })
  assert.deepEqual((await call(operator, '/groups')).json, { groups: [{ name: 'team', users: ['ann'] }] })
  assert.deepEqual((await call(operator, '/services')).json, {
    services: [{ name: 'ci', rights: ['module:publish'] }],
  })
})

test('why somebody may, or may not', async (t) => {
  const { tokenFor, call } = await startApi(t)
  const operator = await tokenFor('operator')
  const check = async (query: string) => (await call(operator, `/access/check?${query}`)).json
  const team = { to: ['group:team'], role: 'developer', modules: ['corp.example/team'] }
  for (const [query, decision, bindings] of [
    ['subject=user:ann&module=corp.example/team/x', 'allow', [team]],
    ['subject=user:ann&module=corp.example', 'absent', [team]],
    ['subject=user:ann&module=corp.example/other', 'not_permitted', [team]],
    ['subject=user:ann&permission=module:publish&module=corp.example/team', 'not_permitted', []],
    ['subject=$anonymous&module=corp.example/team', 'unauthenticated', []],
    ['subject=service:ci&permission=module:publish&module=x.example/y', 'allow', []],
  ] as const)
    assert.deepEqual(await check(query), { decision, admin: false, bindings }, query)
  assert.deepEqual(await check('subject=user:root&permission=policy:write'), {
    decision: 'allow',
    admin: true,
    bindings: [],
  })
  for (const wrong of ['subject=group:team', 'subject=$all', 'subject=ann', 'permission=module:read'])
    assert.equal((await call(operator, `/access/check?${wrong}`)).status, 400, wrong)
})

test('who am I', async (t) => {
  const { tokenFor, call } = await startApi(t)
  assert.equal((await call('', '/whoami')).status, 401)
  assert.equal((await call('nonsense', '/whoami')).status, 401)
  assert.deepEqual((await call(await tokenFor('ann'), '/whoami')).json, {
    kind: 'user',
    id: 'ann',
    groups: ['team'],
    permissions: ['token:create'],
    bindings: [{ role: 'developer', modules: ['corp.example/team'] }],
  })
})

test('the list of a module is asked for anew, by who manages the cache', async (t) => {
  const { tokenFor, call, proxy, audited } = await startApi(t)
  const body = JSON.stringify({ module: 'example.com/mod' })
  const refresh = (token: string, body: string) => call(token, '/cache/refresh', { method: 'POST', body })
  assert.equal((await refresh(await tokenFor('developer'), body)).status, 403)
  assert.deepEqual(proxy.served, [])
  const operator = await tokenFor('operator')
  assert.equal((await refresh(operator, body)).status, 404)
  await eventually(
    () => audited.some(({ module, event_type }) => module === 'example.com/mod' && event_type === 'admin'),
    'the audit log has the module',
  )
  assert.equal((await refresh(operator, '{"module":"../x"}')).status, 400)
  // The list comes back: it takes the right to read it, too.
  proxy.served.length = 0
  const caches = await tokenFor('operator', { permissions: ['cache:manage'] })
  const { status, json } = await refresh(caches, '{"module":"corp.example/x"}')
  assert.equal(status, 403)
  assert.match(String(json.detail), /may not read corp\.example\/x/)
  assert.deepEqual(proxy.served, [])
})
