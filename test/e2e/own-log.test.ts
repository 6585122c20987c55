// One GOSUMDB for public and private modules: the Shows of the checksum log.
import assert from 'node:assert/strict'
import { cp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { sharedModuleCache } from '../support/module-cache.ts'
import { createModuleTree } from '../support/module-tree.ts'
import type { GoHome } from '../support/go.ts'
import { startPrivateHosts, type PrivateHosts } from '../support/private-hosts.ts'

const NAME = 'sum.corp.example'
const { skey, vkey } = generateKey(NAME)

const REQUIRES = `
require (
	corp.example/plain v1.2.0
	corp.example/mono/nested v0.3.0
)
`

/** A company with private modules, the project's public ones, and a log of its own. */
async function startCompany(
  t: TestContext,
): Promise<PrivateHosts & { project(go: GoHome): Promise<string> }> {
  const cache = await sharedModuleCache()
  const hosts = await startPrivateHosts(t, {
    ssh: false,
    more: 'checksumLog: { key: "${SUMDB_KEY}" }\ntokens: { auditor: { token: "auditor-0123456789", may: [audit] } }\n',
    stage: { tree: createModuleTree(cache.download), modstead: { env: { SUMDB_KEY: skey } } },
  })
  await hosts.repository('http/plain', [
    { files: library('corp.example/plain', 'plain 1'), tags: ['v1.0.0'] },
    { files: library('corp.example/plain', 'plain 2'), tags: ['v1.2.0'] },
  ])
  const nested = library('corp.example/mono/nested', 'nested', '\nrequire corp.example/plain v1.0.0\n')
  await hosts.repository('http/mono', [
    {
      files: {
        ...library('corp.example/mono', 'mono'),
        ...Object.fromEntries(Object.entries(nested).map(([name, file]) => [`nested/${name}`, file])),
      },
      tags: ['v1.0.0', 'nested/v0.3.0'],
    },
  ])
  return {
    ...hosts,
    /** The public project, which now imports private modules too, without its go.sum. */
    async project(go) {
      const project = join(go.folder, 'project')
      await rm(project, { recursive: true, force: true })
      await cp(cache.project, project, { recursive: true })
      await rm(join(project, 'go.sum'))
      const { appendFile, writeFile } = await import('node:fs/promises')
      await appendFile(join(project, 'go.mod'), REQUIRES)
      await writeFile(
        join(project, 'private.go'),
        'package main\n\nimport (\n\tnested "corp.example/mono/nested"\n\tplain "corp.example/plain"\n)\n\nvar _ = plain.Says + nested.Says\n',
      )
      return project
    },
  }
}

function library(module: string, says: string, rest = ''): Record<string, string> {
  return {
    'go.mod': `module ${module}\n\ngo 1.21\n${rest}`,
    'lib.go': `package lib\n\nconst Says = ${JSON.stringify(says)}\n`,
  }
}

/** A client with one checksum database for everything, and no exceptions. */
function clientOf({ stage }: PrivateHosts, env: Record<string, string> = {}): Promise<GoHome> {
  return stage.go({
    sumdb: vkey,
    env: {
      GONOSUMDB: '',
      GOPRIVATE: '',
      GONOPROXY: '',
      GOFLAGS: '-mod=mod -modcacherw -trimpath',
      CGO_ENABLED: '0',
      ...env,
    },
  })
}

test('a mixed project is built with one GOSUMDB, cold and warm, and its go.sum is that of sum.golang.org', async (t) => {
  const company = await startCompany(t)
  const cache = await sharedModuleCache()
  const known = new Set((await readFile(join(cache.project, 'go.sum'), 'utf8')).trim().split('\n'))
  const cold = await clientOf(company)
  const project = await company.project(cold)
  await cold.ok(['mod', 'tidy'], { cwd: project })
  await cold.ok(['build', '-o', join(cold.folder, 'app'), '.'], { cwd: project })
  await cold.ok(['mod', 'verify'], { cwd: project })
  const sums = (await readFile(join(project, 'go.sum'), 'utf8')).trim().split('\n')
  assert.deepEqual(
    sums.filter((line) => !line.startsWith('corp.example/') && !known.has(line)),
    [],
    'public lines are those that sum.golang.org has',
  )
  assert.ok(sums.filter((line) => line.startsWith('corp.example/')).length >= 4)

  /** Another client, without a go.sum. */
  async function buildAgain(): Promise<void> {
    const go = await clientOf(company)
    const cwd = await company.project(go)
    await go.ok(['build', '-o', join(go.folder, 'app'), '.'], { cwd })
    const lines = (await readFile(join(cwd, 'go.sum'), 'utf8')).trim().split('\n')
    assert.ok(lines.length > 80)
    assert.deepEqual(
      lines.filter((line) => !sums.includes(line)),
      [],
    )
  }
  await buildAgain()
  const asked = [...company.stage.upstream.requests, ...company.stage.database.requests]
  assert.deepEqual(
    asked.filter(({ path }) => path.includes('corp.example')),
    [],
    'no private name left',
  )

  // Nothing behind it any more, and a new process.
  await company.disappear()
  await company.stage.disconnect()
  await company.stage.modstead.stop()
  await company.stage.restart()
  await buildAgain()
})

test('lookups say what is, and records in bulk are for auditors', async (t) => {
  const company = await startCompany(t)
  const { get } = company.stage
  const base = `/sumdb/${NAME}`
  assert.equal((await get(`${base}/supported`)).status, 200)
  assert.equal((await get(`${base}/lookup/corp.example/none@v1.0.0`)).status, 404)
  assert.equal((await get(`${base}/lookup/corp.example/plain@v1.9.9`)).status, 404)
  assert.equal((await get(`${base}/lookup/corp.example/plain@master`)).status, 400)
  assert.equal((await get(`${base}/lookup/corp.example/Plain@v1.0.0`)).status, 400)
  assert.equal((await get(`${base}/lookup/corp.example/plain@v1.0.0`)).status, 200)
  assert.equal((await get(`${base}/tile/8/0/000.p/1`)).status, 200)
  for (const path of ['8/0/000.p/2', '8/0/000', '8/1/000.p/1', '9/0/000.p/1'])
    assert.equal((await get(`${base}/tile/${path}`)).status, 404, path)
  for (const path of ['8/0/0', '8/0/000.p/0', '8/0/000.p/257', 'x'])
    assert.equal((await get(`${base}/tile/${path}`)).status, 400, path)
  const bulk = `${base}/tile/8/data/000.p/1`
  assert.equal((await get(bulk)).status, 401)
  const audited = await get(bulk, { headers: { authorization: 'Bearer auditor-0123456789' } })
  assert.match(audited.body.toString(), /^corp\.example\/plain v1\.0\.0 h1:/)
  await company.stage.disconnect()
  const down = await get(`${base}/lookup/example.com/unknown@v1.0.0`)
  assert.ok(down.status === 502 || down.status === 503, `${down.status}`)
})

test('a record, a tile or a head that was tampered with is refused by go', async (t) => {
  const company = await startCompany(t)
  const { stage } = company
  const first = await clientOf(company)
  const files = { 'go.mod': 'module example.com/app\n\ngo 1.21\n\nrequire corp.example/plain v1.0.0\n' }
  await first.ok(['mod', 'download', 'corp.example/plain@v1.0.0'], { cwd: await first.project(files) })
  await stage.modstead.stop()
  const log = join(stage.modstead.dataDir, 'checksum-log', 'default', 'log.db')
  for (const [damage, said] of [
    [
      "update records set record = cast(replace(cast(record as text), 'h1:', 'h1:A') as blob)",
      /record 0 of the log .* is not what was signed/,
    ],
    ['update tiles set data = zeroblob(length(data))', /503|signs nothing/],
    ["update head set note = cast('forged' as blob)", /503|signs nothing/],
  ] as const) {
    await cp(log, `${log}.good`)
    const database = new DatabaseSync(log)
    database.exec(damage)
    database.close()
    await stage.restart()
    const go = await clientOf(company)
    const { code, stderr } = await go.run(['mod', 'download', 'corp.example/plain@v1.0.0'], {
      cwd: await go.project(files),
    })
    assert.notEqual(code, 0, damage)
    assert.match(stderr, said, damage)
    await stage.modstead.stop()
    await cp(`${log}.good`, log)
  }
  await stage.restart()
  const last = await clientOf(company)
  await last.ok(['mod', 'download', 'corp.example/plain@v1.0.0'], { cwd: await last.project(files) })
})
