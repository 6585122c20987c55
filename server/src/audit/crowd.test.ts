import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCrowd, isOfCrowd } from './crowd.ts'
import type { AuditFacts } from './event.ts'

const REFUSAL: AuditFacts = {
  event_type: 'refusal',
  auth_result: 'denied',
  principal_kind: 'anonymous',
  status: 401,
  code: 'unauthenticated',
}

function crowdAt(fill = 0) {
  const at = { now: 1e12, fill }
  const crowd = createCrowd({
    networkOf: (address) => address.replace(/:[^:]*$/, '::/64'),
    fill: () => at.fill,
    now: () => at.now,
  })
  /** How many of them are recorded by themselves. */
  const admit = (count: number, of: (i: number) => Partial<AuditFacts>): number =>
    Array.from({ length: count }, (_, i) => crowd.admit({ ...REFUSAL, ...of(i) })).filter(Boolean).length
  const counted = (sums: readonly AuditFacts[]) => sums.reduce((sum, { count = 0 }) => sum + count, 0)
  return { at, crowd, admit, counted }
}

test('who nobody in particular is', () => {
  const cases: [what: string, facts: Partial<AuditFacts>, expected: boolean][] = [
    ['nobody is refused', {}, true],
    ['somebody is refused', { principal_kind: 'user', user_principal: 'alice' }, false],
    ['an unknown credential', { event_type: 'authentication', auth_result: 'failed' }, true],
    [
      'a name that was only claimed',
      { event_type: 'authentication', auth_result: 'failed', principal_kind: 'user' },
      true,
    ],
    [
      'a credential that was right once',
      { event_type: 'authentication', auth_result: 'expired', principal_kind: 'user' },
      false,
    ],
    [
      'a credential that is right',
      { event_type: 'authentication', auth_result: 'ok', principal_kind: 'service' },
      false,
    ],
    ['a device begins', { event_type: 'authentication', auth_result: 'ok' }, true],
    ['a download', { event_type: 'download', auth_result: 'ok', code: '' }, false],
    ['a hook', { event_type: 'hook', auth_result: 'ok', code: '' }, false],
    ['a hook that is none', { event_type: 'hook', auth_result: 'ok', code: 'no_endpoint' }, true],
    ['a put at no address', { event_type: 'publish', auth_result: 'ok', code: 'method_not_allowed' }, true],
    ['a version that nobody puts', { event_type: 'publish', auth_result: 'ok', code: '' }, false],
    [
      'the description of the API',
      { event_type: 'admin', auth_result: 'ok', code: '', kind: 'api', action: 'GET /api/v1/openapi.json' },
      true,
    ],
    ['what the log does', { event_type: 'admin', auth_result: 'ok', code: '', kind: 'log' }, false],
  ]
  for (const [what, facts, expected] of cases)
    assert.equal(isOfCrowd({ ...REFUSAL, ...facts }), expected, what)
})

test('60 a minute of one network are recorded, and 600 of all; the others are one sum for each', () => {
  const { at, crowd, admit, counted } = crowdAt()
  assert.equal(
    admit(100, (i) => ({ client_ip: `2001:db8:1:1:${i}` })),
    60,
    'an IPv6 client has all of its network',
  )
  assert.equal(
    admit(1_000, (i) => ({ client_ip: `192.0.2.${i % 100}` })),
    540,
  )
  assert.deepEqual(crowd.take(), [], 'the minute runs')
  at.now += 60_000
  const sums = crowd.take()
  assert.equal(sums.length, 101)
  assert.equal(counted(sums), 40 + 460)
  assert.partialDeepStrictEqual(sums[0], { client_ip: '2001:db8:1:1::/64', count: 40, status: 401 })
  assert.deepEqual(crowd.take(true), [])
  assert.equal(
    admit(100, () => ({ client_ip: '192.0.2.1' })),
    60,
    'a new minute',
  )
})

test('a sum that is not taken at once makes no new minute of each event', () => {
  const { at, admit } = crowdAt()
  assert.equal(
    admit(61, () => ({ client_ip: '192.0.2.1' })),
    60,
  )
  at.now += 70_000
  assert.equal(
    admit(500, () => ({ client_ip: '192.0.2.1' })),
    60,
  )
})

test('names, results and tenants have sums of their own, as long as there are not too many', () => {
  const { crowd, admit, counted } = crowdAt()
  admit(60, () => ({ client_ip: '192.0.2.1' }))
  admit(10, (i) => ({
    client_ip: '192.0.2.1',
    auth_result: i < 4 ? 'failed' : 'denied',
    user_principal: i % 2 === 0 ? 'alice' : '',
  }))
  assert.equal(crowd.take(true).length, 4)
  admit(10_000, (i) => ({ client_ip: `10.0.${i >> 8}.${i & 255}` }))
  const sums = crowd.take(true)
  assert.equal(sums.length, 257)
  assert.equal(counted(sums), 10_000 - 540)
  assert.match(sums.at(-1)!.detail!, /of all networks$/)
})

test('the fuller the disk, the fewer events', () => {
  for (const [fill, single, sums] of [
    [0.49, 600, 257],
    [0.5, 0, 17],
    [0.75, 0, 1],
  ] as const) {
    const { crowd, admit, counted } = crowdAt(fill)
    assert.equal(
      admit(1_000, (i) => ({ client_ip: `10.0.${i >> 8}.${i & 255}` })),
      single,
    )
    const taken = crowd.take(true)
    assert.deepEqual([taken.length, counted(taken)], [sums, 1_000 - single], `${fill}`)
  }
})
