// `modstead verify` finds what somebody has tampered with on a machine where the real `go` has downloaded a project.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFile, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { runCommand } from '../support/command.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { rawZip } from '../support/raw-zip.ts'
import { putModule, tamperedZip } from '../support/test-module.ts'
import { startUpstream } from '../support/upstream.ts'
import {
  B,
  EVIL,
  OTHER,
  setMachine,
  summary,
  type VerifyMachine,
  type VerifyReport,
} from '../support/verify-machine.ts'

const run = promisify(execFile)

/** What is done to B or to go.sum, and what is found. */
const pollution: [
  what: string,
  pollute: (machine: VerifyMachine) => Promise<void>,
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
    true,
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
  const texts = finding!.steps.map(({ text }) => text)
  assert.ok(
    texts.some((text) => text.endsWith(`: ${B.module} ${B.version} ${B.h1}`)),
    texts.join('\n'),
  )
  assert.match(texts.join('\n'), /may be .* an attack/)
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
  const report = JSON.parse(stdout) as VerifyReport
  assert.equal(code, 1)
  assert.deepEqual(summary(report), ['database_disagrees zip: go_sum ziphash zip folder'])
  assert.equal(report.findings[0]!.security, true)
  // The proxy is as wrong, and the database is asked on another way than through it.
  const lying = await runCommand(['verify', '--json', '--download', project], {
    cwd: machine.project,
    env: { ...env, GOPROXY: upstream.url, GOSUMDB: machine.stage.sumdb.gosumdb(machine.stage.database.url) },
  })
  assert.deepEqual(summary(JSON.parse(lying.stdout) as VerifyReport), [
    'database_disagrees zip: go_sum ziphash zip folder proxy',
  ])
  const clean = await machine.json(['--download'], {
    GOPROXY: upstream.url,
    GOSUMDB: machine.stage.sumdb.gosumdb(machine.stage.database.url),
  })
  assert.deepEqual(summary(clean), ['wrong zip: proxy'])
  assert.match(clean.findings[0]!.message, /^http:\/\/127\.0\.0\.1:\d+ gives something else/)
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
