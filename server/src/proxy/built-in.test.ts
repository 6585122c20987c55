import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { withBuiltIn } from './built-in.ts'
import { scripted, TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'

const HELPER = checkPath('go.corp.example/modstead/client')
const BUILT_IN = { modules: [HELPER], origin: scripted('itself', {}), realm: 'public' }
const ORIGINS = new Map(['corp', 'public'].map((name) => [name, scripted(name, {})]))

function originOf(modules: readonly string[], isPrivate: boolean): (path: string) => string | undefined {
  const from = (origin: string) => [{ origin, then: 'absent' as const }]
  const routes = [
    { ...TIMES, modules, from: from('corp'), private: isPrivate, checksum: 'off' },
    { ...TIMES, modules: ['*'], from: from('public'), private: false, checksum: 'off' },
  ]
  const router = withBuiltIn(createRouter(routes, ORIGINS, new Map()), BUILT_IN)
  return (path) => router.routeOf(checkPath(path)).originsFor(checkPath(path))[0]?.origin.name
}

test('what the server has itself comes before all that is configured', () => {
  for (const isPrivate of [false, true]) {
    const origin = originOf(['go.corp.example', 'other.example'], isPrivate)
    assert.equal(origin(HELPER), 'itself')
    assert.equal(origin(`${HELPER}/v2`), 'corp')
    assert.equal(origin('go.corp.example/modstead'), 'corp')
    assert.equal(origin('example.com/m'), 'public')
  }
})

test('the name of the host above it is not asked of the route for everything', () => {
  const origin = originOf(['other.example'], false)
  assert.equal(origin('go.corp.example'), 'itself')
  assert.equal(origin('go.corp.example/modstead'), 'itself')
  assert.equal(origin('go.corp.example/tool'), 'public')
  assert.equal(origin(`${HELPER}/v2`), 'public')
})

test('it is public, and entered into a log of our own', () => {
  const route = withBuiltIn(createRouter([], ORIGINS, new Map()), BUILT_IN).routeOf(HELPER)
  assert.deepEqual(
    [route.private, route.realm, route.checksum, route.log, route.builtIn],
    [false, 'public', undefined, true, true],
  )
})
