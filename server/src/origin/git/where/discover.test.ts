import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { GitOriginConfig } from '../../../config/config.ts'
import { makeCertificates, type TestCertificates } from '../../test-certificates.ts'
import { failsWith } from '../../test-origin.ts'
import { respond, startTestUpstream, type SeenRequest, type TestUpstream } from '../../test-upstream.ts'
import type { Found } from './found.ts'
import type { Remotes } from './remotes.ts'
import { discovered, loginIn, META, testRemotes, tokenEntry } from '../test-remotes.ts'

let certificates: TestCertificates
before(() => {
  certificates = makeCertificates()
})
after(() => certificates.remove())

/** Body or status, with a body and a place to go, by host and path. */
type Site = Record<string, string | number | { status: number; body?: string; location?: string }>

interface Given {
  config?: Partial<GitOriginConfig>
  addresses?: Record<string, string>
}

const HTML = { 'content-type': 'text/html; charset=utf-8' }

/** Runs `work` with remotes whose hosts answer as `site` says; what is not in it is a 404. */
async function withSite(
  site: Site,
  { config = {}, addresses = {} }: Given,
  work: (remotes: Remotes, upstream: TestUpstream) => Promise<void>,
): Promise<void> {
  const upstream = await startTestUpstream((request, socket) => {
    const answer = site[placeOf(request)] ?? 404
    const {
      status,
      body = '',
      location,
    } = typeof answer === 'object'
      ? answer
      : typeof answer === 'string'
        ? { status: 200, body: answer, location: undefined }
        : { status: answer, body: '', location: undefined }
    respond(socket, status, body, location === undefined ? HTML : { ...HTML, location })
  }, certificates.server)
  const remotes = testRemotes({ upstream, ca: certificates.ca, config, addresses })
  try {
    await work(remotes, upstream)
  } finally {
    await remotes.close()
    await upstream.close()
  }
}

function placeOf({ path, headers }: SeenRequest): string {
  return `${headers['host']!.replace(/:\d+$/, '')}${path.replace(/\?go-get=1$/, '')}`
}

/** A host of the company on this machine. */
function own(options: Partial<GitOriginConfig> = {}): Given {
  return {
    config: {
      hosts: ['mirror.test'],
      ...options,
    },
  }
}

function short(found: Found): string {
  if (found.vcs === 'mod') return `mod ${found.root} ${found.url.href}`
  const { root, url, subdirectory, trusted } = found.repository
  return `${root} ${url.href}${subdirectory === '' ? '' : ` ${subdirectory}`}${trusted ? '' : ' (a stranger’s)'}`
}

suite('without a request', () => {
  test('static hosts, suffixes and mappings', async () => {
    const config = { repositories: [{ pattern: 'mirror.test/*', url: 'ssh://git@git.corp.example/{path}' }] }
    await withSite({}, { config }, async (remotes, upstream) => {
      const table: [path: string, found: string][] = [
        ['github.com/golang/go/x', 'github.com/golang/go https://github.com/golang/go'],
        ['mirror.test/a/b.git/c', 'mirror.test/a ssh://git@git.corp.example/a'],
        ['git.test/a/b.git/c', 'git.test/a/b.git https://git.test/a/b.git'],
      ]
      for (const [path, found] of table) assert.equal(short(await discovered(remotes, path)), found)
      await failsWith(discovered(remotes, 'mirror.test'), 'not_found', /no repository is configured/)
      assert.equal(upstream.seen.length, 0)
    })
  })

  test('what can be no module is absent, and what is no git is refused', async () => {
    await withSite({}, {}, async (remotes, upstream) => {
      for (const path of [
        '1.2.3.4/x',
        '127.1/x',
        '0x7f.1/x',
        'github.com',
        'github.com/x',
        'github.com/a/b.git',
      ])
        await failsWith(discovered(remotes, path), 'not_found', /./)
      await failsWith(
        discovered(remotes, 'corp.test/a.hg/x'),
        'upstream_invalid',
        /^corp\.test\/a\.hg is a repository of hg, /,
      )
      assert.equal(upstream.seen.length, 0)
    })
  })

  test('a key and no login for a host: paths with .git are asked by ssh', async () => {
    const login = { kind: 'ssh', key: '/k', knownHosts: '/h' } as const
    const entry = { for: 'git.test', login }
    await withSite({}, { config: { credentials: [entry] } }, async (remotes) => {
      const found = await discovered(remotes, 'git.test/a/b.git')
      assert.equal(short(found), 'git.test/a/b.git ssh://git@git.test/a/b.git')
      assert.equal(found.vcs === 'git' && found.repository.goUrl, 'git+ssh://git.test/a/b')
    })
    await withSite({}, { config: { credentials: [entry, tokenEntry('t', 'git.test')] } }, async (remotes) => {
      assert.equal(
        short(await discovered(remotes, 'git.test/a/b.git')),
        'git.test/a/b.git https://git.test/a/b.git',
      )
    })
  })
})

