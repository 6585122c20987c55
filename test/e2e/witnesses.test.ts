// A log and a witness of it in another process, which is memory outside the log's data folder.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test, type TestContext } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { type CommandResult, runCommand } from '../support/command.ts'
import { runDocumented } from '../support/documented.ts'
import { ask } from '../support/http.ts'
import { freePort } from '../support/modstead.ts'
import { createModuleTree } from '../support/module-tree.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { makeModule, putModule } from '../support/test-module.ts'
import { startWitness, type WitnessProcess } from '../support/witness.ts'

const NAME = 'sum.corp.example'
const WITNESS = 'witness.partner.example'
const { skey, vkey } = generateKey(NAME)

interface Company {
  stage: Stage
  witness: WitnessProcess
  /** The same key, state and port again. */
  startAgain(): Promise<WitnessProcess>
  dataDir: string
  desk: string
  /** Looks a version of a private module up, which enters it: patch `n`. */
  enter(n: number): Promise<void>
  /** `modstead sumdb witnesses` with the keys of both. */
  told(): Promise<CommandResult>
  /** Waits until the newest checkpoint over `size` records has the witness's cosignature. */
  cosigned(size: number): Promise<CommandResult>
}

async function startCompany(t: TestContext): Promise<Company> {
  const desk = await mkdtemp(join(tmpdir(), 'modstead-witness-'))
  t.after(() => rm(desk, { recursive: true, force: true }))
  const page = 'checksum-database.md'
  const made = await runDocumented({ page, heading: 'Run a witness', places: {}, desk, env: {} })
  assert.equal(made.code, 0, made.stderr)
  const key = (await runCommand(['sumdb', 'key', '--witness', 'witness.key'], { cwd: desk })).stdout.trim()
  assert.ok(made.stdout.includes(`\n  ${key}\n`), made.stdout)
  const port = await freePort()
  const startAgain = async (): Promise<WitnessProcess> => {
    const listen = `127.0.0.1:${port}`
    const args = ['--key', 'witness.key', '--log', vkey, '--state', 'witness-state', '--listen', listen]
    const started = await startWitness(args, desk)
    t.after(() => started.kill())
    return started
  }
  const witness = await startAgain()
  const tree = createModuleTree()
  for (let patch = 0; patch < 9; patch++)
    putModule(tree, makeModule({ module: 'corp.example/lib', version: `v1.0.${patch}` }))
  const dataDir = join(desk, 'data')
  const stage = await setStage(t, {
    tree,
    configured: true,
    modstead: {
      dataDir,
      env: { SUMDB_KEY: skey },
      configOf: (upstream) => `origins: { up: { type: goproxy, url: "${upstream}" } }
routes: [{ modules: ["corp.example"], from: [up], private: true }, { modules: ["*"], from: [up] }]
checksumLog:
  key: "\${SUMDB_KEY}"
  witnesses: [{ key: "${key}", url: "${witness.url}" }]
`,
    },
  })
  const told = (): Promise<CommandResult> =>
    runDocumented({
      page,
      heading: 'Have heads witnessed',
      places: {
        'https://go.corp.example': stage.modstead.url,
        'go.corp.example+…': vkey,
        'witness.partner.example+…': key,
      },
      desk,
      env: {},
    })
  return {
    stage,
    witness,
    startAgain,
    dataDir,
    desk,
    async enter(n) {
      const { status, body } = await stage.get(`/sumdb/${NAME}/lookup/corp.example/lib@v1.0.${n}`)
      assert.equal(status, 200, body.toString())
    },
    told,
    async cosigned(size) {
      const path = `/tlog/${NAME}/checkpoint`
      const wanted = new RegExp(`^${NAME}\n${size}\n[^]*— ${WITNESS} `)
      for (const end = Date.now() + 10_000; ;) {
        const text = (await stage.get(path)).body.toString()
        if (wanted.test(text)) return told()
        assert.ok(Date.now() < end, `${size} records were not cosigned: ${text}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
  }
}

async function warned(stage: Stage, pattern: RegExp): Promise<void> {
  for (const end = Date.now() + 10_000; ;) {
    const { status, body } = await stage.get('/readyz')
    assert.equal(status, 200, 'it goes on')
    if (pattern.test(body.toString())) return
    assert.ok(Date.now() < end, `it was not warned of ${String(pattern)}: ${body.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('a witness cosigns a log as it grows, remembers it through a crash, and holds nothing up', async (t) => {
  const { stage, witness, startAgain, enter, told, cosigned } = await startCompany(t)
  await enter(0)
  const first = await cosigned(1)
  assert.deepEqual([first.code, first.stderr], [0, ''], first.stdout)
  assert.match(
    first.stdout,
    /^sum\.corp\.example shows a signed checkpoint over 1 record\.\n {2}verified: witness\.partner\.example cosigned it at 20\S+Z\nwitness\.partner\.example cosigned 1 record at 20\S+Z\.\n$/,
  )
  await enter(1)
  await enter(2)
  assert.equal((await cosigned(3)).code, 0)

  await witness.kill()
  const again = await startAgain()
  assert.match(await again.page(), /It cosigns heads of:\nsum\.corp\.example: 3 records, root /)
  await enter(3)
  assert.equal((await cosigned(4)).code, 0)

  const ended = await again.stop()
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  assert.doesNotMatch(ended.stdout, /PRIVATE/)
  await enter(4)
  await warned(stage, /the witness witness\.partner\.example at http\S+ cannot be reached/)
  const down = await told()
  assert.equal(down.code, 1)
  assert.match(down.stdout, /over 4 records.*cosigned 4 records at .*; then: it could not be reached/s)
  await enter(5)
})

test('a backup of the data folder that brings the mark back, too, is refused because of the witness', async (t) => {
  const { stage, dataDir, desk, enter, cosigned } = await startCompany(t)
  await enter(0)
  await cosigned(1)
  await stage.modstead.stop()
  await cp(dataDir, join(desk, 'backup'), { recursive: true })
  await stage.restart()
  await enter(1)
  await enter(2)
  await cosigned(3)
  const local = ['--data-dir', dataDir, '--key', vkey]
  const exported = await runCommand(['sumdb', 'export', 'log.txt', ...local], { cwd: desk })
  assert.equal(exported.code, 0, exported.stderr)
  await stage.modstead.stop()
  await rm(dataDir, { recursive: true })
  await cp(join(desk, 'backup'), dataDir, { recursive: true })

  await stage.restart()
  const refused = await stage.get(`/sumdb/${NAME}/lookup/corp.example/lib@v1.0.5`)
  assert.equal(refused.status, 503)
  assert.match(
    refused.body.toString(),
    /signs nothing: the witness witness\.partner\.example has seen 3 records of the log .*, which has 1 here/,
  )
  await warned(stage, /look-ups in the checksum log fail: .*has seen 3 records/)
  assert.equal((await stage.get('/corp.example/lib/@v/v1.0.0.mod')).status, 200, 'what is stored is served')
  const unproven = await stage.get('/corp.example/lib/@v/v1.0.5.mod')
  assert.equal(unproven.status, 503, 'nothing is taken in that only the log would prove')

  await stage.modstead.stop()
  const imported = await runCommand(['sumdb', 'import', 'log.txt', ...local], { cwd: desk })
  assert.equal(imported.code, 0, imported.stderr)
  await stage.restart()
  await enter(5)
  assert.equal((await cosigned(4)).code, 0, 'with what was missing it goes on')
})

test('a witness of the documentation: over https, with a certificate of its own', async (t) => {
  const desk = await mkdtemp(join(tmpdir(), 'modstead-witness-'))
  t.after(() => rm(desk, { recursive: true, force: true }))
  const tls = fileURLToPath(new URL('../testdata/tls/', import.meta.url))
  await writeFile(join(desk, 'witness.key'), `${generateKey(WITNESS).skey}\n`, { mode: 0o600 })
  const files = ['--key', 'witness.key', '--state', 'witness-state']
  const secure = ['--tls-cert', join(tls, 'cert.pem'), '--tls-key', join(tls, 'key.pem')]
  const args = [...files, '--log', vkey, '--listen', '127.0.0.1:0', ...secure]
  const witness = await startWitness(args, desk)
  t.after(() => witness.kill())
  const ca = await readFile(join(tls, 'ca.pem'), 'utf8')
  const { status, body } = await ask(witness.url, '/', { ca })
  assert.equal(status, 200)
  assert.match(body.toString(), /^The witness witness\.partner\.example\n.*nothing cosigned yet\n$/s)
  const second = await runCommand(['sumdb', 'witness', ...args], { cwd: desk })
  assert.equal(second.code, 1)
  assert.match(second.stderr, /another witness runs with the state .*witness-state/)
  assert.equal((await witness.stop()).code, 0)
})
