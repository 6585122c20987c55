import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createTestObserver } from '../../test-origin.ts'
import { createGitHelper, type GitHelper } from './git-helper.ts'
import { GitStopped, type GitRun } from './run-git.ts'

const never = new AbortController().signal
const BOUNDS = { signal: never, deadlines: { total: 30_000 }, limit: 1 << 20 }

/** Git that prints the process that started it, so that we see where it ran. */
const WHO: GitRun = { ...BOUNDS, args: ['-c', 'alias.who=!ps -o ppid= -p $PPID', 'who'] }
/** Git that ends when it is killed. */
const FOREVER: GitRun = { ...BOUNDS, args: ['-c', 'alias.wait=!sleep 60', 'wait'] }

/** A helper that is ready: what is run now runs in it. */
async function begin(t: TestContext): Promise<{ helper: GitHelper; pid: number }> {
  const helper = createGitHelper(createTestObserver().log)
  t.after(() => helper.close())
  for (;;) {
    const pid = await starter(helper)
    if (pid !== process.pid) return { helper, pid }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function starter(helper: GitHelper): Promise<number> {
  const { status, stdout, said } = await helper.run(WHO)
  assert.equal(status, 0, said)
  return Number(stdout.toString())
}

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-helper-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

async function isRunning(pid: number): Promise<boolean> {
  try {
    // One that ended and was not waited for is no longer running.
    return !/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 5_000
  while (await isRunning(pid)) {
    assert.ok(Date.now() < deadline, `${pid} still runs`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('what comes first runs here, and what comes later in the helper', async (t) => {
  const helper = createGitHelper(createTestObserver().log)
  t.after(() => helper.close())
  assert.equal(await starter(helper), process.pid)
  const { pid } = await begin(t)
  assert.notEqual(pid, process.pid)
})

test('bytes go in and out, and into files', async (t) => {
  const { helper } = await begin(t)
  const folder = await scratch(t)
  const input = Buffer.from([0, 255, 10, 13, 128])
  const made = await helper.run({ ...BOUNDS, args: ['init', '--quiet', '--bare', folder] })
  assert.equal(made.status, 0, made.said)
  const written = await helper.run({
    ...BOUNDS,
    gitDir: folder,
    args: ['hash-object', '-w', '--stdin'],
    input,
  })
  const hash = written.stdout.toString().trim()
  const show = { ...BOUNDS, gitDir: folder, args: ['cat-file', 'blob', hash] }
  assert.deepEqual((await helper.run(show)).stdout, input)
  const output = join(folder, 'out')
  assert.equal((await helper.run({ ...show, output })).stdout.length, 0)
  assert.deepEqual(await readFile(output), input)
  const failed = await helper.run({ ...BOUNDS, gitDir: folder, args: ['cat-file', 'blob', 'nothing'] })
  assert.equal(failed.status, 128)
  assert.match(failed.said, /nothing/)
})

test('deadlines, limits and signals end what runs there', async (t) => {
  const { helper } = await begin(t)
  const stopped = (reason: string) => (error: unknown) =>
    error instanceof GitStopped && error.reason === reason
  await assert.rejects(helper.run({ ...FOREVER, deadlines: { total: 100 } }), stopped('total'))
  const endless = { ...BOUNDS, args: ['-c', 'alias.all=!cat /dev/zero', 'all'] }
  await assert.rejects(helper.run(endless), stopped('limit'))
  const output = join(await scratch(t), 'out')
  await assert.rejects(helper.run({ ...endless, output }), stopped('limit'))
  const leaving = new AbortController()
  const reason = new Error('left')
  const run = helper.run({ ...FOREVER, signal: leaving.signal })
  leaving.abort(reason)
  await assert.rejects(run, reason)
})

test('a helper that is killed fails what ran in it, and the next run begins another', async (t) => {
  const { helper, pid } = await begin(t)
  const run = helper.run(FOREVER)
  process.kill(pid, 'SIGKILL')
  await assert.rejects(run, { code: 'internal', message: 'the process that starts git ended' })
  assert.equal(await starter(helper), process.pid)
})

test('it ends with its owner, together with what it runs', async (t) => {
  const { helper, pid } = await begin(t)
  const run = helper.run(FOREVER)
  const ended = assert.rejects(run, { code: 'internal' })
  helper.close()
  await ended
  await untilGone(pid)
  // After that, runs are done here.
  assert.equal(await starter(helper), process.pid)
})

test('it keeps no process from ending', async () => {
  const program = `
    import { createGitHelper } from ${JSON.stringify(new URL('./git-helper.ts', import.meta.url).href)}
    const { run } = createGitHelper(console)
    const signal = new AbortController().signal
    await run({ args: ['--version'], signal, deadlines: { total: 30000 }, limit: 1000 })`
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 20_000 })
})
