import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { ANONYMOUS, type Principal } from '../access/principal.ts'
import type { LimitsConfig } from '../config/limits/limits-config.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { type Client, createLimits } from './limits.ts'

const { signal } = new AbortController()
const MINUTE = 60_000

function limiting(t: TestContext, config: Partial<LimitsConfig>) {
  t.mock.timers.reset()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = { now: 1_000_000 }
  const observer = createTestObserver()
  const limits = createLimits({
    observer,
    now: () => clock.now,
    admins: [{ kind: 'user', name: 'root' }],
    config: {
      principal: {},
      anonymous: {},
      address: {},
      tenant: {},
      exempt: { subjects: [], networks: [] },
      queue: 10_000,
      concurrentCold: { client: 2, all: 4 },
      ...config,
    },
  })
  const pass = ({ place, principal, tenant }: Client, bytes = 0) =>
    limits.passes(place, principal, tenant, bytes)
  const tick = (ms: number) => {
    clock.now += ms
    t.mock.timers.tick(ms)
  }
  return { clock, limits, observer, pass, tick }
}

const somebody = (id: string, more: Partial<Principal> = {}): Principal => ({
  id,
  kind: 'user',
  groups: [],
  claims: {},
  rights: [],
  ...more,
})
const from = (address: string, principal: Principal | undefined = ANONYMOUS, tenant?: string): Client => ({
  place: { address, network: address },
  principal,
  tenant,
})
const per = (amount: number, window = MINUTE) => ({ amount, window })
/** Lets what was resolved go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
/** How many of `n` requests pass. */
const count = (n: number, pass: () => boolean) => Array.from({ length: n }, pass).filter(Boolean).length

test('without limits nothing is counted', (t) => {
  assert.equal(limiting(t, {}).limits.counted, false)
  assert.equal(limiting(t, { principal: { cold: per(1) } }).limits.counted, false)
})

test('principals count wherever they are, addresses whoever asks, anonymous ones by address', (t) => {
  const { pass, limits } = limiting(t, {
    principal: { requests: per(5) },
    anonymous: { requests: per(3) },
    address: { requests: per(9) },
  })
  assert.ok(limits.counted)
  assert.equal(
    count(4, () => pass(from('192.0.2.1', somebody('alice')))),
    4,
  )
  assert.equal(
    count(4, () => pass(from('192.0.2.2', somebody('alice')))),
    1,
  )
  // A service of the same name is somebody else, and so is a user of another tenant.
  assert.equal(
    count(9, () => pass(from('192.0.2.3', somebody('alice', { kind: 'service' })))),
    5,
  )
  assert.equal(
    count(9, () => pass(from('192.0.2.4', somebody('alice', { tenant: 'b' })))),
    5,
  )
  assert.equal(
    count(9, () => pass(from('192.0.2.5'))),
    3,
  )
  // A credential that proves nobody counts like none.
  assert.equal(pass(from('192.0.2.5', undefined)), false)
  // Three of nobody, then six more from the same address, whoever asks.
  assert.equal(
    count(5, () => pass(from('192.0.2.5', somebody('bob')))),
    5,
  )
  assert.equal(
    count(9, () => pass(from('192.0.2.5', somebody('carol')))),
    1,
  )
})

test('a tenant has its own, and so have all together where there are none', (t) => {
  const { pass } = limiting(t, { tenant: { requests: per(5) } })
  for (const tenant of ['a', 'b', undefined])
    assert.equal(
      count(9, () => pass(from('192.0.2.1', ANONYMOUS, tenant))),
      5,
    )
})

test('bytes count when they are sent, and what was sent before decides', async (t) => {
  const { pass, limits, tick } = limiting(t, { address: { bytes: per(1_000) } })
  const client = from('192.0.2.1')
  assert.ok(pass(client, 999))
  assert.ok(pass(client, 0))
  await limits.admit(client, signal)
  limits.sent(client, 500)
  assert.ok(!pass(client))
  await assert.rejects(limits.admit(client, signal), {
    code: 'rate_limited',
    message: /all clients at this address together have used up what limits\.address\.bytes allows, 1KB\/1m/,
  })
  tick(2 * MINUTE)
  assert.ok(pass(client))
})

