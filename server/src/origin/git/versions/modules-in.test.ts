import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refsOf } from '../wire/advertisement.ts'
import { modulesIn } from './modules-in.ts'

const refs = (...names: string[]) => refsOf(new Map(names.map((name) => [name, '0'.repeat(40)])), 40)

test('the modules that tags speak of', () => {
  const found = modulesIn(
    { root: 'corp.example/lib', subdirectory: '' },
    refs(
      'HEAD',
      'refs/heads/v9.0.0',
      'refs/tags/v1.0.0',
      'refs/tags/v2.3.0-rc.1',
      'refs/tags/tool/v0.1.0',
      'refs/tags/tool/deep/v3.0.0',
      'refs/tags/v1.0',
      'refs/tags/v1.0.0+meta',
      'refs/tags/release-1',
      'refs/tags/Ünsafe/v1.0.0',
    ),
  )
  assert.deepEqual(found, [
    'corp.example/lib',
    'corp.example/lib/v2',
    'corp.example/lib/tool',
    'corp.example/lib/tool/deep',
    'corp.example/lib/tool/deep/v3',
  ])
})

test('a root that is a folder of the repository has the tags below that folder', () => {
  const tags = refs(
    'refs/tags/v1.0.0',
    'refs/tags/go/v1.1.0',
    'refs/tags/go/sub/v1.0.0',
    'refs/tags/gone/v1.0.0',
  )
  assert.deepEqual(modulesIn({ root: 'corp.example/lib', subdirectory: 'go' }, tags), [
    'corp.example/lib',
    'corp.example/lib/sub',
  ])
})

test('a repository without tags has its root', () => {
  assert.deepEqual(modulesIn({ root: 'corp.example/lib', subdirectory: '' }, refs()), ['corp.example/lib'])
})
