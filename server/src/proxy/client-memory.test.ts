import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import { createClientMemory } from './client-memory.ts'

function at(spec: string) {
  const [path, version] = spec.split('@') as [string, string]
  return [checkPath(path), checkVersion(path, version)] as const
}

function buildList(
  memory: { buildList(purpose: 'info' | 'zip'): (readonly string[])[] },
  purpose: 'info' | 'zip' = 'zip',
) {
  return [...memory.buildList(purpose)].map((entry) => entry.join('@')).sort()
}

test('the build list is the highest version of each module among the .mod requests', () => {
  const memory = createClientMemory(() => 0).of({})
  for (const spec of ['a.com/x@v1.0.0', 'a.com/x@v1.2.0', 'a.com/x@v1.1.0', 'b.com/y@v0.1.0'])
    memory.mod(...at(spec))
  memory.zip(at('b.com/y@v0.1.0')[0])
  assert.deepEqual(buildList(memory), ['a.com/x@v1.2.0'])
  assert.deepEqual(buildList(memory), [], 'nothing new since it was read')
  memory.mod(...at('c.com/z@v1.0.0'))
  assert.deepEqual(buildList(memory), ['a.com/x@v1.2.0', 'c.com/z@v1.0.0'])
})

test('where a client walks exact .info files, they are its build list', () => {
  const memory = createClientMemory(() => 0).of({})
  for (const spec of ['a.com/x@v1.0.0', 'b.com/y@v0.1.0', 'c.com/unused@v1.0.0']) memory.mod(...at(spec))
  assert.equal(memory.info(...at('a.com/x@v1.0.0')), true)
  assert.equal(memory.info(...at('b.com/y@v0.1.0')), false)
  assert.deepEqual(buildList(memory, 'info'), ['a.com/x@v1.0.0', 'b.com/y@v0.1.0', 'c.com/unused@v1.0.0'])
  assert.deepEqual(buildList(memory), ['a.com/x@v1.0.0', 'b.com/y@v0.1.0'])
})

test('a version that lost to a higher one on another connection is left out, clients are otherwise apart', () => {
  const memories = createClientMemory(() => 0)
  const one = memories.of({})
  const other = memories.of({})
  one.mod(...at('a.com/x@v1.0.0'))
  one.mod(...at('b.com/y@v1.0.0'))
  other.mod(...at('a.com/x@v1.1.0'))
  assert.deepEqual(buildList(one), ['b.com/y@v1.0.0'])
  assert.deepEqual(buildList(other), ['a.com/x@v1.1.0'])
})

test('a client that was silent for a minute starts anew', () => {
  let time = 0
  const memories = createClientMemory(() => time)
  const client = {}
  memories.of(client).mod(...at('a.com/x@v1.0.0'))
  time = 59_000
  assert.equal(memories.of(client).mods(), 1)
  time = 59_000 + 60_000
  assert.equal(memories.of(client).mods(), 0)
})

test('a client that walks its build list on one connection is not misunderstood on the others', () => {
  const memories = createClientMemory(() => 0)
  const one = memories.of({})
  const other = memories.of({})
  for (const spec of ['a.com/x@v1.0.0', 'b.com/y@v0.1.0', 'c.com/unused@v1.0.0']) one.mod(...at(spec))
  for (const spec of ['a.com/x@v1.0.0', 'b.com/y@v0.1.0']) other.info(...at(spec))
  assert.deepEqual(buildList(one), ['a.com/x@v1.0.0', 'b.com/y@v0.1.0'])
})

test('a client that walks what it asked for on two connections is shown to be one by what it walks', () => {
  const memories = createClientMemory(() => 0)
  const one = memories.of({})
  const other = memories.of({})
  const stranger = memories.of({})
  one.mod(...at('a.com/x@v1.0.0'))
  one.mod(...at('b.com/y@v1.0.0'))
  other.mod(...at('c.com/z@v1.0.0'))
  stranger.mod(...at('d.com/s@v1.0.0'))
  assert.equal(other.info(...at('c.com/z@v1.0.0')), true)
  assert.deepEqual(buildList(other, 'info'), ['c.com/z@v1.0.0'])
  assert.equal(other.info(...at('a.com/x@v1.0.0')), true)
  assert.deepEqual(buildList(other, 'info'), ['a.com/x@v1.0.0', 'b.com/y@v1.0.0', 'c.com/z@v1.0.0'])
  assert.equal(other.info(...at('b.com/y@v1.0.0')), false)
})
