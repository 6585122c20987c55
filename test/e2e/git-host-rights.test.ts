// Who may read a private module is asked from the git host: the real go, before a server that speaks GitLab's API.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { hash } from '@node-rs/bcrypt'
import { ask } from '../support/http.ts'
import { setStage } from '../support/stage.ts'
import { makeModule, modulePath, putModule } from '../support/test-module.ts'

const CERTIFICATES = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
const PASSWORDS = { alice: 'alice-Geheim-1', bob: 'bob-Geheim-2' }
const MEMBERS: Record<string, string[]> = { 'team/deep/lib': ['1'], 'team/other': ['2'] }
const TOKEN = 'HUSH-of-the-administrator'

test('go gets what the git host lets read, in groups within groups, and nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-git-host-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const lines = Object.entries(PASSWORDS).map(async ([user, password]) => {
    return `${user}:${(await hash(password, { cost: 4 })).replace(/^\$2b/, '$2y')}\n`
  })
  await writeFile(join(folder, 'users'), (await Promise.all(lines)).join(''))

  const gitlab = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url!, 'http://x')
    const say = (status: number, body: unknown) => res.writeHead(status).end(JSON.stringify(body))
    if (req.headers['private-token'] !== TOKEN) return say(401, {})
    const username = searchParams.get('username')
    if (pathname.endsWith('/users'))
      return say(200, [{ id: username === 'alice' ? 1 : 2, username, state: 'active', external: false }])
    const [, project = '', user] = /\/projects\/([^/]+)(?:\/members\/all\/(\d+))?$/.exec(pathname) ?? []
    const path = decodeURIComponent(project)
    const members = MEMBERS[path]
    if (members === undefined || (user !== undefined && !members.includes(user))) return say(404, {})
    if (user !== undefined) return say(200, { access_level: 30, state: 'active' })
    return say(200, {
      id: 5,
      path_with_namespace: path,
      visibility: 'private',
      repository_access_level: 'enabled',
    })
  })
  await new Promise<void>((resolve) => gitlab.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => gitlab.close(resolve)))
  const url = `http://127.0.0.1:${(gitlab.address() as AddressInfo).port}`

  const lib = makeModule({ module: 'corp.example/team/deep/lib', version: 'v1.0.0' })
  const other = makeModule({ module: 'corp.example/team/other', version: 'v1.0.0' })
  const stage = await setStage(t, {
    configured: true,
    modstead: {
      scheme: 'https',
      env: { GITLAB_TOKEN: TOKEN },
      configOf: (upstream) => `
tls: { cert: "${CERTIFICATES}cert.pem", key: "${CERTIFICATES}key.pem" }
origins: { up: { url: "${upstream}" } }
access:
  htpasswd: ${join(folder, 'users')}
  gitHosts:
    lab: { type: gitlab, url: "${url}", token: "\${GITLAB_TOKEN}", modules: corp.example, remember: 1s }
routes:
  - { modules: corp.example, from: [up], private: true }
  - { modules: "*", from: [up] }
`,
    },
  })
  for (const made of [lib, other]) putModule(stage.tree, made)
  const go = async (user: keyof typeof PASSWORDS) => {
    const home = await stage.go({
      env: { SSL_CERT_FILE: `${CERTIFICATES}ca.pem`, GONOSUMDB: 'corp.example' },
    })
    const login = `machine 127.0.0.1:${stage.modstead.port} login ${user} password ${PASSWORDS[user]}\n`
    await writeFile(join(home.folder, '.netrc'), login, { mode: 0o600 })
    return home
  }
  const alice = await go('alice')
  // A package path is asked for at each of its beginnings: groups above the repository, too.
  await alice.ok(['get', `${lib.module}@v1.0.0`], { cwd: await alice.project() })
  const bob = await go('bob')
  const refused = await bob.run(['get', `${lib.module}@v1.0.0`], { cwd: await bob.project() })
  assert.notEqual(refused.code, 0)
  assert.match(refused.stderr, /404 Not Found/)
  await bob.ok(['get', `${other.module}@v1.0.0`], { cwd: await bob.project() })

  const ca = await readFile(`${CERTIFICATES}ca.pem`, 'utf8')
  const get = async (user: keyof typeof PASSWORDS, path: string): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`${user}:${PASSWORDS[user]}`).toString('base64')}`
    const { status } = await ask(stage.modstead.url, path, {
      headers: { authorization },
      ca,
    })
    return status
  }
  const zip = `${modulePath(lib)}.zip`
  for (let i = 0; i < 5; i++) assert.equal(await get('alice', zip), 200)
  MEMBERS['team/deep/lib'] = []
  const deadline = Date.now() + 10_000
  while ((await get('alice', zip)) === 200) assert.ok(Date.now() < deadline, 'she still reads it')
  assert.equal(await get('alice', zip), 404)
  assert.ok(!stage.modstead.logs().includes(TOKEN))
})
