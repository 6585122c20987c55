// People sign in with the browser: a real provider, a real catalog, real HTTP.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Judgement } from './access/credential.ts'
import { ALICE, cookieOf, DAY, fieldIn, HOUR, openBrowser, setSignIn } from './open-sign-in.fixture.ts'

test('somebody signs in with the browser, and is who the provider says', async (t) => {
  const { base, signIn, logs } = await setSignIn(t, {
    accounts: { 7: { ...ALICE, groups: ['team-a', 'team-b'] } },
    groups: new Map([['alice', ['local']]]),
  })
  const browser = openBrowser()
  const home = await browser.ask(base)
  assert.match(home.text, new RegExp(`href="${base}/auth"`))
  const first = await browser.go(`${base}/auth`)
  assert.equal(first.url.pathname, '/auth/signin')
  assert.match(first.text, /Sign in with Corp/)
  const page = await signIn(browser)
  assert.equal(page.url.href, `${base}/auth`)
  assert.match(page.text, /You are alice/)
  assert.match(page.text, /team-a, team-b, local/)
  const lines = logs()
  assert.match(lines, /somebody signed in/)
  for (const kept of [cookieOf(browser, base), 'code=', 'state='])
    assert.ok(!lines.includes(kept!), `${kept} stands in the log`)
})

