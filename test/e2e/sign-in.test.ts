// People sign in: the device flow from the command line to a private module, with a real provider and the real `go`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Browser, openBrowser, type Page } from '../../server/src/access/oidc/testing/browser.ts'
import { runCommand } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { setSignInStage, type SignInStage } from '../support/sign-in-stage.ts'
import { modulePath } from '../support/test-module.ts'

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const field = ({ text }: Page, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''

/** Opens an address, signs in at the provider where that is asked for, and gives the page that was wanted. */
async function open({ base }: SignInStage, browser: Browser, address: string): Promise<Page> {
  const page = await browser.go(address)
  if (!page.url.pathname.endsWith('/auth/signin')) return page
  const [, href = ''] = /href="([^"]*\/auth\/signin\/corp[^"]*)"/.exec(page.text) ?? []
  const provider = await browser.go(new URL(base).origin + href.replaceAll('&#38;', '&'))
  return browser.go(provider.url, { form: { login: '7' } })
}

async function device(place: SignInStage, browser: Browser): Promise<{ access: string; refresh: string }> {
  const begun = await place.post('/auth/device', { client_id: 'modstead' })
  assert.equal(begun.status, 200)
  const { device_code: code, verification_uri_complete: address, user_code: userCode } = begun.json
  const poll = () =>
    place.post('/auth/token', { grant_type: DEVICE, device_code: String(code), client_id: 'modstead' })
  assert.deepEqual((await poll()).json.error, 'authorization_pending')
  const page = await open(place, browser, String(address))
  assert.ok(page.text.includes(String(userCode)), page.text)
  const approved = await browser.ask(`${place.base}/auth/device/confirm`, {
    form: { token: field(page, 'token'), user_code: field(page, 'user_code'), answer: 'approve' },
  })
  assert.match(approved.text, /is signed in as/)
  for (;;) {
    // As often as the server said, or its answer is to slow down.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const { json } = await poll()
    if (json.error === undefined)
      return { access: String(json.access_token), refresh: String(json.refresh_token) }
    assert.equal(json.error, 'authorization_pending')
  }
}

test('from a command line without a browser to a private module, and out again', async (t) => {
  const place = await setSignInStage(t)
  const { base, ca, idp, stage, post } = place
  const browser = openBrowser({ ca })
  const { access, refresh } = await device(place, browser)
  const wanted = `${place.private.module}@v1.0.0`
  const nobody = await place.go()
  assert.match((await nobody.run(['mod', 'download', wanted])).stderr, /401/)
  const alice = await place.go(access)
  await alice.ok(['mod', 'download', wanted])

  // A browser’s cookie is for pages: modules are read with tokens.
  const jar = browser.cookies.get(new URL(base).host)!
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  assert.match(cookie, /^__Host-modstead=[\w-]{43}$/)
  const zip = `${modulePath(place.private)}.zip`
  assert.equal((await ask(base, zip, { ca, headers: { cookie } })).status, 401)
  assert.equal((await ask(base, zip, { ca, headers: { authorization: `Bearer ${access}` } })).status, 200)

  // Sessions outlive a restart.
  await stage.modstead.stop()
  await stage.restart()
  assert.match((await browser.ask(`${base}/auth`)).text, /You are alice/)
  assert.equal((await ask(base, zip, { ca, headers: { authorization: `Bearer ${access}` } })).status, 200)

  // What is lost at the provider is lost here at the next refresh, for all tokens of the session.
  idp.accounts.set('7', { preferred_username: 'alice', groups: [] })
  await new Promise((resolve) => setTimeout(resolve, 5_100))
  const renewed = await post('/auth/token', {
    grant_type: 'refresh_token',
    refresh_token: refresh,
    client_id: 'modstead',
  })
  assert.equal(renewed.status, 200, JSON.stringify(renewed.json))
  for (const token of [access, String(renewed.json.access_token)])
    assert.equal((await ask(base, zip, { ca, headers: { authorization: `Bearer ${token}` } })).status, 403)
  const lost = await place.go(String(renewed.json.access_token))
  assert.match((await lost.run(['mod', 'download', wanted])).stderr, /403/)

  const page = await browser.ask(`${base}/auth`)
  const left = await browser.ask(`${base}/auth/signout`, { form: { token: field(page, 'token') } })
  assert.ok(left.headers.location?.startsWith(`${idp.issuer}/session/end?`))
  assert.equal((await browser.ask(`${base}/auth`)).status, 303)

  // What an issuer says that breaks the rules is told in the log, but not its tokens.
  const told: string[] = []
  idp.rewrite = async (body) => {
    told.push(String(body.access_token), String(body.refresh_token), String(body.id_token))
    return { ...body, id_token: 'a.b.c' }
  }
  assert.equal((await open(place, openBrowser({ ca }), `${base}/auth`)).status, 502)
  await stage.modstead.logged(/Corp answered does not fit|sign-in at Corp failed/)
  assert.equal(told.length, 3)
  await stage.modstead.stop()
  const { dataDir } = stage.modstead
  const { stdout } = await runCommand(
    ['audit', 'export', '--type', 'authentication', '--data-dir', dataDir],
    { cwd: dataDir },
  )
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter(({ kind }) => kind === 'auth')
    .map(({ auth_result: result, user_principal: user, detail }) => [result, user, detail].join(' '))
  for (const event of ['ok alice signed in: oidc:corp', 'ok alice device … approved', 'ok alice signed out'])
    assert.ok(
      events.some((text) => text.replace(/device \w{12} /, 'device … ') === event),
      events.join('\n'),
    )

  for (const secret of [
    ...told,
    access,
    refresh,
    idp.clientSecret,
    jar.get('__Host-modstead') ?? cookie,
    'code=',
  ])
    assert.ok(!stage.modstead.logs().includes(secret), 'a secret stands in the log')
})

test('people of a tenant sign in there, and are nobody elsewhere', async (t) => {
  const place = await setSignInStage(t, 'acme')
  const { base, ca } = place
  const browser = openBrowser({ ca })
  const { access } = await device(place, browser)
  const zip = `${modulePath(place.private)}.zip`
  const headers = { authorization: `Bearer ${access}` }
  assert.equal((await ask(base, zip, { ca, headers })).status, 200)
  assert.equal((await ask(base, zip, { ca })).status, 401)
  const jar = browser.cookies.get(new URL(base).host)!
  assert.deepEqual([...jar.keys()], ['__Host-modstead-acme'])
  const { origin } = new URL(base)
  assert.equal((await ask(origin, '/auth', { ca })).status, 404)
})
