import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from './load.fixture.ts'

test('with nothing at all: what `go` would do, on the loopback address', async () => {
  const { config, sources, warnings } = await load({})
  assert.deepEqual(config.listen, [{ host: '127.0.0.1', port: 6637 }])
  assert.equal(config.dataDir, '/site/modstead-data')
  assert.equal(config.memory, 128 * 2 ** 20)
  assert.equal(config.pathPrefix, '')
  assert.equal(config.publicUrl, undefined)
  assert.equal(config.tls, undefined)
  assert.equal(config.shutdownGrace, 20_000)
  assert.deepEqual(config.lookAhead, { concurrency: 16, bytes: 512 * 2 ** 20, depth: 8 })
  assert.deepEqual(config.log, { level: 'info', format: 'auto', requests: false })
  assert.deepEqual(
    [...config.origins],
    [
      [
        'proxy.golang.org',
        {
          name: 'proxy.golang.org',
          type: 'goproxy',
          url: 'https://proxy.golang.org',
          timeouts: {
            lookup: 10_000,
            connect: 30_000,
            tls: 10_000,
            headers: 60_000,
            idle: 60_000,
            total: 1_800_000,
          },
          connections: 64,
          tries: 3,
          limits: { list: 16 * 2 ** 20, info: 2 ** 20, mod: 16 * 2 ** 20, zip: 500 * 2 ** 20 },
        },
      ],
    ],
  )
  assert.deepEqual(config.routes, [
    {
      modules: ['*'],
      from: [
        { origin: 'proxy.golang.org', then: 'absent' },
        { origin: 'direct', then: 'absent' },
      ],
      private: false,
      checksum: 'sum.golang.org',
      lookAhead: true,
      fresh: 60_000,
      staleWhileRevalidate: 3_600_000,
      absent: 10_000,
    },
  ])
  assert.deepEqual(
    config.sumdb.map(({ name, url }) => ({ name, url })),
    [{ name: 'sum.golang.org', url: undefined }],
  )
  assert.deepEqual({ sources, warnings }, { sources: [], warnings: [] })
})

test('flags win over variables, variables over the file, the file over defaults', async () => {
  const yaml = 'listen: 1\nmemory: 1MiB\nlog: { level: warn, format: json }\nshutdownGrace: 1s'
  const env = { MODSTEAD_LISTEN: '2', MODSTEAD_MEMORY: '2MiB', MODSTEAD_LOG_LEVEL: 'error' }
  const { config, sources } = await load({ yaml, env, flags: { listen: '3' } })
  assert.deepEqual(config.listen, [{ host: '127.0.0.1', port: 3 }])
  assert.equal(config.memory, 2 * 2 ** 20)
  assert.deepEqual(config.log, { level: 'error', format: 'json', requests: false })
  assert.equal(config.shutdownGrace, 1000)
  assert.deepEqual(sources, [
    '--listen',
    'MODSTEAD_MEMORY',
    'MODSTEAD_LOG_LEVEL',
    'modstead.yaml (found in this folder)',
  ])
})

test('every setting can come from its variable', async () => {
  const env = {
    MODSTEAD_CONFIG: 'conf/a.yaml',
    MODSTEAD_LISTEN: ':80,unix:run/m.sock',
    MODSTEAD_PUBLIC_URL: 'https://go.corp.example/',
    MODSTEAD_PATH_PREFIX: '/goproxy/',
    MODSTEAD_DATA_DIR: 'data',
    MODSTEAD_MEMORY: '1024',
    MODSTEAD_UPSTREAM: 'off',
    MODSTEAD_LOG_LEVEL: 'debug',
    MODSTEAD_LOG_FORMAT: 'text',
    MODSTEAD_LOG_REQUESTS: 'true',
    MODSTEAD_SHUTDOWN_GRACE: '5',
  }
  const { config } = await load({ env, files: { '/site/conf/a.yaml': '' } })
  assert.deepEqual(config.listen, [{ host: '', port: 80 }, { socket: '/site/run/m.sock' }])
  assert.equal(config.publicUrl, 'https://go.corp.example')
  assert.equal(config.pathPrefix, '/goproxy')
  assert.equal(config.dataDir, '/site/data')
  assert.equal(config.memory, 1024)
  assert.deepEqual(config.routes[0]!.from, [{ origin: 'off', then: 'absent' }])
  assert.deepEqual(config.log, { level: 'debug', format: 'text', requests: true })
  assert.equal(config.shutdownGrace, 5000)
})

