// Credentials that are not good, a great many of them: none gets in, none is logged, and memory does not grow.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hash } from '@node-rs/bcrypt'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { runCommand } from '../support/command.ts'
import { createDice, forgeries, type Headers, type RealCredentials } from '../support/forgeries.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

/** MODSTEAD_FORGED for more. */
const COUNT = Number(process.env.MODSTEAD_FORGED ?? 20_000)
/** Requests at a time. */
const LANES = 16
/**
 * What memory may differ by, in bytes, between half of the requests and all of them. With 200,000 what is remembered of
 * names, addresses and wrong passwords has come to its bounds, and nothing grows any more.
 */
const GROWTH = 48 << 20

const PRIVATE = makeModule({ module: 'corp.example/team/lib', version: 'v1.0.0' })
const PASSWORDS = { alice: 'alice-Geheim-1234', bob: 'bob-Geheim-5678' }
const CI = 'ci-0123456789abcdef'
const SHARED = 'a secret shared with an issuer of sixty-four bytes, or a few more of them'

async function place(t: TestContext): Promise<{ stage: Stage; real: RealCredentials }> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-forged-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const users = Object.entries(PASSWORDS).map(async ([user, password]) => {
    return `${user}:${(await hash(password, { cost: 5 })).replace(/^\$2b/, '$2y')}\n`
  })
  await writeFile(join(folder, 'users'), (await Promise.all(users)).join(''))
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  await writeFile(join(folder, 'jwks.json'), JSON.stringify({ keys: [jwk] }))
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      flags: ['--log-requests'],
      env: { CI_TOKEN: CI, SHARED },
      configOf: (upstream) => `
origins: { up: { url: "${upstream}" } }
tokens: { ci: { token: "\${CI_TOKEN}" } }
log: { level: debug }
access:
  htpasswd: ${join(folder, 'users')}
  groups: { team: [alice, bob] }
  bindings:
    - { to: "$authenticated", role: viewer, modules: corp.example }
    - { to: "user:root, group:admins", role: admin }
  jwt:
    keys: { issuer: https://keys.example, audience: go, algorithms: [RS256], jwks: ${join(folder, 'jwks.json')} }
    shared: { issuer: https://shared.example, audience: go, algorithms: [HS256, HS512], secret: "\${SHARED}" }
  workloads:
    jobs:
      issuer: https://jobs.example
      audience: go
      jwks: ${join(folder, 'jwks.json')}
      rules: [{ when: { sub: job-7 }, as: "workload:job", lifetime: 1h }]
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  putModule(stage.tree, PRIVATE)
  const jwt = (alg: string, issuer: string, key: Parameters<SignJWT['sign']>[0]) =>
    new SignJWT({ groups: ['team'] })
      .setProtectedHeader({ alg, kid: 'one' })
      .setIssuer(issuer)
      .setAudience('go')
      .setSubject('job-7')
      .setExpirationTime('1h')
      .sign(key)
  const secret = new TextEncoder().encode(SHARED)
  const made = await runCommand(
    ['token', 'create', '--for', 'user:alice', '--data-dir', stage.modstead.dataDir],
    { cwd: folder },
  )
  assert.equal(made.code, 0, made.stderr)
  const exchanged = await fetch(`${stage.modstead.url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: await jwt('RS256', 'https://jobs.example', privateKey),
    }),
  })
  const { access_token: issued } = (await exchanged.json()) as { access_token: string }
  return {
    stage,
    real: {
      passwords: PASSWORDS,
      tokens: [made.stdout.trim()],
      configured: [CI],
      jwts: [
        await jwt('RS256', 'https://keys.example', privateKey),
        await jwt('HS256', 'https://shared.example', secret),
        await jwt('HS512', 'https://shared.example', secret),
        issued,
      ],
      publicKeys: [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.n!],
    },
  }
}

test(`${COUNT} forged and mutated credentials`, async (t) => {
  const { stage, real } = await place(t)
  const { modstead } = stage
  const agent = new Agent({ keepAlive: true, maxSockets: LANES })
  t.after(() => agent.destroy())
  const zip = `${modulePath(PRIVATE)}.zip`
  const paths = [
    zip,
    `/${PRIVATE.module}/@v/list`,
    `/${PRIVATE.module}/@latest`,
    '/api/v1/whoami',
    '/api/v1/tokens',
    '/auth/whoami',
  ]
  const ask = (path: string, headers: Headers): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const sent = request(modstead.url + path, { agent, headers }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode!))
    })
    sent.once('error', reject).end()
    return promise
  }

  // All of them are good, and their answers are in memory.
  const good = [...real.tokens, ...real.configured, ...real.jwts].map((token) => ({
    authorization: `Bearer ${token}`,
  }))
  for (const headers of good) assert.equal(await ask(zip, headers), 200, headers.authorization)

  const seed = Number(process.env.MODSTEAD_SEED ?? Date.now() % 1_000_000)
  t.diagnostic(`MODSTEAD_SEED=${seed}`)
  const dice = createDice(seed)
  const source = forgeries(real, dice)
  const sent = new Set<string>()
  const statuses = new Map<number, number>()
  let left = COUNT
  let early = 0

  async function lane(): Promise<void> {
    while (left > 0) {
      if (--left === Math.floor(COUNT / 2)) early = await modstead.memory()
      const headers = source.next().value as Headers
      const path = paths[dice(paths.length)]!
      const status = await ask(path, headers)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      assert.ok(status >= 400 && status < 500, `${status} for ${path} with ${JSON.stringify(headers)}`)
      assert.ok(status !== 403 && status !== 404, `${status} for ${path} with ${JSON.stringify(headers)}`)
      if (sent.size < 50_000) for (const value of Object.values(headers)) sent.add(value)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  t.diagnostic(`statuses ${JSON.stringify(Object.fromEntries(statuses))}`)

  const growth = (await modstead.memory()) - early
  t.diagnostic(`memory ${Math.round(growth / 2 ** 20)} MiB more`)
  assert.ok(growth < GROWTH, `${Math.round(growth / 2 ** 20)} MiB more`)
  // Whoever has a good one is still let in.
  for (const headers of good) assert.equal(await ask(zip, headers), 200, headers.authorization)

  const logs = modstead.logs()
  assert.ok(logs.length > COUNT, 'each request was logged')
  const secrets = [...Object.values(PASSWORDS), ...real.tokens, ...real.configured, ...real.jwts, SHARED]
  for (const secret of secrets) assert.ok(!logs.includes(secret), 'a good secret is in the logs')
  for (const value of sent) {
    const secret = value.replace(/^\S+ /, '')
    if (secret.length >= 12) assert.ok(!logs.includes(secret), `${secret} is in the logs`)
  }
})
