// A company's modules on its own git hosts, through modstead alone: the Shows of private modules.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { noSshServer } from '../../server/src/origin/git/test-ssh-server.ts'
import type { GitFiles } from '../support/git-repositories.ts'
import type { GoHome } from '../support/go.ts'
import { pathWithoutGit, startPrivateHosts, type PrivateHosts } from '../support/private-hosts.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const run = promisify(execFile)
const skip = noSshServer()

/** A module whose package says what it is. */
function lib(module: string, says: string, rest = ''): GitFiles {
  return { 'go.mod': `module ${module}\n\ngo 1.21\n${rest}`, 'lib.go': sayingFile(says) }
}

function sayingFile(says: string): string {
  return `package lib\n\nconst Says = ${JSON.stringify(says)}\n`
}

function under(folder: string, files: GitFiles): GitFiles {
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [`${folder}/${name}`, file]))
}

/** Ten private modules in eight repositories, on hosts of three kinds. */
async function fill({
  repository,
  stage,
}: PrivateHosts): Promise<{ requires: string[]; expected: string[] }> {
  await repository('http/plain', [
    { files: lib('corp.example/plain', 'plain 1'), tags: ['v1.0.0'] },
    { files: { 'lib.go': sayingFile('plain 2') }, annotatedTags: ['v1.2.0'] },
  ])
  await repository('http/mono', [
    {
      files: {
        ...lib('corp.example/mono', 'mono'),
        ...under(
          'nested',
          lib('corp.example/mono/nested', 'nested', '\nrequire corp.example/plain v1.0.0\n'),
        ),
      },
      tags: ['v1.0.0', 'nested/v0.3.0'],
    },
  ])
  await repository('http/branch', [
    { files: lib('corp.example/branch', 'branch 1'), tags: ['v1.0.0'] },
    { branch: 'v2', from: 'main', files: lib('corp.example/branch/v2', 'branch 2'), tags: ['v2.1.0'] },
  ])
  await repository('http/folder', [
    {
      files: {
        ...lib('corp.example/folder', 'folder 1'),
        ...under('v2', lib('corp.example/folder/v2', 'folder 2')),
      },
      tags: ['v1.0.0', 'v2.0.0'],
    },
  ])
  const pseudo = await repository('ssh/pseudo', [
    { files: lib('ssh.corp.example/pseudo', 'pseudo 1'), tags: ['v0.4.0'] },
    { files: { 'lib.go': sayingFile('pseudo 2') } },
    { branch: 'next', from: 'main', files: { 'lib.go': sayingFile('pseudo 3') } },
  ])
  await repository('ssh/retracted', [
    { files: lib('ssh.corp.example/retracted', 'retracted 1'), tags: ['v1.0.1'] },
    {
      files: lib('ssh.corp.example/retracted', 'retracted 2', '\nretract v1.0.1 // leaks\n'),
      tags: ['v1.1.0'],
    },
  ])
  await repository('ssh/deep', [
    {
      files: {
        'go.mod': 'module ssh.corp.example/deep\n\ngo 1.21\n\nrequire example.com/public v1.0.0\n',
        'a/b/lib.go': `package b\n\nimport lib "example.com/public"\n\nconst Says = "deep with " + lib.Version\n`,
      },
      tags: ['v1.5.0'],
    },
  ])
  await repository('file/local', [{ files: lib('file.corp.example/local', 'local'), tags: ['v0.1.0'] }])
  await repository('file/nomod', [{ files: { 'lib.go': sayingFile('no go.mod') }, tags: ['v3.2.1'] }])
  putModule(stage.tree, makeModule({ module: 'example.com/public', version: 'v1.0.0' }))
  const commit = pseudo.hashes[1]!.slice(0, 12)
  return {
    requires: [
      'corp.example/plain v1.2.0',
      'corp.example/mono v1.0.0',
      'corp.example/mono/nested v0.3.0',
      'corp.example/branch/v2 v2.1.0',
      'corp.example/folder/v2 v2.0.0',
      `ssh.corp.example/pseudo v0.4.1-0.20240101000100-${commit}`,
      'ssh.corp.example/retracted v1.0.1',
      'ssh.corp.example/deep v1.5.0',
      'file.corp.example/local v0.1.0',
      'file.corp.example/nomod v3.2.1+incompatible',
      'example.com/public v1.0.0',
    ],
    expected: [
      'plain 2',
      'mono',
      'nested',
      'branch 2',
      'folder 2',
      'pseudo 2',
      'retracted 1',
      'deep with v1.0.0',
      'local',
      'no go.mod',
      'v1.0.0',
    ],
  }
}

function programOf(requires: readonly string[]): string {
  const paths = requires.map((line) => line.split(' ')[0]!)
  const imports = paths.map((path, i) => `\tm${i} "${path}${path.endsWith('/deep') ? '/a/b' : ''}"`)
  const uses = paths.map(
    (path, i) => `\tprintln(m${i}.${path === 'example.com/public' ? 'Version' : 'Says'})`,
  )
  return `package main\n\nimport (\n${imports.join('\n')}\n)\n\nfunc main() {\n${uses.join('\n')}\n}\n`
}

