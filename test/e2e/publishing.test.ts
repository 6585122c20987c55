// Published modules: from a working tree through `modstead publish` to the real `go`, and away again.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runCommand, type CommandResult } from '../support/command.ts'
import { createGoHome } from '../support/go.ts'
import { ask } from '../support/http.ts'
import { startModstead, type Modstead, type ModsteadOptions } from '../support/modstead.ts'
import { storedFiles } from '../support/stored.ts'
import { makeModule } from '../support/test-module.ts'

const LIB = 'go.corp.example/lib'
const TOKENS = { CI_TOKEN: 'ci-0123456789abcdef', OPS_TOKEN: 'ops-0123456789abcdef' }
const CONFIG = `
origins: { releases: { type: upload } }
tokens:
  ci: { token: "\${CI_TOKEN}", may: [publish] }
  ops: { token: "\${OPS_TOKEN}", may: [publish, delete] }
routes:
  - { modules: go.corp.example, from: [releases], private: true }
  - { modules: "*", from: ["off"] }
`

async function start(t: TestContext, options: ModsteadOptions = {}): Promise<Modstead> {
  const modstead = await startModstead({ config: CONFIG, env: TOKENS, ...options })
  t.after(() => modstead.close())
  return modstead
}

/** A folder with these files, deleted after the test. */
async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-tree-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await put(folder, name, text)
  return folder
}

async function put(folder: string, name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), text)
}

function publish(
  modstead: Modstead,
  cwd: string,
  version: string,
  ...more: string[]
): Promise<CommandResult> {
  const args = ['publish', '--version', version, '--to', modstead.url, ...more]
  return runCommand(args, { cwd, env: { MODSTEAD_TOKEN: TOKENS.CI_TOKEN } })
}

const goMod = (more = ''): string => `module ${LIB}\n\ngo 1.21\n${more}`
const goFile = (value: number): string => `package lib\n\nfunc Value() int { return ${value} }\n`

test('published versions are built with, retracted and deleted, as go sees them', async (t) => {
  const modstead = await start(t)
  const tree = await folderWith(t, { 'go.mod': goMod(), 'lib.go': goFile(1) })
  const go = await createGoHome({ proxy: modstead.url })
  t.after(() => go.close())
  const versions = async (...flags: string[]): Promise<string> => {
    const out = await go.ok(['list', '-m', '-versions', ...flags, LIB])
    return out.trim()
  }

  const first = await publish(modstead, tree, 'v1.0.0')
  assert.equal(first.code, 0, first.stderr)
  const h1 = /^published go\.corp\.example\/lib@v1\.0\.0 (h1:\S+)$/m.exec(first.stdout)![1]!
  assert.equal(await versions(), `${LIB} v1.0.0`)
  const project = await go.project({
    'main.go': `package main\n\nimport "${LIB}"\n\nfunc main() { println(lib.Value()) }\n`,
  })
  await go.ok(['get', `${LIB}@latest`], { cwd: project })
  const { stderr: ran, code } = await go.run(['run', '.'], { cwd: project })
  assert.deepEqual([code, ran], [0, '1\n'])
  const downloaded = JSON.parse(await go.ok(['mod', 'download', '-json', `${LIB}@v1.0.0`])) as {
    Sum: string
    GoModSum: string
  }
  assert.equal(downloaded.Sum, h1)
  assert.ok(first.stdout.includes(`/go.mod ${downloaded.GoModSum}`))

  // The newest go.mod says which versions are not to be used any more.
  await put(tree, 'go.mod', goMod('\nretract v1.0.0 // answers 1\n'))
  await put(tree, 'lib.go', goFile(2))
  assert.equal((await publish(modstead, tree, 'v1.1.0')).code, 0)
  assert.equal(await versions(), `${LIB} v1.1.0`)
  assert.equal(await versions('-retracted'), `${LIB} v1.0.0 v1.1.0`)
  const seen = await go.ok(['list', '-m', '-u', '-retracted', LIB], { cwd: project })
  assert.match(seen, /v1\.0\.0 \(retracted\) \[v1\.1\.0\]/)

  // The same again is fine; other contents are not.
  assert.match((await publish(modstead, tree, 'v1.1.0')).stdout, /^unchanged /)
  await put(tree, 'lib.go', goFile(3))
  const other = await publish(modstead, tree, 'v1.1.0')
  assert.equal(other.code, 1)
  assert.match(other.stderr, /refused it with 409: .*h1:.*h1:.*\n.*new version/)

  const remove = (token: string) =>
    runCommand(['delete', `${LIB}@v1.0.0`, '--to', modstead.url, '--reason', 'a key was in it'], {
      cwd: tree,
      env: { MODSTEAD_TOKEN: token },
    })
  assert.match((await remove(TOKENS.CI_TOKEN)).stderr, /refused it with 403/)
  const removed = await remove(TOKENS.OPS_TOKEN)
  assert.equal(removed.stdout, `deleted ${LIB}@v1.0.0 ${h1}\n`)
  const acts = await runCommand(['acts', 'list', '--data-dir', modstead.dataDir], {
    cwd: tree,
  })
  assert.match(
    acts.stdout,
    /^act-\S+ {2}\S+Z {2}delete by ops: go\.corp\.example\/lib@v1\.0\.0 h1:\S+\n {4}reason: a key was in it\n/,
  )
  assert.equal(await versions('-retracted'), `${LIB} v1.1.0`)
  const fresh = await createGoHome({ proxy: modstead.url })
  t.after(() => fresh.close())
  const failed = await fresh.run(['mod', 'download', `${LIB}@v1.0.0`])
  assert.notEqual(failed.code, 0)
  assert.match(failed.stderr, /v1\.0\.0 was deleted on .* by ops: a key was in it/)
  await fresh.ok(['mod', 'download', `${LIB}@v1.1.0`])
})

