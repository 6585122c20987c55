// `modstead verify` on a machine where the real `go` has downloaded a project, and somebody has tampered with it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type CommandResult, runCommand } from '../support/command.ts'
import type { GoHome } from '../support/go.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { rawZip } from '../support/raw-zip.ts'
import { setStage, type Stage, type StageOptions } from '../support/stage.ts'
import { createTestSumdb } from '../support/sumdb.ts'
import { makeModule, putModule, tamperedZip } from '../support/test-module.ts'
import { startUpstream } from '../support/upstream.ts'

const A = makeModule({ module: 'example.com/A', version: 'v1.0.0' })
const B = makeModule({ module: 'example.com/b', version: 'v1.2.0' })
const EVIL = makeModule({
  module: B.module,
  version: B.version,
  files: { 'lib.go': 'package lib // evil\n' },
})
const OTHER = `h1:${'A'.repeat(43)}=`
const MODSTEAD =
  process.env.MODSTEAD_ENTRY ?? fileURLToPath(new URL('../../server/bin/modstead.mjs', import.meta.url))
const run = promisify(execFile)

interface Json {
  format: number
  result: string
  database: string | null
  proxy: string | null
  versions: Record<string, number>
  findings: {
    kind: string
    path: string | null
    version: string | null
    artifact: string | null
    wrong: string[]
    claims: { side: string; hash: string; where: string }[]
    message: string
    steps: { text: string; commands: string[] }[]
    details?: string
    security: boolean
  }[]
}

interface Machine {
  stage: Stage
  go: GoHome
  project: string
  env: Record<string, string>
  /** A file of the module cache, by its path below `cache/download`. */
  file(path: string): string
  verify(args?: readonly string[], env?: Record<string, string>): Promise<CommandResult>
  json(args?: readonly string[], env?: Record<string, string>): Promise<Json & { code: number | null }>
}

/** A project that uses A and B, downloaded by `go` through a modstead. */
async function setMachine(t: TestContext, options: StageOptions = {}): Promise<Machine> {
  const stage = await setStage(t, options)
  for (const made of [A, B]) putModule(stage.tree, made)
  const go = await stage.go()
  const project = await go.project()
  await go.ok(['get', `${A.module}@${A.version}`, `${B.module}@${B.version}`], { cwd: project })
  const env = {
    GOENV: 'off',
    GOPROXY: stage.modstead.url,
    GOSUMDB: options.checksums === false ? 'off' : stage.sumdb.gosumdb(),
    GOMODCACHE: go.modCache,
    GOPATH: join(go.folder, 'gopath'),
  }
  const verify = (args: readonly string[] = [], more = {}) =>
    runCommand(['verify', ...args], { cwd: project, env: { ...env, ...more } })
  return {
    stage,
    go,
    project,
    env,
    file: (path) => join(go.modCache, 'cache', 'download', path),
    verify,
    async json(args = [], more = {}) {
      const { code, stdout, stderr } = await verify(['--json', ...args], more)
      assert.equal(stderr, '')
      return { ...(JSON.parse(stdout) as Json), code }
    },
  }
}

/** `kind: sides that are wrong`, a line each. */
function summary({ findings }: Json): string[] {
  return findings.map(({ kind, artifact, wrong }) => `${kind} ${artifact ?? '-'}: ${wrong.join(' ')}`)
}

