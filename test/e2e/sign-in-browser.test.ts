// The pages of the sign-in in a real browser, which has rules of its own about cookies, redirects and forms.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { setSignInStage } from '../support/sign-in-stage.ts'

const CHROMIUM = '/usr/bin/chromium'
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
const without = existsSync(CHROMIUM) ? false : 'no chromium here: node scripts/tools.ts installs it'

interface Opened {
  context: BrowserContext
  page: Page
  /** What the browser refused to do, as its console says. */
  complaints: string[]
}

async function open(use: (opened: Opened) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false })
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => void complaints.push(message.text()))
    await use({ context, page, complaints })
  } finally {
    await browser.close()
  }
}

async function signIn(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with Corp' }).click()
  await page.locator('#login').fill('7')
  await page.getByRole('button').click()
}

test('a device is let in, and somebody signs out, in chromium', { skip: without }, async (t) => {
  const place = await setSignInStage(t)
  const { base, idp, post } = place
  await open(async ({ context, page, complaints }) => {
    const { json } = await post('/auth/device', { client_id: 'modstead' })
    await page.goto(String(json.verification_uri))
    await signIn(page)
    await page.getByLabel('The code that the device shows').fill(String(json.user_code).toLowerCase())
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('If somebody sent you the code').waitFor()
    assert.ok((await page.locator('.code').innerText()).includes(String(json.user_code)))
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
    const token = await post('/auth/token', {
      grant_type: DEVICE,
      device_code: String(json.device_code),
      client_id: 'modstead',
    })
    assert.equal(token.json.token_type, 'Bearer', JSON.stringify(token.json))

    // The provider’s are on another port of the same host.
    const own = async () => (await context.cookies(base)).filter(({ name }) => name.includes('modstead'))
    const cookies = await own()
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite, path }) => ({
        name,
        httpOnly,
        secure,
        sameSite,
        path,
      })),
      [{ name: '__Host-modstead', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' }],
    )

    // A session is ended from the page, and the policy lets the browser go on to the provider after signing out.
    await page.getByRole('link', { name: 'Your sessions' }).click()
    await page.getByRole('heading', { name: 'You are alice' }).waitFor()
    await page.getByRole('button', { name: 'End the session: a command line' }).click()
    await page.getByText('a command line').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${idp.issuer}/session/end?**`)
    assert.deepEqual(await own(), [])
    assert.deepEqual(
      complaints.filter((text) => /policy|refused|blocked/i.test(text)),
      [],
    )
  })
})

test('a page of another site can neither approve nor frame', { skip: without }, async (t) => {
  const place = await setSignInStage(t)
  const { base, post } = place
  await open(async ({ page }) => {
    await page.goto(`${base}/auth`)
    await signIn(page)
    await page.getByRole('heading', { name: 'You are alice' }).waitFor()
    const { json } = await post('/auth/device', { client_id: 'modstead' })
    await page.goto(`${base}/auth/device?user_code=${String(json.user_code)}`)
    const token = await page.locator('input[name=token]').getAttribute('value')
    // Even if the token were known: another site sends it.
    await page.route('https://evil.example/', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<iframe src="${base}/auth"></iframe><form method="post" action="${base}/auth/device/confirm">
<input name="token" value="${token}"><input name="user_code" value="${String(json.user_code)}"><button name="answer" value="approve">Win</button></form>`,
      }),
    )
    await page.goto('https://evil.example/')
    assert.ok(!(await page.frameLocator('iframe').locator('body').innerText()).includes('alice'))
    await page.getByRole('button', { name: 'Win' }).click()
    await page
      .getByText('page of another site')
      .or(page.getByRole('heading', { name: 'Sign in' }))
      .first()
      .waitFor()
    const answer = await post('/auth/token', {
      grant_type: DEVICE,
      device_code: String(json.device_code),
      client_id: 'modstead',
    })
    assert.equal(answer.json.error, 'authorization_pending')
  })
})
