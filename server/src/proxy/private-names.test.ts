import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModulePath } from '@modstead/gomod/path'
import type { ChecksumDatabase } from './checksums.ts'
import { createPrivateNames, withoutPrivateNames } from './private-names.ts'
import { scripted, TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'

const DATABASE = { name: 'sum.example' } as ChecksumDatabase
const ORIGINS = new Map(['own', 'public'].map((name) => [name, scripted(name, {})]))

const route = (modules: string | string[], isPrivate: boolean, from = ['public']) => ({
  ...TIMES,
  modules: [modules].flat(),
  from: from.map((origin) => ({ origin, then: 'absent' as const })),
  private: isPrivate,
  checksum: isPrivate ? 'off' : 'sum.example',
})
const OPEN = route('*', false)
const SITES = [
  [route('root.example/team/secret', true), OPEN],
  [route('acme.example/open', false), route(['acme.example', '*.acme.example/x'], true), OPEN],
  [route('*', true)],
  [route('forge.example/acme', false), route('forge.example/*/secret', true), OPEN],
]

test('what is private at any site, or above that, and nothing else', () => {
  const isPrivateName = createPrivateNames(SITES)
  const rows: [module: string, isPrivate: boolean][] = [
    ['root.example/team/secret', true],
    ['root.example/team/secret/sub', true],
    ['root.example/team', true],
    ['root.example', true],
    ['root.example/other', false],
    ['acme.example', true],
    ['acme.example/lib', true],
    // What the site itself has as an exception is no secret of it.
    ['acme.example/open', false],
    ['acme.example/open/sub', false],
    ['a.acme.example/x/y', true],
    ['a.acme.example/z', false],
    ['forge.example/beta/secret', true],
    ['forge.example/beta', true],
    ['forge.example/acme/secret', false],
    // A private route for everything keeps no names.
    ['example.com/mod', false],
    ['com', false],
  ]
  for (const [module, isPrivate] of rows) assert.equal(isPrivateName(module as ModulePath), isPrivate, module)
})

test('a name that is private elsewhere is asked of nobody; the own private route is as before', () => {
  const databases = new Map([['sum.example', DATABASE]])
  const isPrivateName = createPrivateNames(SITES)
  for (const routes of SITES) {
    const plain = createRouter(routes, ORIGINS, databases)
    const router = withoutPrivateNames(plain, isPrivateName)
    for (const module of [
      'root.example/team',
      'acme.example/lib',
      'forge.example/x/secret',
      'example.com/m',
    ]) {
      const path = module as ModulePath
      const found = router.routeOf(path)
      if (plain.routeOf(path).private || !isPrivateName(path)) assert.equal(found, plain.routeOf(path))
      else
        assert.deepEqual(
          [found.origins, found.originsFor(path), found.checksum, found.end, found.private, found.elsewhere],
          [[], [], undefined, 'list', false, true],
        )
      assert.equal(router.routeOf(path), found)
    }
  }
})
