import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refsOf } from '../wire/advertisement.ts'
import { createNeighbours } from './neighbours.ts'

/** Refs whose hashes are their names. */
function refs(...names: string[]) {
  return refsOf(new Map(names.map((name) => [name, name])), 40)
}

const nothing = (): boolean => false
const tags = (count: number): string[] => Array.from({ length: count }, (_, i) => `refs/tags/v1.${i}.0`)

test('the first comes alone, then ever more with each, at most 63', () => {
  const of = createNeighbours()
  const all = refs(...tags(200))
  const counts = [0, 1, 3, 7, 15, 31, 63, 63, 63]
  for (const count of counts) assert.equal(of('refs/tags/v1.100.0', all, nothing).length, count)
})

test('the nearest versions of the same module, by their order, without those that are here', () => {
  const of = createNeighbours()
  const all = refs(
    'HEAD',
    'refs/heads/main',
    'refs/tags/release',
    'refs/tags/v1.9.0',
    'refs/tags/v1.10.0',
    'refs/tags/v1.11.0',
    'refs/tags/v1.12.0',
    'refs/tags/sub/v1.10.1',
  )
  of('refs/tags/v1.10.0', all, nothing)
  of('refs/tags/v1.10.0', all, nothing)
  const here = (hash: string): boolean => ['refs/tags/v1.10.0', 'refs/tags/v1.11.0'].includes(hash)
  assert.deepEqual(of('refs/tags/v1.10.0', all, here), ['refs/tags/v1.9.0', 'refs/tags/v1.12.0'])
  assert.deepEqual(
    of('refs/tags/sub/v1.10.1', all, (hash) => hash.includes('sub')),
    [],
  )
})

test('a branch has no neighbours', () => {
  const of = createNeighbours()
  for (let i = 0; i < 4; i++) assert.deepEqual(of('refs/heads/main', refs(...tags(9)), nothing), [])
})