test('a clean machine: everything is proven, with the network and without', async (t) => {
  const machine = await setMachine(t)
  const report = await machine.json()
  assert.deepEqual([report.code, report.result, report.format], [0, 'agree', 1])
  assert.deepEqual(report.versions, { proven: 2, agree: 0, uncovered: 0, differs: 0, not_compared: 0 })
  assert.equal(report.database, machine.stage.sumdb.name)
  assert.deepEqual((await machine.json(['--cache', '--download'])).versions.proven, 2)
  await machine.stage.disconnect()
  await machine.stage.modstead.stop()
  // `go` has kept the records and the tiles that prove them.
  const { code, stdout } = await machine.verify(['--offline', 'go.sum'])
  assert.equal(stdout, `go.sum: 2 versions: 2 proven by ${machine.stage.sumdb.name}.\n`)
  assert.equal(code, 0)
  await rm(machine.file(`sumdb/${machine.stage.sumdb.name}/lookup/example.com/!a@v1.0.0`))
  const offline = await machine.json(['--offline'])
  assert.deepEqual([offline.code, offline.result], [3, 'not_compared'])
  assert.deepEqual(summary(offline), ['not_compared -: '])
  const away = await machine.verify()
  assert.equal(away.code, 3)
  assert.match(
    away.stdout,
    /^example\.com\/A@v1\.0\.0\n {2}It could not be compared with the checksum database: /,
  )
  assert.match(away.stdout, /127\.0\.0\.1:\d+ .*refuses connections/)
})

/** What is done to B or to go.sum, and what is found. */
const pollution: [
  what: string,
  pollute: (machine: Machine) => Promise<void>,
  expected: string[],
  security: boolean,
][] = [
  [
    'the zip, which `go` does not look at again',
    ({ file }) => writeFile(file('example.com/b/@v/v1.2.0.zip'), tamperedZip(B)),
    ['wrong zip: zip'],
    true,
  ],
  [
    'the .ziphash',
    ({ file }) => writeFile(file('example.com/b/@v/v1.2.0.ziphash'), OTHER),
    ['wrong zip: ziphash'],
    false,
  ],
  [
    'both',
    async ({ file }) => {
      await writeFile(file('example.com/b/@v/v1.2.0.zip'), EVIL.zip)
      await writeFile(file('example.com/b/@v/v1.2.0.ziphash'), EVIL.h1)
    },
    ['wrong zip: ziphash zip'],
    true,
  ],
  [
    'the extracted folder',
    async ({ go }) => {
      const file = join(go.modCache, 'example.com', 'b@v1.2.0', 'lib.go')
      await chmod(file, 0o600)
      await appendFile(file, '// for a moment\n')
    },
    ['wrong zip: folder'],
    false,
  ],
  [
    'the .mod',
    ({ file }) => appendFile(file('example.com/b/@v/v1.2.0.mod'), '// more\n'),
    ['wrong go.mod: mod'],
    true,
  ],
  [
    'a zip that is none',
    ({ file }) => writeFile(file('example.com/b/@v/v1.2.0.zip'), 'not a zip'),
    ['unreadable -: zip'],
    false,
  ],
  [
    'a .ziphash with garbage that must not be printed',
    ({ file }) => writeFile(file('example.com/b/@v/v1.2.0.ziphash'), '\u001b[31mred'),
    ['unreadable -: ziphash'],
    false,
  ],
  [
    'a symbolic link in place of the zip',
    async ({ file, go }) => {
      await writeFile(join(go.folder, 'elsewhere.zip'), B.zip)
      await rm(file('example.com/b/@v/v1.2.0.zip'))
      await symlink(join(go.folder, 'elsewhere.zip'), file('example.com/b/@v/v1.2.0.zip'))
    },
    ['unreadable -: zip'],
    false,
  ],
  [
    'a symbolic link in the extracted folder',
    ({ go }) => symlink('/etc/hostname', join(go.modCache, 'example.com', 'b@v1.2.0', 'more.go')),
    ['unreadable -: folder'],
    false,
  ],
]

