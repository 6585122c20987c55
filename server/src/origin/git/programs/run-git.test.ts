import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ModsteadError } from '../../../errors.ts'
import { eventually, temporaryFolder } from '../../../observe/test-support.ts'
import { GIT_SETTINGS } from './git-environment.ts'
import { GitStopped, runGit, type GitRun } from './run-git.ts'
import { git, makeRepository } from '../test-repository.ts'

const patient = new AbortController().signal

function run(options: Partial<GitRun> & Pick<GitRun, 'args'>) {
  return runGit({ signal: patient, deadlines: { total: 40_000 }, limit: 1 << 20, ...options })
}

/** Lets git run a shell script, as an alias would. */
function script(text: string): Pick<GitRun, 'args' | 'settings'> {
  return { args: ['scripted'], settings: [['alias.scripted', `!${text}; :`]] }
}

/** Processes whose command line has this text in it. */
async function processesWith(text: string): Promise<number> {
  const lines = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  )
  return lines.filter((line) => line.includes(text)).length
}

test('a run gives its output and what git said, whatever its status', async () => {
  const { status, stdout } = await run({ args: ['hash-object', '--stdin'], input: 'x\n' })
  assert.equal(status, 0)
  assert.equal(stdout.toString(), '587be6b4c3f93f93c489c0111bba5596147a26cb\n')
  const failed = await run({ args: ['rev-parse', 'HEAD'], gitDir: '/nonexistent' })
  assert.equal(failed.status, 128)
  assert.match(failed.said, /not a git repository/)
})

test('progress that is rewritten in place is said once', async () => {
  const { said } = await run(script(`printf 'one 1%%\\rone 2%%\\rone 3%%\\ntwo\\n' >&2`))
  assert.equal(said, 'one 3%\ntwo')
})

test('a run is ended by its deadlines, its limit and its signal, with all that it started', async () => {
  const mark = `modstead-${process.pid}-${Date.now()}`
  const sleeper = script(`sh -c 'sleep 300; : ${mark}' & sleep 300; : ${mark}`)
  const table: [run: Partial<GitRun> & Pick<GitRun, 'args'>, ends: (error: unknown) => boolean][] = [
    [
      { ...sleeper, deadlines: { total: 300 } },
      (error) => error instanceof GitStopped && error.reason === 'total',
    ],
    [
      { ...sleeper, deadlines: { total: 40_000, idle: 300 } },
      (error) => error instanceof GitStopped && error.reason === 'idle',
    ],
    [
      { ...script(`yes ${mark}`), limit: 100_000 },
      (error) => error instanceof GitStopped && error.reason === 'limit',
    ],
    [
      {
        ...sleeper,
        // Its clock begins with the run.
        get signal() {
          return AbortSignal.timeout(300)
        },
      },
      (error) => (error as Error).name === 'TimeoutError',
    ],
  ]
  for (const [options, ends] of table) {
    await assert.rejects(run(options), ends)
    let left = 1
    await eventually(() => {
      void processesWith(mark).then((count) => (left = count))
      return left === 0
    }, 'all processes of the run ended')
  }
})

test('a signal that has fired before starts nothing', async () => {
  const reason = new Error('over')
  await assert.rejects(run({ args: ['version'], signal: AbortSignal.abort(reason) }), /over/)
})

test('where there is no git, the error says what to install', async (t) => {
  const empty = await temporaryFolder(t)
  const error = await run({ args: ['version'], environment: { PATH: empty } }).then(
    () => assert.fail('it ran'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof ModsteadError)
  assert.equal(error.code, 'internal')
  assert.match(error.next!, /install git/)
})

test('nothing of the settings of this machine, its users and the caller is used', async (t) => {
  const home = await temporaryFolder(t)
  const marker = join(home, 'ran')
  const helper = join(home, 'helper.sh')
  await writeFile(helper, `#!/bin/sh\ntouch ${marker}\n`)
  await chmod(helper, 0o755)
  await mkdir(join(home, '.config', 'git'), { recursive: true })
  for (const file of ['.gitconfig', '.config/git/config'])
    await writeFile(join(home, file), `[user]\nname = Somebody\n[core]\naskPass = ${helper}\n`)
  const kept = { ...process.env }
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name]
    Object.assign(process.env, kept)
  })
  Object.assign(process.env, {
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'user.email',
    GIT_CONFIG_VALUE_0: 'somebody@example.com',
    GIT_ASKPASS: helper,
    SSH_ASKPASS: helper,
    GIT_DIR: join(home, 'elsewhere'),
    GIT_SSH_COMMAND: helper,
    GIT_TRACE: '1',
  })
  const { stdout, said } = await run({ args: ['config', '--list', '--name-only'] })
  const names = stdout.toString().split('\n').filter(Boolean)
  assert.deepEqual(
    names,
    GIT_SETTINGS.map(([name]) => name.toLowerCase()),
  )
  assert.equal(said, '')
})

test('hooks of a repository are not run', async (t) => {
  const folder = join(await temporaryFolder(t), 'repository')
  const [hash] = makeRepository(folder, [{ files: { a: 'x' } }])
  const marker = join(folder, 'ran')
  for (const name of ['reference-transaction', 'post-update', 'post-index-change']) {
    await writeFile(join(folder, 'hooks', name), `#!/bin/sh\ntouch ${marker}\n`)
    await chmod(join(folder, 'hooks', name), 0o755)
  }
  const { status } = await run({ args: ['update-ref', 'refs/heads/x', hash!], gitDir: folder })
  assert.equal(status, 0)
  assert.equal(git(folder, ['rev-parse', 'refs/heads/x']).trim(), hash)
  await assert.rejects(stat(marker), /ENOENT/)
})

test('no protocol is allowed that a run does not allow', async (t) => {
  const folder = join(await temporaryFolder(t), 'repository')
  makeRepository(folder, [{ files: { a: 'x' } }])
  const marker = join(folder, 'ran')
  const urls = [
    `ext::sh -c touch% ${marker}`,
    `file://${folder}`,
    'git://127.0.0.1:1/x',
    'fd::17',
    'http://127.0.0.1:1/x',
  ]
  for (const url of urls) {
    const { status, said } = await run({ args: ['ls-remote', '--end-of-options', url] })
    assert.equal(status, 128, url)
    assert.match(said, /not allowed/, url)
  }
  await assert.rejects(stat(marker), /ENOENT/)
})
