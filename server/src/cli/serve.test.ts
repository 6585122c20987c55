import assert from 'node:assert/strict'
import type { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { ModsteadError } from '../errors.ts'
import type { StartOptions } from './context.ts'
import { RUNNING, runHere } from './run.fixture.ts'

const terminate = (events: EventEmitter) => events.emit('SIGTERM', 'SIGTERM')
const JSON_FLAGS = ['serve', '--log-format', 'json']

interface Line {
  level: string
  message: string
  [field: string]: unknown
}

function lines(stdout: string): Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

test('serves until SIGTERM, and says so in JSON lines', async () => {
  let given: StartOptions | undefined
  let stopped = 0
  const ran = await runHere({
    args: ['serve', '--listen', '127.0.0.1:0', '--data-dir', 'data'],
    start: (options) => {
      given = options
      return Promise.resolve({ ...RUNNING, stop: () => Promise.resolve(void stopped++) })
    },
    running: terminate,
  })
  assert.deepEqual([ran.code, ran.stderr, stopped], [0, '', 1])
  assert.deepEqual(given?.config.listen, [{ host: '127.0.0.1', port: 0 }])
  assert.equal(given?.version, '1.2.3')
  const [ready, stopping, end] = lines(ran.stdout)
  assert.deepEqual(
    { ...ready, time: '' },
    {
      level: 'info',
      time: '',
      version: '1.2.3',
      addresses: ['http://127.0.0.1:6637'],
      goproxy: 'http://127.0.0.1:6637',
      dataDir: '/cwd/data',
      routes: [{ modules: ['*'], from: 'https://proxy.golang.org,direct', private: false }],
      sumdb: ['sum.golang.org'],
      sources: ['--listen', '--data-dir'],
      goEnv: ['go env -w GOPROXY=http://127.0.0.1:6637'],
      message: 'modstead is ready',
    },
  )
  assert.deepEqual(
    [stopping!.message, stopping!.signal],
    ['stopping: running requests may finish', 'SIGTERM'],
  )
  assert.equal(end!.message, 'stopped')
})

test('a banner on a terminal, log lines for people after it', async () => {
  const ran = await runHere({
    args: ['serve'],
    isTTY: true,
    running: terminate,
    env: { GOPRIVATE: 'corp.example' },
  })
  assert.equal(ran.code, 0)
  assert.match(ran.stdout, /^\nmodstead 1\.2\.3 listens on http:\/\/127\.0\.0\.1:6637\n/)
  assert.match(
    ran.stdout,
    /\n {2}go env -w GOPROXY=http:\/\/127\.0\.0\.1:6637\n {2}go env -w GONOSUMDB=corp\.example\n/,
  )
  assert.match(ran.stdout, /\d info {2}stopping: running requests may finish {2}signal=SIGTERM/)
})

test('warnings of the configuration are logged', async () => {
  const ran = await runHere({ args: JSON_FLAGS, env: { MODSTEAD_X: '1' }, running: terminate })
  const [warning] = lines(ran.stdout)
  assert.deepEqual(
    [warning!.level, warning!.message],
    ['warn', 'the environment variable MODSTEAD_X is not known'],
  )
})

const failures: [name: string, error: unknown, args: string[], code: number, stderr: RegExp][] = [
  [
    'foreseen',
    new ModsteadError('listen_failed', 'the address 127.0.0.1:1 is in use', {
      next: 'choose another with --listen',
    }),
    [],
    1,
    /^modstead: the address 127\.0\.0\.1:1 is in use\.\nChoose another with --listen\.\n$/,
  ],
  [
    'unforeseen',
    new TypeError('oops at https://u:hunter2@host'),
    [],
    1,
    /^modstead: unexpected error: oops at https:\/\/\(hidden\)@host\.\nThis is a defect of modstead; --log-level debug shows/,
  ],
  [
    'unforeseen, in detail',
    new TypeError('oops'),
    ['--log-level', 'debug'],
    1,
    /^modstead: unexpected error: oops\.\nTypeError: oops\n +at /,
  ],
]

test('a start that fails: a sentence and the next step, no stack', async () => {
  for (const [name, error, args, code, stderr] of failures) {
    const ran = await runHere({ args: ['serve', ...args], start: () => Promise.reject(error) })
    assert.equal(ran.code, code, name)
    assert.match(ran.stderr, stderr, name)
  }
})

test('a configuration with mistakes does not start', async () => {
  let started = false
  const start = () => Promise.resolve(((started = true), RUNNING))
  const ran = await runHere({ args: ['serve', '--listen', 'nowhere'], start })
  assert.deepEqual([ran.code, started], [2, false])
  assert.match(ran.stderr, /^modstead: --listen: expected an address/)
})

test('a second signal ends a stop that hangs, the echo of the first does not', async () => {
  const hang = () => new Promise<void>(() => undefined)
  const started = performance.now()
  const ran = await runHere({
    args: JSON_FLAGS,
    start: () => Promise.resolve({ ...RUNNING, stop: hang }),
    running: (events) => {
      events.emit('SIGINT', 'SIGINT')
      events.emit('SIGINT', 'SIGINT')
      setTimeout(() => events.emit('SIGINT', 'SIGINT'), 600)
    },
  })
  assert.equal(ran.code, 1)
  assert.ok(performance.now() - started > 500)
  assert.deepEqual(lines(ran.stdout).at(-1)!.reason, 'second signal')
})

test('an error that nobody handled: logged with its stack, then the end', async () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    let stopped = false
    const ran = await runHere({
      args: JSON_FLAGS,
      start: () => Promise.resolve({ ...RUNNING, stop: () => Promise.resolve(void (stopped = true)) }),
      running: (events) => events.emit(event, new Error('lost')),
    })
    const crash = lines(ran.stdout).find((line) => line.level === 'error')!
    assert.deepEqual([ran.code, stopped, crash.event], [1, true, event])
    assert.match((crash.error as { stack: string }).stack, /serve\.test\.ts/)
  }
})

test('a stop that takes too long after a crash is cut off', async () => {
  const ran = await runHere({
    args: [...JSON_FLAGS, '--shutdown-grace', '0'],
    start: () => Promise.resolve({ ...RUNNING, stop: () => new Promise<void>(() => undefined) }),
    running: (events) => events.emit('uncaughtException', 'not even an error'),
  })
  assert.equal(ran.code, 1)
  assert.equal(lines(ran.stdout).at(-1)!.reason, 'too late')
})

test('SIGTERM during the start ends it', async () => {
  let stopped = false
  const ran = await runHere({
    args: JSON_FLAGS,
    start: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { ...RUNNING, stop: () => Promise.resolve(void (stopped = true)) }
    },
    starting: terminate,
  })
  assert.deepEqual([ran.code, stopped], [0, true])
})

test('SIGHUP reads again what may change, and ends nothing', async () => {
  let reloaded = 0
  const started = Promise.withResolvers<void>()
  const ran = await runHere({
    args: JSON_FLAGS,
    async start() {
      await started.promise
      return { ...RUNNING, reload: () => Promise.resolve(void reloaded++) }
    },
    starting(events) {
      events.emit('SIGHUP', 'SIGHUP')
      started.resolve()
    },
    running(events) {
      events.emit('SIGHUP', 'SIGHUP')
      setImmediate(() => terminate(events))
    },
  })
  assert.deepEqual([ran.code, reloaded], [0, 1])
})

test('on a terminal SIGHUP is left to the system', async () => {
  await runHere({
    args: ['serve'],
    isTTY: true,
    running(events) {
      assert.equal(events.listenerCount('SIGHUP'), 0)
      terminate(events)
    },
  })
})
