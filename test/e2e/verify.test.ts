// `modstead verify` and the outside: whom it asks, whom it does not, and what they do to it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setStage } from '../support/stage.ts'
import { createTestSumdb } from '../support/sumdb.ts'
import { startUpstream } from '../support/upstream.ts'
import { A, B, EVIL, OTHER, setMachine, summary } from '../support/verify-machine.ts'

const MODSTEAD =
  process.env.MODSTEAD_ENTRY ?? fileURLToPath(new URL('../../server/bin/modstead.mjs', import.meta.url))

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
