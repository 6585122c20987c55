import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import { ALICE, bearer, ISSUER, setUp, START } from './issued.fixture.ts'

const SECOND = START / 1000
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('what was not signed here, or not as an access token, proves nobody', async (t) => {
  const { clock, open } = await setUp(t)
  const { sessions, judge, catalog } = await open()
  const { accessToken: good, sessionId } = await sessions.begin({ principal: ALICE, via: 'password' })
  const [key] = await catalog.authRecords({ scope: '', kind: 'key' })
  const secret = Buffer.from((JSON.parse(key!.body) as { secret: string }).secret, 'base64url')
  const [head = '', body = '', signature = ''] = good.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  assert.deepEqual(header, { alg: 'HS512', kid: key!.id, typ: 'at+jwt' })
  assert.partialDeepStrictEqual(claims, {
    iss: ISSUER,
    aud: ISSUER,
    sub: 'alice',
    kind: 'user',
    groups: ['dev'],
    sid: sessionId,
    iat: SECOND,
    exp: SECOND + 86_400,
  })

  /** With the right secret, so that only what is said in it is wrong. */
  function made(changed: object, more: object = {}, hash = 'sha512'): string {
    const signed = `${encode({ ...header, ...more })}.${encode({ ...claims, ...changed })}`
    return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`
  }
  assert.equal(
    bearer(await judge(made({})))?.id,
    'alice',
    'what is changed below is all that is wrong with it',
  )
  const { privateKey } = await generateKeyPair('RS256')
  const asymmetric = await new SignJWT(claims)
    .setProtectedHeader({ ...header, alg: 'RS256' })
    .sign(privateKey)
  const cases: [title: string, token: string][] = [
    ['alg none', `${encode({ ...header, alg: 'none' })}.${body}.`],
    ['alg none with a signature', `${encode({ ...header, alg: 'none' })}.${body}.${signature}`],
    ['another hash with the right secret', made({}, { alg: 'HS256' }, 'sha256')],
    ['a public key', asymmetric],
    ['no kid', made({}, { kid: undefined })],
    ['another kid', made({}, { kid: 'AAAAAAAAAAAA' })],
    ['a kid that is no text', made({}, { kid: { $ne: '' } })],
    ['a kid of another kind', made({}, { kid: sessionId })],
    ['another typ', made({}, { typ: 'JWT' })],
    ['no typ', made({}, { typ: undefined })],
    ['a critical extension', made({}, { crit: ['x'], x: 1 })],
    ['another audience', made({ aud: 'https://other.example' })],
    ['no audience', made({ aud: undefined })],
    ['expired', made({ exp: SECOND })],
    ['no exp', made({ exp: undefined })],
    ['exp as text', made({ exp: '99999999999' })],
    ['not yet valid', made({ nbf: SECOND + 60 })],
    ['no sub', made({ sub: undefined })],
    ['no kind', made({ kind: undefined })],
    ['a session that is not there', made({ sid: 'AAAAAAAAAAAA' })],
    ['another body', `${head}.${encode({ ...claims, sub: 'root' })}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['half a signature', `${head}.${body}.${signature.slice(0, 40)}`],
    [
      'an empty secret',
      `${head}.${body}.${createHmac('sha512', '').update(`${head}.${body}`).digest('base64url')}`,
    ],
    ['no header', `${encode({ kid: key!.id })}.${body}.${signature}`],
    ['a header that is no JSON', `eHg.${body}.${signature}`],
    ['huge', `${head}.${encode({ ...claims, pad: 'x'.repeat(7000) })}.${signature}`],
  ]
  for (const [title, token] of cases) {
    const judgement = await judge(token)
    assert.ok(
      typeof judgement === 'object' && 'refusal' in judgement,
      `${title}: ${JSON.stringify(judgement)}`,
    )
    assert.match(judgement.refusal, /expired, its session has ended, or it was never issued here/, title)
  }
  for (const other of [
    'x',
    'a.b.c',
    made({ iss: 'https://other.example' }),
    made({ iss: `${ISSUER}/` }),
    'null.bnVsbA.x',
    'MQ.MQ.MQ',
  ])
    assert.equal(await judge(other), 'not mine', other)
  clock.now += 86_400_000
  assert.equal(bearer(await judge(good)), undefined)
})

test('a session decides who the bearer of its tokens is, not what they say', async (t) => {
  const { open } = await setUp(t)
  const { sessions, judge } = await open()
  const many = Array.from({ length: 400 }, (_, i) => `group-with-a-long-name-${i}`)
  const { accessToken } = await sessions.begin({ principal: { ...ALICE, groups: many }, via: 'ldap' })
  assert.ok(accessToken.length < 1000, 'go sends it with each request')
  assert.equal(bearer(await judge(accessToken))?.groups.length, 400)
})

test('tenants that share a catalog do not take the tokens of each other', async (t) => {
  const { open } = await setUp(t)
  const acme = await open({ scope: 'acme', issuer: `${ISSUER}/t/acme` })
  const other = await open({ scope: 'other', issuer: `${ISSUER}/t/other` })
  const thief = await open({ scope: 'other', issuer: `${ISSUER}/t/acme` })
  const { accessToken, refreshToken, sessionId } = await acme.sessions.begin({
    principal: ALICE,
    via: 'password',
  })
  const short = await acme.sessions.exchange({ principal: ALICE }, 600)
  assert.equal(bearer(await acme.judge(accessToken))?.id, 'alice')
  for (const token of [accessToken, short.accessToken]) {
    assert.equal(await other.judge(token), 'not mine')
    assert.equal(bearer(await thief.judge(token)), undefined)
  }
  assert.ok('refused' in (await other.sessions.refresh(refreshToken, new AbortController().signal)))
  for (const given of [accessToken, refreshToken, sessionId])
    assert.equal(await other.sessions.end(given), undefined)
  assert.deepEqual(await other.sessions.list(), [])
  const device = await acme.devices.begin('192.0.2.1')
  assert.equal(await other.devices.find(device.userCode, 'user:alice'), undefined)
  assert.equal(await other.devices.redeem(device.deviceCode), 'invalid_grant')
})
