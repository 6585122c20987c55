import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createAccess, type Sender } from './access/access.ts'
import { createDecide } from './access/decide.ts'
import type { Identity } from './access/identify.ts'
import { ANONYMOUS, type Principal } from './access/principal.ts'
import type { GitHost } from './config/access/access-config.ts'
import { createTestObserver } from './observe/test-support.ts'
import { openGitHosts } from './open-git-hosts.ts'

const TOKEN = 'HUSH-of-the-administrator'

/** What a host has, and who may read it. As the documentation of each REST API says; no real one was asked. */
interface Project {
  visibility: 'public' | 'internal' | 'private'
  access?: 'enabled' | 'private' | 'disabled'
  members: Record<string, number>
}
const USERS: Record<string, { id: number; state: string; external: boolean }> = {
  alice: { id: 1, state: 'active', external: false },
  bob: { id: 2, state: 'active', external: false },
  carol: { id: 3, state: 'blocked', external: false },
  erin: { id: 4, state: 'active', external: true },
}
const PROJECTS: Record<string, Project> = {
  'team/secret': { visibility: 'private', members: { alice: 30, carol: 50, bob: 10 } },
  'team/inner': { visibility: 'internal', members: {} },
  'team/open': { visibility: 'public', members: {} },
  'team/closed': { visibility: 'public', access: 'private', members: { alice: 20 } },
  'team/bare': { visibility: 'public', access: 'disabled', members: { alice: 50 } },
  'team/deep/er/lib': { visibility: 'private', members: { alice: 40 } },
}

interface Answer {
  status: number
  /** It says that too much was asked. */
  limited?: boolean
  body?: unknown
}

function gitlab(path: string, query: URLSearchParams): Answer {
  if (path === '/api/v4/users') {
    const [name, user] =
      Object.entries(USERS).find(([name]) => name === query.get('username')?.toLowerCase()) ?? []
    return { status: 200, body: user === undefined ? [] : [{ username: name, ...user }] }
  }
  const [, encoded, user] = /^\/api\/v4\/projects\/([^/]+)(?:\/members\/all\/(\d+))?$/.exec(path) ?? []
  const name = decodeURIComponent(encoded ?? '')
  const project = PROJECTS[name === 'team/renamed' ? 'team/secret' : name]
  if (project === undefined) return { status: 404, body: { message: '404 Project Not Found' } }
  if (user === undefined)
    return {
      status: 200,
      body: {
        id: 7,
        path_with_namespace: name === 'team/renamed' ? 'team/secret' : name,
        visibility: project.visibility,
        repository_access_level: project.access ?? 'enabled',
      },
    }
  const member = Object.keys(USERS).find((name) => USERS[name]!.id === Number(user))!
  const level = project.members[member]
  return level === undefined
    ? { status: 404 }
    : { status: 200, body: { access_level: level, state: 'active' } }
}

function collaborators(path: string): Answer {
  const [, name, user] =
    /^(?:\/api\/v1)?\/repos\/([^/]+\/[^/]+)\/collaborators\/([^/]+)\/permission$/.exec(path) ?? []
  const project = PROJECTS[name ?? '']
  if (project === undefined || user === undefined || USERS[user] === undefined) return { status: 404 }
  const reads = project.visibility === 'public' || (project.members[user] ?? 0) >= 20
  return { status: 200, body: { permission: reads ? 'read' : 'none', user: { login: user } } }
}

