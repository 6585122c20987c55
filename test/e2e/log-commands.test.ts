// The commands about the checksum log, on the folder of a real server and over its endpoints.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { type CommandResult, runCommand } from '../support/command.ts'
import { runDocumented } from '../support/documented.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'

const NAME = 'sum.corp.example'
const { skey, vkey } = generateKey(NAME)
const TOKEN = 'auditor-0123456789'

interface Company {
  stage: Stage
  /** A folder for files of commands. */
  desk: string
  /** Runs `modstead sumdb ARGS` with the configuration of the server, by default, and an auditor's token. */
  sumdb(...args: string[]): Promise<CommandResult>
  /** Runs what docs/checksum-database.md says under a heading: its first block of commands, or another one. */
  documented(heading: string, block?: number): Promise<CommandResult>
  /** As `sumdb`, somewhere else, without the configuration. */
  elsewhere(...args: string[]): Promise<CommandResult>
  /** Looks versions of private modules up, which enters them. */
  enter(...versions: string[]): Promise<void>
  files: { log: string; mark: string }
}

/** A server with a log, a private module of many versions, and a public one. */
async function startCompany(t: TestContext): Promise<Company> {
  const desk = await mkdtemp(join(tmpdir(), 'modstead-desk-'))
  t.after(() => rm(desk, { recursive: true, force: true }))
  const tree = createModuleTree()
  for (let patch = 0; patch < 9; patch++)
    putModule(tree, makeModule({ module: 'corp.example/lib', version: `v1.0.${patch}` }))
  putModule(tree, makeModule({ module: 'example.com/public', version: 'v1.0.0' }))
  const mark = join(desk, 'high-water')
  const backup = join(desk, 'backup')
  await mkdir(backup)
  const dataDir = join(desk, 'data')
  let config = ''
  const configOf = (upstream: string): string =>
    (config = `dataDir: "${dataDir}"
origins: { up: { type: goproxy, url: "${upstream}" } }
routes:
  - { modules: ["corp.example"], from: [up], private: true }
  - { modules: ["*"], from: [up] }
checksumLog: { key: "\${SUMDB_KEY}", highWater: "${mark}" }
tokens: { auditor: { token: "${TOKEN}", may: [audit] } }
`)
  const stage = await setStage(t, {
    tree,
    configured: true,
    modstead: { configOf, dataDir, env: { SUMDB_KEY: skey } },
  })
  const file = join(desk, 'modstead.yaml')
  await writeFile(file, config)
  const env = { SUMDB_KEY: skey, MODSTEAD_TOKEN: TOKEN, GOSUMDB: stage.sumdb.gosumdb(stage.database.url) }
  return {
    stage,
    desk,
    sumdb: (...args) => runCommand(['sumdb', ...args], { cwd: desk, env: { ...env, MODSTEAD_CONFIG: file } }),
    documented: (heading, block = 0) =>
      runDocumented({
        page: 'checksum-database.md',
        heading,
        block,
        places: {
          '/etc/modstead.yaml': file,
          '/backup/': `${backup}/`,
          '/var/lib/modstead/': `${dataDir}/`,
          '/var/lib/audit/': `${desk}/`,
          'https://go.corp.example': stage.modstead.url,
          'go.corp.example+…': vkey,
        },
        desk,
        env,
      }),
    elsewhere: (...args) =>
      runCommand(['sumdb', ...args], { cwd: join(desk), env: { MODSTEAD_TOKEN: TOKEN } }),
    async enter(...versions) {
      for (const version of versions) {
        const { status, body } = await stage.get(`/sumdb/${NAME}/lookup/${version}`)
        assert.equal(status, 200, body.toString())
      }
    },
    files: { log: join(dataDir, 'checksum-log', 'default', 'log.db'), mark },
  }
}

function succeeded({ code, stdout, stderr }: CommandResult): string {
  assert.equal(code, 0, stdout + stderr)
  return stdout
}

function failed({ code, stdout, stderr }: CommandResult): string {
  assert.equal(code, 1, stdout + stderr)
  return stdout + stderr
}