test('each kind of pollution of the cache is found, and its advice heals it', async (t) => {
  const machine = await setMachine(t)
  const { go, project, env } = machine
  await go.ok(['mod', 'download'], { cwd: project })
  for (const [what, pollute, expected, security] of pollution) {
    await pollute(machine)
    const report = await machine.json()
    assert.deepEqual(summary(report), expected, what)
    assert.deepEqual([report.code, report.result, report.versions.differs], [1, 'differences', 1], what)
    const [finding] = report.findings
    assert.deepEqual([finding!.path, finding!.version], [B.module, B.version])
    assert.equal(finding!.security, security, what)
    const text = await machine.verify()
    assert.equal(text.code, 1)
    assert.doesNotMatch(text.stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/)
    assert.ok(text.stdout.includes(finding!.message), text.stdout)
    const commands = finding!.steps.flatMap((step) => step.commands)
    assert.ok(commands.length > 0, what)
    const healing = {
      cwd: project,
      env: { ...env, PATH: process.env.PATH ?? '', HOME: go.folder, GOFLAGS: '-modcacherw' },
    }
    await run('sh', ['-e', '-c', commands.join('\n')], healing)
    assert.equal((await machine.verify()).code, 0, `${what}: ${commands.join('; ')}`)
  }
})

test('a wrong line of go.sum: the right one is told', async (t) => {
  const machine = await setMachine(t)
  const path = join(machine.project, 'go.sum')
  const right = await readFile(path, 'utf8')
  await writeFile(path, right.replace(B.h1, OTHER))
  const report = await machine.json()
  assert.deepEqual(summary(report), ['wrong zip: go_sum'])
  const [finding] = report.findings
  assert.deepEqual(
    finding!.claims.find(({ side }) => side === 'go_sum'),
    { side: 'go_sum', hash: OTHER, where: 'go.sum:3' },
  )
  assert.ok(finding!.steps[0]!.text.endsWith(`: ${B.module} ${B.version} ${B.h1}`), finding!.steps[0]!.text)
  await writeFile(path, `${right}<<<<<<< HEAD\n\u001b]0;title\u0007 v1.0.0 ${OTHER}\n`)
  const garbage = await machine.verify()
  assert.equal(garbage.code, 1)
  assert.match(garbage.stdout, /^go\.sum: line 5 has 2 words, not 3/)
  assert.match(garbage.stdout, /go\.sum: line 6 is about "\\x1b\]0;title\\a"/)
})

test('what was downloaded without a check, go.sum included, is not what the database has', async (t) => {
  const machine = await setMachine(t)
  const evil = createModuleTree()
  putModule(evil, EVIL)
  const upstream = await startUpstream({ tree: evil })
  t.after(() => upstream.close())
  const victim = await machine.stage.go({ proxy: upstream.url, sumdb: 'off' })
  const project = await victim.project()
  await victim.ok(['get', `${B.module}@${B.version}`], { cwd: project })
  const env = { ...machine.env, GOMODCACHE: victim.modCache, GOPATH: join(victim.folder, 'gopath') }
  const { code, stdout } = await runCommand(['verify', '--json', project], { cwd: machine.project, env })
  const report = JSON.parse(stdout) as Json
  assert.equal(code, 1)
  assert.deepEqual(summary(report), ['database_disagrees zip: go_sum ziphash zip folder'])
  assert.equal(report.findings[0]!.security, true)
  // The proxy is as wrong, and the database is asked on another way than through it.
  const lying = await runCommand(['verify', '--json', '--download', project], {
    cwd: machine.project,
    env: { ...env, GOPROXY: upstream.url, GOSUMDB: machine.stage.sumdb.gosumdb(machine.stage.database.url) },
  })
  assert.deepEqual(summary(JSON.parse(lying.stdout) as Json), [
    'database_disagrees zip: go_sum ziphash zip folder proxy',
  ])
  const clean = await machine.json(['--download'], {
    GOPROXY: upstream.url,
    GOSUMDB: machine.stage.sumdb.gosumdb(machine.stage.database.url),
  })
  assert.deepEqual(summary(clean), ['wrong zip: proxy'])
  assert.match(clean.findings[0]!.message, /^http:\/\/127\.0\.0\.1:\d+ gives something else/)
})