/** A client without git that has modstead as its only proxy. */
async function clientOf(t: TestContext, { stage }: PrivateHosts): Promise<GoHome> {
  const env = { ...(await pathWithoutGit(t)), GONOSUMDB: 'corp.example,*.corp.example', CGO_ENABLED: '0' }
  const go = await stage.go({ env })
  assert.notEqual((await go.run(['version'])).code, -1)
  return go
}

/** Nothing that the public side was ever asked names anything private. */
function assertNothingLeaked({ stage }: PrivateHosts): void {
  const asked = [...stage.upstream.requests, ...stage.database.requests]
  assert.ok(asked.length > 0, 'nothing was recorded')
  const leaks = asked.filter(({ path, headers }) =>
    `${path} ${JSON.stringify(headers)}`.includes('corp.example'),
  )
  assert.deepEqual(
    leaks.map(({ path }) => path),
    [],
  )
}

test(
  'a project of ten private modules and public ones is built through modstead alone',
  { skip },
  async (t) => {
    const hosts = await startPrivateHosts(t)
    const { stage } = hosts
    const { requires, expected } = await fill(hosts)
    const files = {
      'go.mod': `module example.com/app\n\ngo 1.21\n\nrequire (\n${requires.map((line) => `\t${line}\n`).join('')})\n`,
      'main.go': programOf(requires),
    }

    async function build(env: Record<string, string>): Promise<string> {
      const go = await clientOf(t, hosts)
      const cwd = await go.project({ ...files, ...env })
      await go.ok(['build', '-mod=mod', '-o', 'app', '.'], { cwd })
      const { stderr } = await run(join(cwd, 'app'))
      assert.deepEqual(stderr.trim().split('\n'), expected)
      return go.ok(['mod', 'download', '-json'], { cwd })
    }

    const first = await build({})
    const sums = (json: string): string[] =>
      Array.from(json.matchAll(/"(?:Sum|GoModSum)": "([^"]+)"/g), ([, sum]) => sum!)
    assert.ok(sums(first).length >= 22)
    assertNothingLeaked(hosts)
    assert.doesNotMatch(stage.modstead.logs(), /"level":50/)

    // Everything that it was made from goes, and so does the public side.
    await hosts.disappear()
    await stage.disconnect()
    assert.deepEqual(sums(await build({})), sums(first))
    await stage.modstead.stop()
    await stage.restart()
    assert.deepEqual(sums(await build({})), sums(first))
  },
)

test(
  'go get finds packages deep inside private modules, and asks nobody else for them',
  { skip },
  async (t) => {
    const hosts = await startPrivateHosts(t)
    await fill(hosts)
    const go = await clientOf(t, hosts)
    const table: [query: string, line: RegExp][] = [
      ['ssh.corp.example/deep/a/b@latest', /ssh\.corp\.example\/deep v1\.5\.0/],
      ['corp.example/mono/nested@latest', /corp\.example\/mono\/nested v0\.3\.0/],
      ['corp.example/folder/v2@v2', /corp\.example\/folder\/v2 v2\.0\.0/],
      ['ssh.corp.example/retracted@latest', /ssh\.corp\.example\/retracted v1\.1\.0/],
      ['ssh.corp.example/pseudo@next', /ssh\.corp\.example\/pseudo v0\.4\.1-0\.\d{14}-[0-9a-f]{12}/],
      ['file.corp.example/nomod@latest', /file\.corp\.example\/nomod v3\.2\.1\+incompatible/],
    ]
    const cwd = await go.project()
    for (const [query, line] of table) {
      const { code, stderr } = await go.run(['get', query], { cwd })
      assert.equal(code, 0, `${query}: ${stderr}`)
      assert.match(stderr, line)
    }
    const versions = await go.ok(['list', '-m', '-versions', '-retracted', 'ssh.corp.example/retracted'], {
      cwd,
    })
    assert.match(versions, /v1\.0\.1 v1\.1\.0/)
    assertNothingLeaked(hosts)
  },
)

test('what is probed on the way to a private module is absent, and nothing worse', { skip }, async (t) => {
  const hosts = await startPrivateHosts(t)
  await fill(hosts)
  const absent = [
    'corp.example',
    'ssh.corp.example',
    'ssh.corp.example/deep/a',
    'ssh.corp.example/deep/a/b',
    'corp.example/mono/nested/deeper',
    'corp.example/mono/other',
    'corp.example/plain/v2',
    'corp.example/none',
    'ssh.corp.example/none',
    'file.corp.example/none',
  ]
  for (const module of absent)
    for (const path of [
      '@v/list',
      '@latest',
      '@v/v1.0.0.info',
      '@v/main.info',
      '@v/v1.0.0.mod',
      '@v/v1.0.0.zip',
    ]) {
      // A version that the path cannot have is refused before anybody is asked.
      if (module.endsWith('/v2') && path.includes('v1.0.0')) continue
      const { status, body } = await hosts.stage.get(`/${module}/${path}`)
      assert.equal(status, 404, `${module}/${path}: ${status} ${body.toString()}`)
      assert.ok(body.length <= 640, module)
    }
  assert.equal((await hosts.stage.get('/corp.example/mono/nested/@v/list')).body.toString(), 'v0.3.0\n')
})

