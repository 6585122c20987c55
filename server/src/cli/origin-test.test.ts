import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runHere } from './run.fixture.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modstead-origin-cli-'))
  const repository = join(folder, 'lib')
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: repository })
  execFileSync('git', ['init', '-q', '-b', 'main', repository])
  await writeFile(join(repository, 'go.mod'), 'module corp.example/lib\n')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
  git('tag', 'v1.0.0')
  git('tag', 'v1.1.0')
})
after(() => rm(folder, { recursive: true, force: true }))

const yaml = (extra = '') => `
origins:
  corp:
    type: git
    repositories: { "corp.example/*": "file://${folder}/{path}", "git.corp.example/*": "http://127.0.0.1:1/{path}" }
    credentials: { username: deploy, password: very-secret }
  own: { type: upload }
routes:
  - { modules: [corp.example, git.corp.example], from: [own, corp], private: true }
  - { modules: shut.example, from: "off" }
${extra}`

test('where a module comes from, and what is there', async () => {
  const { code, stdout } = await runHere({ args: ['origin', 'test', 'corp.example/lib'], yaml: yaml() })
  assert.equal(code, 0, stdout)
  assert.deepEqual(stdout.replaceAll(folder, '/repos').split('\n'), [
    'corp.example/lib',
    '  route: corp.example, git.corp.example (private)',
    '  published versions are kept here (own)',
    '  origin corp',
    '    repository: file:///repos/lib',
    '    its root is: corp.example/lib',
    '    credentials: none',
    '    the server said: 1 branch, 2 tags',
    '    2 versions, the highest v1.1.0',
    '',
  ])
})

test('which credentials were used is told before the server fails, and no secret with it', async () => {
  const args = ['origin', 'test', 'git.corp.example/lib']
  const { code, stdout, stderr } = await runHere({ args, yaml: yaml() })
  assert.equal(code, 1)
  assert.match(stdout, /credentials: credentials\[0\] \(127\.0\.0\.1:1\)/)
  assert.match(stdout, /failed \(upstream_unreachable\): 127\.0\.0\.1:1 .*refuses connections/)
  assert.doesNotMatch(stdout + stderr, /very-secret|ZGVwbG95/)
})

test('a module that is not there, one that nobody may fetch, and what is no module path', async () => {
  const missing = await runHere({ args: ['origin', 'test', 'corp.example/none'], yaml: yaml() })
  assert.equal(missing.code, 1)
  assert.match(missing.stdout, /failed \(not_found\)/)
  const shut = await runHere({ args: ['origin', 'test', 'shut.example/x'], yaml: yaml() })
  assert.equal(shut.code, 1)
  assert.match(shut.stdout, /no origin: the route says off/)
  const wrong = await runHere({ args: ['origin', 'test', 'UPPER CASE'], yaml: yaml() })
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /is not a module path/)
})

test('the help has the flags that matter, and warnings are left to config check', async () => {
  const { stdout } = await runHere({ args: ['origin', 'test', '--help'] })
  assert.deepEqual(stdout.match(/--[a-z-]+/g), ['--config', '--upstream', '--help'])
  const args = ['origin', 'test', 'corp.example/lib']
  const { code, stderr } = await runHere({ args, yaml: yaml('tokens: {}\nhooks: {}') })
  assert.deepEqual([code, stderr], [0, ''])
})
