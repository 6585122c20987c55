import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runHere } from './run.fixture.ts'
import { fileURLToPath } from 'node:url'

const CERTIFICATES = fileURLToPath(new URL('../../../test/testdata/tls/', import.meta.url))

const usage: [args: string[], code: number, stream: 'stdout' | 'stderr', expected: RegExp][] = [
  [[], 2, 'stderr', /^Usage: modstead/],
  [['--help'], 0, 'stdout', /^Usage: modstead[^]*Examples:[^]*Exit codes: 0 done/],
  [['help', 'serve'], 0, 'stdout', /^Usage: modstead serve[^]*--listen <address>[^]*SIGTERM/],
  [['serve', '--help'], 0, 'stdout', /--upstream <list>/],
  [['publish', '--help'], 0, 'stdout', /--version <version>[^]*--allow-dirty[^]*MODSTEAD_TOKEN/],
  [['delete', '--help'], 0, 'stdout', /--reason <text>[^]*--to <url>/],
  [
    ['verify', '--help'],
    0,
    'stdout',
    /verify \[options\] \[go\.sum\|dir\][^]*--offline[^]*Exit codes: 0 all agree/,
  ],
  [['verify', '--ofline'], 2, 'stderr', /Did you mean --offline\?/],
  [['publish'], 2, 'stderr', /required option '--version <version>' not specified/],
  [['--version'], 0, 'stdout', /^1\.2\.3\n$/],
  [['version'], 0, 'stdout', /^modstead 1\.2\.3 \(Node\.js \d+\.\d+\.\d+, \w+\/\w+\)\n$/],
  [['serv'], 2, 'stderr', /unknown command 'serv'\n\(Did you mean serve\?\)/],
  [
    ['serve', '--lisen', 'x'],
    2,
    'stderr',
    /unknown option '--lisen'\n\(Did you mean --listen\?\)\nRun "modstead serve --help"/,
  ],
  [['serve', '--listen'], 2, 'stderr', /argument missing/],
  [['serve', 'more'], 2, 'stderr', /too many arguments/],
  [['config'], 2, 'stderr', /^Usage: modstead config/],
  [['config', 'chek'], 2, 'stderr', /Did you mean check\?/],
]

test('usage, help and exit codes', async () => {
  for (const [args, code, stream, expected] of usage) {
    const ran = await runHere({ args })
    assert.match(ran[stream], expected, args.join(' '))
    assert.equal(ran.code, code, args.join(' '))
  }
})

test('version --json', async () => {
  const { stdout } = await runHere({ args: ['version', '--json'] })
  assert.deepEqual(JSON.parse(stdout), {
    modstead: '1.2.3',
    node: process.versions.node,
    platform: `${process.platform}/${process.arch}`,
  })
})

test('config check', async () => {
  const good = await runHere({ args: ['config', 'check'], yaml: 'listen: 1', env: { MODSTEAD_LISTENN: '1' } })
  assert.deepEqual(good, {
    code: 0,
    stdout: 'The configuration is valid (modstead.yaml (found in this folder)).\n',
    stderr:
      'warning: the environment variable MODSTEAD_LISTENN is not known; did you mean "MODSTEAD_LISTEN"?\n',
  })
  const bad = await runHere({ args: ['config', 'check', 'modstead.yaml'], yaml: 'lisen: 1\nmemory: x' })
  assert.equal(bad.code, 2)
  assert.match(
    bad.stderr,
    /^modstead: the configuration has mistakes\n\nmodstead\.yaml:1:1: lisen: unknown key/,
  )
  assert.match(bad.stderr, /\nmodstead\.yaml:2:9: memory: expected a size/)
  const swapped = await runHere({
    args: ['config', 'check'],
    yaml: `tls: { cert: "${CERTIFICATES}ca.pem", key: "${CERTIFICATES}key.pem" }`,
  })
  assert.equal(swapped.code, 2)
  assert.match(swapped.stderr, /the certificate .*ca\.pem or its key cannot be used/)
  const missing = await runHere({ args: ['config', 'check', 'none.yaml'] })
  assert.equal(missing.code, 2)
  assert.match(
    missing.stderr,
    /^modstead: --config: cannot read \/cwd\/none\.yaml: there is no such file\.\n/,
  )
})

test('config show hides secrets, as YAML and as JSON', async () => {
  const yaml = 'origins: { a: { url: "https://a", credentials: { username: u, password: "${PW}" } } }'
  const given = { yaml, env: { PW: 'hunter2' } }
  const text = await runHere({ args: ['config', 'show', '--memory', '1GiB'], ...given })
  assert.equal(text.code, 0)
  assert.match(text.stdout, /^# from --memory, modstead\.yaml \(found in this folder\)\n/)
  assert.match(text.stdout, /^memory: 1GiB$/m)
  assert.match(text.stdout, /^ {6}password: \(hidden\)$/m)
  const json = await runHere({ args: ['config', 'show', '--json'], ...given })
  const shown = JSON.parse(json.stdout) as { origins: { a: { credentials: unknown } } }
  assert.deepEqual(shown.origins.a.credentials, { username: 'u', password: '(hidden)' })
})

test('config schema', async () => {
  const { stdout, code } = await runHere({ args: ['config', 'schema'] })
  assert.equal(code, 0)
  assert.equal((JSON.parse(stdout) as { title: string }).title, 'modstead configuration')
})
