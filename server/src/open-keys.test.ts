import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { exportJWK, generateKeyPair, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { createTestObserver } from './observe/test-support.ts'
import { openKeys } from './open-keys.ts'
import { makeCertificates } from './origin/test-certificates.ts'

/** An issuer over TLS that only its own authority vouches for. */
async function issuer(t: TestContext) {
  const certificates = makeCertificates()
  t.after(() => certificates.remove())
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256' }] }
  const state = { document: {} as unknown, seen: [] as string[], status: 200 }
  const server = createServer(certificates.server, (req, res) => {
    state.seen.push(req.url!)
    const found = req.url === '/sub/.well-known/openid-configuration' ? state.document : keys
    res.writeHead(state.status, { location: '/elsewhere' }).end(JSON.stringify(found))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const closing: (() => Promise<void>)[] = []
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.after(async () => {
    for (const close of closing) await close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `${origin}/sub`
  state.document = { issuer: url, jwks_uri: `${origin}/keys` }
  const observer = createTestObserver()
  const token = await new SignJWT({ iss: url } satisfies JWTPayload)
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .sign(privateKey)
  /** Each with keys of its own: what failed a moment ago is not asked for again. */
  const verify = () =>
    jwtVerify(
      token,
      openKeys({ observer, env: {}, closing })('one', url, { kind: 'discovery', ca: certificates.ca }),
    )
  return { state, origin, url, observer, verify }
}

test('the keys are where the issuer says, which its own authority vouches for', async (t) => {
  const { state, verify, observer } = await issuer(t)
  assert.ok(await verify())
  assert.deepEqual(state.seen, ['/sub/.well-known/openid-configuration', '/keys'])
  assert.deepEqual(observer.lines, [])
})

test('an issuer that is not who it should be gives no keys', async (t) => {
  const { state, verify, observer, origin, url } = await issuer(t)
  const fails = async (reason: RegExp) => {
    await assert.rejects(verify(), /no keys of the issuer/)
    assert.match(String(observer.lines.at(-1)?.fields.err), reason)
  }
  for (const [document, reason] of [
    [{ issuer: `${url}/`, jwks_uri: `${origin}/keys` }, /about another issuer/],
    [{ jwks_uri: `${origin}/keys` }, /about another issuer/],
    [null, /about another issuer/],
    [{ issuer: url }, /no https URL/],
    [{ issuer: url, jwks_uri: `${origin.replace('https', 'http')}/keys` }, /no https URL/],
    [{ issuer: url, jwks_uri: 'file:///etc/passwd' }, /no https URL/],
  ] as const) {
    state.document = document
    await fails(reason)
  }
  state.document = { issuer: url, jwks_uri: `${origin}/keys` }
  state.status = 302
  await fails(/answered with 302/)
})

test('without its authority there is no connection', async (t) => {
  const { state, observer, url } = await issuer(t)
  const closing: (() => Promise<void>)[] = []
  const find = openKeys({ observer, env: {}, closing })('one', url, { kind: 'discovery' })
  await assert.rejects(
    async () => find({ alg: 'RS256', kid: 'one' }, { payload: '', signature: '' }),
    /no keys/,
  )
  assert.match(String(observer.lines.at(-1)?.fields.err), /certificate/)
  assert.deepEqual(state.seen, [])
  for (const close of closing) await close()
})
