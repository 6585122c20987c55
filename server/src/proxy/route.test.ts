import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { scripted, TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'

const rule = (modules: string[], origin: string, isPrivate: boolean) => ({
  ...TIMES,
  modules,
  from: [{ origin, then: 'absent' as const }],
  private: isPrivate,
  checksum: 'off',
})
const ORIGINS = new Map(['deep', 'corp', 'public'].map((name) => [name, scripted(name, {})]))
const origins = (...rules: ReturnType<typeof rule>[]) => {
  const router = createRouter(rules, ORIGINS, new Map())
  return (path: string) => router.routeOf(checkPath(path)).originsFor(checkPath(path))[0]?.origin.name
}

test('the first route that matches has a module', () => {
  const origin = origins(rule(['corp.example/a/*'], 'deep', true), rule(['*'], 'public', false))
  assert.equal(origin('corp.example/a/b'), 'deep')
  assert.equal(origin('example.com/m'), 'public')
})

test('a parent of private modules is never asked of a public route', () => {
  const origin = origins(rule(['corp.example/a/b'], 'deep', true), rule(['*'], 'public', false))
  assert.equal(origin('corp.example/a'), 'deep')
  assert.equal(origin('corp.example'), 'deep')
  assert.equal(origin('corp.example/c'), 'public')
})

test('a parent of private modules that has a private route of its own keeps it', () => {
  const deep = rule(['corp.example/a/b'], 'deep', true)
  const corp = rule(['corp.example/*'], 'corp', true)
  assert.equal(origins(deep, corp)('corp.example/a'), 'corp')
  assert.equal(origins(deep, corp)('corp.example/a/b'), 'deep')
})

test('a route of which no origin is left but this server itself is told from one that has none', () => {
  const ends = (...names: string[]) => {
    const from = names.map((origin) => ({ origin, then: 'absent' as const }))
    const router = createRouter([{ ...rule(['*'], '', false), from }], ORIGINS, new Map(), ['upload'])
    return router.routeOf(checkPath('example.com/m')).end
  }
  assert.equal(ends('self'), 'ourselves')
  assert.equal(ends('self', 'public'), 'list')
  assert.equal(ends('self', 'off'), 'off')
  assert.equal(ends('upload'), 'list')
  assert.equal(ends(), 'list')
})

test('what no route has is refused with what to do', () => {
  const origin = origins(rule(['corp.example/*'], 'corp', true))
  assert.throws(() => origin('example.com/m'), { code: 'fetch_disabled', next: /add a route/ })
})

test('origins are told of a route whether it is private, and which hosts it allows', () => {
  const common = { from: [], checksum: 'off', ...TIMES }
  const router = createRouter(
    [
      { modules: ['corp.example/*'], private: true, ...common },
      { modules: ['git.example/*'], private: true, hosts: ['git.example'], ...common },
      { modules: ['*'], private: false, ...common },
    ],
    new Map(),
    new Map(),
  )
  const limitsOf = (module: string) => router.routeOf(checkPath(module)).limits
  assert.deepEqual(limitsOf('corp.example/x'), { private: true })
  assert.deepEqual(limitsOf('git.example/x'), { private: true, hosts: ['git.example'] })
  assert.deepEqual(limitsOf('github.com/a/b'), {})
})
