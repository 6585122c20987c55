import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { GitOriginConfig } from '../../../config/config.ts'
import { eventually } from '../../../observe/test-support.ts'
import { makeCertificates, type TestCertificates } from '../../test-certificates.ts'
import { collect, failsWith } from '../../test-origin.ts'
import {
  respond,
  startTestUpstream,
  type Script,
  type SeenRequest,
  type TestUpstream,
} from '../../test-upstream.ts'
import { createAccepted, type Accepted } from './accepted.ts'
import { createAuthorities } from '../where/authorities.ts'
import type { FoundRepository } from '../where/found.ts'
import { createHttpRemote } from './http-remote.ts'
import { BadPacket, FLUSH, packet } from './packets.ts'
import type { Remote } from './remote.ts'
import { loginIn, repositoryAt, testRemotes, tokenEntry, type TestRemotesOptions } from '../test-remotes.ts'

const HASH = 'a'.repeat(40)
const ADVERTISEMENT = [
  packet('# service=git-upload-pack'),
  FLUSH,
  packet(`${HASH} refs/heads/main\0agent=git`),
  FLUSH,
].join('')
const TYPE = { 'content-type': 'application/x-git-upload-pack-advertisement' }
const PATIENT = new AbortController().signal

let certificates: TestCertificates
let folder: string
before(() => {
  certificates = makeCertificates()
  folder = mkdtempSync(join(tmpdir(), 'modstead-http-remote-'))
})
after(() => {
  certificates.remove()
  rmSync(folder, { recursive: true })
})

interface Fixture {
  upstream: TestUpstream
  remote(url: string, found?: Partial<FoundRepository>): Remote
}

interface FixtureOptions extends Omit<TestRemotesOptions, 'upstream' | 'ca'> {
  accepted?: Accepted
  /** Milliseconds for the refs. */
  total?: number
  /** Hosts of the route; default: any. */
  hosts?: readonly string[]
}

/** A host of `https` for all names; git.corp.test is a configured one with a token. */
async function fixture(t: TestContext, script: Script, options: FixtureOptions = {}): Promise<Fixture> {
  const { accepted = createAccepted(), total = 20_000, hosts, ...rest } = options
  const upstream = await startTestUpstream(script, certificates.server)
  t.after(() => upstream.close())
  const config: Partial<GitOriginConfig> = {
    hosts: ['git.corp.test', 'new.corp.test'],
    credentials: [tokenEntry('secret-one', 'git.corp.test'), tokenEntry('secret-two', 'new.corp.test')],
    ...rest.config,
  }
  const addresses = { 'public.test': '93.184.216.34', ...rest.addresses }
  const remotes = testRemotes({ upstream, ca: certificates.ca, ...rest, addresses, config })
  t.after(() => remotes.close())
  return {
    upstream,
    remote: (url, found) =>
      createHttpRemote({
        key: url,
        repository: repositoryAt(url, found),
        access: remotes,
        send: remotes.send,
        peerOf: remotes.peerOf,
        isConfigured: remotes.isConfigured,
        mayAsk: (host) => hosts?.includes(host) ?? true,
        accepted,
        authorities: createAuthorities(folder),
        limit: 1 << 20,
        idle: 20_000,
        total,
      }),
  }
}

const give =
  (body: string, headers: Record<string, string> = TYPE): Script =>
  (_, socket) =>
    respond(socket, 200, body, headers)

function loginOf(request: SeenRequest | undefined): string | undefined {
  return loginIn(request?.headers.authorization)
}

const OURS = 'https://git.corp.test/team/lib.git'

