// What a provider says later: groups that change, people who leave, outages, and sessions that it ends itself.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { decodeProtectedHeader, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import {
  ALICE,
  cookieOf,
  DAY,
  fieldIn,
  HOUR,
  openBrowser,
  setSignIn,
  type SignInPlace,
} from './open-sign-in.fixture.ts'
import type { Browser } from './access/oidc/testing/browser.ts'
import type { IssuedSession } from './access/issued/sessions.ts'

const never = new AbortController().signal

/** A command line that somebody let in with the browser. */
async function laptop({ base, issued }: SignInPlace, browser: Browser): Promise<IssuedSession> {
  const page = await browser.ask(`${base}/auth`)
  const device = await issued.devices.begin('192.0.2.7')
  const form = { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'approve' }
  assert.equal((await browser.ask(`${base}/auth/device/confirm`, { form })).status, 200)
  const session = await issued.devices.redeem(device.deviceCode)
  assert.ok(typeof session === 'object')
  return session
}

async function principalOf({ issued, clock, desk }: SignInPlace, { accessToken: secret }: IssuedSession) {
  const judgement = await issued.credential(desk.people)({ secret }, { address: '192.0.2.7', now: clock.now })
  return typeof judgement === 'object' && 'principal' in judgement ? judgement.principal : undefined
}

const refreshed = async ({ issued }: SignInPlace, session: IssuedSession): Promise<IssuedSession> => {
  const next = await issued.sessions.refresh(session.refreshToken, never)
  assert.ok('accessToken' in next, JSON.stringify(next))
  return next
}

const refusal = async ({ issued }: SignInPlace, session: IssuedSession): Promise<string> => {
  const next = await issued.sessions.refresh(session.refreshToken, never)
  return 'refused' in next ? next.refused : ''
}

test('a device that was approved is whoever approved it, and may no more', async (t) => {
  const place = await setSignIn(t, { accounts: { 7: { ...ALICE, groups: ['team-a'] } } })
  const browser = openBrowser()
  await place.signIn(browser)
  const principal = await principalOf(place, await laptop(place, browser))
  assert.deepEqual(
    [principal?.kind, principal?.id, principal?.groups, principal?.claims.email],
    ['user', 'alice', ['team-a'], 'alice@corp.example'],
  )
})

test('a device that was denied, or asks twice, gets nothing', async (t) => {
  const { base, issued, signIn } = await setSignIn(t)
  const browser = openBrowser()
  const page = await signIn(browser)
  const device = await issued.devices.begin('192.0.2.7')
  const form = { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'deny' }
  assert.match((await browser.ask(`${base}/auth/device/confirm`, { form })).text, /was not let in/)
  const late = await browser.ask(`${base}/auth/device/confirm`, { form: { ...form, answer: 'approve' } })
  assert.equal(late.status, 404)
  assert.equal(await issued.devices.redeem(device.deviceCode), 'access_denied')
  assert.equal(await issued.devices.redeem(device.deviceCode), 'invalid_grant')
})

test('the page of a device asks for a sign-in first, and comes back to the code', async (t) => {
  const { base, comeBack, issued } = await setSignIn(t)
  const { userCode } = await issued.devices.begin('192.0.2.7')
  const browser = openBrowser()
  const page = await browser.go(`${base}/auth/device?user_code=${userCode}`)
  assert.equal(page.url.pathname, '/auth/signin')
  const then = page.url.searchParams.get('return')!
  const shown = await browser.go(await comeBack(browser, '7', { then }))
  assert.equal(shown.url.pathname, '/auth/device')
  assert.match(shown.text, new RegExp(`<strong>${userCode}</strong>`))
  assert.match(shown.text, /192\.0\.2\.7/)
  assert.match(shown.text, /If somebody sent you the code/)
})