test('a repository one may not read is absent; a credential that the host does not take is not', async (t) => {
  let refused: string[] = ['/hidden.git']
  const hosts = await startPrivateHosts(t, {
    ssh: false,
    intercept: ({ path }) =>
      refused.some((prefix) => path.startsWith(prefix))
        ? { kind: 'status', status: 403, body: 'You shall not pass' }
        : undefined,
  })
  const { stage, repository } = hosts
  const files = lib('corp.example/lib', 'lib')
  await repository('http/lib', [{ files, tags: ['v1.0.0'] }])
  await repository('http/hidden', [{ files, tags: ['v1.0.0'] }])
  refused = ['/']
  const before = await stage.get('/corp.example/lib/@v/list')
  assert.equal(before.status, 502, before.body.toString())
  assert.match(before.body.toString(), /127\.0\.0\.1:\d+ .*refused credentials\[0\]/)
  refused = ['/hidden.git']
  assert.equal((await stage.get('/corp.example/lib/@v/v1.0.0.info')).status, 200)
  const hidden = await stage.get('/corp.example/hidden/@v/v1.0.0.info')
  assert.equal(hidden.status, 404, hidden.body.toString())
  const texts = [before, hidden].map(({ body }) => body.toString()).join('\n')
  assert.doesNotMatch(texts + stage.modstead.logs(), /glpat-|b2F1dGgy/)
})

/** What `v1.0.0` and, without a go.mod, `v3.0.0` are as versions. */
const MOVED: [version: string, files: GitFiles][] = [
  ['v1.0.0', lib('corp.example/lib', 'first')],
  ['v3.0.0+incompatible', { 'lib.go': sayingFile('first') }],
]

for (const [version, files] of MOVED) {
  const tag = version.split('+', 1)[0]!

  test(`the tag of ${version} that was moved is an incident, and the bytes first seen are served`, async (t) => {
    const hosts = await startPrivateHosts(t, { ssh: false })
    const { stage, repository } = hosts
    const { git, hashes } = await repository('http/lib', [
      { files, tags: [tag] },
      { files: { 'lib.go': sayingFile('second') } },
    ])
    const at = (kind: string): string => `/corp.example/lib/@v/${version}.${kind}`
    const before = [await stage.get(at('info')), await stage.get(at('mod')), await stage.get(at('zip'))]
    for (const { status, body } of before) assert.equal(status, 200, body.toString())
    await git.git(['tag', '-f', tag, hashes[1]!])
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    assert.equal((await stage.get('/corp.example/lib/@v/list')).body.toString(), `${version}\n`)
    const [line] = await stage.modstead.logged(/\{.*incident: contents differ.*\}/)
    const incident = JSON.parse(line) as Record<string, unknown>
    const { kind, expected, found } = incident
    assert.deepEqual({ kind, expected, found }, { kind: 'tag', expected: hashes[0], found: hashes[1] })
    assert.equal(incident.version, version)
    const metrics = (await stage.get('/metrics')).body.toString()
    assert.match(metrics, /modstead_incidents_total\{kind="tag"\} 1/)
    const after = [await stage.get(at('info')), await stage.get(at('mod')), await stage.get(at('zip'))]
    for (const [i, { body }] of after.entries()) assert.ok(body.equals(before[i]!.body))
  })

  test(`of ${version}, whose tag was moved before its zip was asked for, the first commit is served`, async (t) => {
    const hosts = await startPrivateHosts(t, { ssh: false })
    const { stage, repository } = hosts
    const { git, hashes } = await repository('http/lib', [
      { files, tags: [tag] },
      { files: { 'lib.go': sayingFile('second') } },
    ])
    const info = await stage.get(`/corp.example/lib/@v/${version}.info`)
    assert.match(info.body.toString(), new RegExp(hashes[0]!))
    await git.git(['tag', '-f', tag, hashes[1]!])
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    // The tag itself is a query, whose answer may change; the version it stands for may not.
    if (tag !== version) {
      const query = await stage.get(`/corp.example/lib/@v/${tag}.info`)
      assert.match(query.body.toString(), new RegExp(`"Version":"v3\\.0\\.0\\+incompatible".*${hashes[0]}`))
    }
    const go = await stage.go({ env: { GONOSUMDB: 'corp.example' } })
    const { Dir } = JSON.parse(await go.ok(['mod', 'download', '-json', `corp.example/lib@${version}`])) as {
      Dir: string
    }
    assert.equal(await readFile(join(Dir, 'lib.go'), 'utf8'), sayingFile('first'))
  })
}