test('who is exempt: subjects with their groups, admins, addresses', (t) => {
  const { pass } = limiting(t, {
    address: { requests: per(1) },
    exempt: {
      subjects: [
        { kind: 'service', name: 'ci' },
        { kind: 'group', name: 'platform' },
        { kind: 'everybody', name: '$admins' },
      ],
      networks: [{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    },
  })
  const exempt = [
    from('192.0.2.1', somebody('ci', { kind: 'service' })),
    from('192.0.2.2', somebody('eve', { groups: ['platform'] })),
    from('192.0.2.3', somebody('root')),
    from('10.9.9.9'),
  ]
  for (const client of exempt)
    assert.equal(
      count(50, () => pass(client)),
      50,
    )
  const ci = somebody('ci', { kind: 'service' })
  const ofTenants = [from('192.0.2.6', ci, 'b'), from('192.0.2.7', { ...ci, tenant: 'b' })]
  for (const client of [...ofTenants, from('192.0.2.4', somebody('ci')), from('192.0.2.5'), from('unix')])
    assert.equal(
      count(50, () => pass(client)),
      1,
    )
})

test('what is too much waits for its turn, clients one after the other', async (t) => {
  const { limits, tick } = limiting(t, { tenant: { requests: per(60, MINUTE) }, queue: MINUTE })
  const order: string[] = []
  const ask = (name: string) => limits.admit(from(name), signal).then(() => void order.push(name))
  await Promise.all(Array.from({ length: 60 }, () => ask('198.51.100.9')))
  order.length = 0
  tick(MINUTE)
  const flood = Array.from({ length: 20 }, () => ask('flood'))
  const other = ask('other')
  assert.deepEqual(order, [])
  // One slides out each second.
  for (let second = 0; second < 5; second++) {
    tick(1_000)
    await turn()
  }
  await other
  assert.deepEqual(order.slice(0, 3), ['flood', 'other', 'flood'])
  for (let second = 0; second < 30; second++) tick(1_000)
  await Promise.all(flood)
})

test('who waits too long, or would, is refused with when there is room, and nobody overtakes', async (t) => {
  const { limits, tick, pass, observer } = limiting(t, { principal: { requests: per(6) }, queue: 10_000 })
  const alice = from('192.0.2.1', somebody('alice'))
  for (let i = 0; i < 6; i++) await limits.admit(alice, signal)
  await assert.rejects(limits.admit(alice, signal), {
    code: 'rate_limited',
    message: /this client has used up what limits\.principal\.requests allows, 6\/1m/,
    next: /^ask again in 70 seconds; /,
    retryAfter: 70,
    headers: [
      'RateLimit-Policy',
      '"principal-requests";q=6;w=60',
      'RateLimit',
      '"principal-requests";r=0;t=70',
    ],
  })
  tick(65_000)
  const first = limits.admit(alice, signal)
  const second = limits.admit(alice, signal)
  const late = assert.rejects(second, { code: 'rate_limited', retryAfter: 5 })
  tick(4_999)
  assert.ok(!pass(alice), 'those who wait come first')
  tick(1)
  await first
  tick(5_000)
  await late
  assert.deepEqual(observer.counts.get('modstead_limit_refusals_total principal.requests'), 2)
  assert.equal(observer.gauges.get('modstead_limit_waiting')!(), 0)
})

test('who leaves gives up the place in the line', async (t) => {
  const { limits, tick, observer } = limiting(t, { address: { requests: per(1, 1_000) }, queue: MINUTE })
  const client = from('192.0.2.1')
  await limits.admit(client, signal)
  const gone = new AbortController()
  const leaving = limits.admit(client, gone.signal)
  const staying = limits.admit(client, signal)
  gone.abort(new Error('gone'))
  await assert.rejects(leaving, /gone/)
  assert.equal(observer.gauges.get('modstead_limit_waiting')!(), 1)
  tick(2_000)
  await staying
})

test('a request that several limits hold up waits for all of them', async (t) => {
  const { limits, tick, pass } = limiting(t, {
    principal: { requests: per(1, 10_000) },
    address: { requests: per(1, 20_000) },
    queue: MINUTE,
  })
  const client = from('192.0.2.1', somebody('alice'))
  assert.ok(pass(client))
  let admitted = false
  const waiting = limits.admit(client, signal).then(() => (admitted = true))
  tick(20_000)
  await turn()
  assert.ok(!admitted)
  for (let i = 0; i < 3; i++) tick(10_000)
  await waiting
})

test('so many wait at most', async (t) => {
  const { limits } = limiting(t, { address: { requests: per(1, 1_000) } })
  const gone = new AbortController()
  await limits.admit(from('192.0.2.1'), signal)
  const waiting = Array.from({ length: 300 }, () => limits.admit(from('192.0.2.1'), gone.signal))
  const outcomes = Promise.allSettled(waiting)
  gone.abort(new Error('gone'))
  const refused = (await outcomes).filter(
    (outcome) =>
      outcome.status === 'rejected' && (outcome.reason as { code?: string }).code === 'rate_limited',
  )
  assert.equal(refused.length, 300 - 256)
})

test('fetches have a rate of their own, and a bounded number at a time for each client', async (t) => {
  const { limits, tick, observer } = limiting(t, { anonymous: { cold: per(3) } })
  const [a, b] = [from('192.0.2.1'), from('192.0.2.2')]
  const ends = [await limits.cold(a).begin(signal), await limits.cold(a).begin(signal)]
  const third = limits.cold(a).begin(signal)
  ;(await limits.cold(b).begin(signal))()
  assert.equal(observer.gauges.get('modstead_cold_waiting')!(), 1)
  ends[0]!()
  ;(await third)()
  await assert.rejects(limits.cold(a).begin(signal), {
    code: 'rate_limited',
    message: /limits\.anonymous\.cold/,
  })
  tick(2 * MINUTE)
  ;(await limits.cold(a).begin(signal))()
  const late = limits.cold(a).begin(signal)
  ;(await late)()
  const [held] = [await limits.cold(b).begin(signal), await limits.cold(b).begin(signal)]
  const waiting = assert.rejects(limits.cold(b).begin(signal), {
    code: 'rate_limited',
    next: /limits\.concurrentCold\.client/,
  })
  await turn()
  tick(120_000)
  await waiting
  held()
})