test('paths start at the folder of whatever names them', async () => {
  const pem = '-----BEGIN CERTIFICATE-----'
  const files = {
    '/etc/modstead/m.yaml': 'dataDir: data\nlisten: "unix:m.sock"\ntls: { cert: c.pem, key: ~/k.pem }',
    '/etc/modstead/c.pem': pem,
    '/home/user/k.pem': pem,
  }
  const { config } = await load({ files, flags: { config: '/etc/modstead/m.yaml' } })
  assert.equal(config.dataDir, '/etc/modstead/data')
  assert.deepEqual(config.listen, [{ socket: '/etc/modstead/m.sock' }])
  assert.deepEqual(config.tls, {
    cert: '/etc/modstead/c.pem',
    key: '/home/user/k.pem',
    minVersion: 'TLSv1.2',
  })
  const overridden = await load({ files, flags: { config: '/etc/modstead/m.yaml', dataDir: 'here' } })
  assert.equal(overridden.config.dataDir, '/site/here')
  const unsaid = await load({ files: { '/etc/m.yaml': '' }, flags: { config: '/etc/m.yaml' } })
  assert.equal(unsaid.config.dataDir, '/site/modstead-data')
})

test('the result is frozen all the way down', async () => {
  const { config } = await load({})
  assert.throws(() => Object.assign(config, { memory: 1 }), TypeError)
  assert.throws(() => Object.assign(config.routes[0]!.from[0]!, { origin: 'x' }), TypeError)
  assert.throws(() => Object.assign(config.origins.get('proxy.golang.org')!.timeouts, { idle: 1 }), TypeError)
  assert.throws(() => (config.origins as Map<string, unknown>).clear(), TypeError)
})

test('a file that was named must be there', async () => {
  assert.deepEqual(await problemsOf({ flags: { config: 'x.yaml' } }), [
    '--config: cannot read /site/x.yaml: there is no such file',
  ])
  assert.deepEqual(await problemsOf({ env: { MODSTEAD_CONFIG: '/x.yaml' } }), [
    'MODSTEAD_CONFIG: cannot read /x.yaml: there is no such file',
  ])
})

test('mistakes in flags and variables name them', async () => {
  const given = {
    flags: { listen: 'nowhere', memory: '3x' },
    env: { MODSTEAD_MEMORY: '1MiB', MODSTEAD_LOG_REQUESTS: 'maybe', MODSTEAD_UPSTREAM: 'word' },
  }
  assert.deepEqual(
    (await problemsOf(given)).map((line) => line.slice(0, line.indexOf(' '))),
    ['--listen:', '--memory:', 'MODSTEAD_LOG_REQUESTS:', 'MODSTEAD_UPSTREAM:'],
  )
})

test('misspelt variables are warned of, those of orchestrators are not', async () => {
  const env = {
    MODSTEAD_LISTENN: 'x',
    MODSTEAD_SERVICE_HOST: '10.0.0.1',
    MODSTEAD_SERVICE_PORT_HTTP: '6637',
    MODSTEAD_PORT: 'tcp://10.0.0.1:6637',
    MODSTEAD_PORT_6637_TCP_ADDR: '10.0.0.1',
  }
  const { warnings } = await load({ env })
  assert.deepEqual(warnings, [
    'the environment variable MODSTEAD_LISTENN is not known; did you mean "MODSTEAD_LISTEN"?',
  ])
})