suite('a host', () => {
  test('that never answers keeps nobody from another, and has so many connections at most', async (t) => {
    const script: Script = (request, socket) => {
      if (request.headers.host?.startsWith('git.') === true) respond(socket, 200, ADVERTISEMENT, TYPE)
    }
    const { upstream, remote } = await fixture(t, script, { config: { connections: 3 } })
    const leaving = new AbortController()
    const waiting = Array.from({ length: 60 }, async (_, i) =>
      remote(`https://new.corp.test/team/${i}`)
        .refs(leaving.signal)
        .catch(() => 'gave up'),
    )
    await eventually(() => upstream.seen.length === 3, 'three were asked')
    const began = Date.now()
    await remote(OURS).refs(PATIENT)
    assert.ok(Date.now() - began < 5_000)
    assert.equal(upstream.peak(), 4)
    leaving.abort()
    await Promise.all(waiting)
  })

  test('of which nothing is asked any more keeps its connections only if few do', async (t) => {
    const { upstream, remote } = await fixture(t, give(ADVERTISEMENT))
    for (let i = 0; i < 40; i++)
      await remote(`https://host-${i}.corp.test/x`, { configured: true }).refs(PATIENT)
    await eventually(() => upstream.open() === 32, 'the others were closed')
    await remote('https://host-0.corp.test/x', { configured: true }).refs(PATIENT)
    await remote('https://host-39.corp.test/x', { configured: true }).refs(PATIENT)
    assert.equal(upstream.seen.at(-2)?.connection, 41)
    assert.equal(upstream.seen.at(-1)?.connection, 40)
  })
})

