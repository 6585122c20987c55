import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setUp } from '../issued/issued.fixture.ts'
import { usualProvider } from '../../open-sign-in.fixture.ts'
import type { Provider } from './provider.ts'
import { createSignins } from './signins.ts'

test('a session that the provider names alone is found among any number of sign-ins', async (t) => {
  const { clock, open } = await setUp(t)
  const { catalog: records } = await open()
  const idp = { issuer: 'https://idp.corp.example', clientId: 'x', clientSecret: 'y' }
  // Nobody asks it anything here.
  const provider = { config: usualProvider(idp, 'idp') } as unknown as Provider
  const signins = createSignins({
    records,
    scope: '',
    providers: new Map([['idp', provider]]),
    now: () => clock.now,
    onFailure: (error) => assert.fail(String(error)),
  })
  const signIn = async (n: number) => {
    const account = { id: `user${n}`, groups: [], claims: {} }
    return signins.begin(provider, { subject: `sub${n}`, session: `sid${n}` }, account)
  }
  await Promise.all(Array.from({ length: 1_001 }, async (_, n) => signIn(n)))
  clock.now += 1_000
  const last = await signIn(2_000)
  assert.deepEqual(await signins.endAt('other', { session: 'sid2000' }), [])
  assert.deepEqual(await signins.endAt('idp', { subject: 'sub2000', session: 'sid7' }), [])
  assert.equal(await signins.has(last.id), true)
  assert.deepEqual(await signins.endAt('idp', { session: 'sid2000' }), [{ id: last.id, user: 'user2000' }])
  assert.equal(await signins.has(last.id), false)
  assert.deepEqual(await signins.endAt('idp', { session: 'sid2000' }), [])
  assert.deepEqual(await signins.endAt('idp', {}), [])
})
