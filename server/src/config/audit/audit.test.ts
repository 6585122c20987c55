import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, problemsOf } from '../load.fixture.ts'
import { formatConfig } from '../show.ts'

const SECRET = 'HUSH-0123456789abcdef'

test('an empty mapping is enough', async () => {
  const { config } = await load({ yaml: 'audit: {}\ndataDir: /data\n' })
  assert.deepEqual(config.audit, {
    downloads: 1,
    mask: 'none',
    folder: '/data/audit',
    rotate: { size: 64 << 20, age: 86_400_000 },
    keep: 365 * 86_400_000,
    disk: 10 * 2 ** 30,
    onFull: 'block',
    sync: 1_000,
    sinks: [],
  })
  assert.equal((await load({ yaml: '' })).config.audit, undefined)
})

test('everything that it can say, and it is shown without secrets', async () => {
  const yaml = `
audit:
  downloads: 12.5%
  mask: hash
  folder: /var/log/modstead
  rotate: { size: 1MiB, age: 1h }
  keep: 30d
  disk: 1GiB
  onFull: drop
  sync: 250ms
  sinks:
    a: { type: syslog, url: "tls://[2001:db8::1]:6514", facility: 16 }
    b: { type: webhook, url: "https://siem.example/x", secret: "${SECRET}", batch: 10 }
    c: { type: nats, servers: [nats://127.0.0.1:4222], subject: corp.audit, username: u, password: "${SECRET}" }
    d: { type: kafka, brokers: ["k1:9092", "k2:9092"], topic: audit, username: u, password: "${SECRET}" }
    e: { type: otlp, url: "https://otel.example/", headers: { x-key: "${SECRET}" } }
    f: { type: nats, servers: nats, subject: x, token: "${SECRET}" }
`
  const { config } = await load({ yaml })
  const { audit } = config
  assert.ok(audit)
  assert.equal(audit.downloads, 0.125)
  assert.partialDeepStrictEqual(audit.sinks[0], { transport: 'tls', host: '2001:db8::1', port: 6514 })
  assert.partialDeepStrictEqual(audit.sinks[4], { url: 'https://otel.example', headers: { 'x-key': SECRET } })
  const shown = formatConfig(config)
  assert.ok(!shown.includes('HUSH'), shown)
  // What is shown can be loaded, but for the secrets.
  const again = await load({ yaml: shown.replaceAll('(hidden)', SECRET) })
  assert.deepEqual(again.config.audit, audit)
})

const sink = (entry: string) => `audit: { sinks: { one: { ${entry} } } }`
const MISTAKES: [yaml: string, problem: RegExp][] = [
  ['audit: true', /audit: expected a mapping/],
  ['audit: { download: all }', /audit\.download: unknown key.*downloads/],
  ['audit: { downloads: 120% }', /audit\.downloads: expected "all", "none", or a share/],
  ['audit: { downloads: some }', /audit\.downloads: expected/],
  ['audit: { onFull: stop }', /audit\.onFull: expected one of "block", "drop"/],
  ['audit: { disk: 64MiB }', /audit\.disk: expected twice as much as rotate\.size/],
  ['audit: { rotate: { size: 1KiB } }', /audit\.rotate\.size: expected a size/],
  [sink('type: mail'), /type: expected one of "syslog", "webhook", "nats", "kafka", "otlp", found "mail"/],
  [sink('type: syslog, url: "https://x:1"'), /url: expected tls:\/\/HOST:PORT/],
  [sink('type: syslog, url: "udp://x"'), /url: expected tls:\/\/HOST:PORT/],
  [sink('type: webhook, url: "ftp://x", secret: 0123456789abcdef'), /url: expected an https or http URL/],
  [
    sink('type: webhook, url: "https://u:p@x", secret: 0123456789abcdef'),
    /url: expected an https or http URL/,
  ],
  [sink('type: webhook, url: "https://x", secret: HUSH'), /secret: expected 16 characters or more, found 4/],
  [sink('type: webhook, url: "https://x"'), /secret/],
  [sink('type: nats, servers: x, subject: "a.*"'), /subject: expected words with dots/],
  [
    sink('type: nats, servers: x, subject: a, token: HUSHHUSH, username: u'),
    /expected a token, or username and password/,
  ],
  [sink('type: kafka, brokers: x, topic: t, username: u'), /expected username and password together/],
]

test('mistakes', async () => {
  for (const [yaml, problem] of MISTAKES) {
    const problems = (await problemsOf({ yaml })).join('\n')
    assert.match(problems, problem, yaml)
    assert.ok(!problems.includes('HUSH'))
  }
})

test('a sink that others on the way can read is warned of', async () => {
  for (const [entry, warns] of [
    ['type: syslog, url: "udp://logs.example:514"', true],
    ['type: syslog, url: "tcp://127.0.0.1:514"', false],
    ['type: otlp, url: "http://otel.example:4318"', true],
    ['type: otlp, url: "http://localhost:4318"', false],
  ] as const) {
    const { warnings } = await load({ yaml: sink(entry) })
    assert.equal(/goes to one without TLS/.test(warnings.join()), warns, entry)
  }
})