test('what memory remembers is not given any more once it is wrong', async (t) => {
  const modstead = await start(t)
  const tree = await folderWith(t, { 'go.mod': goMod(), 'lib.go': goFile(1) })
  assert.equal((await publish(modstead, tree, 'v1.0.0')).code, 0)
  const get = async (path: string) => ask(modstead.url, `/${LIB}/${path}`)
  const warm = ['@v/list', '@latest', '@v/v1.0.0.info', '@v/v1.0.0.mod', '@v/v1.0.0.zip']
  for (const path of [...warm, ...warm]) assert.equal((await get(path)).status, 200, path)
  assert.equal((await publish(modstead, tree, 'v1.1.0')).code, 0)
  assert.equal((await get('@v/list')).body.toString(), 'v1.0.0\nv1.1.0\n')
  assert.match((await get('@latest')).body.toString(), /v1\.1\.0/)
  const { status } = await ask(modstead.url, `/${LIB}/@v/v1.0.0`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${TOKENS.OPS_TOKEN}`, 'Modstead-Reason': 'test' },
  })
  assert.equal(status, 200)
  for (const path of warm.slice(2)) assert.equal((await get(path)).status, 410, path)
  assert.equal((await get('@v/list')).body.toString(), 'v1.1.0\n')

  // It holds for the next start as well.
  await modstead.stop()
  const next = await start(t, { dataDir: modstead.dataDir })
  assert.equal((await ask(next.url, `/${LIB}/@v/v1.0.0.zip`)).status, 410)
  assert.equal((await ask(next.url, `/${LIB}/@v/list`)).body.toString(), 'v1.1.0\n')
  await next.stop()
})

test('kill -9 at any instant of a publication leaves the state before or after', async (t) => {
  const version = (i: number): string => `v1.0.${i}`
  let modstead = await start(t)
  const { dataDir } = modstead
  let whole = 0
  for (let i = 0; i < 8; i++) {
    const made = makeModule({ module: LIB, version: version(i), bulk: 4 << 20 })
    const sent = sendZip(modstead, version(i), made.zip)
    await sleep(i * 60)
    await modstead.kill()
    const acknowledged = await sent
    modstead = await start(t, { dataDir })
    const list = (await ask(modstead.url, `/${LIB}/@v/list`)).body.toString()
    const files = [...(await storedFiles(dataDir)).keys()].filter((path) => path.includes(`/${version(i)}.`))
    const listed = list.split('\n').includes(version(i))
    assert.equal(files.length, listed ? 3 : 0, `${version(i)}: ${files.join()}`)
    assert.ok(listed || !acknowledged, 'what was acknowledged is there')
    if (listed) whole++
    else assert.equal((await ask(modstead.url, `/${LIB}/@v/${version(i)}.mod`)).status, 404)
    // Again, with other contents where nothing is known yet.
    const again = listed ? made : makeModule({ module: LIB, version: version(i) })
    assert.equal(await sendZip(modstead, version(i), again.zip), true)
    const { body } = await ask(modstead.url, `/${LIB}/@v/${version(i)}.zip`)
    assert.ok(body.equals(again.zip))
  }
  t.diagnostic(`${whole} of 8 were whole`)
})

/** Whether the server said that it has the zip. */
function sendZip(modstead: Modstead, version: string, zip: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const sending = request(`${modstead.url}/${LIB}/@v/${version}.zip`, {
      method: 'PUT',
      agent: false,
      headers: { Authorization: `Bearer ${TOKENS.CI_TOKEN}`, 'Content-Length': zip.length },
    })
    sending.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200 || response.statusCode === 201)
    })
    sending.on('error', () => resolve(false))
    sending.end(zip)
  })
}

test('the zip of a working tree has the hash that go computes of its commit', async (t) => {
  const module = 'git.corp.example/repo.git/sub'
  const repository = await folderWith(t, {
    LICENSE: 'Everyone may.\n',
    'root.go': 'package root\n',
    '.gitignore': 'secret.env\n',
    'sub/go.mod': `module ${module}\n\ngo 1.24\n`,
    'sub/lib.go': goFile(1),
    'sub/deep/file with space.txt': 'text',
    'sub/vendor/example.com/x/x.go': 'package x\n',
    'sub/vendor/modules.txt': '# example.com/x v1.0.0\n',
    'sub/nested/go.mod': `module ${module}/nested\n`,
    'sub/nested/nested.go': 'package nested\n',
  })
  await symlink('lib.go', join(repository, 'sub/link.go'))
  const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@corp.example' }
  const committer = { GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@corp.example' }
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: repository,
      env: { PATH: process.env.PATH, HOME: repository, GIT_CONFIG_NOSYSTEM: '1', ...identity, ...committer },
      stdio: 'pipe',
    })
  git('init', '-q', '-b', 'main')
  git('add', '-A')
  git('commit', '-q', '-m', 'first')
  git('tag', 'sub/v1.2.3')
  const go = await createGoHome({
    proxy: 'direct',
    env: {
      GOVCS: '*:all',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: `url.file://${repository}.insteadOf`,
      GIT_CONFIG_VALUE_0: 'https://git.corp.example/repo',
    },
  })
  t.after(() => go.close())
  const { Sum } = JSON.parse(await go.ok(['mod', 'download', '-json', `${module}@v1.2.3`])) as { Sum: string }

  const dry = (...more: string[]) =>
    runCommand(['publish', 'sub', '--version', 'v1.2.3', '--dry-run', ...more], { cwd: repository })
  const made = await dry()
  assert.equal(made.code, 0, made.stderr)
  assert.equal(made.stdout.split('\n')[0], `${module}@v1.2.3 ${Sum}`)
  assert.match(made.stderr, /left out: "link\.go": it is a symbolic link/)

  // What is not committed gets into no version unless that is said: changed, new and ignored files.
  const names = ['sub/lib.go', 'sub/new.go', 'sub/secret.env']
  for (const name of names) {
    await put(repository, name, '// not committed\n')
    const refused = await dry()
    assert.equal(refused.code, 1)
    assert.ok(refused.stderr.includes(`"${name.slice('sub/'.length)}"`), refused.stderr)
    assert.match(refused.stderr, /--allow-dirty/)
    await rm(join(repository, name))
    git('checkout', '-q', '--', 'sub')
  }
  await put(repository, 'sub/new.go', 'package lib\n')
  const allowed = await dry('--allow-dirty')
  assert.equal(allowed.code, 0)
  assert.ok(!allowed.stdout.includes(Sum))
})

