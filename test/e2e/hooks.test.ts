// Push hooks: as a script sends them that was copied from the page about them, and after real pushes of real tags.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { GITHUB, GITLAB } from '../../server/src/http/hook-payloads.fixture.ts'
import { gitEnvironment } from '../support/git-repositories.ts'
import { pathWithoutGit, startPrivateHosts, type PrivateHosts } from '../support/private-hosts.ts'
import { setStage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'

const run = promisify(execFile)
const SECRET = '8f14e45fceea167a5a36dedd4bea2543'

test('the script of docs/hooks.md is understood', async (t) => {
  const page = await readFile(new URL('../../docs/hooks.md', import.meta.url), 'utf8')
  const script = /```sh\n([^]*?)```/.exec(page)![1]!
  const config = /```yaml\n(hooks:\n {2}script:[^]*?)```/.exec(page)![1]!
  const { modstead } = await setStage(t, {
    checksums: false,
    modstead: { config, env: { HOOK_SECRET: SECRET, MODSTEAD_LOG_FORMAT: 'json' } },
  })
  const here = script.replace('https://go.corp.example', modstead.url)
  assert.notEqual(here, script)
  async function send(secret: string): Promise<string> {
    const env = { PATH: process.env.PATH ?? '', HOOK_SECRET: secret }
    const { stdout } = await run('sh', ['-c', `${here.trimEnd()} --silent || true`], { env })
    return stdout
  }
  assert.match(await send(SECRET), /^noted: /)
  await modstead.logged(/"hook":"script".*"refs":\["refs\/tags\/v1\.2\.3"\].*a push was reported/)
  assert.match(await send('another'), /^the signature is not one of the secret/)
  assert.ok(!modstead.logs().includes(SECRET))
})

const PERSON = ['-c', 'user.name=A Person', '-c', 'user.email=person@example.com']

interface Developer {
  git(...args: string[]): Promise<string>
  /** Commits a version of the module's only package; gives the hash. */
  commit(says: string): Promise<string>
}

/** Somebody with a clone of the repository, who pushes with git. */
async function developerOf(t: TestContext, bare: string): Promise<Developer> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-developer-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  async function git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', [...PERSON, ...args], {
      cwd: folder,
      env: gitEnvironment(folder),
      timeout: 60_000,
    })
    return stdout.trim()
  }
  await git('clone', '--quiet', bare, '.')
  return {
    git,
    async commit(says) {
      await writeFile(join(folder, 'lib.go'), sayingFile(says))
      await git('add', '.')
      await git('commit', '--quiet', '-m', says)
      return git('rev-parse', 'HEAD')
    },
  }
}

function sayingFile(says: string): string {
  return `package lib\n\nconst Says = ${JSON.stringify(says)}\n`
}

/** What GitLab and GitHub send when a tag is pushed to the repository at this URL. */
async function sendHook(
  { stage }: PrivateHosts,
  product: 'gitlab' | 'github',
  { tag, url }: { tag: string; url: string },
): Promise<void> {
  const ref = `refs/tags/${tag}`
  const { headers, body } =
    product === 'gitlab'
      ? { ...GITLAB.tag, body: { ...GITLAB.tag.body, ref, project: { git_http_url: url } } }
      : { ...GITHUB.tag, body: { ...GITHUB.tag.body, ref, repository: { clone_url: url } } }
  const text = JSON.stringify(body)
  const sum = createHmac('sha256', SECRET).update(text).digest('hex')
  const proof = { 'x-gitlab-token': SECRET, 'x-hub-signature-256': `sha256=${sum}` }
  const answer = await fetch(`${stage.modstead.url}/hooks/${product}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, ...proof },
    body: text,
    signal: AbortSignal.timeout(10_000),
  })
  assert.equal(answer.status, 202, await answer.text())
}

/** Seconds are what a developer waits; machines that test are busy. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `${what}, not within 20 seconds`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('a pushed tag is listed and built after a hook, long before its list is old; a moved one is an incident', async (t) => {
  const hosts = await startPrivateHosts(t, {
    ssh: false,
    route: 'fresh: 1h',
    more: `hooks:
  gitlab: { type: gitlab, secret: ${SECRET} }
  github: { type: github, secret: ${SECRET} }
`,
  })
  const { stage, http, repository } = hosts
  const { git } = await repository('http/lib', [
    { files: { 'go.mod': 'module corp.example/lib\n', 'lib.go': sayingFile('first') }, tags: ['v1.0.0'] },
  ])
  const developer = await developerOf(t, git.folder)
  const url = `${http.url}/lib.git`
  const list = async (): Promise<string> => (await stage.get('/corp.example/lib/@v/list')).body.toString()
  const isStored = async (version: string): Promise<boolean> =>
    (await storedFiles(stage.modstead.dataDir)).has(`/corp.example/lib/@v/${version}.zip`)
  assert.equal(await list(), 'v1.0.0\n')

  const commits: string[] = []
  for (const [product, tag] of [
    ['gitlab', 'v1.1.0'],
    ['github', 'v1.2.0'],
  ] as const) {
    commits.push(await developer.commit(tag))
    await developer.git('tag', tag)
    await developer.git('push', '--quiet', 'origin', 'main', tag)
    assert.doesNotMatch(await list(), new RegExp(tag), 'the list is fresh for an hour')
    await sendHook(hosts, product, { tag, url })
    await until(`${tag} is listed`, async () => (await list()).includes(`${tag}\n`))
    await until(`${tag} is built`, () => isStored(tag))
  }

  await developer.git('tag', '--force', 'v1.1.0', 'v1.2.0')
  await developer.git('push', '--quiet', '--force', 'origin', 'v1.1.0')
  await sendHook(hosts, 'gitlab', { tag: 'v1.1.0', url })
  const [line] = await stage.modstead.logged(/\{.*incident: contents differ.*\}/)
  const { kind, expected, found } = JSON.parse(line) as Record<string, unknown>
  assert.deepEqual({ kind, expected, found }, { kind: 'tag', expected: commits[0], found: commits[1] })

  // What was built in the background needs no repository any more.
  await hosts.disappear()
  const go = await stage.go({ env: { ...(await pathWithoutGit(t)), GONOSUMDB: 'corp.example' } })
  for (const tag of ['v1.1.0', 'v1.2.0']) {
    const json = await go.ok(['mod', 'download', '-json', `corp.example/lib@${tag}`])
    const { Dir } = JSON.parse(json) as { Dir: string }
    assert.equal(await readFile(join(Dir, 'lib.go'), 'utf8'), sayingFile(tag))
  }
})