suite('pages', () => {
  test('what a page says', async () => {
    const git = 'https://git.test/x.git'
    const table: [site: Site, path: string, found: string][] = [
      [{ 'mirror.test/x': META('mirror.test/x', 'git', git) }, 'mirror.test/x', `mirror.test/x ${git}`],
      [{ 'mirror.test/': META('mirror.test', 'git', git) }, 'mirror.test', `mirror.test ${git}`],
      [
        { 'mirror.test/x': { status: 404, body: META('mirror.test/x', 'git', git) } },
        'mirror.test/x',
        `mirror.test/x ${git}`,
      ],
      [
        { 'mirror.test/x': { status: 500, body: META('mirror.test/x', 'git', git) } },
        'mirror.test/x',
        `mirror.test/x ${git}`,
      ],
      [
        { 'mirror.test/x': META('mirror.test/x', 'git', git, 'a/b/') },
        'mirror.test/x',
        `mirror.test/x ${git} a/b`,
      ],
      [
        { 'mirror.test/x': META('mirror.test/x', 'mod', 'https://proxy.test') },
        'mirror.test/x',
        'mod mirror.test/x https://proxy.test/',
      ],
      [
        { 'mirror.test/x': META('mirror.test/x', 'git', git) + META('other/y', 'git', git) },
        'mirror.test/x',
        `mirror.test/x ${git}`,
      ],
      [
        { 'mirror.test/x': META('mirror.test/x', 'git', 'git+ssh://git@mirror.test/x') },
        'mirror.test/x',
        'mirror.test/x ssh://git@mirror.test/x',
      ],
      [
        {
          'mirror.test/x/y/v2': META('mirror.test/x', 'git', git),
          'mirror.test/x': META('mirror.test/x', 'git', git),
        },
        'mirror.test/x/y/v2',
        `mirror.test/x ${git}`,
      ],
    ]
    for (const [site, path, found] of table)
      await withSite(site, own(), async (remotes) =>
        assert.equal(short(await discovered(remotes, path)), found),
      )
  })

  test('pages that are of no use, and hosts that cannot say', async () => {
    const git = 'https://git.test/x.git'
    const page = (...tag: Parameters<typeof META>): Site => ({ 'mirror.test/x': META(...tag) })
    const table: [site: Site, code: Parameters<typeof failsWith>[1], message: RegExp][] = [
      [{}, 'not_found', /^mirror\.test \(origin gitlab\) names no repository for mirror\.test\/x \(404\)$/],
      [{ 'mirror.test/x': '<html>hello' }, 'not_found', /names no repository/],
      [{ 'mirror.test/x': '<script>if (a < b)</script>' }, 'not_found', /names no repository/],
      [{ 'mirror.test/x': 403 }, 'not_found', /\(403\)$/],
      [{ 'mirror.test/x': 401 }, 'upstream_refused', /refuses to answer without credentials \(401\)$/],
      [{ 'mirror.test/x': 429 }, 'upstream_refused', /too many requests/],
      [{ 'mirror.test/x': 501 }, 'upstream_failed', /answered 501/],
      [{ 'mirror.test/x': 503 }, 'upstream_failed', /answered 503/],
      [page('mirror.test/y', 'git', git), 'not_found', /names no repository/],
      [page('mirror.test/xy', 'git', git), 'not_found', /names no repository/],
      [page('mirror.test/x/y', 'git', git), 'not_found', /names no repository/],
      [page('other.test', 'git', git), 'not_found', /names no repository/],
      [
        { 'mirror.test/x': META('mirror.test/x', 'git', git).repeat(2).replace('</head>', '') },
        'upstream_invalid',
        /more than one go-import tag/,
      ],
      [page('mirror.test/x', 'hg', git), 'upstream_invalid', /wants hg, and modstead fetches with git only$/],
      [
        page('mirror.test/x', 'git', 'ext::sh'),
        'upstream_invalid',
        /expected a URL of https:, http:, ssh:, found ext::sh$/,
      ],
      [page('mirror.test/x', 'git', 'file:///srv/git'), 'upstream_invalid', /expected a URL of https/],
      [page('mirror.test/x', 'git', '--upload-pack=x'), 'upstream_invalid', /expected a URL of https/],
      [
        page('mirror.test/x', 'git', 'git@mirror.test:x'),
        'upstream_invalid',
        /found \(hidden\)@mirror\.test:x$/,
      ],
      [
        page('mirror.test/x', 'git', 'https://u:secret@git.test/x'),
        'upstream_invalid',
        /found https:\/\/\(hidden\)@git\.test\/x$/,
      ],
      [page('mirror.test/x', 'git', 'http://git.test/x'), 'upstream_invalid', /plain http/],
      [page('mirror.test/x', 'git', git, '/a'), 'upstream_invalid', /bad subdirectory/],
      [page('mirror.test/x', 'git', git, '-a'), 'upstream_invalid', /bad subdirectory/],
      [page('mirror.test/x', 'git', git, 'a/../../b'), 'upstream_invalid', /bad subdirectory/],
      [page('mirror.test/x', 'git', git, 'a//b'), 'upstream_invalid', /bad subdirectory/],
      [page('mirror.test/x', 'git', git, ':(glob)a'), 'upstream_invalid', /bad subdirectory/],
      [page('mirror.test/x', 'mod', 'file:///srv'), 'upstream_invalid', /no URL of https/],
      [page('mirror.test/x', 'mod', 'http://proxy.test'), 'upstream_invalid', /no URL of https/],
      [
        page('mirror.test/x', 'mod', 'https://u:secret@proxy.test'),
        'upstream_invalid',
        /no URL of https: https:\/\/\(hidden\)@proxy\.test$/,
      ],
      [
        { 'mirror.test/x': { status: 302, location: 'http://mirror.test/x' } },
        'upstream_invalid',
        /from https to plain http/,
      ],
      [
        { 'mirror.test/x': { status: 302, location: 'https://mirror.test/x?go-get=1' } },
        'upstream_invalid',
        /more than 10 times/,
      ],
      [{ 'mirror.test/x': { status: 302 } }, 'upstream_invalid', /without saying where to/],
    ]
    for (const [site, code, message] of table)
      await withSite(site, own(), async (remotes) => {
        const error = await failsWith(discovered(remotes, 'mirror.test/x'), code, message)
        assert.ok(!`${error.message}${error.next}`.includes('secret'), error.message)
      })
  })

  test('a page below a repository has to agree with the page of the repository', async () => {
    const tag = META('mirror.test/x', 'git', 'https://git.test/x')
    const others = [
      '',
      META('mirror.test/x', 'git', 'https://git.test/y'),
      META('mirror.test/x', 'git', 'https://git.test/x', 'sub'),
    ]
    for (const other of [...others, META('mirror.test/x', 'mod', 'https://git.test/x')])
      await withSite({ 'mirror.test/x/evil': tag, 'mirror.test/x': other }, own(), async (remotes) => {
        const code = other === '' ? 'not_found' : 'upstream_invalid'
        await failsWith(
          discovered(remotes, 'mirror.test/x/evil'),
          code,
          /names no repository|says another thing/,
        )
      })
  })

  test('one request for all who ask at once, and none for some minutes after', async () => {
    const tag = META('mirror.test/x', 'git', 'https://git.test/x')
    await withSite(
      { 'mirror.test/x/a': tag, 'mirror.test/x/b': tag, 'mirror.test/x': tag },
      own(),
      async (remotes, upstream) => {
        const paths = [
          'mirror.test/x/a',
          'mirror.test/x/a',
          'mirror.test/x/b',
          'mirror.test/x',
          'mirror.test/x/a',
        ]
        await Promise.all(paths.map((path) => discovered(remotes, path)))
        await discovered(remotes, 'mirror.test/x/b')
        assert.deepEqual(upstream.seen.map(({ path }) => path).toSorted(), [
          '/x/a?go-get=1',
          '/x/b?go-get=1',
          '/x?go-get=1',
        ])
      },
    )
  })

  test('only the beginning of a page is read', async () => {
    const config = own({ limits: { page: 200, mod: 1, zip: 1, repository: 1 } })
    const site = {
      'mirror.test/x': `${META('mirror.test/x', 'git', 'https://git.test/x')}${' '.repeat(1 << 20)}`,
      'mirror.test/y': `${' '.repeat(300)}${META('mirror.test/y', 'git', 'https://git.test/y')}`,
    }
    await withSite(site, config, async (remotes) => {
      assert.equal(short(await discovered(remotes, 'mirror.test/x')), 'mirror.test/x https://git.test/x')
      await failsWith(discovered(remotes, 'mirror.test/y'), 'not_found', /names no repository/)
    })
  })

  test('a host that says nothing is given up in time, and a caller who leaves does not wait', async () => {
    const upstream = await startTestUpstream(() => undefined, certificates.server)
    const { timeouts } = testTimeouts()
    const config = { ...own().config, timeouts }
    const remotes = testRemotes({ upstream, ca: certificates.ca, config })
    await failsWith(discovered(remotes, 'mirror.test/x'), 'upstream_timeout', /within 100 ms/)
    const leaving = new AbortController()
    const waiting = discovered(remotes, 'mirror.test/y', { signal: leaving.signal })
    leaving.abort()
    await failsWith(waiting, 'aborted', /./)
    await remotes.close()
    await upstream.close()
  })
})

