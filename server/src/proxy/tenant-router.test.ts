import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModulePath } from '@modstead/gomod/path'
import type { RouteConfig } from '../config/config.ts'
import type { ChecksumDatabase } from './checksums.ts'
import type { Origin } from './origin.ts'
import { createRouter } from './route.ts'
import { createTenantRouter } from './tenant-router.ts'

const origin = (name: string) => ({ name, speculative: true }) as Origin
const PUBLIC = origin('public')
const MIRROR = origin('mirror')
const DATABASE = { name: 'sum.example' } as ChecksumDatabase
const databases = new Map([['sum.example', DATABASE]])
const rootOrigins = new Map([
  ['public', PUBLIC],
  ['mirror', MIRROR],
])

const route = (modules: string, from: readonly string[], more: Partial<RouteConfig> = {}): RouteConfig => ({
  modules: [modules],
  from: from.map((name) => ({ origin: name, then: 'any' })),
  private: false,
  checksum: 'sum.example',
  lookAhead: true,
  fresh: 0,
  staleWhileRevalidate: 0,
  absent: 0,
  ...more,
})

const root = createRouter(
  [
    route('corp.example', ['mirror'], { private: true, checksum: 'off' }),
    route('unproven.example', ['mirror'], { checksum: 'off' }),
    route('mirrored.example', ['mirror', 'public']),
    route('upload.example', ['uploads']),
    route('*', ['public']),
  ],
  rootOrigins,
  databases,
  ['uploads'],
)

/** The realm in which a tenant with these routes keeps a module. */
function realmOf(
  routes: readonly RouteConfig[],
  module: string,
  own: Origin[] = [],
  followsRoot = false,
): string {
  const names = {
    origins: new Map([...rootOrigins, ...own.map((one) => [one.name, one] as const)]),
    databases,
    uploads: ['uploads'],
  }
  const last = followsRoot ? { origins: rootOrigins, databases, uploads: ['uploads'] } : undefined
  return createTenantRouter({ routes, names, last, realm: 'acme', root }).routeOf(module as ModulePath).realm
}

test('only what everybody would be given, and what is proven, is shared', () => {
  const open = route('*', ['public'])
  const rows: [why: string, routes: RouteConfig[], module: string, realm: string, own?: Origin[]][] = [
    ['the same route', [open], 'example.com/mod', 'public'],
    [
      'another freshness is no other answer',
      [{ ...open, fresh: 5, lookAhead: false }],
      'example.com/mod',
      'public',
    ],
    ['another origin', [route('*', ['mirror'])], 'example.com/mod', 'acme'],
    ['one more origin', [route('*', ['public', 'mirror'])], 'example.com/mod', 'acme'],
    ['an own origin of the same name', [open], 'example.com/mod', 'acme', [origin('public')]],
    ['another order of asking', [route('*', ['public', 'mirror'])], 'mirrored.example/mod', 'acme'],
    ['the same order', [route('*', ['mirror', 'public'])], 'mirrored.example/mod', 'public'],
    [
      'another separator',
      [{ ...open, from: [{ origin: 'public', then: 'absent' }] }],
      'example.com/mod',
      'acme',
    ],
    ['weights', [{ ...open, weights: { public: 1 } }], 'example.com/mod', 'acme'],
    ['hosts', [{ ...open, hosts: ['git.example'] }], 'example.com/mod', 'acme'],
    ['no proof', [{ ...open, checksum: 'off' }], 'example.com/mod', 'acme'],
    [
      'no proof at the top level',
      [route('*', ['mirror'], { checksum: 'off' })],
      'unproven.example/mod',
      'acme',
    ],
    ['private there', [open], 'corp.example/mod', 'acme'],
    ['above what is private there', [open], 'example', 'public'],
    ['private here', [{ ...open, private: true }], 'example.com/mod', 'acme'],
    [
      'private in both',
      [route('*', ['mirror'], { private: true, checksum: 'off' })],
      'corp.example/mod',
      'acme',
    ],
    ['uploads', [route('*', ['uploads'])], 'upload.example/mod', 'acme'],
  ]
  for (const [why, routes, module, realm, own] of rows) assert.equal(realmOf(routes, module, own), realm, why)
})

test('who follows the top level shares its public route and none of its private ones', () => {
  const routes = [route('*', ['public'])]
  assert.equal(realmOf(routes, 'example.com/mod', [], true), 'public')
  assert.equal(realmOf(routes, 'corp.example/mod', [], true), 'acme')
  assert.equal(realmOf(routes, 'mirrored.example/mod', [], true), 'acme')
  // Alone it would ask the public origins for a name that is private at the top level: private-names.ts keeps it from that.
  const router = createTenantRouter({
    routes,
    names: { origins: new Map(), databases, uploads: [] },
    last: { origins: rootOrigins, databases, uploads: [] },
    realm: 'acme',
    root,
  })
  const found = router.routeOf('corp.example/mod' as ModulePath)
  assert.deepEqual(
    found.origins.map(({ origin }) => origin),
    [PUBLIC],
  )
  assert.equal(found.private, false)
})
