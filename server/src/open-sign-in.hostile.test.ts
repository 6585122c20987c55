// Signing in against those who want to be somebody else: forged answers, foreign pages, copied cookies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { Browser } from './access/oidc/testing/browser.ts'
import { ALICE, cookieOf, fieldIn, openBrowser, setSignIn } from './open-sign-in.fixture.ts'

const jar = (browser: Browser, base: string) => browser.cookies.get(new URL(base).host)!

test('what comes back must belong to what was begun in this browser', async (t) => {
  const { base, clock, comeBack, idp } = await setSignIn(t, {
    providers: { idp: {}, other: { label: 'Other' } },
  })
  const cases: [name: string, change: (back: URL, browser: Browser) => void, status: number][] = [
    ['another state', (back) => back.searchParams.set('state', 'x'.repeat(43)), 403],
    ['no state', (back) => back.searchParams.delete('state'), 403],
    ['two states', (back) => back.searchParams.append('state', 'x'), 502],
    ['the callback of another provider', (back) => (back.pathname = '/auth/callback/other'), 403],
    ['a provider that is not there', (back) => (back.pathname = '/auth/callback/nobody'), 404],
    ['another issuer (RFC 9207)', (back) => back.searchParams.set('iss', 'https://evil.example'), 502],
    ['no issuer', (back) => back.searchParams.delete('iss'), 502],
    ['another code', (back) => back.searchParams.set('code', 'x'.repeat(43)), 403],
    ['two codes', (back) => back.searchParams.append('code', 'x'), 502],
    ['no code', (back) => back.searchParams.delete('code'), 502],
    ['a token in the address', (back) => back.searchParams.set('id_token', 'x'), 502],
    ['no cookie', (_, browser) => jar(browser, base).delete('modstead.signin'), 403],
    ['a made-up cookie', (_, browser) => jar(browser, base).set('modstead.signin', 'A'.repeat(400)), 403],
    ['a short cookie', (_, browser) => jar(browser, base).set('modstead.signin', 'AA'), 403],
    [
      'a changed cookie',
      (_, browser) => {
        const value = jar(browser, base).get('modstead.signin')!
        jar(browser, base).set(
          'modstead.signin',
          value.slice(0, 40) + (value[40] === 'A' ? 'B' : 'A') + value.slice(41),
        )
      },
      403,
    ],
    ['eleven minutes later', () => (clock.now += 11 * 60_000), 403],
  ]
  for (const [name, change, status] of cases) {
    const browser = openBrowser()
    const back = await comeBack(browser)
    change(back, browser)
    const page = await browser.ask(back)
    assert.equal(page.status, status, `${name}: ${page.text}`)
    assert.equal(cookieOf(browser, base), undefined, name)
  }
  assert.ok(idp.asked.includes('/token'))
})

test('an answer counts once, and only in the browser that began', async (t) => {
  const { base, comeBack } = await setSignIn(t)
  const browser = openBrowser()
  const back = await comeBack(browser)
  const cookies = new Map(jar(browser, base))
  // Somebody who has seen the address: without the cookie it is of no use.
  assert.equal((await openBrowser().ask(back)).status, 403)
  assert.equal((await browser.ask(back)).status, 303)
  // Somebody who has copied everything, a moment too late.
  const thief = openBrowser()
  thief.cookies.set(new URL(base).host, cookies)
  assert.equal((await thief.ask(back)).status, 403)
  assert.equal(cookieOf(thief, base), undefined)
})

test('a browser cannot be signed in as somebody else by a link', async (t) => {
  const { base, comeBack } = await setSignIn(t, {
    accounts: { 7: ALICE, 8: { preferred_username: 'mallory' } },
  })
  const mallory = await comeBack(openBrowser(), '8')
  const victim = openBrowser()
  await comeBack(victim, '7')
  assert.equal((await victim.ask(mallory)).status, 403)
  assert.equal(cookieOf(victim, base), undefined)
})

