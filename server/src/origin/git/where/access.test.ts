import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { GitCredentials, GitLogin, GitOriginConfig } from '../../../config/config.ts'
import type { Outside } from '../../outside.ts'
import { readProxyEnvironment } from '../../proxy-environment.ts'
import { makeCertificates, type TestCertificates } from '../../test-certificates.ts'
import { failsWith, testOutside } from '../../test-origin.ts'
import { respond, startTestUpstream } from '../../test-upstream.ts'
import type { RemoteAccess } from './access.ts'
import type { FoundRepository } from './found.ts'
import { createRemotes, type Remotes } from './remotes.ts'
import {
  discovered,
  gitConfig,
  loginIn,
  META,
  repositoryAt,
  testRemotes,
  tokenEntry,
} from '../test-remotes.ts'

let certificates: TestCertificates
let folder: string
before(() => {
  certificates = makeCertificates()
  folder = mkdtempSync(join(tmpdir(), 'modstead-git-access-'))
})
after(() => {
  certificates.remove()
  rmSync(folder, { recursive: true })
})

/** What the name service says. */
const NAMES: Record<string, string[]> = {
  'public.test': ['93.184.216.34', '2606:2800:220:1::1'],
  'private.test': ['10.0.0.1'],
  'mixed.test': ['10.0.0.1', '93.184.216.34', '::ffff:10.0.0.1', '127.0.0.1'],
  'mapped.test': ['::ffff:192.168.0.1'],
  'github.com': ['93.184.216.40'],
  'git.corp.example': ['10.0.0.2'],
}

