import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { GitLogin } from '../../../../config/config.ts'
import { failsWith, testOutside } from '../../../test-origin.ts'
import { startTokenServer, type TokenAnswer, type TokenServer } from '../../test-token-server.ts'
import { discovered, gitConfig, loginIn, META, repositoryAt, testRemotes } from '../../test-remotes.ts'
import { makeCertificates } from '../../../test-certificates.ts'
import { respond, startTestUpstream } from '../../../test-upstream.ts'
import { createRemotes, type Remotes } from '../remotes.ts'

let folder: string
let key: string
let publicKey: KeyObject
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'modstead-tokens-'))
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  publicKey = pair.publicKey
  key = join(folder, 'app.pem')
  writeFileSync(key, pair.privateKey.export({ type: 'pkcs1', format: 'pem' }))
})
after(() => rmSync(folder, { recursive: true }))

const URL_OF_X = 'https://git.corp.example/team/x.git'

function remotesWith(login: GitLogin): Remotes {
  const timeouts = { ...gitConfig().timeouts, total: 500 }
  return createRemotes({
    config: gitConfig({ hosts: ['git.corp.example'], credentials: [{ login }], timeouts }),
    outside: testOutside(),
  })
}

async function headerOf(remotes: Remotes, url = URL_OF_X): Promise<string | undefined> {
  const access = await remotes.accessTo(repositoryAt(url), { signal: AbortSignal.timeout(20_000) })
  return loginIn(access.authorization)
}

/** Runs `work` with a server that gives the answers in turn, the last one again and again. */
async function withServer(
  answers: TokenAnswer[],
  login: (server: TokenServer) => GitLogin,
  work: (remotes: Remotes, server: TokenServer) => Promise<void>,
): Promise<void> {
  const server = await startTokenServer((_request, number) => answers[number - 1] ?? answers.at(-1)!)
  const remotes = remotesWith(login(server))
  try {
    await work(remotes, server)
  } finally {
    await remotes.close()
    await server.close()
  }
}

