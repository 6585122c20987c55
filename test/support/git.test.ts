// The git stand-ins must be honest before anything is tested with them: here git and the real `go` use them without
// modstead.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { startGitHttp } from './git-http.ts'
import { createGitRepository, gitEnvironment, moduleHistory } from './git-repositories.ts'
import { createGoHome } from './go.ts'

const run = promisify(execFile)

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-git-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

test('a repository has every kind of file, ref and parent, and the hashes of its contents', async (t) => {
  const root = await folderFor(t)
  const repository = await createGitRepository({ folder: join(root, 'team', 'lib.git') })
  const submodule = '1'.repeat(40)
  const [first] = await repository.commit({
    files: {
      'go.mod': 'module example.com/lib\n',
      'run.sh': { contents: '#!/bin/sh\n', mode: '100755' },
      'odd "name"\\ü.txt': 'x',
      link: { contents: 'go.mod', mode: '120000' },
      sub: { contents: submodule, mode: '160000' },
    },
    tags: ['v1.0.0'],
  })
  assert.equal(first, '7ff36d9c953102bc344a8f03180999736fedbc83')
  const [second, third] = await repository.commit(
    { branch: 'dev', from: 'main', files: { 'a/b.go': 'package a\n' }, annotatedTags: ['v1.1.0-rc.1'] },
    { merge: ['dev'], files: { 'run.sh': undefined }, tags: ['v1.0.0'], time: 1_700_000_000 },
  )
  const tree = await repository.git(['ls-tree', '-r', '-z', first])
  assert.match(tree, /100755 blob \w+\trun\.sh/)
  assert.match(tree, /120000 blob \w+\tlink/)
  assert.ok(tree.includes(`160000 commit ${submodule}\tsub\0`))
  assert.ok(tree.includes('\todd "name"\\ü.txt\0'))
  assert.equal((await repository.git(['rev-parse', 'main^1', 'main^2'])).trim(), `${first}\n${second}`)
  assert.equal(
    (await repository.git(['rev-parse', 'v1.0.0', 'v1.1.0-rc.1^{}'])).trim(),
    `${third}\n${second}`,
  )
  assert.equal((await repository.git(['cat-file', '-t', 'v1.1.0-rc.1'])).trim(), 'tag')
  assert.equal((await repository.git(['log', '-1', '--format=%ct', 'main'])).trim(), '1700000000')
  assert.equal(await repository.git(['ls-tree', '-r', '--name-only', 'main', 'run.sh']), '')
  await repository.git(['fsck', '--strict'])
})

test('sha256 repositories, and what git refuses is said', async (t) => {
  const root = await folderFor(t)
  const repository = await createGitRepository({ folder: join(root, 'a.git'), objectFormat: 'sha256' })
  const [hash] = await repository.commit({ files: { a: 'a' } })
  assert.equal(hash!.length, 64)
  await assert.rejects(repository.commit({ branch: 'a..b', files: {} }), /fast-import ended with 128/)
  await assert.rejects(repository.git(['rev-parse', 'none']), /unknown revision/)
})

test('git clones over http with the right credential, and each request is counted for what it is', async (t) => {
  const root = await folderFor(t)
  const repository = await createGitRepository({ folder: join(root, 'lib.git') })
  await repository.importAll(moduleHistory({ module: 'example.com/lib', versions: 3 }))
  const server = await startGitHttp({ root, credential: { user: 'ci', password: 'secret' } })
  t.after(() => server.close())
  const git = (...args: string[]) => run('git', args, { env: gitEnvironment(root), cwd: root })

  await assert.rejects(git('ls-remote', `${server.url}/lib.git`))
  assert.ok(server.requests.every(({ status }) => status === 401))
  assert.equal(server.count('discovery'), 0)

  const secretUrl = server.url.replace('://', '://ci:secret@')
  const { stdout } = await git('ls-remote', '--tags', `${secretUrl}/lib.git`)
  assert.deepEqual(stdout.match(/v1\.\d\.0/g), ['v1.0.0', 'v1.1.0', 'v1.2.0'])
  assert.deepEqual([server.count('discovery'), server.count('ls-refs'), server.count('fetch')], [1, 1, 0])

  server.credential = { bearer: 'token' }
  const header = 'http.extraHeader=Authorization: Bearer token'
  await git('-c', header, 'clone', '--quiet', '--bare', '--filter=blob:none', `${server.url}/lib.git`, 'copy')
  assert.ok(server.count('fetch') >= 1)
  await git('-C', 'copy', 'rev-parse', 'v1.2.0')

  server.requests.length = 0
  await assert.rejects(git('-c', header, 'ls-remote', `${server.url}/absent.git`))
  assert.deepEqual(
    server.requests.map(({ kind, status }) => [kind, status]),
    [['discovery', 404]],
  )
})

test('go downloads from it directly, over http and from the file', async (t) => {
  const root = await folderFor(t)
  const repository = await createGitRepository({ folder: join(root, 'lib.git') })
  const module = 'example.com/team/lib.git'
  await repository.importAll(moduleHistory({ module, versions: 2, files: 120, fileBytes: 500 }))
  const server = await startGitHttp({ root })
  t.after(() => server.close())
  for (const base of [`${server.url}/`, `file://${root}/`]) {
    const go = await createGoHome({
      proxy: 'direct',
      env: {
        GOVCS: '*:git',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: `url.${base}.insteadOf`,
        GIT_CONFIG_VALUE_0: 'https://example.com/team/',
      },
    })
    t.after(() => go.close())
    await repository.importAll(moduleHistory({ module, versions: 1, first: base.startsWith('http') ? 2 : 3 }))
    const said = await go.ok(['list', '-m', '-versions', module])
    assert.match(said, /v1\.0\.0 v1\.1\.0 v1\.2\.0/)
    await go.ok(['mod', 'download', '-json', `${module}@v1.1.0`])
  }
  assert.ok(server.count('fetch') >= 1)
})
