import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MappedProxy } from '../../proxy/version-map.ts'
import type { Noted } from '../action.ts'
import { promotionEndpoints } from './promotions.ts'

test('the audit log has which version was promoted, or was to be', async () => {
  const proxy = {
    promote: async (order: Parameters<MappedProxy['promote']>[0]) => ({
      ...order,
      id: 'pro-7k3m-02pq',
      at: 0,
      tenant: '',
    }),
    promotions: async () => [],
  }
  for (const may of ['allow', 'not_permitted'] as const) {
    const [post] = promotionEndpoints(proxy, { decide: () => may })
    const noted: Noted[] = []
    const answer = post!.answer({
      values: {},
      query: new URLSearchParams(),
      principal: { id: 'ci', kind: 'service', groups: [], claims: {}, rights: [] },
      body: async () => ({ module: 'corp.example/lib', version: 'v1.4.2' }),
      note: (facts) => void noted.push(facts),
    })
    if (may === 'allow') await answer
    else await assert.rejects(answer, { code: 'not_permitted' })
    assert.deepEqual(noted, [{ module: 'corp.example/lib', version: 'v1.4.2' }])
  }
})
