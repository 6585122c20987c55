import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ModulePath } from '@modstead/gomod/path'
import { factsOfBytes, wholeHeaders } from './file-headers.ts'
import { bytesAnswer } from './http.fixture.ts'
import { createMemory, type Memory, type ReadyAnswer } from './memory.ts'

const MODULE = 'example.com/m' as ModulePath

test('what is kept is found under its path, raw or with an encoded !', () => {
  const memory = createMemory({ bound: 1 << 20 })
  remember(memory, '/example.com/!upper/@v/list', ready('x'))
  assert.equal(memory.get('/example.com/!upper/@v/list')?.body, 'x')
  assert.equal(memory.get('/example.com/%21upper/@v/list')?.body, 'x')
  for (const path of [
    '/example.com/upper/@v/list',
    '/example.com/%2521upper/@v/list',
    '/p/example.com/!upper/@v/list',
  ])
    assert.equal(memory.get(path), undefined, path)
})

test('an answer that ends is given until then, and its bytes are given back', () => {
  let time = 1000
  const memory = createMemory({ bound: 1 << 20, now: () => time })
  remember(memory, '/a', ready('x', { until: 2000 }))
  time = 1999
  assert.ok(memory.get('/a'))
  time = 2000
  assert.equal(memory.get('/a'), undefined)
  assert.equal(memory.size(), 0)
  remember(memory, '/b', ready('x', { until: 2000 }))
  assert.equal(memory.count(), 0, 'what has ended already is not kept')
})

test('a change ends what it names, and nothing else', () => {
  const memory = createMemory({ bound: 1 << 20 })
  remember(memory, '/list', ready('x'), MODULE)
  remember(memory, '/v1.zip', ready('x'), MODULE, 'v1.0.0')
  remember(memory, '/v1.mod', ready('x'), MODULE, 'v1.0.0')
  remember(memory, '/v2.zip', ready('x'), MODULE, 'v1.1.0')
  remember(memory, '/tile', ready('x'))
  memory.drop({ realm: 'public', module: MODULE, version: 'v1.0.0' })
  assert.deepEqual(present(memory), ['/list', '/v2.zip', '/tile'])
  memory.drop({ realm: 'public', module: MODULE })
  assert.deepEqual(present(memory), ['/v2.zip', '/tile'])
  remember(memory, '/list', ready('x'), MODULE)
  assert.deepEqual(present(memory), ['/list', '/v2.zip', '/tile'], 'what comes after the change stays')

  function present(memory: Memory): string[] {
    return ['/list', '/v1.zip', '/v1.mod', '/v2.zip', '/tile'].filter((path) => memory.get(path))
  }
})

test('an answer that was being made while its module changed is not kept', () => {
  const memory = createMemory({ bound: 1 << 20 })
  const early = memory.hold(MODULE)
  memory.drop({ realm: 'public', module: MODULE })
  const late = memory.hold(MODULE)
  early.keep('/early', ready('old'))
  late.keep('/late', ready('new'))
  early.release()
  late.release()
  assert.equal(memory.count(), 1)
  assert.equal(memory.get('/early'), undefined)
  assert.ok(memory.get('/late'))
})

test('uses are noted once between two takings', () => {
  const memory = createMemory({ bound: 1 << 20 })
  const version = { realm: 'public', module: 'example.com/m', version: 'v1.0.0' }
  remember(memory, '/a', ready('x', { version }))
  remember(memory, '/list', ready('x'))
  for (let i = 0; i < 3; i++) for (const path of ['/a', '/list']) memory.use(memory.get(path)!)
  assert.deepEqual(memory.takeUses(), [version])
  assert.deepEqual(memory.takeUses(), [])
  memory.use(memory.get('/a')!)
  assert.deepEqual(memory.takeUses(), [version])
})

test('the bound holds under any mix, and no entry takes more than an eighth', () => {
  const operation = fc.record({
    path: fc.nat(200),
    size: fc.oneof(fc.nat(100), fc.nat(20_000), fc.nat(200_000)),
    module: fc.nat(5),
    drop: fc.integer({ min: 0, max: 20 }).map((n) => n === 0),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const bound = 1 << 20
      const memory = createMemory({ bound })
      for (const { path, size, module, drop } of operations) {
        const name = `example.com/m${module}` as ModulePath
        if (drop) memory.drop({ realm: 'public', module: name })
        remember(memory, `/${path}`, ready(Buffer.alloc(size)), name)
        assert.ok(memory.size() <= bound)
        const entry = memory.get(`/${path}`)
        assert.equal(entry !== undefined, size <= memory.largest)
        assert.ok((entry?.body.length ?? 0) <= bound / 8)
      }
    }),
    { numRuns: 30 },
  )
})

test('a bound too small for anything keeps nothing', () => {
  for (const bound of [0, 1, 1000]) {
    const memory = createMemory({ bound })
    const hold = memory.hold(MODULE)
    assert.equal(hold.keep('/list', ready('')), undefined)
    hold.release()
    assert.deepEqual([memory.count(), memory.size()], [0, 0])
  }
})

const MIXES: [title: string, size: (i: number) => number][] = [
  ['tiny', () => 60],
  ['small, out of a slab', (i) => 200 + (i % 3000)],
  ['of all sizes', (i) => [100, 3000, 14_000, 100_000, 1_000_000][i % 5]!],
]

for (const [title, size] of MIXES)
  test(`what is accounted covers what is really used: entries ${title}`, async () => {
    const bound = 32 << 20
    const before = await used()
    const memory = createMemory({ bound })
    // Twice as much as there is room for, so that much of it has come and gone.
    for (let i = 0, bytes = 0; bytes < 2 * bound; i++) {
      const module = `github.com/organisation/repository-${i}` as ModulePath
      const path = `/${module}/@v/v1.2.3-0.20200102030405-0123456789ab.info`
      const version = { realm: 'public', module, version: 'v1.2.3' }
      const given = (client: object) => void [client, module, version]
      // As the proxy room has them: read from a file, or cut from one of the slabs that Buffers share.
      const body = Buffer.from(Buffer.alloc(size(i), 97 + (i % 20)))
      remember(memory, path, { ...ready(body), version, given }, module, 'v1.2.3')
      bytes += body.length + 1500
    }
    const real = (await used()) - before
    assert.ok(memory.size() > bound * 0.7)
    assert.ok(real <= bound, `${real} bytes are used for ${memory.size()}`)
    assert.ok(real > bound / 3, `only ${real} bytes are used for ${memory.size()}`)
  })

async function used(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // The memory behind Buffers is given back in the background.
  for (let i = 0; i < 3; i++) {
    collect()
    await setTimeout(10)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function ready(body: Buffer | string, more: Partial<ReadyAnswer> = {}): ReadyAnswer {
  const bytes = Buffer.from(body)
  const facts = factsOfBytes(bytesAnswer(bytes), bytes)
  return {
    tally: { kind: 'info', hits: 0, bytes: 0 },
    facts,
    headers: wholeHeaders(facts),
    body: bytes,
    until: Infinity,
    version: undefined,
    given: undefined,
    ...more,
  }
}

function remember(
  memory: Memory,
  path: string,
  answer: ReadyAnswer,
  module?: string,
  version?: string,
): void {
  const hold = memory.hold(module, version)
  hold.keep(path, answer)
  hold.release()
}