function testTimeouts() {
  const long = 20_000
  const timeouts = {
    lookup: long,
    connect: long,
    tls: long,
    headers: long,
    idle: long,
    total: 100,
    fetch: long,
  }
  return { timeouts }
}

suite('what strangers may make us do', () => {
  const PUBLIC = { 'mirror.test': '93.184.216.34', 'other.test': '93.184.216.35' }
  const STRANGERS: Given = { addresses: PUBLIC }

  test('a name with a private address is not asked', async () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '::1',
      '::ffff:10.0.0.1',
      'fd00::1',
      '0.0.0.0',
    ])
      await withSite({}, { addresses: { 'mirror.test': address } }, async (remotes, upstream) => {
        await failsWith(
          discovered(remotes, 'mirror.test/x'),
          'upstream_invalid',
          /has no public address, and is not configured$/,
        )
        assert.equal(upstream.seen.length, 0)
      })
  })

  test('a redirect leads to no private address, and not with credentials where it should not', async () => {
    const tag = META('mirror.test/x', 'git', 'https://git.test/x')
    const site = {
      'mirror.test/x': { status: 302, location: 'https://other.test/y?go-get=1' },
      'other.test/y': tag,
    }
    const secret = { credentials: [tokenEntry('secret', 'other.test')] }
    // To a stranger’s host that has turned private, and to one of ours, which is private and configured.
    for (const config of [{}, secret])
      await withSite(
        site,
        { config, addresses: { 'mirror.test': PUBLIC['mirror.test'] } },
        async (remotes, upstream) => {
          await failsWith(
            discovered(remotes, 'mirror.test/x'),
            'upstream_invalid',
            /^other\.test:\d+ .*has no public address/,
          )
          assert.deepEqual(upstream.seen.map(placeOf), ['mirror.test/x'])
        },
      )
    await withSite(site, { config: secret, addresses: PUBLIC }, async (remotes, upstream) => {
      assert.equal(
        short(await discovered(remotes, 'mirror.test/x')),
        'mirror.test/x https://git.test/x (a stranger’s)',
      )
      assert.deepEqual(
        upstream.seen.map(({ headers }) => headers['authorization']),
        [undefined, undefined],
      )
    })
  })

  test('a redirect to an address is judged like a name', async () => {
    for (const host of ['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      const site = { 'mirror.test/x': { status: 302, location: `https://${host}/x` } }
      await withSite(site, STRANGERS, async (remotes) => {
        await failsWith(discovered(remotes, 'mirror.test/x'), 'upstream_invalid', /no public address/)
      })
    }
  })

  test('a page on a stranger’s host cannot lend itself the credentials for ours', async () => {
    const config = { credentials: [tokenEntry('secret', 'git.test'), tokenEntry('secret', 'mirror.test')] }
    const site = { 'other.test/x': META('other.test/x', 'git', 'https://git.test/team/private') }
    await withSite(site, { config, addresses: PUBLIC }, async (remotes) => {
      const found = await discovered(remotes, 'other.test/x')
      assert.ok(found.vcs === 'git' && !found.repository.trusted)
      await failsWith(
        remotes.accessTo(found.repository, { signal: AbortSignal.timeout(20_000) }),
        'upstream_invalid',
        /^git\.test .*no public address/,
      )
    })
    const toPublic = { ...PUBLIC, 'git.test': '93.184.216.36' }
    await withSite(site, { config, addresses: toPublic }, async (remotes) => {
      const found = await discovered(remotes, 'other.test/x')
      assert.ok(found.vcs === 'git')
      const access = await remotes.accessTo(found.repository, { signal: AbortSignal.timeout(20_000) })
      assert.deepEqual(access, { resolve: 'git.test:443:93.184.216.36', entry: 'none' })
    })
  })

  test('nobody is asked whom the route does not let hear of the module', async () => {
    const tag = META('mirror.test/x', 'git', 'https://git.test/x')
    const site = {
      'mirror.test/x': { status: 302, location: 'https://other.test/y' },
      'mirror.test/z': META('mirror.test/z', 'git', 'https://git.test/x'),
      'other.test/y': tag,
    }
    await withSite(site, STRANGERS, async (remotes, upstream) => {
      const mayAsk = (host: string) => host === 'mirror.test'
      await failsWith(
        discovered(remotes, 'mirror.test/x', { mayAsk }),
        'upstream_invalid',
        /^other\.test .* may not hear of this module$/,
      )
      await failsWith(
        discovered(remotes, 'mirror.test/z', { mayAsk }),
        'upstream_invalid',
        /^git\.test .* may not hear|may not hear/,
      )
      await failsWith(discovered(remotes, 'other.test/y', { mayAsk }), 'upstream_invalid', /may not hear/)
      assert.deepEqual(upstream.seen.map(placeOf), ['mirror.test/x', 'mirror.test/z'])
      // What was found for somebody who may ask is not given to somebody who may not.
      await discovered(remotes, 'mirror.test/x')
      await failsWith(discovered(remotes, 'mirror.test/x', { mayAsk }), 'upstream_invalid', /^other\.test/)
    })
  })
})

