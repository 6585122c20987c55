import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldIn, openBrowser, setSignIn } from './open-sign-in.fixture.ts'

test('somebody signs in with the browser, and is who the provider says', async (t) => {
  const place = await setSignIn(t, {
    accounts: { 7: { preferred_username: 'alice', groups: ['team-a', 'team-b'] } },
  })
  const browser = openBrowser()
  const first = await browser.go(`${place.base}/auth`)
  assert.equal(first.url.pathname, '/auth/signin')
  assert.match(first.text, /Sign in with Corp/)
  const page = await place.signIn(browser)
  console.log(page.text)
  const device = await place.issued.devices.begin('192.0.2.7')
  const shown = await browser.go(`${place.base}/auth/device?user_code=${device.userCode}`)
  console.log(shown.text)
  const approved = await browser.go(`${place.base}/auth/device/confirm`, {
    form: { token: fieldIn(shown, 'token'), user_code: device.userCode, answer: 'approve' },
  })
  console.log(approved.text)
  const left = await browser.ask(`${place.base}/auth/signout`, { form: { token: fieldIn(page, 'token') } })
  console.log(left.status, left.headers)
})
