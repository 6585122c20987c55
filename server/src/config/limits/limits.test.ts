import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

test('without limits nothing is limited but how much is fetched at once', async () => {
  assert.deepEqual((await load({ yaml: '' })).config.limits, {
    principal: {},
    anonymous: {},
    address: {},
    tenant: {},
    exempt: { subjects: [], networks: [] },
    queue: 30_000,
    concurrentCold: { client: 48, all: 256 },
  })
})

test('everything that limits can say, and it is shown so that it can be loaded again', async () => {
  const yaml = `
limits:
  principal: { requests: 6000/1m, bytes: 50GB/1h, cold: 300/1m }
  anonymous: { requests: 1000/m }
  address: { requests: 12000/60s, cold: " 600 / 1m " }
  tenant: { bytes: 1TiB/24h }
  exempt: [service:ci, "group:platform", $admins, 10.0.0.0/8, "::1"]
  queue: 10s
  concurrentCold: { client: 10, all: 100 }
  degraded: { eventLoop: 200ms, memory: 1.5GB, requestTime: 30s }
`
  const { config, warnings } = await load({ yaml })
  assert.deepEqual(warnings, [])
  assert.deepEqual(config.limits, {
    principal: {
      requests: { amount: 6_000, window: 60_000 },
      bytes: { amount: 50e9, window: 3_600_000 },
      cold: { amount: 300, window: 60_000 },
    },
    anonymous: { requests: { amount: 1_000, window: 60_000 } },
    address: { requests: { amount: 12_000, window: 60_000 }, cold: { amount: 600, window: 60_000 } },
    tenant: { bytes: { amount: 2 ** 40, window: 86_400_000 } },
    exempt: {
      subjects: [
        { kind: 'service', name: 'ci' },
        { kind: 'group', name: 'platform' },
        { kind: 'everybody', name: '$admins' },
      ],
      networks: [
        { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
        { address: '::1', prefix: 128, family: 'ipv6' },
      ],
    },
    queue: 10_000,
    concurrentCold: { client: 10, all: 100 },
    degraded: { eventLoop: 200, memory: 1.5e9, requestTime: 30_000 },
  })
  const again = await load({ yaml: formatConfig(config) })
  assert.deepEqual(again.config.limits, config.limits)
})

test('mistakes', async () => {
  const mistakes: [yaml: string, problem: RegExp][] = [
    ['principal: { requests: 6000 }', /requests: expected an amount within a time such as 6000\/1m/],
    ['principal: { requests: 0/1m }', /requests: expected an amount/],
    ['principal: { requests: 1.5/1m }', /requests: expected an amount/],
    ['principal: { requests: 5/100ms }', /\(1s to 24h\)/],
    ['principal: { requests: 5/2d }', /\(1s to 24h\)/],
    ['principal: { requests: 5/1m/1m }', /requests: expected an amount/],
    ['address: { bytes: many/1h }', /bytes: expected an amount within a time such as 50GB\/1h/],
    ['address: { request: 5/1m }', /requests/],
    ['exempt: [alice]', /exempt\[0\]: expected a subject such as service:ci/],
    ['concurrentCold: { client: 9, all: 8 }', /client: is more than all clients may have together \(8\)/],
    ['queue: 11m', /queue: expected a duration/],
    ['degraded: { cpu: 1 }', /cpu/],
  ]
  for (const [yaml, problem] of mistakes)
    assert.match((await problemsOf({ yaml: `limits: { ${yaml} }` })).join('\n'), problem)
})