test('a page sends the names of private modules to no module proxy but its own and configured ones', async () => {
  const proxies = ['https://proxy.test/x', 'https://ours.test/x', 'https://mirror.test/x']
  const names = proxies.map((proxy) => `mirror.test/${new URL(proxy).hostname}`)
  const site = Object.fromEntries(proxies.map((proxy, i) => [names[i]!, META(names[i]!, 'mod', proxy)]))
  const given: Given = { ...own({ hosts: ['ours.test'] }), addresses: { 'mirror.test': '93.184.216.34' } }
  await withSite(site, given, async (remotes) => {
    const [strangers, ours, its] = names as [string, string, string]
    const error = await failsWith(
      discovered(remotes, strangers, { private: true }),
      'upstream_invalid',
      /^mirror\.test .* is at the module proxy proxy\.test, but it is private$/,
    )
    assert.match(error.next ?? '', /name its host in hosts/)
    for (const name of [ours, its]) await discovered(remotes, name, { private: true })
    // What is not private may be anywhere, and so may what the route names hosts for.
    await discovered(remotes, strangers)
    await discovered(remotes, strangers, { private: true, hosts: ['proxy.test'] })
  })
})

suite('credentials of pages', () => {
  const tag = META('mirror.test/team/x', 'git', 'https://mirror.test/team/x.git')

  function withToken(place: string): Given {
    return own({
      credentials: [tokenEntry('secret', place)],
    })
  }

  test('a page is asked with the credentials for its place', async () => {
    const table: [place: string, login: string | undefined][] = [
      ['mirror.test', 'oauth2:secret'],
      ['mirror.test/team', 'oauth2:secret'],
      ['mirror.test/tea', undefined],
      ['mirror.test/team2', undefined],
      ['mirror.test:8443', undefined],
      ['other.test', undefined],
    ]
    for (const [place, login] of table)
      await withSite({ 'mirror.test/team/x': tag }, withToken(place), async (remotes, upstream) => {
        await discovered(remotes, 'mirror.test/team/x')
        assert.equal(loginIn(upstream.seen[0]!.headers['authorization']), login, place)
      })
  })

  test('401 is an outage of our credentials, whatever they opened before', async () => {
    const site: Site = { 'mirror.test/team/x': tag, 'mirror.test/team/y': 401 }
    await withSite(site, withToken('mirror.test'), async (remotes) => {
      await discovered(remotes, 'mirror.test/team/x')
      const error = await failsWith(
        discovered(remotes, 'mirror.test/team/y'),
        'upstream_refused',
        /^mirror\.test \(origin gitlab\) refuses credentials\[0\] \(mirror\.test\) \(401\)$/,
      )
      assert.match(error.next ?? '', /check the credentials/)
    })
  })
})
