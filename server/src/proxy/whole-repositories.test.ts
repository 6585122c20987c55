import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { createTestObserver, eventually } from '../observe/test-support.ts'
import type { Origin } from './origin.ts'
import { scripted, TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'
import { keepWhole } from './whole-repositories.ts'

const [LIB, TOOL, FAR, OTHER] = [
  'corp.example/lib',
  'corp.example/lib/tool',
  'corp.example/lib/far',
  'corp.example/other',
].map(checkPath) as [ModulePath, ModulePath, ModulePath, ModulePath]

const ROUTE = { private: true, checksum: 'off', ...TIMES }

function setUp(
  t: TestContext,
  modulesIn: Origin['modulesIn'],
  options: { keep?: (module: ModulePath, signal: AbortSignal) => Promise<void>; every?: number } = {},
) {
  const kept: string[] = []
  const origin: Origin = { ...scripted('git', {}), ...(modulesIn && { modulesIn }) }
  const elsewhere = scripted('elsewhere', {})
  const router = createRouter(
    [
      { ...ROUTE, modules: [FAR], from: [{ origin: 'elsewhere', then: 'absent' }] },
      { ...ROUTE, modules: ['corp.example/*'], from: [{ origin: 'git', then: 'absent' }] },
    ],
    new Map<string, Origin>([
      ['git', origin],
      ['elsewhere', elsewhere],
    ]),
    new Map(),
  )
  const whole = keepWhole({
    config: { modules: [LIB, OTHER], every: options.every ?? 3_600_000 },
    router,
    keep: async (module, signal) => {
      kept.push(module)
      await options.keep?.(module, signal)
    },
    log: createTestObserver().log,
  })
  t.after(() => whole.stop())
  return { kept, whole }
}

test('every module of a repository is kept, but for those that other routes have', async (t) => {
  const { kept } = setUp(t, async (module) => (module === LIB ? [LIB, TOOL, FAR] : [module]))
  await eventually(() => kept.length === 3, 'three modules')
  assert.deepEqual(kept, [LIB, TOOL, OTHER])
})

test('a repository that cannot be looked through keeps the module it is named by', async (t) => {
  const { kept } = setUp(t, () => Promise.reject(new Error('down')))
  await eventually(() => kept.length === 2, 'two modules')
  assert.deepEqual(kept, [LIB, OTHER])
})

test('one round ends before the next begins', async (t) => {
  let running = 0
  let most = 0
  const keep = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 20))
    running--
  }
  const { kept } = setUp(t, undefined, { keep, every: 5 })
  await eventually(() => kept.length >= 6, 'three rounds')
  assert.equal(most, 1)
})

test('stopping ends the version under way, and begins no other', async (t) => {
  const keep = (_: ModulePath, signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const { kept, whole } = setUp(t, undefined, { keep, every: 5 })
  await eventually(() => kept.length === 1, 'the first module')
  await whole.stop()
  assert.deepEqual(kept, [LIB])
})