/** A host that speaks one of the APIs, counts the questions, and fails as it is told. */
async function host(t: TestContext, type: GitHost['type'], given: Partial<GitHost> = {}) {
  const state: { asked: string[]; fails: Answer | 'silent' | undefined } = { asked: [], fails: undefined }
  const shown = (req: IncomingMessage) =>
    req.headers['private-token'] ?? req.headers.authorization?.replace(/^(Bearer|token) /, '')
  const server = createServer((req, res) => {
    state.asked.push(req.url!)
    const { pathname, searchParams } = new URL(req.url!, 'http://x')
    if (state.fails === 'silent') return void req.socket.destroy()
    const known = type === 'gitlab' ? gitlab(pathname, searchParams) : collaborators(pathname)
    const { status, body, limited }: Answer =
      state.fails ?? (shown(req) === TOKEN ? known : { status: 401, body: {} })
    res
      .writeHead(status, { ...(limited === true && { 'retry-after': '60' }) })
      .end(JSON.stringify(body ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const closing: (() => Promise<void>)[] = []
  t.after(() => Promise.all(closing.map((close) => close())))
  const observer = createTestObserver()
  const config: GitHost = {
    name: 'forge',
    type,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: TOKEN,
    modules: ['git.corp.example'],
    repositories: [],
    ...(type !== 'gitlab' && { depth: 2 }),
    account: { map: new Map([['service:ci', 'bob']]) },
    bindings: 'also',
    remember: 300_000,
    whenDown: 'refuse',
    ...given,
  }
  const hosts = await openGitHosts({ hosts: [config], observer, env: {}, closing })
  const identities = new Map<string, Identity>()
  const access = createAccess({
    identify: {
      known: (headers) => identities.get(String(headers['x-auth-token'])),
      ask: async (headers) => identities.get(String(headers['x-auth-token']))!,
    },
    decide: createDecide(
      {
        anonymous: ['*'],
        admins: [],
        roles: new Map(),
        bindings: [
          { to: [{ kind: 'user', name: 'dora' }], role: 'viewer', modules: ['git.corp.example/team/secret'] },
          { to: [{ kind: 'user', name: 'alice' }], role: 'viewer', modules: ['git.corp.example/elsewhere'] },
        ],
      },
      { isPrivate: (module) => module.startsWith('git.corp.example') },
    ),
    open: false,
    closed: false,
    hosts,
  })
  /** Asks as somebody, each time as a request of its own. */
  const may = async (who: Principal, module: string): Promise<string> => {
    const key = JSON.stringify(who)
    if (!identities.has(key)) identities.set(key, { principal: who, until: Infinity, reads: new Map() })
    const sender: Sender = { headers: { 'x-auth-token': key }, address: '' }
    const outcome = await access.require(sender, 'module:read', module).then(
      () => 'allow',
      (error: { code: string }) => error.code,
    )
    assert.equal(access.mayRead({ headers: sender.headers, socket: {} }, module), outcome === 'allow', module)
    return outcome
  }
  return { state, observer, may, hosts }
}

const user = (id: string, more: Partial<Principal> = {}): Principal => ({
  id,
  kind: 'user',
  groups: [],
  claims: {},
  rights: [],
  ...more,
})
const LIB = 'git.corp.example/team/secret'

test('GitLab: members with a role that reads code, everybody where the project is open, groups within groups', async (t) => {
  const { may } = await host(t, 'gitlab')
  const rows: [who: string, module: string, outcome: string][] = [
    ['alice', LIB, 'allow'],
    ['Alice', LIB, 'allow'],
    ['alice', `${LIB}/sub/v2`, 'allow'],
    ['bob', LIB, 'not_found'],
    ['carol', LIB, 'not_found'],
    ['nobody', LIB, 'not_found'],
    ['dora', LIB, 'allow'],
    ['alice', 'git.corp.example/team/renamed', 'not_found'],
    ['alice', 'git.corp.example/team/none', 'not_found'],
    ['bob', 'git.corp.example/team/inner', 'allow'],
    ['erin', 'git.corp.example/team/inner', 'not_found'],
    ['erin', 'git.corp.example/team/open/x', 'allow'],
    ['alice', 'git.corp.example/team/closed', 'allow'],
    ['bob', 'git.corp.example/team/closed', 'not_found'],
    ['alice', 'git.corp.example/team/bare', 'not_found'],
    ['alice', 'git.corp.example/team/deep/er/lib/pkg', 'allow'],
    // What `go get git.corp.example/team/deep/er/lib` asks for besides.
    ['alice', 'git.corp.example/team/deep/er', 'not_found'],
    ['alice', 'git.corp.example/team', 'not_found'],
    ['alice', 'git.corp.example', 'not_found'],
  ]
  for (const [who, module, outcome] of rows)
    assert.equal(await may(user(who), module), outcome, `${who} ${module}`)
})

test('GitHub and Gitea: two elements are a repository, and whoever may not read it is told the same as where none is', async (t) => {
  for (const type of ['github', 'gitea'] as const) {
    const { may, state } = await host(t, type)
    const rows: [who: string, module: string, outcome: string][] = [
      ['alice', LIB, 'allow'],
      ['alice', `${LIB}/sub`, 'allow'],
      ['bob', LIB, 'not_permitted'],
      ['bob', 'git.corp.example/team/none', 'not_permitted'],
      ['nobody', LIB, 'not_permitted'],
      ['bob', 'git.corp.example/team/open', 'allow'],
      ['bob', 'git.corp.example/team', 'not_found'],
    ]
    for (const [who, module, outcome] of rows)
      assert.equal(await may(user(who), module), outcome, `${who} ${module}`)
    const at = type === 'gitea' ? '/api/v1/repos/' : '/repos/'
    assert.equal(state.asked[0], `${at}team/secret/collaborators/alice/permission`)
  }
})

test('who has no account is not asked for, and a credential stays as narrow as it is', async (t) => {
  const { may, state } = await host(t, 'gitea')
  const limit = { permissions: ['module:read'], modules: ['git.corp.example/team/open'] } as const
  assert.equal(await may(ANONYMOUS, LIB), 'unauthenticated')
  assert.equal(await may(user('alice', { kind: 'workload' }), LIB), 'not_permitted')
  assert.equal(await may(user('alice', { kind: 'service' }), LIB), 'not_permitted')
  assert.equal(await may(user('alice', { limit }), LIB), 'not_permitted')
  assert.equal(await may(user('alice', { limit: { permissions: ['audit:read'] } }), LIB), 'not_permitted')
  for (const id of ['../admin', '.', '..', 'a/b', 'alice?', 'alice%2f', 'a\nb', ''])
    assert.equal(await may(user(id), LIB), 'not_permitted', id)
  assert.deepEqual(state.asked, [])
  assert.equal(await may(user('alice', { limit }), 'git.corp.example/team/open'), 'allow')
  // The account of a service is named by the configuration.
  assert.equal(await may(user('ci', { kind: 'service' }), 'git.corp.example/team/open'), 'allow')
  assert.match(state.asked.at(-1)!, /collaborators\/bob\/permission$/)
})

test('a claim names the account, and what is no text names nobody', async (t) => {
  const { may } = await host(t, 'gitea', { account: { claim: 'nick', map: new Map() } })
  assert.equal(await may(user('7f3a', { claims: { nick: 'alice' } }), LIB), 'allow')
  for (const claims of [{}, { nick: ['alice'] }, { nick: { a: 1 } }, { nick: 'alice/..' }, { Nick: 'alice' }])
    assert.equal(await may(user('alice', { claims }), LIB), 'not_permitted', JSON.stringify(claims))
})

test('where bindings are needed besides, neither alone is enough', async (t) => {
  const { may } = await host(t, 'gitea', {
    bindings: 'needed',
    modules: ['git.corp.example', 'open.example'],
  })
  assert.equal(await may(user('alice'), LIB), 'not_permitted')
  assert.equal(await may(user('dora'), LIB), 'not_permitted')
  const dora = user('dora', { claims: {} })
  const { may: mapped } = await host(t, 'gitea', {
    bindings: 'needed',
    account: { map: new Map([['user:dora', 'alice']]) },
  })
  assert.equal(await mapped(dora, LIB), 'allow')
  assert.equal(await mapped(dora, 'git.corp.example/team/open'), 'not_permitted')
  assert.equal(await may(ANONYMOUS, 'open.example/a/b'), 'unauthenticated')
})

test('repositories at other paths, as the configuration maps them', async (t) => {
  const { may, state } = await host(t, 'gitlab', {
    modules: ['git.corp.example'],
    repositories: [{ pattern: 'git.corp.example/go/*', path: 'team/{path}' }],
  })
  assert.equal(await may(user('alice'), 'git.corp.example/go/secret/sub'), 'allow')
  assert.equal(await may(user('bob'), 'git.corp.example/go/secret'), 'not_permitted')
  assert.equal(await may(user('bob'), 'git.corp.example/go/none'), 'not_permitted')
  assert.equal(await may(user('bob'), 'git.corp.example/go'), 'not_found')
  assert.ok(state.asked.every((path) => !path.includes('go')))
})

test('a yes is remembered, many who ask at once are one question, and a path below counts on its own', async (t) => {
  const { may, state } = await host(t, 'gitea')
  await Promise.all(Array.from({ length: 50 }, () => may(user('alice'), LIB)))
  assert.equal(state.asked.length, 1)
  assert.equal(await may(user('alice', { groups: ['other session'] }), `${LIB}/sub`), 'allow')
  for (let i = 0; i < 5; i++) assert.equal(await may(user('bob'), LIB), 'not_permitted')
  assert.equal(state.asked.length, 2)
})

test('a yes ends, and is asked for again', async (t) => {
  const { may, state } = await host(t, 'gitea', { remember: 1 })
  assert.equal(await may(user('zoe'), LIB), 'not_permitted')
  const before = state.asked.length
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(await may(user('zoe'), LIB), 'not_permitted')
  assert.equal(state.asked.length, before + 1)
})

test('a host that cannot be asked is an outage, without its words and the token; the last answers count where that is wanted', async (t) => {
  const failures: [Answer | 'silent', RegExp][] = [
    ['silent', /upstream_failed/],
    [{ status: 401, body: { message: 'HUSH' } }, /upstream_failed/],
    [{ status: 403, limited: true }, /upstream_failed/],
    [{ status: 429 }, /upstream_failed/],
    [{ status: 500 }, /upstream_failed/],
  ]
  for (const [fails, code] of failures) {
    const { may, state, observer } = await host(t, 'gitea')
    state.fails = fails
    assert.match(await may(user('alice'), LIB), code)
    assert.match(await may(user('alice'), 'git.corp.example/team/none'), code)
    assert.equal(state.asked.length, 1, 'it is left alone for a moment')
    assert.equal(observer.lines.length, 1)
    assert.ok(!JSON.stringify(observer.lines).includes('HUSH'))
    assert.equal(await may(user('dora'), LIB), 'allow', 'a binding needs nobody')
  }
  const { may, state } = await host(t, 'gitea', { whenDown: 'lastKnown', remember: 1 })
  const unknown = await may(user('bob'), LIB)
  state.fails = { status: 500 }
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual([unknown, await may(user('bob'), LIB)], ['not_permitted', 'not_permitted'])
  assert.equal(await may(user('alice'), LIB), 'upstream_failed', 'nothing is known of alice')
})

test('an answer about one repository that is of no use closes the host for nobody else', async (t) => {
  for (const fails of [
    { status: 200, body: 'nonsense' },
    { status: 200, body: { permission: 7 } },
    { status: 451 },
  ]) {
    const { may, state, observer } = await host(t, 'gitea')
    state.fails = fails
    assert.equal(await may(user('alice'), 'git.corp.example/team/odd'), 'upstream_failed')
    state.fails = undefined
    assert.equal(await may(user('alice'), LIB), 'allow')
    assert.equal(observer.lines.length, 1)
  }
})

test('those who wait for a host that fails are told at once, and it is asked for none of them', async (t) => {
  const { may, state } = await host(t, 'gitea')
  state.fails = 'silent'
  const many = Array.from({ length: 60 }, (_, i) => may(user(`u${i}`), LIB))
  assert.deepEqual([...new Set(await Promise.all(many))], ['upstream_failed'])
  assert.ok(state.asked.length <= 16, `${state.asked.length} were asked`)
})

test('what the host says of one repository says nothing of others, and nothing to whoever asks', async (t) => {
  for (const type of ['github', 'gitea'] as const) {
    const { may, state, observer } = await host(t, type)
    for (const status of [301, 400, 403, 404, 422]) {
      state.fails = { status }
      assert.equal(await may(user('alice'), `git.corp.example/team/a-${status}`), 'not_permitted')
    }
    state.fails = undefined
    assert.equal(await may(user('alice'), LIB), 'allow')
    assert.match(
      observer.lines.map(({ message }) => message).join(),
      /^a git host does not let its token see/,
    )
  }
  const { may, state } = await host(t, 'gitlab')
  state.fails = { status: 403 }
  assert.equal(await may(user('alice'), LIB), 'upstream_failed', 'a token of GitLab may ask all or nothing')
})

test('one who asks for everything does not keep others from asking', async (t) => {
  const { may } = await host(t, 'gitea')
  const flood = Array.from({ length: 1000 }, (_, i) => may(user('bob'), `git.corp.example/team/made-up-${i}`))
  assert.equal(await may(user('alice'), LIB), 'allow')
  const outcomes = new Set(await Promise.all(flood))
  assert.deepEqual([...outcomes].sort(), ['not_permitted', 'overloaded'])
})