suite('OAuth 2.0', () => {
  const oauth2 = (server: TokenServer, options: object = {}): GitLogin => ({
    kind: 'oauth2',
    tokenUrl: `${server.url}/token?tenant=1`,
    clientId: 'mod stead:1',
    clientSecret: { text: 's%cret+é' },
    scope: 'read api',
    scheme: 'bearer',
    ...options,
  })

  test('the request is that of the client credentials grant', async () => {
    await withServer(
      [{ json: { access_token: 'tok', expires_in: 3600 } }],
      oauth2,
      async (remotes, server) => {
        assert.equal(await headerOf(remotes), 'Bearer tok')
        assert.equal(await headerOf(remotes), 'Bearer tok')
        assert.equal(server.seen.length, 1)
        const [request] = server.seen
        assert.deepEqual([request!.method, request!.path], ['POST', '/token?tenant=1'])
        assert.equal(request!.headers['content-type'], 'application/x-www-form-urlencoded')
        assert.equal(loginIn(request!.headers['authorization'] as string), 'mod+stead%3A1:s%25cret%2B%C3%A9')
        assert.equal(request!.body, 'grant_type=client_credentials&scope=read+api')
      },
    )
  })

  test('as the password of Basic where that is asked for', async () => {
    const login = (server: TokenServer) => oauth2(server, { scheme: 'basic' })
    await withServer([{ json: { access_token: 'tok' } }], login, async (remotes) => {
      assert.equal(await headerOf(remotes), 'oauth2:tok')
    })
  })

  test('many who ask at once wait for one token', async () => {
    await withServer(
      [{ json: { access_token: 'tok', expires_in: 3600 } }],
      oauth2,
      async (remotes, server) => {
        const headers = await Promise.all(Array.from({ length: 20 }, () => headerOf(remotes)))
        assert.deepEqual([...new Set(headers)], ['Bearer tok'])
        assert.equal(server.seen.length, 1)
      },
    )
  })

  test('a token that is about to expire is renewed', async () => {
    const answers = [
      { json: { access_token: 'one', expires_in: 0.001 } },
      { json: { access_token: 'two', expires_in: 3600 } },
    ]
    await withServer(answers, oauth2, async (remotes, server) => {
      assert.equal(await headerOf(remotes), 'Bearer one')
      await new Promise((resolve) => setTimeout(resolve, 5))
      assert.equal(await headerOf(remotes), 'Bearer two')
      assert.equal(await headerOf(remotes), 'Bearer two')
      assert.equal(server.seen.length, 2)
    })
  })

  test('a server that gives no token, by kind of failure; no secret is in any message', async () => {
    const table: [answer: TokenAnswer, code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [
        { status: 401, json: { error: 'invalid_client', error_description: 's%cret+é' } },
        'upstream_refused',
        /^127\.0\.0\.1:\d+ \(origin gitlab\) gives no token \(401: invalid_client\) to credentials\[0\]$/,
      ],
      [{ status: 400, json: { error: 's%cret+é' } }, 'upstream_refused', /gives no token \(400\) to/],
      [{ status: 403, text: 's%cret+é' }, 'upstream_refused', /gives no token \(403\)/],
      [{ status: 503, text: 'down' }, 'upstream_failed', /answered 503/],
      [{ text: '<html>tok-secret' }, 'upstream_invalid', /not JSON$/],
      [{ json: {} }, 'upstream_invalid', /without a token/],
      [{ json: { access_token: 'a\nb' } }, 'upstream_invalid', /without a token/],
      [{ json: { access_token: ['x'] } }, 'upstream_invalid', /without a token/],
      [{ json: { access_token: 'x'.repeat(300_000) } }, 'upstream_invalid', /unlikely size/],
      [
        { status: 302, headers: { location: 'https://other.test/' } },
        'upstream_refused',
        /gives no token \(302\)/,
      ],
      [{ silent: true }, 'upstream_timeout', /gave no token within 500 ms$/],
      [{ broken: true }, 'upstream_unreachable', /./],
    ]
    for (const [answer, code, message] of table)
      await withServer([answer], oauth2, async (remotes) => {
        const error = await failsWith(headerOf(remotes), code, message)
        assert.ok(!/s%cret|tok-secret/.test(`${error.message} ${error.next}`), error.message)
      })
  })

  test('a token that is refused is renewed once', async () => {
    const answers = ['one', 'two', 'three'].map((value) => ({
      json: { access_token: value, expires_in: 3600 },
    }))
    await withServer(answers, oauth2, async (remotes, server) => {
      const access = () => remotes.accessTo(repositoryAt(URL_OF_X), { signal: AbortSignal.timeout(20_000) })
      const first = await access()
      assert.equal(remotes.refused(first), true)
      const second = await access()
      assert.equal(second.authorization, 'Bearer two')
      assert.equal(remotes.refused(second), false)
      assert.equal(server.seen.length, 2)
    })
  })

  test('pages are asked again with a new token after 401, once', async () => {
    const certificates = makeCertificates()
    const answers = ['one', 'two', 'three'].map((value) => ({
      json: { access_token: value, expires_in: 3600 },
    }))
    const server = await startTokenServer((_request, number) => answers[number - 1]!)
    const page = META('mirror.test/x', 'git', 'https://mirror.test/x.git')
    const upstream = await startTestUpstream((request, socket) => {
      const isGood = request.headers['authorization'] === 'Bearer two' && request.path.startsWith('/x')
      respond(socket, isGood ? 200 : 401, isGood ? page : '')
    }, certificates.server)
    const config = { hosts: ['mirror.test'], credentials: [{ login: oauth2(server) }] }
    const remotes = testRemotes({ upstream, ca: certificates.ca, config })
    try {
      assert.equal((await discovered(remotes, 'mirror.test/x')).vcs, 'git')
      const sent = () =>
        upstream.seen.map(({ path, headers }) => [path.slice(1, 2), headers['authorization']])
      assert.deepEqual(sent(), [
        ['x', 'Bearer one'],
        ['x', 'Bearer two'],
      ])
      // The second token is refused as well: a third would be, too.
      await failsWith(discovered(remotes, 'mirror.test/y'), 'upstream_refused', /refuses credentials\[0\]/)
      assert.deepEqual([sent().slice(2), server.seen.length], [[['y', 'Bearer two']], 2])
    } finally {
      await remotes.close()
      await Promise.all([upstream.close(), server.close()])
      certificates.remove()
    }
  })

  test('the server that gives tokens is trusted by the entry’s authorities, and not shown its certificate', async () => {
    const certificates = makeCertificates()
    const shown: (string | undefined)[] = []
    const upstream = await startTestUpstream(
      (_request, socket) => {
        shown.push((socket as TLSSocket).getPeerCertificate().subject?.CN?.toString())
        respond(socket, 200, '{"access_token":"tok"}')
      },
      { ...certificates.server, requestCert: true, rejectUnauthorized: false },
    )
    const login: GitLogin = {
      kind: 'oauth2',
      tokenUrl: `${upstream.url}/token`,
      clientId: 'c',
      clientSecret: { text: 's' },
      scheme: 'bearer',
    }
    const { ca, client: certificate } = certificates
    const credentials = [{ for: 'git.corp.example', login, ca, certificate }]
    const remotes = createRemotes({ config: gitConfig({ credentials }), outside: testOutside() })
    try {
      const access = await remotes.accessTo(repositoryAt(URL_OF_X), { signal: AbortSignal.timeout(20_000) })
      assert.deepEqual([access.authorization, access.certificate], ['Bearer tok', certificate])
      assert.deepEqual(shown, [undefined])
    } finally {
      await remotes.close()
      await upstream.close()
      certificates.remove()
    }
  })

  test('a failure is not remembered', async () => {
    const answers = [{ status: 503 }, { json: { access_token: 'tok' } }]
    await withServer(answers, oauth2, async (remotes) => {
      await failsWith(headerOf(remotes), 'upstream_failed', /503/)
      assert.equal(await headerOf(remotes), 'Bearer tok')
    })
  })
})

