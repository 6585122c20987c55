import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import { ModsteadError } from '../errors.ts'
import { MODULE, scripted } from '../proxy/proxy.fixture.ts'
import { createLazyOrigin } from './lazy.ts'

const ASKED = { signal: new AbortController().signal, priority: 'client' } as const

test('an origin is opened once, at the first question', async () => {
  let opened = 0
  const inner = scripted('git', { list: Buffer.from('v1.0.0\n') })
  const origin = createLazyOrigin('git', inner, async () => {
    opened++
    return inner
  })
  assert.equal(opened, 0)
  const questions = [origin.versions(MODULE, ASKED), origin.versions(MODULE, ASKED)]
  for (const answer of await Promise.all(questions))
    assert.deepEqual(answer, { versions: [{ version: 'v1.0.0' }] })
  assert.equal(opened, 1)
})

test('where opening fails the next question opens it again', async () => {
  let broken = true
  const inner = scripted('git', { list: Buffer.from('') })
  const origin = createLazyOrigin('git', inner, async () => {
    if (broken) throw new ModsteadError('store_unavailable', 'no room for clones')
    return inner
  })
  await assert.rejects(origin.versions(MODULE, ASKED), { code: 'store_unavailable' })
  broken = false
  assert.deepEqual(await origin.versions(MODULE, ASKED), { versions: [] })
})

test('one that was never asked is never opened, not even to close it', async () => {
  const origin = createLazyOrigin('git', { speculative: true }, () => assert.fail('opened'))
  await origin.close()
})

test('an origin that knows no repositories answers for the module itself, and explains nothing', async () => {
  const origin = createLazyOrigin('git', { speculative: true }, async () => scripted('git', {}))
  const module = checkPath('corp.example/lib')
  assert.deepEqual(await origin.modulesIn?.(module, ASKED), [module])
  for await (const line of origin.explain!(module, ASKED)) assert.fail(String(line))
})