test('an ID token must be signed by the provider, for us, now, and for this sign-in', async (t) => {
  const { base, comeBack, idp } = await setSignIn(t, { providers: { idp: { userinfo: false } } })
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const own = async (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    new SignJWT({ preferred_username: 'superuser', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'test', ...header })
      .sign(privateKey)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const decoded = (token: unknown) =>
    JSON.parse(Buffer.from(String(token).split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
  const now = Math.floor(Date.now() / 1000)
  const cases: [name: string, make: (claims: Record<string, unknown>, token: string) => Promise<unknown>][] =
    [
      ['none', async () => undefined],
      ['no text', async () => 7],
      [
        'alg none',
        async (claims) => `${part({ alg: 'none' })}.${part({ ...claims, preferred_username: 'superuser' })}.`,
      ],
      ['a key of somebody else', async (claims) => own(claims)],
      ['a key in its header', async (claims) => own(claims, { jwk: await exportJWK(publicKey) })],
      ['an address of keys in its header', async (claims) => own(claims, { jku: `${base}/keys` })],
      [
        'the public key as a secret',
        async (claims) =>
          new SignJWT({ ...claims })
            .setProtectedHeader({ alg: 'HS256', kid: 'test' })
            .sign(Buffer.from(JSON.stringify(await exportJWK(publicKey)))),
      ],
      [
        'other claims under the same signature',
        async (claims, token) => {
          const [header, , signature] = token.split('.')
          return `${header}.${part({ ...claims, preferred_username: 'superuser' })}.${signature}`
        },
      ],
      ['no signature', async (_, token) => token.split('.').slice(0, 2).join('.')],
      ['the token of another sign-in', async () => earlier],
    ]
  let earlier = ''
  let issuer = ''
  idp.spoof = (body) => {
    earlier = String(body.id_token)
    issuer = String(decoded(body.id_token).iss)
    return body
  }
  assert.equal((await openBrowser().ask(await comeBack(openBrowser()))).status, 403)
  const honest = openBrowser()
  assert.equal((await honest.ask(await comeBack(honest))).status, 303)
  assert.equal(issuer, idp.issuer)
  assert.ok(Number(decoded(earlier).exp) > now)
  for (const [name, make] of cases) {
    const browser = openBrowser()
    const back = await comeBack(browser)
    let made: unknown
    idp.rewrite = async (body) => {
      made = await make(decoded(body.id_token), String(body.id_token))
      return { ...body, id_token: made }
    }
    const page = await browser.ask(back)
    idp.rewrite = undefined
    assert.equal(page.status, 502, `${name}: ${page.text}`)
    assert.equal(cookieOf(browser, base), undefined, name)
    assert.ok(!page.text.includes('superuser'))
  }
})

test('userinfo about somebody else is refused', async (t) => {
  const { base, comeBack, idp } = await setSignIn(t, {
    accounts: { 7: ALICE, 8: { preferred_username: 'superuser' } },
  })
  const browser = openBrowser()
  const back = await comeBack(browser)
  idp.userinfo = { sub: '8', preferred_username: 'superuser' }
  const page = await browser.ask(back)
  assert.equal(page.status, 502, page.text)
  assert.equal(cookieOf(browser, base), undefined)
})

test('what changes something must come from a page of ours, and carry its token', async (t) => {
  const { base, signIn, issued } = await setSignIn(t)
  const browser = openBrowser()
  const page = await signIn(browser)
  const token = fieldIn(page, 'token')
  const other = openBrowser()
  const foreign = fieldIn(await signIn(other), 'token')
  const device = await issued.devices.begin('192.0.2.7')
  const origin = new URL(base).origin
  const cases: [name: string, form: Record<string, string>, headers: Record<string, string>][] = [
    ['no token', {}, {}],
    ['an empty token', { token: '' }, {}],
    ['the token of another session', { token: foreign }, {}],
    ['a page of another site', { token }, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a page of a neighbour', { token }, { 'sec-fetch-site': 'same-site' }],
    ['no page at all', { token }, { 'sec-fetch-site': 'none' }],
    ['an origin that is not ours', { token }, { origin: 'https://evil.example' }],
    ['an origin that nobody knows', { token }, { origin: 'null' }],
    ['another port', { token }, { origin: 'http://127.0.0.1:1' }],
    ['another scheme', { token }, { origin: origin.replace('http:', 'ftp:') }],
    ['JSON', { token }, { 'content-type': 'application/json' }],
    ['plain text', { token }, { 'content-type': 'text/plain' }],
    ['compressed', { token }, { 'content-encoding': 'gzip' }],
  ]
  for (const path of ['/auth/device/confirm', '/auth/signout', '/auth/sessions/end'])
    for (const [name, form, headers] of cases) {
      const answer = await browser.ask(`${base}${path}`, {
        form: { ...form, user_code: device.userCode, answer: 'approve' },
        headers: { ...headers },
      })
      assert.ok([403, 415].includes(answer.status), `${path} ${name}: ${answer.status}`)
    }
  assert.equal((await browser.ask(`${base}/auth`)).status, 200)
  assert.equal(await issued.devices.redeem(device.deviceCode), 'authorization_pending')

  // A cookie alone is none of ours: a form needs the token that belongs to it.
  const anonymous = await openBrowser().ask(`${base}/auth/device/confirm`, {
    form: { token, user_code: device.userCode, answer: 'approve' },
  })
  assert.equal(anonymous.status, 403)
  // GET changes nothing.
  for (const path of ['/auth/device/confirm', '/auth/sessions/end'])
    assert.equal(
      (await browser.ask(`${base}${path}?token=${token}&user_code=${device.userCode}&answer=approve`)).status,
      405,
    )
  await browser.ask(`${base}/auth/signout?token=${token}`)
  assert.equal((await browser.ask(`${base}/auth`)).status, 200)
})

test('a text browser, which says nothing of origins, is let in by its token', async (t) => {
  const { base, signIn, issued } = await setSignIn(t)
  const browser = openBrowser({ sendsOrigin: false })
  const page = await signIn(browser)
  const device = await issued.devices.begin('192.0.2.7')
  const form = { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'approve' }
  assert.equal((await browser.ask(`${base}/auth/device/confirm`, { form })).status, 200)
})

test('a form with a field twice, or too large, is refused', async (t) => {
  const { base, signIn } = await setSignIn(t)
  const browser = openBrowser()
  const token = fieldIn(await signIn(browser), 'token')
  const twice = await browser.ask(`${base}/auth/signout`, { body: `token=${token}&token=x` })
  assert.equal(twice.status, 400)
  const large = await browser.ask(`${base}/auth/signout`, { form: { token, more: 'x'.repeat(10_000) } })
  assert.equal(large.status, 413)
  assert.match(String(large.headers['content-type']), /^text\/html/)
})

test('codes that nobody waits under are bounded, and what they hold is shown as text', async (t) => {
  const { base, signIn } = await setSignIn(t)
  const browser = openBrowser()
  await signIn(browser)
  const evil = encodeURIComponent('"><script>alert(1)</script>')
  const page = await browser.ask(`${base}/auth/device?user_code=${evil}`)
  assert.equal(page.status, 404)
  assert.ok(!page.text.includes('<script'))
  let status = 0
  for (let i = 0; i < 12; i++)
    status = (await browser.ask(`${base}/auth/device?user_code=BBBB-BBB${'BCDFGHJKLMNP'[i]}`)).status
  assert.equal(status, 429)
})

test('names and groups of the provider are shown as text', async (t) => {
  const evil = '<img/src=x>'
  const { signIn } = await setSignIn(t, {
    accounts: { 7: { preferred_username: evil, groups: [evil, '"onmouseover="x'] } },
  })
  const page = await signIn(openBrowser())
  assert.equal(page.status, 200)
  assert.ok(!page.text.includes('<img'))
  assert.ok(!page.text.includes('"onmouseover'))
})

test('cookies that are there twice, or odd, are nobody’s', async (t) => {
  const { base, signIn } = await setSignIn(t)
  const browser = openBrowser()
  await signIn(browser)
  const cookie = cookieOf(browser, base)!
  for (const header of [
    `modstead=${cookie}; modstead=${'A'.repeat(43)}`,
    `modstead="${cookie}"`,
    `modstead=${cookie}x`,
    `modstead=${cookie.slice(1)}`,
    `Modstead=${cookie}`,
    'modstead=',
    `modstead=${'A'.repeat(8_000)}`,
    ';;;=;',
  ])
    assert.equal(
      (await openBrowser().ask(`${base}/auth`, { headers: { cookie: header } })).status,
      303,
      header,
    )
})

test('the administrative API takes the cookie from pages of this server, and no other endpoint does', async (t) => {
  const { base, signIn, issued } = await setSignIn(t)
  const browser = openBrowser()
  await signIn(browser)
  const laptop = await issued.sessions.begin({
    principal: { kind: 'user', id: 'alice', groups: [] },
    via: 'password',
  })
  const listed = await browser.ask(`${base}/api/v1/sessions`)
  assert.equal(listed.status, 200)
  assert.ok(listed.text.includes(laptop.sessionId))
  assert.equal((await openBrowser().ask(`${base}/api/v1/sessions`)).status, 401)
  const own = `${base}/api/v1/sessions/${laptop.sessionId}`
  for (const headers of [
    {},
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: new URL(base).origin },
  ] as Record<string, string>[])
    assert.equal((await browser.ask(own, { method: 'DELETE', headers })).status, 403)
  // A credential that is presented counts, and the cookie does not make up for a wrong one.
  const wrong = await browser.ask(`${base}/api/v1/sessions`, { headers: { authorization: 'Bearer wrong' } })
  assert.equal(wrong.status, 401)
  assert.equal((await browser.ask(`${base}/auth/whoami`)).status, 401)
  const done = await browser.ask(own, { method: 'DELETE', headers: { 'sec-fetch-site': 'same-origin' } })
  assert.equal(done.status, 200, done.text)
  assert.equal(await issued.sessions.find(laptop.sessionId), undefined)
})
