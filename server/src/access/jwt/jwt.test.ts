import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { JwtIssuer } from '../../config/access/access-config.ts'
import { createKeySets } from '../../origin/key-set.ts'
import type { Judgement } from '../credential.ts'
import { createKeySource } from './jwks.ts'
import { createJwt } from './jwt.ts'
import { peopleOf } from '../people.ts'
import type { Principal } from '../principal.ts'

const NOW = Date.UTC(2026, 0, 15)
const SECOND = NOW / 1000
const SECRET = 'a shared secret of more than sixty-four bytes, as HS512 wants it, all of it'
const COMMON = {
  audience: ['https://go.corp.example'],
  clockSkew: 30_000,
  subject: 'sub',
  groups: 'groups',
  kind: 'workload',
} as const
const SHARED: JwtIssuer = {
  ...COMMON,
  name: 'shared',
  issuer: 'https://shared.example',
  algorithms: ['HS256', 'HS512'],
  keys: { kind: 'secret', secret: SECRET },
  require: new Map([['project', 'corp/app']]),
}
const KEYED: JwtIssuer = {
  ...COMMON,
  name: 'keyed',
  issuer: 'https://keyed.example',
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  keys: { kind: 'jwks', url: '' },
  require: new Map(),
}

/** An issuer that publishes its keys, and counts who asks for them. */
async function issuer(t: TestContext) {
  const published: JSONWebKeySet = { keys: [] }
  const state = { asked: 0, down: false }
  const server = createServer((_req, res) => {
    state.asked++
    res.writeHead(state.down ? 500 : 200).end(JSON.stringify(published))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const sets = createKeySets({})
  t.after(() => sets.close())
  const clock = { now: 0 }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  const source = createKeySource({
    load: async () => JSON.parse(Buffer.from(await sets.get(url)).toString()) as JSONWebKeySet,
    onFailure: () => undefined,
    now: () => clock.now,
  })
  const secret = new TextEncoder().encode(SECRET)
  const judge = createJwt({
    issuers: [SHARED, KEYED],
    keyFor: (config) => (config === SHARED ? () => secret : source),
    people: peopleOf(new Map()),
    remember: 60_000,
  })
  return {
    published,
    state,
    clock,
    ask: async (token: string) => judge({ secret: token }, { address: '', now: NOW }),
  }
}

async function newKey(alg: string, kid: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  const sign = (claims: JWTPayload = {}, header: object = {}) =>
    new SignJWT({ iss: KEYED.issuer, aud: COMMON.audience[0], sub: 'job', exp: SECOND + 300, ...claims })
      .setProtectedHeader({ alg, kid, ...header })
      .sign(privateKey)
  return { jwk, publicKey, sign }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const GOOD = {
  iss: SHARED.issuer,
  aud: COMMON.audience[0],
  sub: 'job',
  exp: SECOND + 300,
  project: 'corp/app',
}

/** A token by hand, so that it may say anything. */
function made(claims: object, { alg = 'HS256', secret = SECRET, header = {} } = {}): string {
  const signed = `${encode({ alg, ...header })}.${encode(claims)}`
  const hash = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }[alg]
  return `${signed}.${hash === undefined ? '' : createHmac(hash, secret).update(signed).digest('base64url')}`
}

function principal(judgement: Judgement): Principal {
  assert.ok(typeof judgement === 'object' && 'principal' in judgement, JSON.stringify(judgement))
  return judgement.principal
}

test('tokens with a shared secret, and with keys of each kind', async (t) => {
  const { published, ask } = await issuer(t)
  for (const alg of ['HS256', 'HS512']) assert.equal(principal(await ask(made(GOOD, { alg }))).id, 'job')
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const { jwk, sign } = await newKey(alg, alg)
    published.keys = [jwk]
    const { ask: fresh, published: own } = await issuer(t)
    own.keys = [jwk]
    const { id, kind, groups } = principal(await fresh(await sign({ groups: ['a', 'b'] })))
    assert.deepEqual([id, kind, groups], ['job', 'workload', ['a', 'b']])
  }
})

test('a token that is not right proves nobody', async (t) => {
  const { published, ask } = await issuer(t)
  const key = await newKey('RS256', 'one')
  const stranger = await newKey('RS256', 'one')
  published.keys = [key.jwk]
  const pem = await exportSPKI(key.publicKey)
  const without = ({ [0]: name }: string[]) =>
    Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name))
  const good = made(GOOD)
  const [head, body, signature] = good.split('.')
  const cases: [title: string, token: string][] = [
    ['alg none', made(GOOD, { alg: 'none' })],
    ['alg none with a signature', `${encode({ alg: 'none' })}.${body}.${signature}`],
    ['alg NONE', made(GOOD, { alg: 'NONE' })],
    ['an alg that is not configured', made(GOOD, { alg: 'HS384' })],
    ['a public key taken for a secret', made({ ...GOOD, iss: KEYED.issuer }, { secret: pem })],
    ['the same with its kid', made({ ...GOOD, iss: KEYED.issuer }, { secret: pem, header: { kid: 'one' } })],
    ['a key in the header', await stranger.sign({}, { jwk: stranger.jwk })],
    ['an address of keys in the header', await stranger.sign({}, { jku: 'https://evil.example/jwks' })],
    ['the key of somebody else', await stranger.sign()],
    ['a shared secret where keys are', made({ ...GOOD, iss: KEYED.issuer })],
    ['another issuer', made({ ...GOOD, iss: 'https://evil.example' })],
    ['an issuer with a slash more', made({ ...GOOD, iss: `${SHARED.issuer}/` })],
    ['a list as issuer', made({ ...GOOD, iss: [SHARED.issuer] })],
    ['another audience', made({ ...GOOD, aud: 'https://other.example' })],
    ['a longer audience', made({ ...GOOD, aud: `${COMMON.audience[0]}.evil.example` })],
    ['expired', made({ ...GOOD, exp: SECOND - 31 })],
    ['not yet valid', made({ ...GOOD, nbf: SECOND + 31 })],
    ['exp as text', made({ ...GOOD, exp: String(SECOND + 300) })],
    ...['iss', 'aud', 'exp', 'sub', 'project'].map((name): [string, string] => [
      `no ${name}`,
      made(without([name])),
    ]),
    ['another project', made({ ...GOOD, project: 'corp/application' })],
    ['a subject with a space', made({ ...GOOD, sub: 'a b' })],
    ['a subject with a line break', made({ ...GOOD, sub: 'a\r\nX: y' })],
    ['a subject that is no text', made({ ...GOOD, sub: { $ne: 1 } })],
    ['a resource that is no pattern', made({ ...GOOD, resource_id: 'https://corp.example' })],
    ['resources of no kind', made({ ...GOOD, resource_id: 7 })],
    ['another body', `${head}.${encode({ ...GOOD, sub: 'admin' })}.${signature}`],
    ['no signature', `${head}.${body}.`],
    ['a critical extension', made(GOOD, { header: { crit: ['x'], x: 1 } })],
  ]
  assert.equal(principal(await ask(good)).id, 'job')
  for (const [title, token] of cases) {
    const judgement = await ask(token)
    assert.ok(
      typeof judgement === 'object' && 'refusal' in judgement,
      `${title}: ${JSON.stringify(judgement)}`,
    )
    assert.ok(!JSON.stringify(judgement).includes('evil'), title)
  }
  for (const text of ['a.b.c', 'x', 'a.b', `${encode({ alg: 'HS256' })}.x.y`, 'mst_x.y.z'])
    assert.equal(await ask(text), 'not mine', text)
})