test('the commands say what is wrong before they send anything', async (t) => {
  const tree = await folderWith(t, { 'go.mod': goMod(), 'lib.go': goFile(1), token: TOKENS.CI_TOKEN })
  const env = { MODSTEAD_TOKEN: TOKENS.CI_TOKEN }
  const to = ['--to', 'http://127.0.0.1:9']
  const v1 = ['--version', 'v1.0.0']
  const cases: [args: string[], code: number, expected: RegExp, env?: Record<string, string>][] = [
    [['publish'], 2, /required option '--version/],
    [['publish', ...v1], 2, /needs --to/],
    [['publish', '--version', '1.0.0', ...to], 2, /v1\.2\.3/],
    [['publish', '--version', 'v2.0.0', ...to], 2, /v2\.0\.0/],
    [['publish', 'nowhere', ...v1, ...to], 1, /cannot be read \(ENOENT\)/],
    [['publish', ...v1, ...to, '--module', 'go.corp.example/other'], 2, /the go\.mod declares/],
    [['publish', ...v1, '--to', 'http://u:secret-token@127.0.0.1:9'], 2, /MODSTEAD_TOKEN/],
    [['publish', ...v1, '--to', 'ftp://x'], 2, /--to: expected/],
    [['publish', ...v1, ...to], 2, /no token/, {}],
    [['publish', ...v1, ...to, '--token-file', 'none'], 2, /--token-file: cannot read/, {}],
    [['publish', ...v1, ...to, '--token-file', 'token'], 1, /gave no answer/, {}],
    [['publish', ...v1, ...to], 1, /127\.0\.0\.1:9 gave no answer \(ECONNREFUSED\)/],
    [['delete', `${LIB}@v1.0.0`, ...to], 2, /required option '--reason/],
    [['delete', LIB, ...to, '--reason', 'x'], 2, /does not name one version/],
    [['delete', `${LIB}@v1.0.0@v2`, ...to, '--reason', 'x'], 2, /more than one @/],
  ]
  for (const [args, code, expected, environment = env] of cases) {
    const ran = await runCommand(args, { cwd: tree, env: environment })
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`)
    assert.match(ran.stderr, expected)
    assert.ok(!ran.stderr.includes(TOKENS.CI_TOKEN) && !ran.stderr.includes('secret-token'), ran.stderr)
  }
})