test('a log is verified against the store and the public database beside its server', async (t) => {
  const { stage, sumdb, documented, enter, files } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0', 'corp.example/lib@v1.0.1', 'example.com/public@v1.0.0')
  assert.equal((await stage.get('/example.com/public/@v/v1.0.0.zip')).status, 200)
  const told = succeeded(await documented('On the server'))
  assert.match(told, /^log .*records +3\n.*signature +verified\nhigh-water .*: 3 records/s)
  const whole = succeeded(await sumdb('verify', '--store', '--upstream'))
  assert.match(
    whole,
    /^The log is whole: 3 records; 3 stored zips and 3 go\.mod files hashed; 1 compared with other databases \(1 with what the mirror here keeps, verified anew\), 2 that none is asked about\.\n$/,
  )
  assert.deepEqual(
    stage.database.requests.filter(({ path }) => path.includes('corp.example')),
    [],
    'no private name left',
  )

  const zip = join(stage.modstead.dataDir, 'realms', 'default', 'corp.example', 'lib', '@v', 'v1.0.1.zip')
  await cp(zip, `${zip}.good`)
  const other = makeModule({
    module: 'corp.example/lib',
    version: 'v1.0.1',
    files: { 'x.go': 'package x\n' },
  })
  await writeFile(zip, other.zip)
  assert.match(
    failed(await sumdb('verify', '--store')),
    /^corp\.example\/lib@v1\.0\.1 \(realm default\): the stored zip has the hash h1:\S+, and record \d says h1:\S+\n1 thing is wrong/,
  )
  await writeFile(zip, 'no zip')
  assert.match(
    failed(await sumdb('verify', '--store')),
    /the stored zip of corp\.example\/lib@v1\.0\.1 is damaged/,
  )
  await cp(`${zip}.good`, zip)
  await stage.modstead.stop()
  const record = makeModule({
    module: 'example.com/public',
    version: 'v1.0.0',
    files: { 'y.go': 'package y\n' },
  })
  const database = new DatabaseSync(files.log)
  const text = `example.com/public v1.0.0 ${record.h1}\nexample.com/public v1.0.0/go.mod ${record.goModH1}\n`
  database.prepare('update records set record = ? where id = 2').run(Buffer.from(text))
  database.close()
  const tampered = failed(await sumdb('verify', '--store', '--upstream'))
  assert.match(tampered, /^record 2: it was changed/m)
  assert.match(tampered, /^example\.com\/public@v1\.0\.0: the catalog knows the hash/m)
  assert.match(tampered, /^record 2: example\.com\/public@v1\.0\.0: sum\.test\.example has the hash/m)
})

test('a log is audited from outside, and remembered', async (t) => {
  const { stage, desk, documented, elsewhere, enter } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0', 'corp.example/lib@v1.0.1')
  const state = join(desk, 'seen')
  const audit = (...more: string[]) =>
    elsewhere('audit', stage.modstead.url, '--key', vkey, '--state', state, ...more)
  assert.equal(succeeded(await audit()), '')
  assert.equal(succeeded(await documented('From outside')), '')
  await enter('corp.example/lib@v1.0.2')
  assert.match(
    succeeded(await audit('--verbose')),
    /^sum\.corp\.example: 3 records \(2 records before\)\.\n$/,
  )
  const json = JSON.parse(succeeded(await audit('--records', '--json')))
  assert.deepEqual([json.ok, json.size, json.before, json.records, json.alarms], [true, 3, 3, 3, []])
  const direct = `${stage.modstead.url}/sumdb/${NAME}`
  succeeded(await elsewhere('audit', direct, '--key', vkey, '--state', state, '--records'))
  // Without the right to it, records are not read; with another key nothing is believed.
  const { code, stderr } = await runCommand(['sumdb', 'audit', direct, '--key', vkey, '--records'], {
    cwd: desk,
  })
  assert.equal(code, 1)
  assert.match(
    stderr,
    /wants other credentials.*\n.*set MODSTEAD_TOKEN or --token-file to a token that may audit/,
  )
  const stranger = generateKey(NAME).vkey
  assert.match(
    failed(await elsewhere('audit', direct, '--key', stranger)),
    /^note: nothing is remembered .*\nALARM: no known key has signed the note/,
  )
  assert.equal((await elsewhere('audit', 'go.corp.example', '--key', vkey)).code, 2)
  assert.equal((await elsewhere('audit', direct, '--key', 'x')).code, 2)

  // Any checksum database will do.
  const { database, sumdb } = stage
  succeeded(await elsewhere('audit', database.url, '--key', sumdb.vkey, '--state', join(desk, 'other')))

  await stage.modstead.stop()
  assert.match(failed(await audit()), /refuses connections/)
})

