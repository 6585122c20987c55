import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import type { Origin } from './origin.ts'
import { learnRepositories } from './learn-repositories.ts'
import { makeModule, scripted, setUp, TIMES } from './proxy.fixture.ts'
import { createRouter } from './route.ts'

test('the origins of private routes are asked once for each stored module, and for no public one', async (t) => {
  const { store, observer } = await setUp(t, { origins: [scripted('one', {})] })
  const { mod } = await makeModule()
  const put = async (realm: 'public' | 'default', path: string, text: string): Promise<void> => {
    const module = checkPath(path)
    await store.commit({ realm, module, version: checkVersion(module, text), kind: 'mod' }, mod, undefined)
  }
  await put('default', 'corp.example/lib', 'v1.0.0')
  await put('default', 'corp.example/lib', 'v1.1.0')
  await put('default', 'corp.example/broken', 'v1.0.0')
  await put('default', 'corp.example/tool', 'v1.0.0')
  await put('default', 'was-private.example/m', 'v1.0.0')
  await put('public', 'example.com/m', 'v1.0.0')

  const learning = new AbortController()
  const asked: string[] = []
  const modulesIn = async (module: ModulePath): Promise<ModulePath[]> => {
    asked.push(module)
    if (module.endsWith('broken')) throw new Error('down')
    return [module]
  }
  const origin: Origin = { ...scripted('git', {}), modulesIn }
  const from = [{ origin: 'git', then: 'absent' as const }]
  const router = createRouter(
    [
      { ...TIMES, modules: ['corp.example/*'], from, private: true, checksum: 'off' },
      { ...TIMES, modules: ['*'], from, private: false, checksum: 'off' },
    ],
    new Map([['git', origin]]),
    new Map(),
  )
  const learn = () =>
    learnRepositories({ store, realm: 'default', router, signal: learning.signal, log: observer.log })
  await learn()
  assert.deepEqual(asked.sort(), ['corp.example/broken', 'corp.example/lib', 'corp.example/tool'])
  learning.abort()
  await learn()
  assert.equal(asked.length, 3, 'nobody is asked once it is over')
})
