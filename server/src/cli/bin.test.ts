// The real command as a child process: exit codes, signals, and what stands in both streams.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/modstead.mjs', import.meta.url))
const FIXTURE = fileURLToPath(new URL('./fake-server.fixture.ts', import.meta.url))

let cwd: string
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'modstead-bin-'))
})
after(() => rm(cwd, { recursive: true, force: true }))

/** A Node.js of this machine that is too old for modstead itself; `undefined` where there is none. */
const OLD_NODE = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((file) => existsSync(file))
  .find(
    (file) => Number(/^v(\d+)/.exec(spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout)?.[1]) < 24,
  )

const environment = () => ({ PATH: process.env.PATH, HOME: cwd, GOENV: 'off' })

function modstead(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], {
    cwd,
    env: environment(),
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('version', () => {
  const { status, stdout, stderr } = modstead('version', '--json')
  assert.deepEqual([status, stderr], [0, ''])
  assert.match((JSON.parse(stdout) as { modstead: string }).modstead, /^\d+\.\d+\.\d+/)
})

test('exit codes', async () => {
  await writeFile(join(cwd, 'bad.yaml'), 'lisen: 1')
  assert.equal(modstead('--help').status, 0)
  assert.equal(modstead('config', 'check').status, 0)
  assert.equal(modstead('config', 'check', 'bad.yaml').status, 2)
  assert.equal(modstead('nonsense').status, 2)
})

test('no stack where the configuration is wrong', () => {
  const { status, stderr } = modstead('serve', '--config', 'bad.yaml')
  assert.equal(status, 2)
  assert.match(stderr, /^modstead: bad\.yaml:1:1: lisen: unknown key; did you mean "listen"\?\n/)
  assert.doesNotMatch(stderr, /\bat .*\.ts/)
})

test('a port in use and a folder that cannot be: one sentence and the next step', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  try {
    await once(other, 'listening')
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`
    const port = modstead('serve', '--listen', address, '--data-dir', 'data')
    assert.equal(port.status, 1)
    assert.match(port.stderr, new RegExp(`^modstead: [^\\n]*${address}[^\\n]*\\.\\n[A-Z][^\\n]*\\.\\n$`))
  } finally {
    other.close()
  }
  await writeFile(join(cwd, 'file'), '')
  const folder = modstead('serve', '--listen', '127.0.0.1:0', '--data-dir', 'file')
  assert.equal(folder.status, 1)
  assert.match(folder.stderr, /^modstead: [^\n]*\/file[^\n]*\.\n[A-Z][^\n]*\.\n$/)
})

test('SIGTERM ends a server with 0, and its log is whole', async () => {
  const child = spawn(process.execPath, [FIXTURE, 'serve'], { cwd, env: environment() })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (text.includes('modstead is ready')) child.kill('SIGTERM')
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.equal(code, 0)
  assert.match(stdout, /"message":"stopped"\}\n$/)
})

test('an error that nobody handled ends a real process with 1', async () => {
  const child = spawn(process.execPath, [FIXTURE, 'serve'], { cwd, env: { ...environment(), CRASH: '1' } })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.equal(code, 1)
  assert.match(stdout, /"level":"error"[^\n]*"message":"on purpose"[^\n]*"event":"unhandledRejection"/)
})

for (const [how, signal, launcherEnds] of [
  ['SIGTERM to the launcher', 'SIGTERM', [0, null]],
  ['a launcher that is killed', 'SIGKILL', [null, 'SIGKILL']],
] as const)
  test(
    `${how} ends the server that it started on another Node.js, which finishes what it does`,
    { skip: OLD_NODE === undefined && 'there is no Node.js here that needs the launcher', timeout: 60_000 },
    async (t) => {
      const folder = join(cwd, `data-${signal}`)
      const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', folder, '--upstream', 'off']
      const launcher = spawn(OLD_NODE!, [BIN, ...args, '--log-format', 'json'], {
        cwd,
        env: { ...environment(), GOSUMDB: 'off' },
      })
      let stdout = ''
      const ready = new Promise<void>((resolve) =>
        launcher.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text
          if (stdout.includes('modstead is ready')) resolve()
        }),
      )
      t.after(() => launcher.kill('SIGKILL'))
      // Both processes write to it: it closes when both have ended.
      const closed = once(launcher.stdout, 'close')
      const exited = once(launcher, 'exit')
      await ready
      const server = Number(/\d+/.exec(await readFile(join(folder, 'modstead.pid'), 'utf8'))![0])
      assert.notEqual(server, launcher.pid)
      launcher.kill(signal)
      assert.deepEqual(await exited, launcherEnds)
      await closed
      assert.match(stdout, /"message":"stopped"\}\n$/)
    },
  )
