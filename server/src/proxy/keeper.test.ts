import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODULE, makeModule, scripted, setUp } from './proxy.fixture.ts'

const NEVER = new AbortController().signal

async function kept(list: string) {
  const { info, mod, zip } = await makeModule()
  return scripted('one', { list: Buffer.from(list), info, mod, zip })
}

test('of a module that nobody has asked for, a refresh fetches the newest version', async (t) => {
  const origin = await kept('v0.9.0\nv1.0.0\n')
  const { proxy, storedFiles } = await setUp(t, { origins: [origin] })
  await proxy.refresh(MODULE, NEVER)
  assert.deepEqual(origin.asked, ['list', 'info', 'mod', 'zip'])
  assert.equal((await storedFiles()).length, 3)
})

test('a refresh looks at the list anew, and fetches nothing but what was not in it before', async (t) => {
  const origin = await kept('v0.9.0\n')
  const { proxy, serve } = await setUp(t, { origins: [origin] })
  await serve({ kind: 'list', module: MODULE })
  await proxy.refresh(MODULE, NEVER)
  assert.deepEqual(origin.asked, ['list', 'list'], 'nothing is new')
  origin.script.list = Buffer.from('v0.9.0\nv1.0.0\n')
  await proxy.refresh(MODULE, NEVER)
  assert.deepEqual(origin.asked.slice(2), ['list', 'info', 'mod', 'zip'])
})

test('the list that a refresh fetched is fresh, however quickly it came', async (t) => {
  const origin = await kept('v0.9.0\n')
  const time = Date.now()
  const { proxy, serve } = await setUp(t, { origins: [origin], now: () => time })
  await serve({ kind: 'list', module: MODULE })
  await proxy.refresh(MODULE, NEVER)
  await serve({ kind: 'list', module: MODULE })
  assert.deepEqual(origin.asked, ['list', 'list'])
})

test('whole repositories have every version; what cannot be had is left alone for six hours', async (t) => {
  let time = Date.now()
  const origin = await kept('v0.9.0\nv1.0.0\n')
  const { proxy, storedFiles } = await setUp(t, { origins: [origin], now: () => time })
  await proxy.keepWhole(MODULE, NEVER)
  assert.deepEqual(origin.asked, ['list', 'info', 'mod', 'zip', 'v0.9.0'])
  assert.equal((await storedFiles()).length, 3)
  await proxy.keepWhole(MODULE, NEVER)
  assert.deepEqual(origin.asked.slice(5), ['list'])
  time += 7 * 3_600_000
  await new Promise((resolve) => setTimeout(resolve, 5)) // the clock of the caches is read once a millisecond
  await proxy.keepWhole(MODULE, NEVER)
  assert.deepEqual(origin.asked.slice(6), ['list', 'v0.9.0'])
})

test('a refresh that finds nothing, or no origin, ends without a word to whoever asked for it', async (t) => {
  const origin = scripted('one', {})
  const { proxy, storedFiles } = await setUp(t, { origins: [origin] })
  await proxy.refresh(MODULE, NEVER)
  origin.script.list = 'upstream_failed'
  await proxy.keepWhole(MODULE, NEVER)
  assert.deepEqual(origin.asked, ['list', 'list'])
  assert.deepEqual(await storedFiles(), [])
})

test('a refresh that was ended fetches nothing more', async (t) => {
  const ending = new AbortController()
  const origin = await kept('v0.9.0\nv1.0.0\n')
  const { info } = origin.script
  origin.script.info = () => {
    ending.abort()
    return info as Buffer
  }
  const { proxy } = await setUp(t, { origins: [origin] })
  await proxy.keepWhole(MODULE, ending.signal)
  await proxy.close(AbortSignal.timeout(5_000))
  assert.ok(!origin.asked.includes('v0.9.0'), origin.asked.join(' '))
})