test('not in the log', async (t) => {
  const machine = await setMachine(t, { checksums: false })
  const { stage } = machine
  stage.database.faults.set('/lookup/example.com/b@v1.2.0', {
    kind: 'status',
    status: 404,
    body: 'not found',
  })
  const report = await machine.json([], { GOSUMDB: stage.sumdb.gosumdb(stage.database.url) })
  assert.deepEqual(summary(report), ['not_in_database -: '])
  assert.deepEqual([report.code, report.findings[0]!.path], [1, B.module])
})

test('a record that is not what the signed log has is refused', async (t) => {
  const machine = await setMachine(t)
  const { stage } = machine
  const latest = join(machine.env.GOPATH!, 'pkg', 'sumdb', stage.sumdb.name, 'latest')
  const before = await readFile(latest)
  await rm(machine.file('sumdb'), { recursive: true })
  stage.sumdb.append('another.example v1.0.0 h1:x\n')
  const forged = await stage.sumdb.answer('/lookup/example.com/!a@v1.0.0')
  const broken = forged!.bytes.toString().replace(A.h1, OTHER)
  stage.database.faults.set('/lookup/example.com/!a@v1.0.0', { kind: 'body', body: broken })
  const report = await machine.json([], { GOSUMDB: stage.sumdb.gosumdb(stage.database.url) })
  assert.deepEqual(summary(report), ['database_refused -: database'])
  assert.deepEqual([report.code, report.findings[0]!.security], [1, true])
  assert.deepEqual(await readFile(latest), before)
})

test('a database that shows another history than `go` was shown is refused', async (t) => {
  const seed = Buffer.alloc(32, 5)
  const machine = await setMachine(t, { sumdbSeed: seed })
  const { stage } = machine
  const head = join(machine.env.GOPATH!, 'pkg', 'sumdb', stage.sumdb.name, 'latest')
  const before = await readFile(head)
  const kept = machine.file(`sumdb/${stage.sumdb.name}`)
  await rm(join(kept, 'lookup'), { recursive: true })
  stage.sumdb = createTestSumdb({ tree: stage.tree, seed, fillers: 700 })
  const GOSUMDB = stage.sumdb.gosumdb(stage.database.url)
  const report = await machine.json([], { GOSUMDB })
  assert.deepEqual([report.code, summary(report)], [1, ['database_refused -: database']])
  assert.match(report.findings[0]!.message, /two histories/)
  assert.match(report.findings[0]!.details ?? '', /go\.sum database tree\n/)
  assert.match((await machine.verify([], { GOSUMDB })).stdout, /SECURITY: .*\n( {2}\| .*\n)+ {2}1\. Do not/)
  assert.deepEqual(await readFile(head), before)
  // A head that is garbage is no proof of anything but itself.
  await writeFile(head, 'garbage')
  const damaged = await machine.json([], { GOSUMDB })
  assert.deepEqual([damaged.code, summary(damaged)], [3, ['not_compared -: ', 'not_compared -: ']])
  assert.ok(damaged.findings[0]!.message.includes(head), damaged.findings[0]!.message)
})

