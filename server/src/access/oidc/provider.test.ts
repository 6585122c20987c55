import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { OidcProvider } from '../../config/access/access-config.ts'
import { createProviderFetch } from '../../origin/provider-fetch.ts'
import { createProvider } from './provider.ts'
import { openBrowser } from './testing/browser.ts'
import { startIdentityProvider } from './testing/identity-provider.ts'

const REDIRECT = 'http://127.0.0.1:1/auth/callback/test'
test('try', async (t: TestContext) => {
  const idp = await startIdentityProvider(t, {
    redirectUris: [REDIRECT],
    accounts: {
      7: { preferred_username: 'alice', email: 'a@corp.example', email_verified: true, groups: ['team-a'] },
    },
    claims: ['groups'],
  })
  const outside = createProviderFetch({ name: 'test', env: {} })
  t.after(() => outside.close())
  const config: OidcProvider = {
    name: 'test',
    label: 'Test',
    type: 'gitlab',
    issuer: idp.issuer,
    clientId: idp.clientId,
    clientSecret: idp.clientSecret,
    clientAuth: 'basic',
    scopes: ['openid', 'profile', 'email'],
    subject: 'preferred_username',
    userPrefix: '',
    groupPrefix: '',
    groups: ['groups'],
    require: new Map(),
    userinfo: true,
  }
  const provider = createProvider({
    config,
    redirectUri: REDIRECT,
    fetch: outside.fetch as never,
    now: Date.now,
  })
  const challenge = provider.newChallenge()
  const url = await provider.authorizationUrl(challenge)
  const browser = openBrowser()
  const page = await browser.go(url)
  console.log(page.status, page.text.slice(0, 300), page.url.href)
  const back = await browser.go(page.url, { form: { login: '7' } }, (url) => url.href.startsWith(REDIRECT))
  console.log(back.status, back.headers.location, back.text.slice(0, 500))
  const told = await provider.redeem(new URL(back.headers.location!), challenge)
  console.log(told)
  console.log(await provider.refresh(told.refreshToken!, '7'))
  console.log(await provider.endUrl({ idToken: told.idToken!, returnTo: 'http://x/' }))
  await assert.rejects(provider.refresh(told.refreshToken!, '7'), (error) => (console.log(error), true))
})