test('a backup that was restored is refused, and gets back what it lost from an export', async (t) => {
  const { stage, desk, sumdb, documented, elsewhere, enter, files } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0', 'corp.example/lib@v1.0.1')
  await stage.modstead.stop()
  await cp(files.log, join(desk, 'backup.db'))
  await stage.restart()
  await enter('corp.example/lib@v1.0.2', 'example.com/public@v1.0.0', 'corp.example/lib@v1.0.3')
  const go = await stage.go({ sumdb: vkey, env: { GONOSUMDB: '', GOPRIVATE: '' } })
  await go.ok(['mod', 'download', 'corp.example/lib@v1.0.3'])
  const seen = join(desk, 'seen')
  succeeded(await elsewhere('audit', stage.modstead.url, '--key', vkey, '--state', seen))
  assert.match(succeeded(await documented('Copies of the log')), /^5 records and their signed head are in /)
  assert.equal((await stat(join(desk, 'backup', 'checksum-log.txt'))).mode & 0o077, 0)
  await stage.modstead.stop()

  await cp(join(desk, 'backup.db'), files.log)
  await stage.restart()
  const refused = await stage.get(`/sumdb/${NAME}/lookup/corp.example/lib@v1.0.4`)
  assert.equal(refused.status, 503)
  assert.match(
    refused.body.toString(),
    /signs nothing: it has 2 records, but a head over 5 was signed before.*\n.*modstead sumdb import/,
  )
  assert.equal((await stage.get('/corp.example/lib/@v/v1.0.4.info')).status, 200, 'modules are given')
  assert.match(failed(await sumdb('info')), /records +2\n.*a head over 5 was signed before/s)
  assert.match(failed(await documented('Give it the missing records')), /is in use by another modstead/)
  await stage.modstead.stop()
  assert.match(failed(await sumdb('mark', '--yes')), /the mark knows of 5 records, .* has 2/)

  assert.match(
    succeeded(await documented('Give it the missing records')),
    /^3 records were added: the log has 5 now, and its signed head\.\nIt has all that the high-water mark knows of: start modstead again\.\n$/,
  )
  assert.match(succeeded(await sumdb('verify', '--store')), /^The log is whole: 5 records; /)
  await stage.restart()
  await enter('corp.example/lib@v1.0.4')
  await go.ok(['mod', 'download', 'corp.example/lib@v1.0.5'], { env: { GOPROXY: stage.modstead.url } })
  succeeded(await elsewhere('audit', stage.modstead.url, '--key', vkey, '--state', seen))
})