test('private names are sent to nobody but whom a flag names', async (t) => {
  const machine = await setMachine(t)
  const { stage, project } = machine
  await machine.go.ok(['mod', 'download'], { cwd: project })
  const other = await startUpstream({
    tree: stage.tree,
    answer: (path) => stage.sumdb.answerBelowProxy(path),
  })
  t.after(() => other.close())
  await rm(machine.file('sumdb'), { recursive: true })
  const settings = { GOPROXY: other.url, GOPRIVATE: 'example.com/b' }
  stage.database.requests.length = 0
  const report = await machine.json(['--download', '--cache'], settings)
  assert.deepEqual([report.code, summary(report)], [0, []])
  assert.deepEqual(report.versions, { proven: 1, agree: 1, uncovered: 0, differs: 0, not_compared: 0 })
  const asked = [...other.requests, ...stage.database.requests].map(({ path }) => path)
  assert.ok(asked.some((path) => path.includes('example.com/!a')))
  assert.deepEqual(
    asked.filter((path) => path.includes('example.com/b')),
    [],
  )
  // One's own database may be told, directly; the proxies of GOPROXY still may not.
  const named = stage.sumdb.gosumdb(stage.database.url)
  const own = await machine.json(['--sumdb', named], settings)
  assert.equal(own.versions.proven, 2)
  assert.deepEqual(
    other.requests.filter(({ path }) => path.includes('example.com/b')),
    [],
  )
  assert.ok(stage.database.requests.some(({ path }) => path === '/lookup/example.com/b@v1.2.0'))
  // A modstead that is named settles what the cache and go.sum cannot.
  await writeFile(machine.file('example.com/b/@v/v1.2.0.zip'), EVIL.zip)
  await writeFile(machine.file('example.com/b/@v/v1.2.0.ziphash'), EVIL.h1)
  await rm(join(machine.go.modCache, 'example.com', 'b@v1.2.0'), { recursive: true, force: true })
  assert.deepEqual(summary(await machine.json([], settings)), ['undecided zip: '])
  const settled = await machine.json(['--to', stage.modstead.url], settings)
  assert.deepEqual(summary(settled), ['wrong zip: ziphash zip'])
  assert.equal(settled.proxy, stage.modstead.url)
})

test("a database of one's own hears private names through no proxy of GOPROXY", async (t) => {
  const machine = await setMachine(t, { checksums: false })
  // Nobody listens where the database itself would be.
  const own = createTestSumdb({ tree: machine.stage.tree, name: '127.0.0.1:1' })
  const proxy = await startUpstream({ answer: own.answerBelowProxy })
  t.after(() => proxy.close())
  const report = await machine.json(['--sumdb', own.vkey], { GOPROXY: proxy.url, GOPRIVATE: B.module })
  assert.deepEqual([report.code, report.versions.proven, summary(report)], [3, 1, ['not_compared -: ']])
  assert.equal(report.findings[0]!.path, B.module)
  assert.ok(proxy.requests.some(({ path }) => path.includes('/lookup/example.com/!a@')))
  assert.ok(!proxy.requests.some(({ path }) => path.includes(B.module)))
  const named = await machine.json(['--sumdb', own.vkey, '--to', proxy.url], {
    GOPROXY: 'off',
    GOPRIVATE: B.module,
  })
  assert.deepEqual([named.code, named.versions.proven], [0, 2])
})

test('what is in the whole cache, strange things included', async (t) => {
  const machine = await setMachine(t)
  const { file, go } = machine
  // A module of another project, polluted; a zip bomb; names that no `go` makes; a folder that leads elsewhere.
  await writeFile(file('example.com/b/@v/v1.2.0.zip'), tamperedZip(B))
  await mkdir(file('bomb.example/@v'), { recursive: true })
  await writeFile(
    file('bomb.example/@v/v1.0.0.zip'),
    rawZip([
      { name: 'bomb.example@v1.0.0/a', contents: Buffer.alloc(1 << 20), claim: { size: 600 * 2 ** 20 } },
    ]),
  )
  await mkdir(file('odd.example\u001b[2J/@v'), { recursive: true })
  await writeFile(file('odd.example\u001b[2J/@v/v1.0.0.zip'), 'x')
  await symlink('/', file('root.example'))
  const project = await go.project()
  const { code, stdout } = await runCommand(['verify', '--cache'], { cwd: project, env: machine.env })
  assert.equal(code, 1)
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/)
  assert.match(
    stdout,
    /root\.example is not something that `go` puts into its cache: it is a symbolic link\./,
  )
  assert.match(stdout, /odd\.example\\x1b\[2J.*its name is not that of a module version/)
  assert.match(stdout, /bomb\.example@v1\.0\.0\n.*is not usable: .*524288000 bytes/)
  assert.match(stdout, /example\.com\/b@v1\.2\.0 \(zip\)\n/)
  assert.doesNotMatch(stdout, /example\.com\/A/)
})