suite('refs', () => {
  test('are asked for as git does it, with what we are shown to be', async (t) => {
    const { upstream, remote } = await fixture(t, give(ADVERTISEMENT))
    const refs = await remote(OURS).refs(PATIENT)
    assert.equal(refs.byName.get('refs/heads/main'), HASH)
    const [request] = upstream.seen
    assert.equal(request?.path, '/team/lib.git/info/refs?service=git-upload-pack')
    assert.match(request?.headers['user-agent'] ?? '', /^git\//)
    assert.equal(loginOf(request), 'oauth2:secret-one')
  })

  test('what a status means', async (t) => {
    let status = 0
    const { remote } = await fixture(t, (_, socket) =>
      respond(socket, status, 'the host says: secret-one is bad\n\nmore', { 'content-type': 'text/plain' }),
    )
    const table: [status: number, code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [401, 'upstream_refused', /git\.corp\.test.* refused credentials\[0\] \(git\.corp\.test\) \(401\)/],
      [403, 'upstream_refused', /git\.corp\.test.* refused credentials\[0\] \(git\.corp\.test\) \(403\)/],
      [404, 'not_found', /git\.corp\.test.* does not have it/],
      [410, 'not_found', /does not have it/],
      [429, 'upstream_refused', /too many requests/],
      [500, 'upstream_failed', /answered 500/],
      [502, 'upstream_failed', /out of order \(502\)/],
      [503, 'upstream_failed', /out of order \(503\)/],
      [418, 'upstream_failed', /answered 418/],
    ]
    for (const [each, code, message] of table) {
      status = each
      const error = await failsWith(remote(OURS).refs(PATIENT), code, message)
      const texts = [error.message, error.next, String(error.cause), error.stack].join('\n')
      assert.doesNotMatch(texts, /secret-one|c2VjcmV0/, `${each} tells the secret`)
    }
  })

  test('a credential that the host took before is not at fault: the repository is hidden', async (t) => {
    const { remote } = await fixture(t, ({ path }, socket) =>
      path.startsWith('/team/') ? respond(socket, 200, ADVERTISEMENT, TYPE) : respond(socket, 403, 'no'),
    )
    const other = 'https://git.corp.test/other/lib.git'
    await failsWith(remote(other).refs(PATIENT), 'upstream_refused', /refused credentials\[0\]/)
    await remote(OURS).refs(PATIENT)
    await failsWith(
      remote(other).refs(PATIENT),
      'not_found',
      /\/other\/lib\.git, or does not show it to credentials\[0\]/,
    )
  })

  test('a token that has expired is an outage of ours, and not the end of the repositories it opened', async (t) => {
    let status = 200
    const { remote } = await fixture(t, (_, socket) =>
      status === 200 ? respond(socket, 200, ADVERTISEMENT, TYPE) : respond(socket, status, 'no'),
    )
    await remote(OURS).refs(PATIENT)
    for (status of [401, 401, 403])
      await failsWith(remote(OURS).refs(PATIENT), 'upstream_refused', /refused credentials\[0\]/)
  })

  test('that a host took a credential is not believed for long', async (t) => {
    let now = 0
    let status = 200
    const { remote } = await fixture(
      t,
      (_, socket) =>
        status === 200 ? respond(socket, 200, ADVERTISEMENT, TYPE) : respond(socket, status, 'no'),
      { accepted: createAccepted(() => now) },
    )
    await remote(OURS).refs(PATIENT)
    status = 403
    await failsWith(remote(OURS).refs(PATIENT), 'not_found', /does not show it/)
    now = 600_000
    await failsWith(remote(OURS).refs(PATIENT), 'upstream_refused', /refused credentials\[0\]/)
  })

  test('a host that sends a byte now and then is left when the time is over', async (t) => {
    const dripping: Script = (_, socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-advertisement\r\n\r\n0')
      const timer = setInterval(() => socket.write('0'), 50)
      socket.on('close', () => clearInterval(timer))
    }
    const { remote } = await fixture(t, dripping, { total: 500 })
    await failsWith(
      remote(OURS).refs(PATIENT),
      'upstream_timeout',
      /git\.corp\.test.* did not give its refs within 500 ?ms/,
    )
  })

  test('a host that wants credentials of which there are none hides its repository', async (t) => {
    const { remote } = await fixture(t, (_, socket) => respond(socket, 401, 'who are you?'))
    const error = await failsWith(
      remote('https://public.test/x').refs(PATIENT),
      'not_found',
      /for who shows no credentials/,
    )
    assert.match(error.next!, /configure credentials/)
  })

  const signIn: [what: string, answer: Script][] = [
    ['a page', give('<html>Sign in', { 'content-type': 'text/html; charset=utf-8' })],
    ['a page with 203', (_, socket) => respond(socket, 203, '<html>', { 'content-type': 'text/html' })],
    ['a redirect', (_, socket) => respond(socket, 302, '', { location: '/users/sign_in' })],
    [
      'a redirect to another host',
      (_, socket) => respond(socket, 302, '', { location: 'https://sso.test/' }),
    ],
    ['a redirect to nowhere', (_, socket) => respond(socket, 302, '', { location: '' })],
  ]
  for (const [what, answer] of signIn)
    test(`${what} that asks to sign in is no absence where credentials were shown`, async (t) => {
      let script = answer
      const { remote } = await fixture(t, (request, socket) => script(request, socket))
      const error = await failsWith(
        remote(OURS).refs(PATIENT),
        'upstream_refused',
        /git\.corp\.test.* web page to credentials\[0\] \(git\.corp\.test\), and no repository at \/team\/lib\.git/,
      )
      assert.match(error.next!, /sign in where it is wrong or has expired/)
      const anonymous = await failsWith(
        remote('https://public.test/x').refs(PATIENT),
        'not_found',
        /no repository at \/x for who shows no credentials/,
      )
      assert.match(anonymous.next!, /configure credentials/)
      // The page does not make a credential one that the host takes, and ends that it is one.
      script = (_, socket) => respond(socket, 403, 'no')
      await failsWith(remote(OURS).refs(PATIENT), 'upstream_refused', /refused credentials\[0\]/)
      script = give(ADVERTISEMENT)
      await remote(OURS).refs(PATIENT)
      for (script of [answer, (_: SeenRequest, socket: Socket) => respond(socket, 403, 'no')])
        await failsWith(remote(OURS).refs(PATIENT), 'upstream_refused', /credentials\[0\]/)
    })

  test('something else than refs is no repository, or a bad one', async (t) => {
    let answer: Script = give('')
    const { remote } = await fixture(t, (request, socket) => answer(request, socket))
    const table: [answer: Script, code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [
        give(`${HASH}\trefs/heads/main\n`, { 'content-type': 'text/plain' }),
        'not_found',
        /no git repository/,
      ],
      [give('<html>Sign in'), 'upstream_invalid', /not a whole list of refs/],
      [
        give(packet('# service=git-upload-pack') + FLUSH + packet('ERR gone') + FLUSH),
        'upstream_invalid',
        /says: gone/,
      ],
      [give('x'.repeat((1 << 20) + 1)), 'upstream_invalid', /larger|more than/],
    ]
    for (const [each, code, message] of table) {
      answer = each
      await failsWith(remote(OURS).refs(PATIENT), code, message)
    }
  })
})

suite('redirects', () => {
  const moved =
    (location: string, status = 301): Script =>
    (request, socket) =>
      request.path.startsWith('/team/')
        ? respond(socket, status, 'moved', { location })
        : respond(socket, 200, ADVERTISEMENT, TYPE)
  const there = (base: string): string => `${base}/info/refs?service=git-upload-pack`

  test('are followed to where the repository is now, in all later requests too', async (t) => {
    for (const status of [301, 302, 303, 307, 308]) {
      const { upstream, remote } = await fixture(t, moved(there('/moved/lib.git'), status))
      const found = remote(OURS)
      await found.refs(PATIENT)
      assert.equal((await found.fetchFrom(PATIENT)).url, 'https://git.corp.test/moved/lib.git')
      assert.deepEqual(upstream.seen.map(loginOf), ['oauth2:secret-one', 'oauth2:secret-one'])
      assert.equal(found.url, OURS)
    }
  })

  test('a credential goes to its own host only, whoever leads there', async (t) => {
    const table: [from: string, to: string, logins: (string | undefined)[]][] = [
      // Our own host may lead to others as what we are there.
      [OURS, 'https://new.corp.test/lib.git', ['oauth2:secret-one', 'oauth2:secret-two']],
      [OURS, 'https://public.test/lib.git', ['oauth2:secret-one', undefined]],
      [OURS, 'https://git.corp.test:8443/lib.git', ['oauth2:secret-one', undefined]],
      // A stranger must not make us fetch for him what is shown to us.
      ['https://public.test/team/x', 'https://git.corp.test/lib.git', [undefined, undefined]],
    ]
    for (const [from, to, logins] of table) {
      const addresses = { 'public.test': '93.184.216.34', 'git.corp.test': '93.184.216.35' }
      const { upstream, remote } = await fixture(t, moved(there(to)), { addresses })
      await remote(from).refs(PATIENT)
      assert.deepEqual(upstream.seen.map(loginOf), logins, `${from} -> ${to}`)
    }
  })

  test('a stranger leads to public addresses only', async (t) => {
    const addresses = {
      'public.test': '93.184.216.34',
      'git.corp.test': '10.0.0.1',
      'inner.test': '10.0.0.2',
    }
    for (const to of [
      'https://git.corp.test/lib.git',
      'https://inner.test/lib.git',
      'https://127.0.0.1/lib.git',
      'https://[::1]/x',
    ]) {
      const { upstream, remote } = await fixture(t, moved(there(to)), { addresses })
      await failsWith(remote('https://public.test/team/x').refs(PATIENT), 'upstream_invalid', /address/)
      assert.equal(upstream.seen.length, 1, to)
    }
  })

  test('they lead only to hosts that the route names', async (t) => {
    const table: [to: string, hosts: string[], asked: string[]][] = [
      ['https://new.corp.test/lib.git', ['git.corp.test'], ['git.corp.test']],
      ['https://git.corp.test:8443/lib.git', ['git.corp.test'], ['git.corp.test']],
      ['https://new.corp.test/lib.git', ['new.corp.test'], ['git.corp.test', 'new.corp.test']],
      // Where it is found says who may be asked: the configuration itself may.
      ['https://git.corp.test/lib.git', ['new.corp.test'], ['git.corp.test', 'git.corp.test']],
    ]
    for (const [to, hosts, asked] of table) {
      const { upstream, remote } = await fixture(t, moved(there(to)), { hosts })
      const refs = remote(OURS).refs(PATIENT)
      if (asked.length > 1) await refs
      else {
        const error = await failsWith(refs, 'upstream_invalid', /^git\.corp\.test.* is at \S+\.test\S* now$/)
        assert.match(error.next!, /add that host to hosts of the route/)
      }
      const seen = upstream.seen.map(({ headers }) => headers.host?.split(':', 1)[0])
      assert.deepEqual(seen, asked, `to ${to} with ${hosts.join()}`)
    }
  })

  test('those that lead to no repository, or nowhere, are refused', async (t) => {
    const table: [location: string, code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [there('http://git.corp.test/lib.git'), 'upstream_invalid', /https to plain http/],
      [there('ssh://git@git.corp.test/lib.git'), 'upstream_invalid', /without saying where to/],
      [there('ext::sh -c id'), 'upstream_invalid', /without saying where to/],
      [there('/team/lib.git'), 'upstream_invalid', /more than 5 times/],
    ]
    for (const [location, code, message] of table) {
      const { remote } = await fixture(t, moved(location))
      await failsWith(remote(OURS).refs(PATIENT), code, message)
    }
  })

  test('a login in the address they lead to is dropped', async (t) => {
    const { upstream, remote } = await fixture(t, moved(there('https://a:b@git.corp.test/lib.git')))
    const found = remote(OURS)
    await found.refs(PATIENT)
    assert.equal(loginOf(upstream.seen[1]), 'oauth2:secret-one')
    assert.equal((await found.fetchFrom(PATIENT)).url, 'https://git.corp.test/lib.git')
  })
})

suite('tokens', () => {
  const config: Partial<GitOriginConfig> = {
    credentials: [
      {
        for: 'git.corp.test',
        login: {
          kind: 'oauth2',
          tokenUrl: 'https://tokens.corp.test/token',
          clientId: 'modstead',
          clientSecret: { text: 'client-secret' },
          scheme: 'bearer',
        },
      },
    ],
  }

  test('one that is refused is renewed once, for refs and for packs', async (t) => {
    let made = 0
    let good = 1
    const script: Script = (request, socket) => {
      if (request.path === '/token')
        return respond(
          socket,
          200,
          JSON.stringify({ access_token: `t${++made}`, token_type: 'bearer', expires_in: 3600 }),
          {
            'content-type': 'application/json',
          },
        )
      if (request.headers.authorization !== `Bearer t${good}`) return respond(socket, 401, 'expired')
      if (request.path.includes('/info/refs')) return respond(socket, 200, ADVERTISEMENT, TYPE)
      return respond(socket, 200, 'the answer', { 'content-type': 'application/x-git-upload-pack-result' })
    }
    const { remote } = await fixture(t, script, { config })
    const found = remote(OURS)
    await found.refs(PATIENT)
    good = 2
    assert.equal((await collect(await found.upload('0000', PATIENT))).toString(), 'the answer')
    assert.equal(made, 2)
    // The new one is refused as well: tokens are not to blame.
    good = 99
    await failsWith(found.refs(PATIENT), 'upstream_refused', /refused credentials\[0\]/)
    assert.equal(made, 2)
    const { remote: another } = await fixture(t, script, { config })
    good = 4
    await another(OURS).refs(PATIENT)
    assert.equal(made, 4)
  })
})

suite('packs', () => {
  test('are asked for by version 2 of the protocol', async (t) => {
    const { upstream, remote } = await fixture(
      t,
      give('the answer', { 'content-type': 'application/x-git-upload-pack-result' }),
    )
    assert.equal((await collect(await remote(OURS).upload('0000', PATIENT))).toString(), 'the answer')
    const [request] = upstream.seen
    assert.equal(request?.method, 'POST')
    assert.equal(request?.path, '/team/lib.git/git-upload-pack')
    assert.equal(request?.headers['git-protocol'], 'version=2')
  })

  test('a host of older versions is told from one that refuses or fails', async (t) => {
    let answer: Script = give('')
    const { remote } = await fixture(t, (request, socket) => answer(request, socket))
    for (const status of [400, 405, 415, 500, 501]) {
      answer = (_, socket) => respond(socket, status, 'what?')
      await assert.rejects(remote(OURS).upload('0000', PATIENT), BadPacket, String(status))
    }
    answer = give('<html>')
    await assert.rejects(remote(OURS).upload('0000', PATIENT), BadPacket)
    const table: [status: number, code: Parameters<typeof failsWith>[1]][] = [
      [401, 'upstream_refused'],
      [403, 'upstream_refused'],
      [404, 'not_found'],
      [429, 'upstream_refused'],
      [503, 'upstream_failed'],
    ]
    for (const [status, code] of table) {
      answer = (_, socket) => respond(socket, status, 'no')
      await failsWith(remote(OURS).upload('0000', PATIENT), code, /git\.corp\.test/)
    }
  })
})

test('git gets the credential as a setting for one host, and follows nothing by itself', async (t) => {
  const { remote } = await fixture(t, give(ADVERTISEMENT), { addresses: { 'public.test': '93.184.216.34' } })
  const settings = new Map((await remote(OURS).fetchFrom(PATIENT)).settings)
  assert.match(settings.get('http.https://git.corp.test/.extraHeader') ?? '', /^Authorization: Basic /)
  assert.equal(settings.get('protocol.https.allow'), 'always')
  assert.equal(settings.get('http.proxy'), '')
  const other = await remote('https://public.test/x').fetchFrom(PATIENT)
  assert.equal(new Map(other.settings).get('http.curloptResolve'), 'public.test:443:93.184.216.34')
  assert.doesNotMatch(JSON.stringify(other), /Authorization/)
})