test('a group that was taken away at the provider is lost at the next refresh', async (t) => {
  const place = await setSignIn(t, { accounts: { 7: { ...ALICE, groups: ['team-a', 'team-b'] } } })
  const { base, clock, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  const first = await laptop(place, browser)
  idp.accounts.set('7', { ...ALICE, groups: ['team-b'] })
  clock.now += HOUR
  const second = await refreshed(place, first)
  assert.deepEqual((await principalOf(place, second))?.groups, ['team-b'])
  assert.match((await browser.ask(`${base}/auth`)).text, /<dd>team-b<\/dd>/)
  idp.accounts.set('7', ALICE)
  clock.now += HOUR
  const third = await refreshed(place, second)
  assert.deepEqual((await principalOf(place, third))?.groups, [])
})

test('who is gone at the provider is gone here, and so is who has another name', async (t) => {
  for (const change of [
    undefined,
    { ...ALICE, preferred_username: 'alice2' },
    { email: 'alice@corp.example' },
  ]) {
    const place = await setSignIn(t, { providers: { idp: { require: new Map([['nickname', 'alice']]) } } })
    const { base, clock, idp, signIn } = place
    const browser = openBrowser()
    await signIn(browser)
    const session = await laptop(place, browser)
    if (change === undefined) idp.accounts.delete('7')
    else idp.accounts.set('7', change)
    clock.now += HOUR
    assert.match(await refusal(place, session), /not known any more/)
    assert.equal(await principalOf(place, session), undefined)
    assert.equal((await browser.ask(`${base}/auth`)).status, 303)
  }
})

test('who is blocked at the provider is out, and where it fails everybody stays', async (t) => {
  const place = await setSignIn(t)
  const { clock, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  const sessions = [await laptop(place, browser), await laptop(place, browser)]
  clock.now += HOUR
  idp.userinfo = 500
  const next = await refreshed(place, sessions[0]!)
  clock.now += HOUR
  idp.userinfo = 403
  assert.match(await refusal(place, next), /not known any more/)
  assert.match(await refusal(place, sessions[1]!), /not known any more/)
})

test('while the provider is down everybody goes on for a day, and then nobody', async (t) => {
  const place = await setSignIn(t, { accounts: { 7: { ...ALICE, groups: ['team-a'] } } })
  const { base, clock, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  let session = await laptop(place, browser)
  const other = await laptop(place, browser)
  await idp.stop()
  for (let hours = 0; hours < 21; hours += 7) {
    clock.now += 7 * HOUR
    session = await refreshed(place, session)
    assert.deepEqual((await principalOf(place, session))?.groups, ['team-a'])
    assert.equal((await browser.ask(`${base}/auth`)).status, 200)
  }
  clock.now += 4 * HOUR
  assert.match(await refusal(place, session), /cannot be reached/)
  assert.equal((await browser.ask(`${base}/auth`)).status, 303)
  // Who did not ask meanwhile goes on once it is back, which a session that was refused does not.
  await idp.start()
  await refreshed(place, other)
})

test('a provider that answers with failures is down, and nobody is signed out by it', async (t) => {
  const place = await setSignIn(t)
  const { clock, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  let session = await laptop(place, browser)
  for (const status of [500, 503, 404, 200]) {
    idp.broken = status
    clock.now += HOUR
    session = await refreshed(place, session)
  }
  idp.broken = undefined
  clock.now += HOUR
  await refreshed(place, session)
})

test('a provider that takes the secret of this server no more lets nobody in, and signs nobody out', async (t) => {
  const place = await setSignIn(t)
  const { clock, idp, logs, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  let session = await laptop(place, browser)
  idp.secretChanged = true
  clock.now += HOUR
  session = await refreshed(place, session)
  assert.match(logs(), /"warn".*compare clientId, clientSecret and clientAuth/)
  const page = await signIn(openBrowser())
  assert.equal(page.status, 502)
  assert.match(page.text, /Corp does not accept this server as its client/)
  assert.match(page.text, /compare clientId, clientSecret and clientAuth of access\.oidc\.idp/)
  idp.secretChanged = false
  clock.now += HOUR
  await refreshed(place, session)
})

test('where no refresh token is given, a sign-in is good for a day', async (t) => {
  const place = await setSignIn(t, { refreshTokens: false })
  const browser = openBrowser()
  await place.signIn(browser)
  const session = await laptop(place, browser)
  place.clock.now += 20 * HOUR
  const next = await refreshed(place, session)
  place.clock.now += 5 * HOUR
  assert.match(await refusal(place, next), /cannot be reached/)
})

test('refresh tokens of the provider that count once are used once, by all sessions together', async (t) => {
  const place = await setSignIn(t)
  const { clock, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  const sessions = [await laptop(place, browser), await laptop(place, browser), await laptop(place, browser)]
  for (let hours = 0; hours < 4; hours++) {
    clock.now += HOUR
    const asked = idp.asked.filter((path) => path === '/token').length
    for (const [i, next] of (
      await Promise.all(sessions.map((session) => refreshed(place, session)))
    ).entries())
      sessions[i] = next
    assert.equal(idp.asked.filter((path) => path === '/token').length, asked + 1)
    // And a moment later.
    sessions[0] = await refreshed(place, sessions[0]!)
    assert.equal(idp.asked.filter((path) => path === '/token').length, asked + 1)
  }
  assert.ok(clock.now > Date.now() + 3 * HOUR && clock.now < Date.now() + DAY)
})

test('a provider ends sessions itself: back-channel logout', async (t) => {
  const place = await setSignIn(t, {
    accounts: { 7: ALICE, 8: { preferred_username: 'bob' } },
    backchannel: true,
  })
  const { base, idp, issued, logs, signIn, audited } = place
  const [alice, again, bob] = [openBrowser(), openBrowser(), openBrowser()]
  await signIn(alice)
  await signIn(again)
  await signIn(bob, '8')
  const session = await laptop(place, alice)
  // What the provider itself sends when somebody signs out there.
  const page = await alice.ask(`${base}/auth`)
  const left = await openBrowser().ask(`${base}/auth`)
  assert.equal(left.status, 303)
  const end = new URL(`${idp.issuer}/session/end`)
  const form = await alice.go(end)
  await alice.go(new URL('/session/end/confirm', idp.issuer), {
    form: {
      xsrf: fieldIn(form, 'xsrf') || /name="xsrf" value="([^"]+)"/.exec(form.text)![1]!,
      logout: 'yes',
    },
  })
  await until(async () => (await issued.sessions.find(session.sessionId)) === undefined)
  assert.equal((await alice.ask(`${base}/auth`)).status, 303)
  assert.equal((await again.ask(`${base}/auth`)).status, 200, 'another session of the provider')
  assert.equal((await bob.ask(`${base}/auth`)).status, 200)
  assert.equal(await principalOf(place, session), undefined)
  assert.match(logs(), /a provider signed somebody out/)
  const out = audited.find(({ detail }) => detail?.startsWith('back-channel logout: idp: 2 sessions ended '))
  assert.equal(out?.user_principal, 'alice')
  assert.ok(out.detail?.includes(session.sessionId))
  const device = audited.find(({ detail }) => /^device \w{12} approved$/.test(detail ?? ''))
  assert.equal(device?.user_principal, 'alice')
  assert.ok(page.text.includes('alice'))
})

test('a logout token that is not one ends nothing', async (t) => {
  const place = await setSignIn(t)
  const { base, idp, signIn } = place
  const browser = openBrowser()
  await signIn(browser)
  const { privateKey } = await generateKeyPair('RS256')
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: idp.issuer, aud: idp.clientId, iat: now, jti: 'one', sub: '7', events }
  const make = (
    claims: JWTPayload,
    key: Parameters<SignJWT['sign']>[0] = idp.signingKey,
    header: Record<string, unknown> = {},
  ) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'test', typ: 'logout+jwt', ...header })
      .sign(key)
  const { events: _, ...silent } = good
  const { sub: __, ...nobody } = good
  const bad: [name: string, token: string][] = [
    ['none', ''],
    ['nonsense', 'a.b.c'],
    ['another key', await make(good, privateKey)],
    [
      'a key of its own',
      await make(good, privateKey, { jwk: await exportJWK((await generateKeyPair('RS256')).publicKey) }),
    ],
    ['another issuer', await make({ ...good, iss: 'https://evil.example' })],
    ['another audience', await make({ ...good, aud: 'other' })],
    ['an old one', await make({ ...good, iat: now - 600 })],
    ['one of tomorrow', await make({ ...good, iat: now + 3600 })],
    ['no event', await make(silent)],
    ['another event', await make({ ...good, events: { other: {} } })],
    ['an ID token', await make({ ...good, nonce: 'n' })],
    ['an access token', await make(good, idp.signingKey, { typ: 'at+jwt' })],
    ['nobody', await make(nobody)],
    ['huge', `${await make(good)}${'A'.repeat(10_000)}`],
  ]
  const send = (token: string, name = 'idp') =>
    browser.ask(`${base}/auth/backchannel-logout/${name}`, { form: { logout_token: token } })
  for (const [name, token] of bad) {
    const answer = await send(token)
    assert.equal(answer.status, 400, name)
    assert.match(answer.text, /"error":"invalid_request"/)
    assert.equal((await browser.ask(`${base}/auth`)).status, 200, name)
  }
  const token = await make(good)
  assert.equal(decodeProtectedHeader(token).typ, 'logout+jwt')
  assert.equal((await send(token, 'other')).status, 404)
  assert.equal((await browser.ask(`${base}/auth/backchannel-logout/idp`)).status, 405)
  assert.equal((await send(token)).status, 200)
  assert.equal((await browser.ask(`${base}/auth`)).status, 303)
  await signIn(browser)
  assert.equal((await send(token)).status, 400, 'it counts once')
  assert.ok(cookieOf(browser, base) !== undefined)
  assert.equal((await browser.ask(`${base}/auth`)).status, 200)
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await condition());) {
    assert.ok(Date.now() < end, 'it never came to pass')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a provider is trusted over TLS by the authority that is named for it, and by no other', async (t) => {
  const file = (name: string) => fileURLToPath(new URL(`../../test/testdata/tls/${name}`, import.meta.url))
  const [cert, key, ca] = await Promise.all(
    ['cert.pem', 'key.pem', 'ca.pem'].map((name) => readFile(file(name), 'utf8')),
  )
  const { base, comeBack } = await setSignIn(t, {
    tls: { cert: cert!, key: key! },
    providers: { idp: { ca: file('ca.pem') }, unknown: {} },
  })
  const browser = openBrowser({ ca: ca! })
  assert.equal((await browser.go(await comeBack(browser))).status, 200)
  const refused = await browser.ask(`${base}/auth/signin/unknown`)
  assert.equal(refused.status, 502)
  assert.match(refused.text, /Corp cannot be reached/)
})