function remotesWith(config: Partial<GitOriginConfig>, outside: Partial<Outside> = {}): Remotes {
  const lookup = async (host: string) =>
    (NAMES[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return createRemotes({ config: gitConfig(config), outside: testOutside({ lookup, ...outside }) })
}

async function accessTo(
  remotes: Remotes,
  url: string,
  options: Partial<FoundRepository> = {},
): Promise<RemoteAccess> {
  return remotes.accessTo(repositoryAt(url, options), { signal: AbortSignal.timeout(20_000) })
}

suite('addresses', () => {
  test('those of strangers are checked, and git gets the checked ones', async () => {
    const remotes = remotesWith({})
    const table: [url: string, resolve: string | undefined][] = [
      ['https://public.test/x', 'public.test:443:93.184.216.34,[2606:2800:220:1::1]'],
      ['https://public.test:8443/x', 'public.test:8443:93.184.216.34,[2606:2800:220:1::1]'],
      ['https://mixed.test/x', 'mixed.test:443:93.184.216.34'],
      ['https://93.184.216.34/x', undefined],
    ]
    for (const [url, resolve] of table) assert.equal((await accessTo(remotes, url)).resolve, resolve, url)
    const refused = [
      'https://private.test/x',
      'https://mapped.test/x',
      'https://10.0.0.1/x',
      'https://[::1]/x',
    ]
    for (const url of [
      ...refused,
      'https://[::ffff:10.0.0.1]/x',
      'https://2130706433/x',
      'https://nowhere.test/x',
    ])
      await failsWith(
        accessTo(remotes, url),
        'upstream_invalid',
        /has no public address, and is not configured$/,
      )
  })

  test('a name is looked up once: what it turns into later is of no interest', async () => {
    let looked = 0
    const lookup = async () => [{ address: ++looked === 1 ? '93.184.216.34' : '127.0.0.1', family: 4 }]
    const remotes = remotesWith({}, { lookup })
    const access = await accessTo(remotes, 'https://rebinding.test/x')
    assert.deepEqual([access.resolve, looked], ['rebinding.test:443:93.184.216.34', 1])
    await failsWith(accessTo(remotes, 'https://rebinding.test/x'), 'upstream_invalid', /no public address/)
  })

  test('a configured host may have any address, on its port and not by a stranger’s word', async () => {
    const remotes = remotesWith({ hosts: ['*.corp.example', 'private.test:8443'] })
    for (const url of ['https://git.corp.example/x', 'https://private.test:8443/x'])
      assert.deepEqual(await accessTo(remotes, url), { entry: 'none' }, url)
    const refused: [url: string, options?: Partial<FoundRepository>][] = [
      ['https://git.corp.example/x', { trusted: false }],
      ['https://git.corp.example:8443/x'],
      ['https://private.test/x'],
    ]
    for (const [url, options] of refused)
      await failsWith(accessTo(remotes, url, options), 'upstream_invalid', /no public address/)
    assert.deepEqual(await accessTo(remotes, 'https://private.test/x', { configured: true }), {
      entry: 'none',
    })
  })

  test('an HTTP proxy looks names up itself, but gets no private address', async () => {
    const proxies = readProxyEnvironment({
      HTTPS_PROXY: 'http://u:p@proxy.test:3128',
      NO_PROXY: 'direct.test',
    })
    const remotes = remotesWith({ hosts: ['git.corp.example'] }, { proxies })
    const proxy = 'http://u:p@proxy.test:3128/'
    assert.deepEqual(await accessTo(remotes, 'https://private.test/x'), { proxy, entry: 'none' })
    assert.deepEqual(await accessTo(remotes, 'https://git.corp.example/x'), { proxy, entry: 'none' })
    await failsWith(accessTo(remotes, 'https://10.0.0.1/x'), 'upstream_invalid', /no public address/)
    await failsWith(accessTo(remotes, 'https://localhost/x'), 'upstream_invalid', /no public address/)
    await failsWith(accessTo(remotes, 'https://direct.test/x'), 'upstream_invalid', /no public address/)
  })

  test('file remotes need nothing, and plain http and ssh a configured host', async () => {
    const remotes = remotesWith({ hosts: ['git.corp.example', 'git.corp.example:8080'] })
    assert.deepEqual(await accessTo(remotes, 'file:///srv/git/x', { configured: true }), { entry: 'none' })
    assert.deepEqual(await accessTo(remotes, 'http://git.corp.example:8080/x'), { entry: 'none' })
    await failsWith(
      accessTo(remotes, 'http://public.test/x'),
      'upstream_invalid',
      /plain http, but is not configured$/,
    )
    await failsWith(
      accessTo(remotes, 'ssh://git@public.test/x'),
      'upstream_invalid',
      /ssh, but is not configured$/,
    )
    await failsWith(
      accessTo(remotes, 'ssh://git@git.corp.example/x', { trusted: false }),
      'upstream_invalid',
      /ssh/,
    )
    const error = await failsWith(
      accessTo(remotes, 'ssh://git@git.corp.example/x'),
      'upstream_refused',
      /no credentials hold a key/,
    )
    assert.match(error.next ?? '', /sshKey and knownHosts/)
  })
})

suite('which credentials', () => {
  const SSH: GitCredentials = {
    for: 'git.corp.example',
    login: { kind: 'ssh', key: '/key', knownHosts: '/hosts' },
  }
  const ENTRIES: GitCredentials[] = [
    tokenEntry('everywhere'),
    tokenEntry('host', 'Git.corp.example'),
    tokenEntry('team', 'git.corp.example/team'),
    tokenEntry('tool', 'git.corp.example/team/tool'),
    tokenEntry('port', 'git.corp.example:8443'),
    SSH,
    tokenEntry('github', 'github.com/corp'),
    tokenEntry('later', 'git.corp.example/team'),
  ]

  test('the longest place that fits, compared by elements', async () => {
    const remotes = remotesWith({ hosts: ['git.corp.example', '*.lab.example'], credentials: ENTRIES })
    const table: [url: string, login: string | undefined, entry: string][] = [
      ['https://git.corp.example/x', 'oauth2:host', 'credentials[1] (Git.corp.example)'],
      ['https://git.corp.example/team', 'oauth2:team', 'credentials[2] (git.corp.example/team)'],
      ['https://git.corp.example/team/x.git', 'oauth2:team', 'credentials[2] (git.corp.example/team)'],
      ['https://git.corp.example/team2/x', 'oauth2:host', 'credentials[1] (Git.corp.example)'],
      ['https://git.corp.example/Team/x', 'oauth2:host', 'credentials[1] (Git.corp.example)'],
      [
        'https://git.corp.example/team/tool.git',
        'oauth2:tool',
        'credentials[3] (git.corp.example/team/tool)',
      ],
      ['https://git.corp.example/team/tool.git2', 'oauth2:team', 'credentials[2] (git.corp.example/team)'],
      ['https://git.corp.example/team.git/x', 'oauth2:host', 'credentials[1] (Git.corp.example)'],
      ['https://git.corp.example:8443/team/tool', 'oauth2:port', 'credentials[4] (git.corp.example:8443)'],
      ['https://a.lab.example/x', 'oauth2:everywhere', 'credentials[0] (a.lab.example)'],
      ['https://github.com/corp/x', 'x-access-token:github', 'credentials[6] (github.com/corp)'],
      ['https://github.com/corp2/x', undefined, 'none'],
      ['https://public.test/x', undefined, 'none'],
      ['https://github.com:8443/corp/x', undefined, 'none'],
    ]
    for (const [url, login, entry] of table) {
      const access = await accessTo(remotes, url).catch(() => assert.fail(url))
      assert.deepEqual([loginIn(access.authorization), access.entry], [login, entry], url)
    }
  })

  test('ssh remotes get a key and nothing else, https remotes no key', async () => {
    const remotes = remotesWith({ credentials: ENTRIES })
    assert.deepEqual(await accessTo(remotes, 'ssh://git@git.corp.example/team/tool'), {
      ssh: { key: '/key', knownHosts: '/hosts' },
      entry: 'credentials[5] (git.corp.example)',
    })
    await failsWith(
      accessTo(remotes, 'ssh://git@git.corp.example:2222/x'),
      'upstream_invalid',
      /not configured/,
    )
    const keysOnly = remotesWith({ credentials: [SSH] })
    assert.deepEqual(await accessTo(keysOnly, 'https://git.corp.example/x'), { entry: 'none' })
  })

  test('plain http is shown nothing unless the configuration wrote the URL', async () => {
    const remotes = remotesWith({ hosts: ['git.corp.example'], credentials: [tokenEntry('secret')] })
    const url = 'http://git.corp.example/x'
    assert.deepEqual(await accessTo(remotes, url), { entry: 'none' })
    const mapped = await accessTo(remotes, url, { configured: true })
    assert.equal(loginIn(mapped.authorization), 'oauth2:secret')
  })

  test('a repository that a stranger named is shown nothing', async () => {
    const remotes = remotesWith({ hosts: ['public.test'], credentials: [tokenEntry('secret')] })
    const resolve = 'public.test:443:93.184.216.34,[2606:2800:220:1::1]'
    assert.deepEqual(await accessTo(remotes, 'https://public.test/x', { trusted: false }), {
      resolve,
      entry: 'none',
    })
  })
})

suite('kinds of credentials', () => {
  async function shown(
    login: GitLogin,
    url = 'https://git.corp.example/team/x',
  ): Promise<string | undefined> {
    const remotes = remotesWith({
      hosts: ['*.corp.example', 'github.com', 'bitbucket.org'],
      credentials: [{ login }],
    })
    return loginIn((await accessTo(remotes, url)).authorization)
  }

  test('tokens and logins as hosts see them', async () => {
    const token = { text: 'tok' }
    const table: [login: GitLogin, url: string, header: string][] = [
      [{ kind: 'token', token, scheme: 'basic' }, 'https://git.corp.example/x', 'oauth2:tok'],
      [{ kind: 'token', token, scheme: 'basic' }, 'https://github.com/a/b', 'x-access-token:tok'],
      [{ kind: 'token', token, scheme: 'basic' }, 'https://bitbucket.org/a/b', 'x-token-auth:tok'],
      [{ kind: 'token', token, scheme: 'bearer' }, 'https://git.corp.example/x', 'Bearer tok'],
      [{ kind: 'basic', username: 'ci', password: { text: 'p:ä' } }, 'https://git.corp.example/x', 'ci:p:ä'],
    ]
    for (const [login, url, header] of table) assert.equal(await shown(login, url), header)
  })

  test('what is in files is read at use', async () => {
    const file = join(folder, 'token')
    const token: GitLogin = { kind: 'token', token: { file }, scheme: 'basic' }
    const remotes = remotesWith({ hosts: ['git.corp.example'], credentials: [{ login: token }] })
    const now = async () => loginIn((await accessTo(remotes, 'https://git.corp.example/x')).authorization)
    writeFileSync(file, 'first\n')
    assert.equal(await now(), 'oauth2:first')
    writeFileSync(file, 'second\r\n')
    assert.equal(await now(), 'oauth2:second')
    writeFileSync(file, '\n')
    await failsWith(now(), 'upstream_refused', /was not asked, for the file of credentials\[0\] is empty$/)
    rmSync(file)
    await failsWith(now(), 'upstream_refused', /for a file of credentials\[0\] cannot be read$/)
    const password: GitLogin = { kind: 'basic', username: 'ci', password: { file } }
    writeFileSync(file, 'pw')
    assert.equal(await shown(password), 'ci:pw')
  })

  test('a token that would break its header is not sent', async () => {
    for (const text of ['a b', 'a\nX-Evil: 1', 'a\0', 'ä'])
      for (const scheme of ['basic', 'bearer'] as const) {
        const error = await failsWith(
          shown({ kind: 'token', token: { text }, scheme }),
          'upstream_refused',
          /the token of credentials\[0\] has spaces or line breaks in it$/,
        )
        assert.ok(!error.message.includes(text))
      }
  })

  test('netrc: the longest machine, and only for hosts of the origin', async () => {
    const file = join(folder, 'netrc')
    const login: GitLogin = { kind: 'netrc', file }
    writeFileSync(
      file,
      'machine git.corp.example login a password 1\nmachine git.corp.example/team login b password 2\nmachine public.test login c password 3\n',
    )
    assert.equal(await shown(login), 'b:2')
    assert.equal(await shown(login, 'https://git.corp.example/team2/x'), 'a:1')
    assert.equal(await shown(login, 'https://other.corp.example/x'), undefined)
    assert.equal(await shown(login, 'https://public.test/x'), undefined)
  })

  test('certificates and authorities go to their place', async () => {
    const { client: certificate, ca } = certificates
    const remotes = remotesWith({
      credentials: [{ ...tokenEntry('t', 'git.corp.example'), certificate, ca }],
    })
    const { authorization: _token, ...rest } = await accessTo(remotes, 'https://git.corp.example/x')
    assert.deepEqual(rest, { certificate, ca, entry: 'credentials[0] (git.corp.example)' })
  })

  test('pages are asked with them too, and with those that are in the files now', async () => {
    const upstream = await startTestUpstream(
      (request, socket) =>
        respond(socket, 200, META(`mirror.test/${request.path[1]}`, 'git', 'https://a.test/x')),
      { ...certificates.server, ca: [certificates.authority], requestCert: true, rejectUnauthorized: true },
    )
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, certificates.server.cert)
    const entry: GitCredentials = { for: 'mirror.test', ca, certificate: certificates.client }
    const remotes = testRemotes({
      upstream,
      ca: certificates.ca,
      strict: true,
      config: { credentials: [entry] },
    })
    await failsWith(
      discovered(remotes, 'mirror.test/x'),
      'upstream_unreachable',
      /certificate that cannot be trusted/,
    )
    writeFileSync(ca, certificates.authority)
    assert.equal((await discovered(remotes, 'mirror.test/y')).vcs, 'git')
    await remotes.close()
    await upstream.close()
  })
})