test('the page says what it may say, and nothing of it is kept or framed', async (t) => {
  const { base, signIn } = await setSignIn(t)
  const browser = openBrowser()
  for (const page of [await browser.ask(`${base}/auth/signin`), await signIn(browser)]) {
    assert.match(
      String(page.headers['content-security-policy']),
      /^default-src 'none'; base-uri 'none'; form-action 'self'/,
    )
    assert.match(String(page.headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.equal(page.headers['cache-control'], 'no-store')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.ok(!/<script|onclick|javascript:/i.test(page.text))
  }
})

test('the cookie is new at each sign-in, and the old one counts no more', async (t) => {
  const { base, signIn } = await setSignIn(t)
  const browser = openBrowser()
  const planted = 'A'.repeat(43)
  browser.cookies.set(new URL(base).host, new Map([['modstead', planted]]))
  await signIn(browser)
  const first = cookieOf(browser, base)!
  assert.notEqual(first, planted)
  await signIn(browser)
  const second = cookieOf(browser, base)!
  assert.notEqual(second, first)
  for (const [value, status] of [
    [planted, 303],
    [first, 303],
    [second, 200],
  ] as const) {
    const other = openBrowser()
    other.cookies.set(new URL(base).host, new Map([['modstead', value]]))
    assert.equal((await other.ask(`${base}/auth`)).status, status)
  }
})

test('cookies are for no script, and no other site', async (t) => {
  const { base, comeBack } = await setSignIn(t)
  const browser = openBrowser()
  const start = await browser.ask(`${base}/auth/signin/idp`)
  const page = await browser.ask(await comeBack(browser))
  for (const line of [...start.headers['set-cookie']!, ...page.headers['set-cookie']!])
    assert.match(line, /; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
})

test('a browser goes on where it wanted, and nowhere else', async (t) => {
  const { comeBack } = await setSignIn(t)
  for (const [then, expected] of [
    ['/auth/device?user_code=BCDF-GHJK', '/auth/device?user_code=BCDF-GHJK'],
    ['//evil.example/', '/auth'],
    ['/\\evil.example', '/auth'],
    ['https://evil.example', '/auth'],
    ['/auth\r\nSet-Cookie: a=b', '/auth'],
  ] as const) {
    const browser = openBrowser()
    const done = await browser.ask(await comeBack(browser, '7', { then }))
    assert.deepEqual([done.status, done.headers.location], [303, expected])
    assert.equal(
      done.headers['set-cookie']?.some((line) => line.startsWith('a=')),
      false,
    )
  }
})

test('below a prefix everything is below it', async (t) => {
  const { base, signIn } = await setSignIn(t, { prefix: '/go' })
  const page = await signIn(openBrowser(), '7', { then: '/go/auth' })
  assert.equal(page.url.href, `${base}/auth`)
  assert.match(page.text, /action="\/go\/auth\/signout"/)
})

test('a tenant has sign-ins of its own, below its own path and with its own cookie', async (t) => {
  const { base, issued, port, signIn } = await setSignIn(t, { tenant: 'acme' })
  const browser = openBrowser()
  const form = await browser.ask(`${base}/auth/signin`)
  assert.match(form.text, /href="\/t\/acme\/auth\/signin\/idp\?/)
  const page = await signIn(browser, '7', { then: '/t/acme/auth' })
  assert.equal(page.url.href, `${base}/auth`)
  assert.match(page.text, /action="\/t\/acme\/auth\/signout"/)
  assert.deepEqual([...browser.cookies.get(`127.0.0.1:${port}`)!.keys()], ['modstead-acme'])
  const device = await issued.devices.begin('192.0.2.7')
  const approve = { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'approve' }
  assert.equal((await browser.ask(`${base}/auth/device/confirm`, { form: approve })).status, 200)
  assert.equal((await browser.ask(`http://127.0.0.1:${port}/auth`)).status, 404)
})

test('who is refused by the provider, or lacks what is required, is told so', async (t) => {
  const { base, comeBack, signIn } = await setSignIn(t, {
    accounts: { 7: ALICE, 8: { preferred_username: 'bob' } },
    providers: { idp: { require: new Map([['email_verified', 'true']]) } },
  })
  const declined = await signIn(openBrowser(), 'no')
  assert.equal(declined.status, 403)
  assert.match(declined.text, /Corp did not let you sign in, or you declined/)
  const browser = openBrowser()
  const lacking = await browser.go(await comeBack(browser, '8'))
  assert.equal(lacking.status, 403)
  assert.match(lacking.text, /the claim email_verified is not what this server asks for/)
  assert.equal(cookieOf(browser, base), undefined)
  assert.equal((await signIn(openBrowser(), '7')).status, 200)
})

test('a provider that is down gives a page that says so, and is asked again later', async (t) => {
  const { base, clock, idp, signIn } = await setSignIn(t)
  await idp.stop()
  const browser = openBrowser()
  const down = await browser.ask(`${base}/auth/signin/idp`)
  assert.equal(down.status, 502)
  assert.match(down.text, /Corp cannot be reached/)
  assert.equal(down.headers['www-authenticate'], undefined)
  await idp.start()
  // Not at once: many browsers must not become many requests.
  assert.equal((await browser.ask(`${base}/auth/signin/idp`)).status, 502)
  clock.now += 3_001
  assert.equal((await signIn(openBrowser())).status, 200)
  idp.broken = 500
  const broken = await browser.go(`${base}/auth/signin/idp`)
  assert.ok(broken.url.href.startsWith(idp.issuer), 'its description is known')
})

test('a session ends when it is not used, after a day, and with its cookie', async (t) => {
  const { base, clock, signIn } = await setSignIn(t)
  const browser = openBrowser()
  await signIn(browser)
  const status = async () => (await browser.ask(`${base}/auth`)).status
  for (let hours = 0; hours < 21; hours += 7) {
    assert.equal(await status(), 200)
    clock.now += 7 * HOUR
  }
  clock.now += 3 * HOUR + 1
  assert.equal(await status(), 303, 'a day is over')
  await signIn(browser)
  clock.now += 8 * HOUR + 1
  assert.equal(await status(), 303, 'it was not used')
})

test('a user name and a password do as well, and are judged as those of HTTP Basic', async (t) => {
  const asked: unknown[] = []
  const place = await setSignIn(t, {
    password: {
      judge({ user, secret }, { address }): Judgement {
        asked.push({ user, secret, address })
        if (secret !== 'right')
          return {
            refusal: 'no',
            proof: {
              result: 'failed',
              ...(user === 'alice' && { principal: { id: 'alice', kind: 'user' } }),
            },
          }
        return {
          principal: { id: user!, kind: 'user', groups: ['local', 'directory'], claims: {}, rights: [] },
          fresh: 0,
        }
      },
      knows: async (user) => user === 'alice',
    },
    groups: new Map([['alice', ['local']]]),
  })
  const { base, clock, audited } = place
  const browser = openBrowser()
  const form = await browser.ask(`${base}/auth/signin?return=%2Fauth%2Fdevice`)
  const send = (fields: Record<string, string>) =>
    browser.ask(`${base}/auth/signin`, {
      form: { token: fieldIn(form, 'token'), return: fieldIn(form, 'return'), ...fields },
    })
  const wrong = await send({ user: 'alice', password: 'wrong' })
  assert.equal(wrong.status, 403)
  assert.match(wrong.text, /not right, or were wrong too often/)
  assert.equal(wrong.headers['www-authenticate'], undefined)
  for (const [user, password, status] of [
    ['', 'right', 403],
    ['alice', '', 403],
    ['a\u0000b', 'right', 400],
    ['a'.repeat(300), 'right', 403],
  ] as const)
    assert.equal((await send({ user, password })).status, status)
  assert.equal(asked.length, 1, 'nothing else was judged')
  // People type their password into the wrong field.
  assert.equal((await send({ user: 'Geheim-1', password: 'alice' })).status, 403)
  const failed = audited.filter(({ auth_result }) => auth_result === 'failed')
  assert.deepEqual(
    failed.map(({ user_principal, principal_kind }) => `${principal_kind} ${user_principal}`),
    ['user alice', 'anonymous '],
  )
  const right = await send({ user: 'alice', password: 'right' })
  assert.deepEqual([right.status, right.headers.location], [303, '/auth/device'])
  assert.deepEqual(asked.at(-1), { user: 'alice', secret: 'right', address: '127.0.0.1' })
  const page = await browser.ask(`${base}/auth`)
  assert.match(page.text, /<dd>directory, local<\/dd>/)

  // Who is taken out of the file is out of the browser, too.
  const bob = openBrowser()
  const again = await bob.ask(`${base}/auth/signin`)
  await bob.ask(`${base}/auth/signin`, {
    form: { token: fieldIn(again, 'token'), user: 'bob', password: 'right' },
  })
  assert.equal((await bob.ask(`${base}/auth`)).status, 200)
  clock.now += HOUR
  assert.equal((await bob.ask(`${base}/auth`)).status, 303)
  assert.equal((await browser.ask(`${base}/auth`)).status, 200)
})

test('one ends one’s own sessions, and no others', async (t) => {
  const { base, signIn, issued } = await setSignIn(t, {
    accounts: { 7: ALICE, 8: { preferred_username: 'bob' } },
  })
  const [here, there, bob] = [openBrowser(), openBrowser(), openBrowser()]
  await signIn(there)
  await signIn(bob, '8')
  const laptop = await issued.sessions.begin({
    principal: { kind: 'user', id: 'alice', groups: [] },
    via: 'password',
  })
  const page = await signIn(here)
  const ids = [
    ...page.text.matchAll(/name="of" value="(\w+)"><input type="hidden" name="session" value="([^"]+)"/g),
  ]
  assert.deepEqual(
    ids.map(([, of]) => of),
    ['browser', 'device'],
  )
  const bobs = await bob.ask(`${base}/auth`)
  const end = (as: typeof here, from: typeof page, of: string, session: string) =>
    as.ask(`${base}/auth/sessions/end`, { form: { token: fieldIn(from, 'token'), of, session } })
  for (const [, of, session] of ids) assert.equal((await end(bob, bobs, of!, session!)).status, 404)
  assert.equal((await there.ask(`${base}/auth`)).status, 200)
  for (const [, of, session] of ids) assert.equal((await end(here, page, of!, session!)).status, 303)
  assert.equal((await there.ask(`${base}/auth`)).status, 303)
  assert.equal(await issued.sessions.find(laptop.sessionId), undefined)
  assert.equal((await bob.ask(`${base}/auth`)).status, 200)
})

test('signing out ends the session here and at the provider, and leaves the command line alone', async (t) => {
  const { base, idp, signIn, issued, clock } = await setSignIn(t)
  const browser = openBrowser()
  const page = await signIn(browser)
  const device = await issued.devices.begin('192.0.2.7')
  await browser.ask(`${base}/auth/device/confirm`, {
    form: { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'approve' },
  })
  const session = await issued.devices.redeem(device.deviceCode)
  assert.ok(typeof session === 'object')
  assert.match(
    String((await browser.ask(`${base}/auth`)).headers['content-security-policy']),
    new RegExp(`form-action 'self' ${idp.issuer};`),
  )
  const left = await browser.ask(`${base}/auth/signout`, { form: { token: fieldIn(page, 'token') } })
  const there = new URL(left.headers.location!)
  assert.equal(there.origin + there.pathname, `${idp.issuer}/session/end`)
  assert.equal(there.searchParams.get('post_logout_redirect_uri'), `${base}/auth/signin`)
  assert.match(there.searchParams.get('id_token_hint')!, /^eyJ/)
  assert.equal(cookieOf(browser, base), undefined)
  assert.equal((await browser.ask(`${base}/auth`)).status, 303)
  clock.now += HOUR
  assert.ok(
    'accessToken' in (await issued.sessions.refresh(session.refreshToken, new AbortController().signal)),
  )
})

test('a provider without a place to sign out, or that is down, does not hold anybody', async (t) => {
  const { base, idp, signIn } = await setSignIn(t, { endSession: false })
  for (const down of [false, true]) {
    const browser = openBrowser()
    const page = await signIn(browser)
    if (down) await idp.stop()
    const left = await browser.ask(`${base}/auth/signout`, { form: { token: fieldIn(page, 'token') } })
    assert.equal(left.headers.location, '/auth/signin')
    assert.equal((await browser.ask(`${base}/auth`)).status, 303)
  }
})

test('nothing that could be used is at rest', async (t) => {
  const told: string[] = []
  const { base, clock, desk, idp, issued, signIn, catalogFiles } = await setSignIn(t)
  idp.spoof = (body) => {
    told.push(String(body.refresh_token), String(body.id_token), String(body.access_token))
    return body
  }
  const browser = openBrowser()
  const page = await signIn(browser)
  assert.equal(told.length, 3)
  // A device that was approved and has not asked again yet is the hardest: what it gets waits for it.
  const device = await issued.devices.begin('192.0.2.7')
  const form = { token: fieldIn(page, 'token'), user_code: device.userCode, answer: 'approve' }
  assert.equal((await browser.ask(`${base}/auth/device/confirm`, { form })).status, 200)
  const cookie = cookieOf(browser, base)!
  const { upstream } = (await desk.browsers.find(cookie))!
  told.push(upstream!.split('.')[1]!, device.deviceCode)
  const waiting = Buffer.concat(await catalogFiles()).toString('latin1')
  const session = await issued.devices.redeem(device.deviceCode)
  assert.ok(typeof session === 'object')
  told.push(session.refreshToken)
  clock.now += HOUR
  idp.spoof = undefined
  assert.ok(
    'accessToken' in (await issued.sessions.refresh(session.refreshToken, new AbortController().signal)),
  )
  const bytes = waiting + Buffer.concat(await catalogFiles()).toString('latin1')
  assert.ok(bytes.includes('"via":"oidc:idp:'), 'the session is there')
  for (const secret of [...told, cookieOf(browser, base)!, fieldIn(page, 'token')])
    assert.ok(!bytes.includes(secret))
})

test('a day after the sign-in nobody is asked any more than is needed', async (t) => {
  const { base, clock, idp, signIn } = await setSignIn(t)
  const browser = openBrowser()
  await signIn(browser)
  const asked = () => idp.asked.filter((path) => path === '/token').length
  const before = asked()
  for (let i = 0; i < 20; i++) await browser.ask(`${base}/auth`)
  assert.equal(asked(), before)
  clock.now += 15 * 60_000
  await Promise.all(Array.from({ length: 10 }, () => browser.ask(`${base}/auth`)))
  assert.equal(asked(), before + 1, 'one question for all who wait')
  assert.ok(clock.now < Date.now() + DAY)
})