test('the clocks may differ a little, and a token counts no longer than it says', async (t) => {
  const { ask } = await issuer(t)
  principal(await ask(made({ ...GOOD, exp: SECOND - 29 })))
  principal(await ask(made({ ...GOOD, nbf: SECOND + 29 })))
  const judgement = await ask(made({ ...GOOD, exp: SECOND - 25 }))
  assert.ok(typeof judgement === 'object' && 'fresh' in judgement)
  assert.equal(judgement.fresh, 5_000)
})

test('scope and resource_id narrow, and never widen', async (t) => {
  const { ask } = await issuer(t)
  const limitOf = async (claims: object) => principal(await ask(made({ ...GOOD, ...claims }))).limit
  assert.equal(await limitOf({}), undefined)
  assert.equal(await limitOf({ scope: 'openid profile' }), undefined)
  assert.deepEqual(await limitOf({ scope: 'openid module:read' }), { permissions: ['module:read'] })
  assert.deepEqual(await limitOf({ scope: 'module:everything' }), { permissions: [] })
  assert.deepEqual((await limitOf({ resource_id: 'corp.example/a' }))?.modules, ['corp.example/a'])
  assert.deepEqual(
    await limitOf({ scope: ['module:read'], resource_id: ['corp.example/a', 'corp.example/b'] }),
    {
      permissions: ['module:read'],
      modules: ['corp.example/a', 'corp.example/b'],
    },
  )
})

test('keys change, unknown ones make no storm, and an issuer that is down leaves those there were', async (t) => {
  const { published, state, clock, ask } = await issuer(t)
  const [one, two] = [await newKey('ES256', 'one'), await newKey('ES256', 'two')]
  published.keys = [one.jwk]
  const token = await one.sign()
  await Promise.all(Array.from({ length: 20 }, async () => principal(await ask(token))))
  assert.equal(state.asked, 1, 'all wait for one request')

  published.keys = [one.jwk, two.jwk]
  const strangers = Array.from({ length: 200 }, (_, i) => one.sign({}, { kid: `made-up-${i}` }))
  for (const made of strangers) assert.ok('refusal' in ((await ask(await made)) as object))
  assert.equal(state.asked, 1, 'they were asked for a moment ago')
  clock.now += 30_000
  for (const made of strangers) assert.ok('refusal' in ((await ask(await made)) as object))
  assert.equal(state.asked, 2)
  principal(await ask(await two.sign()))

  published.keys = [two.jwk]
  state.down = true
  clock.now += 600_000
  principal(await ask(token))
  clock.now += 30_000
  state.down = false
  assert.ok('refusal' in ((await ask(token)) as object), 'its key was taken back')
  assert.equal(state.asked, 4)
})

test('an issuer that was never reached is an outage, and no wrong token', async (t) => {
  const { state, ask } = await issuer(t)
  state.down = true
  const { sign } = await newKey('ES256', 'one')
  for (let i = 0; i < 3; i++)
    await assert.rejects(ask(await sign()), { code: 'upstream_unreachable', message: /issuer keyed/ })
  assert.equal(state.asked, 1)
})
