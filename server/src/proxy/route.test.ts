import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'

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