test('a proxy and a database that do not answer are not waited for after an interrupt', async (t) => {
  const machine = await setMachine(t)
  const { stage, env, project } = machine
  await rm(machine.file('sumdb'), { recursive: true })
  stage.database.conditions.state = 'hanging'
  stage.database.requests.length = 0
  const temporary = join(machine.go.folder, 'tmp')
  await mkdir(temporary)
  const child = spawn(process.execPath, [MODSTEAD, 'verify'], {
    cwd: project,
    env: { ...env, GOSUMDB: stage.sumdb.gosumdb(stage.database.url), TMPDIR: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close')
  for (const deadline = Date.now() + 20_000; stage.database.requests.length === 0; await setTimeout(10))
    assert.ok(Date.now() < deadline, 'the database is asked')
  const started = performance.now()
  child.kill('SIGINT')
  assert.deepEqual(await ended, [3, null])
  assert.ok(performance.now() - started < 5_000)
  assert.equal(said, 'modstead: interrupted: not everything was compared.\n')
  const left = (await readdir(temporary)).filter((name) => name.startsWith('modstead-'))
  assert.deepEqual(left, [])
})

test('a modstead is not made to fetch what it has not stored', async (t) => {
  const machine = await setMachine(t, { checksums: false })
  const empty = await setStage(t, { checksums: false, tree: machine.stage.tree })
  const report = await machine.json(['--to', empty.modstead.url, '--download'])
  assert.deepEqual([report.code, report.versions.agree], [0, 2])
  assert.deepEqual(
    empty.upstream.requests.map(({ path }) => path),
    [],
  )
})

test('a modstead that was named and cannot be asked', async (t) => {
  const machine = await setMachine(t, { checksums: false })
  const to = machine.stage.modstead.url
  await machine.stage.modstead.stop()
  const report = await machine.json(['--to', to])
  assert.deepEqual([report.code, report.result, report.versions.not_compared], [3, 'not_compared', 2])
  const { stdout } = await machine.verify(['--to', to])
  assert.match(
    stdout,
    /^example\.com\/A@v1\.0\.0, example\.com\/b@v1\.2\.0\n.*with what the proxy has: .*refuses connections\./,
  )
})

test('usage', async (t) => {
  const machine = await setMachine(t, { checksums: false })
  const empty = join(machine.go.folder, 'empty')
  await mkdir(empty)
  const rows: [args: string[], env: Record<string, string>, code: number, said: RegExp][] = [
    [[empty], {}, 2, /there is no go\.sum in .*empty\.\nName a go\.sum or/],
    [['none.sum'], {}, 2, /there is no file .*none\.sum/],
    [['--to', 'https://user:secret@go.example'], {}, 2, /--to: a password does not belong/],
    [['--to', 'nonsense://x'], {}, 2, /--to: expected a URL/],
    [['--offline', '--to', 'https://go.example'], {}, 2, /contradict/],
    [['--sumdb', 'nonsense'], {}, 2, /--sumdb: GOSUMDB="nonsense" is not valid/],
    [['--download'], { GOPROXY: 'direct' }, 2, /GOPROXY names no proxy/],
    [[], { GOMODCACHE: 'relative' }, 2, /GOMODCACHE is not an absolute path/],
    [['--cache', empty], { GOMODCACHE: '/nowhere' }, 2, /there is no/],
    [[], { GOMODCACHE: empty }, 3, /^$/],
  ]
  for (const [args, env, code, said] of rows) {
    const ran = await machine.verify(args, env)
    assert.match(ran.stderr, said, args.join(' '))
    assert.doesNotMatch(ran.stderr, /secret/)
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`)
  }
  // GOSUMDB=off: go.sum and the cache agree, and that is all there is.
  assert.deepEqual((await machine.json()).versions.agree, 2)
  // A project without requirements has no go.sum, and nothing is wrong.
  await writeFile(join(empty, 'go.mod'), 'module example.com/empty\n')
  assert.equal((await machine.verify([empty])).code, 0)
})
