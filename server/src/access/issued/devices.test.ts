import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, bearer, setUp } from './issued.fixture.ts'

const sign = { principal: ALICE, via: 'password' }

test('a code is found however it was typed, by every process, and used once', async (t) => {
  const { clock, open } = await setUp(t)
  const [one, two] = [await open(), await open()]
  const { deviceCode, userCode, interval, expiresIn } = await one.devices.begin('192.0.2.7')
  assert.deepEqual([interval, expiresIn], [5, 600])
  assert.match(deviceCode, /^msd_[0-9A-Za-z]{46}$/)
  for (const typed of [
    userCode,
    userCode.toLowerCase(),
    userCode.replace('-', ''),
    ` ${userCode.replace('-', ' ')} `,
  ])
    assert.deepEqual(await two.devices.find(typed, 'user:alice'), {
      userCode,
      address: '192.0.2.7',
      created: clock.now,
    })

  assert.equal(await one.devices.redeem(deviceCode), 'authorization_pending')
  clock.now += 5_000
  assert.equal(await two.devices.redeem(deviceCode), 'authorization_pending')
  assert.equal(await one.devices.redeem(deviceCode), 'slow_down')
  assert.ok(await two.devices.approve(userCode, sign, 'user:alice'))
  assert.equal(
    await one.devices.approve(userCode, { ...sign, principal: { ...ALICE, id: 'eve' } }, 'user:eve'),
    undefined,
  )
  clock.now += 5_000
  assert.equal(await one.devices.redeem(deviceCode), 'slow_down', 'each time it has to wait longer')
  clock.now += 15_000
  const outcomes = await Promise.all([one.devices.redeem(deviceCode), two.devices.redeem(deviceCode)])
  const [session, ...more] = outcomes.filter((outcome) => typeof outcome === 'object')
  assert.deepEqual([more.length, outcomes.includes('invalid_grant')], [0, true], 'one of two who ask at once')
  assert.equal(bearer(await one.judge(session!.accessToken))?.id, 'alice')
  assert.equal(await one.devices.redeem(deviceCode), 'invalid_grant')
})

test('a device that is refused, or waits too long', async (t) => {
  const { clock, open } = await setUp(t)
  const { devices } = await open()
  const refused = await devices.begin('192.0.2.7')
  assert.ok(await devices.deny(refused.userCode, 'user:alice'))
  assert.equal(await devices.redeem(refused.deviceCode), 'access_denied')
  assert.equal(await devices.redeem(refused.deviceCode), 'invalid_grant')
  const late = await devices.begin('192.0.2.7')
  clock.now += 600_000
  assert.equal(await devices.find(late.userCode, 'user:alice'), undefined)
  assert.equal(await devices.approve(late.userCode, sign, 'user:alice'), undefined)
  assert.equal(await devices.redeem(late.deviceCode), 'expired_token')
})

test('codes that were made up get nothing, and whoever goes on guessing has to wait', async (t) => {
  const { clock, open } = await setUp(t)
  const { devices } = await open()
  const { deviceCode, userCode } = await devices.begin('192.0.2.7')
  const other = await devices.begin('192.0.2.7')
  const { withCheck } = await import('../tokens/token-format.ts')
  const forged = withCheck(deviceCode.slice(0, 16) + other.deviceCode.slice(16, 44))
  for (const code of ['', 'msd_', userCode, forged, deviceCode.slice(0, -1), `${deviceCode}x`])
    assert.equal(await devices.redeem(code), 'invalid_grant')
  for (let i = 0; i < 10; i++)
    assert.equal(await devices.find(`BBBB-BBB${'BCDFGHJKLM'[i]}`, 'user:eve'), undefined)
  await assert.rejects(devices.find(userCode, 'user:eve'), { code: 'rate_limited' })
  await assert.rejects(devices.approve(userCode, sign, 'user:eve'), { code: 'rate_limited' })
  assert.equal((await devices.find(userCode, 'user:alice'))?.userCode, userCode)
  clock.now += 600_000
  assert.equal(await devices.find(userCode, 'user:eve'), undefined)
})

test('nobody fills the disk with devices', async (t) => {
  const { clock, open } = await setUp(t)
  const { devices } = await open()
  for (let i = 0; i < 20; i++) await devices.begin('192.0.2.7')
  await assert.rejects(devices.begin('192.0.2.7'), { code: 'overloaded' })
  await devices.begin('192.0.2.8')
  await devices.begin('192.0.2.7', false)
  clock.now += 600_000
  await devices.begin('192.0.2.7')
})

test('a network has its share of the devices that wait, and expired ones hide nobody', async (t) => {
  const { clock, open } = await setUp(t)
  const { devices, catalog } = await open()
  const full = { code: 'overloaded' }
  for (let i = 0; i < 20; i++) await devices.begin(`2001:db8:0:1::${i.toString(16)}`)
  await assert.rejects(devices.begin('2001:db8:0:1:ffff::1'), full)
  // Other networks of the same site, until it has a tenth.
  for (let i = 0; i < 70; i++) await devices.begin(`2001:db8:0:${(i + 2).toString(16)}::1`)
  await assert.rejects(devices.begin('2001:db8:0:ffff::1'), full)
  for (let i = 0; i < 90; i++) await devices.begin(`192.0.2.${i}`)
  await assert.rejects(devices.begin('192.0.2.200'), full)
  await devices.begin('2001:db8:1:1::1')
  await devices.begin('198.51.100.1')
  const old = { scope: '', kind: 'device', body: '{}', expires: clock.now - 1, revision: 0 }
  await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => catalog.putAuthRecord({ ...old, id: `${i}` })),
  )
  await assert.rejects(devices.begin('2001:db8:0:ffff::1'), full)
})
