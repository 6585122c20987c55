import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { eventually } from '../../observe/test-support.ts'
import { createTestObserver } from '../test-origin.ts'
import { createPushes, type KnownRepository } from './pushes.ts'

const LIB = checkPath('corp.example/lib')
const TOOL = checkPath('corp.example/lib/tool')

function setUp(t: TestContext, urls: readonly string[], later: readonly string[] = []) {
  const done: string[] = []
  const repository = (url: string, index: number): KnownRepository => ({
    key: `${index} ${url}`,
    url,
    root: 'corp.example/lib',
    modules: () => [LIB, TOOL],
    renew: async () => void done.push(`renew ${url}`),
  })
  const known = urls.map(repository)
  const pushes = createPushes({
    repositories: () => known,
    learn: async () => {
      done.push('learn')
      known.push(...later.map(repository))
    },
    refresh: async (module: ModulePath) => void done.push(`refresh ${module}`),
    log: createTestObserver().log,
  })
  t.after(() => pushes.close())
  return { pushes, done }
}

/** Waits until all of it is done, and nothing else. */
function become(done: readonly string[], expected: readonly string[]): Promise<void> {
  return eventually(() => isDeepStrictEqual(done, expected), expected.join(', '))
}

/** Longer than a hint waits for others, shorter than a repository is left alone. Milliseconds. */
const A_WHILE = 400

const URL = 'https://git.corp.example/team/lib.git'
const ONE_ROUND = [`renew ${URL}`, `refresh ${LIB}`, `refresh ${TOOL}`]

for (const name of [
  'team/lib',
  'Team/Lib',
  'https://git.corp.example/team/lib.git',
  'https://git.corp.example/team/lib',
  'http://git.corp.example:8080/team/lib/',
  'git@git.corp.example:team/lib.git',
  'ssh://git@git.corp.example:2222/team/lib.git',
  'corp.example/lib',
])
  test(`a repository is known as ${name}`, async (t) => {
    const { pushes, done } = setUp(t, [URL])
    assert.equal(pushes.onPush({ hook: 'h', repository: [name] }), 'accepted')
    await become(done, ONE_ROUND)
  })

for (const name of ['lib', 'eam/lib', 'team/li', 'other/lib', 'https://evil.example/team/lib2', ''])
  test(`another is not: ${JSON.stringify(name)}`, async (t) => {
    const { pushes, done } = setUp(t, [URL])
    assert.equal(pushes.onPush({ hook: 'h', repository: [name] }), 'unknown')
    await become(done, ['learn'])
    await sleep(A_WHILE)
    assert.deepEqual(done, ['learn'])
  })

test('a hundred hints at once are one look, and those that come during it one more', async (t) => {
  const { pushes, done } = setUp(t, [URL])
  for (let i = 0; i < 100; i++) pushes.onPush({ hook: 'h', repository: ['team/lib'] })
  await become(done, ONE_ROUND)
  for (let i = 0; i < 100; i++) pushes.onPush({ hook: 'h', repository: ['team/lib'] })
  await sleep(A_WHILE)
  assert.deepEqual(done, ONE_ROUND, 'it rests first')
  await become(done, [...ONE_ROUND, ...ONE_ROUND])
})

test('a repository that is kept twice, as two origins are shown it, is looked at twice', async (t) => {
  const { pushes, done } = setUp(t, [URL, URL])
  pushes.onPush({ hook: 'h', repository: ['team/lib'] })
  await eventually(() => done.filter((line) => line.startsWith('renew')).length === 2, 'both were looked at')
})

test('after a start the repositories of stored modules are learnt once, and heeded', async (t) => {
  const { pushes, done } = setUp(t, [], [URL])
  assert.equal(pushes.onPush({ hook: 'h', repository: ['team/lib'] }), 'unknown')
  assert.equal(pushes.onPush({ hook: 'h', repository: ['team/other'] }), 'unknown')
  await become(done, ['learn', ...ONE_ROUND])
})

test('what is learnt after closing began is not heeded any more', async (t) => {
  const { pushes, done } = setUp(t, [], [URL])
  pushes.onPush({ hook: 'h', repository: ['team/lib'] })
  await pushes.close()
  await sleep(A_WHILE)
  assert.deepEqual(done, ['learn'])
})