test('a log gets back what it lost from one who has a copy, and nothing from one who has another log', async (t) => {
  const { stage, desk, sumdb, elsewhere, enter, files } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0')
  await stage.modstead.stop()
  await cp(files.log, join(desk, 'backup.db'))
  await stage.restart()
  await enter('corp.example/lib@v1.0.1', 'corp.example/lib@v1.0.2')
  await stage.modstead.stop()

  // A follower: another server with the same log.
  const follower = await startCompany(t)
  await follower.stage.modstead.stop()
  await cp(files.log, follower.files.log)
  await cp(files.mark, follower.files.mark)
  await follower.stage.restart()
  await cp(join(desk, 'backup.db'), files.log)
  const imported = succeeded(await sumdb('import', follower.stage.modstead.url))
  assert.match(imported, /^2 records were added: the log has 3 now/)
  assert.match(succeeded(await sumdb('verify')), /whole: 3 records/)

  const seen = join(desk, 'seen')
  const audit = (address: string) => elsewhere('audit', address, '--key', vkey, '--state', seen)
  succeeded(await audit(follower.stage.modstead.url))
  const other = await startCompany(t)
  await other.enter(
    'example.com/public@v1.0.0',
    'corp.example/lib@v1.0.7',
    'corp.example/lib@v1.0.8',
    'corp.example/lib@v1.0.6',
  )
  // The same key has signed another history: that is what an audit is for.
  const alarm = failed(await audit(other.stage.modstead.url))
  assert.match(
    alarm,
    /^ALARM: SECURITY ERROR\n.*contradicts itself.*older signed.*\t3\n.*newer signed.*\t4\n.*the proof/s,
  )
  const before = await readFile(files.log)
  assert.match(failed(await sumdb('import', other.stage.modstead.url)), /does not lead to its signed head/)
  assert.match(succeeded(await sumdb('verify')), /whole: 3 records/)
  assert.deepEqual(await readFile(files.log), before)
})

test('damaged tiles are made anew from the records, and a lost mark is set', async (t) => {
  const { stage, sumdb, documented, enter, files } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0', 'corp.example/lib@v1.0.1')
  await stage.modstead.stop()
  const database = new DatabaseSync(files.log)
  database.exec('update tiles set data = zeroblob(length(data))')
  database.close()
  await stage.restart()
  const refused = await stage.get(`/sumdb/${NAME}/lookup/corp.example/lib@v1.0.2`)
  assert.match(
    refused.body.toString(),
    /signs nothing: what is stored is damaged: .*tile\/8\/0\/000.p\/2\n.*modstead sumdb verify/,
  )
  await stage.modstead.stop()
  assert.match(failed(await sumdb('verify')), /^tile\/8\/0\/000\.p\/2: it was changed.*\n1 thing is wrong/)
  assert.match(
    succeeded(await documented('Restore it from a copy')),
    /2 records were added.*\nIt has all that the high-water mark/,
  )

  await rm(files.mark)
  await stage.restart()
  const unmarked = await stage.get(`/sumdb/${NAME}/lookup/corp.example/lib@v1.0.2`)
  assert.match(
    unmarked.body.toString(),
    /2 records, and the high-water mark .* is missing\n.*modstead sumdb mark/,
  )
  await stage.modstead.stop()
  const asked = await sumdb('mark')
  assert.equal(asked.code, 2)
  assert.match(asked.stderr, /modstead sumdb mark --yes/)
  succeeded(await sumdb('mark', '--yes'))
  await stage.restart()
  await enter('corp.example/lib@v1.0.2')
})

test('where nobody has the records, a log of another name goes on', async (t) => {
  const { stage, desk, enter, files } = await startCompany(t)
  await enter('corp.example/lib@v1.0.0', 'corp.example/lib@v1.0.1')
  await stage.modstead.stop()
  const next = generateKey('sum2.corp.example')
  const config = (await readFile(join(desk, 'modstead.yaml'), 'utf8')).replace('SUMDB_KEY', 'NEXT_KEY')
  const env = { NEXT_KEY: next.skey, GOSUMDB: stage.sumdb.gosumdb(stage.database.url) }
  // With the files of the old log it is refused.
  await stage.restart({ config, env })
  const refused = await stage.get('/sumdb/sum2.corp.example/lookup/corp.example/lib@v1.0.1')
  assert.match(refused.body.toString(), /newest head is not signed by the configured key/)
  await stage.modstead.stop()
  await rename(join(files.log, '..'), join(desk, 'old-log'))
  await rename(files.mark, join(desk, 'old-mark'))
  await stage.restart({ config, env })
  const go = await stage.go({ sumdb: next.vkey, env: { GONOSUMDB: '', GOPRIVATE: '' } })
  await go.ok(['mod', 'download', 'corp.example/lib@v1.0.1', 'example.com/public@v1.0.0'])
})