suite('GitHub App', () => {
  const app = (server: TokenServer, options: object = {}): GitLogin => ({
    kind: 'githubApp',
    appId: '12345',
    privateKey: key,
    apiUrl: `${server.url}/api/v3`,
    ...options,
  })
  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
  const installed = { json: { id: 77 } }
  const token = () => ({ status: 201, json: { token: 'ghs_1', expires_at: inAnHour() } })

  test('finds its installation, asks for a token that can read, and keeps both', async () => {
    await withServer([installed, token()], app, async (remotes, server) => {
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.deepEqual(
        server.seen.map(({ method, path, body }) => [method, path, body]),
        [
          ['GET', '/api/v3/repos/team/x/installation', ''],
          [
            'POST',
            '/api/v3/app/installations/77/access_tokens',
            JSON.stringify({ permissions: { contents: 'read' } }),
          ],
        ],
      )
      for (const { headers } of server.seen) {
        const jwt = (headers['authorization'] as string).replace(/^Bearer /, '')
        const [head = '', claims = '', signature = ''] = jwt.split('.')
        const read = (part: string): Record<string, unknown> =>
          JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
        assert.deepEqual(read(head), { alg: 'RS256', typ: 'JWT' })
        const { iat, exp, iss } = read(claims) as { iat: number; exp: number; iss: string }
        const now = Date.now() / 1000
        assert.ok(iss === '12345' && iat < now && exp > now + 60 && exp - iat <= 600)
        const signed = Buffer.from(`${head}.${claims}`)
        assert.ok(
          verify(
            'sha256',
            signed,
            createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
            Buffer.from(signature, 'base64url'),
          ),
        )
      }
    })
  })

  test('an app that was removed and installed again is found again', async () => {
    const short = { status: 201, json: { token: 'ghs_1', expires_at: new Date().toISOString() } }
    const gone = { status: 404 }
    const again = [{ json: { id: 78 } }, { status: 201, json: { token: 'ghs_2', expires_at: inAnHour() } }]
    await withServer([installed, short, gone, ...again], app, async (remotes, server) => {
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.equal(await headerOf(remotes), 'oauth2:ghs_2')
      assert.equal(server.seen.at(-1)?.path, '/api/v3/app/installations/78/access_tokens')
    })
    // One that was removed for good is asked for like by anybody, and one that is refused is not asked for again and again.
    await withServer([installed, short, gone, gone], app, async (remotes) => {
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.equal(await headerOf(remotes), undefined)
    })
    await withServer([installed, short, gone, installed], app, async (remotes, server) => {
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      await failsWith(headerOf(remotes), 'upstream_refused', /gives no token \(404\)/)
      assert.equal(server.seen.length, 4)
    })
  })

  test('repositories of one installation share its token', async () => {
    await withServer([installed, token(), installed], app, async (remotes, server) => {
      await Promise.all([headerOf(remotes), headerOf(remotes), headerOf(remotes, `${URL_OF_X}/deep`)])
      assert.equal(server.seen.length, 2)
      assert.equal(await headerOf(remotes, 'https://git.corp.example/team/y'), 'oauth2:ghs_1')
      assert.equal(server.seen.length, 3)
    })
  })

  test('a named installation is not looked for', async () => {
    const login = (server: TokenServer) => app(server, { installationId: '9' })
    await withServer([token()], login, async (remotes, server) => {
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.deepEqual(
        server.seen.map(({ path }) => path),
        ['/api/v3/app/installations/9/access_tokens'],
      )
    })
  })

  test('a repository without the app is asked for like by anybody', async () => {
    await withServer([{ status: 404 }, installed, token()], app, async (remotes) => {
      assert.equal(await headerOf(remotes), undefined)
      assert.equal(await headerOf(remotes), 'oauth2:ghs_1')
      assert.equal(await headerOf(remotes, 'https://git.corp.example/team'), undefined)
    })
  })

  test('failures name the host and the entry', async () => {
    const table: [answers: TokenAnswer[], code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [[{ status: 401 }], 'upstream_refused', /gives no token \(401\) to credentials\[0\]$/],
      [[installed, { status: 422 }], 'upstream_refused', /gives no token \(422\)/],
      [[{ status: 502 }], 'upstream_failed', /answered 502/],
      [[{ json: { id: '../../x' } }], 'upstream_refused', /gives no token \(200\)/],
      [[installed, { status: 201, json: {} }], 'upstream_invalid', /without a token/],
    ]
    for (const [answers, code, message] of table)
      await withServer(
        answers,
        app,
        async (remotes) => void (await failsWith(headerOf(remotes), code, message)),
      )
  })

  test('a key that is none, or not of RSA, is said to be so without a request', async () => {
    const bad = join(folder, 'bad.pem')
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const text of [
      '-----BEGIN RSA PRIVATE KEY-----\nAAAA',
      privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ]) {
      writeFileSync(bad, text)
      await withServer(
        [installed],
        (server) => app(server, { privateKey: bad }),
        async (remotes, server) => {
          await failsWith(
            headerOf(remotes),
            'upstream_refused',
            /the private key of credentials\[0\] cannot be used$/,
          )
          assert.equal(server.seen.length, 0)
        },
      )
    }
  })
})
