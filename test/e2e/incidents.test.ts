// A mismatch from the error of the real `go` to the one who is on call: list, show and acknowledge, on the machine and
// from elsewhere, beside the running server.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand, type CommandResult } from '../support/command.ts'
import { ask } from '../support/http.ts'
import { setStage, type Stage } from '../support/stage.ts'
import { createTestSumdb } from '../support/sumdb.ts'
import { makeModule, modulePath, putModule, tamperedZip } from '../support/test-module.ts'

const MADE = makeModule({ module: 'example.com/small', version: 'v1.0.0' })
const NAME = `${MADE.module}@v1.0.0`
const TOKENS = { SEC_TOKEN: 'sec-0123456789abcdef', CI_TOKEN: 'ci-0123456789abcdef' }
const CONFIG = `
tokens:
  sec: { token: "\${SEC_TOKEN}", may: [audit] }
  ci: { token: "\${CI_TOKEN}", may: [publish] }
`

test('a tampered zip: go names the incident, which is listed, shown and acknowledged both ways', async (t) => {
  const stage = await setStage(t, { modstead: { config: CONFIG, env: TOKENS } })
  const { url, dataDir } = stage.modstead
  const go = await stage.go()
  const cwd = await go.project()
  const command = (args: string[], env = {}): Promise<CommandResult> =>
    runCommand(['incidents', ...args], { cwd, env: { USER: 'oncall', ...env } })
  const here = (...args: string[]) => command([...args, '--data-dir', dataDir])
  const there = (...args: string[]) => command([...args, '--to', url], { MODSTEAD_TOKEN: TOKENS.SEC_TOKEN })
  const gauge = async () =>
    /^modstead_incidents_open (\d+)$/m.exec((await stage.get('/metrics')).body.toString())?.[1]

  assert.deepEqual(await here('list', '--open', '--exit-code'), {
    code: 0,
    stdout: 'no open incidents\n',
    stderr: '',
  })
  assert.equal(await gauge(), '0')

  putModule(stage.tree, MADE, { zip: tamperedZip(MADE) })
  const failed = await go.run(['get', NAME], { cwd })
  assert.notEqual(failed.code, 0)
  const [id = ''] = /inc-[0-9a-z]{4}-[0-9a-z]{4}/.exec(failed.stderr) ?? []
  assert.match(failed.stderr, /Incident: inc-/)
  assert.equal(await gauge(), '1')
  assert.match(
    (await stage.get('/', { headers: { accept: 'text/plain' } })).body.toString(),
    /Incidents: 1 \(1 open\)/,
  )

  for (const place of [here, there]) {
    const list = await place('list', '--open', '--exit-code')
    assert.equal(list.code, 1, list.stderr)
    assert.match(list.stdout, new RegExp(`^${id} .* zip +${NAME.replaceAll('.', '\\.')} .* open$`, 'm'))
    const { stdout } = await place('show', id)
    for (const part of [id, MADE.h1, NAME, 'refused; nothing was stored', 'What to do:'])
      assert.ok(stdout.includes(part), `${part}\n${stdout}`)
  }

  const forbidden = await command(['list', '--to', url], { MODSTEAD_TOKEN: TOKENS.CI_TOKEN })
  assert.deepEqual([forbidden.code, forbidden.stdout], [1, ''])
  assert.match(forbidden.stderr, /403: the token ci may not audit/)

  const acknowledged = await here('ack', id, '--note', 'the mirror had an old backup')
  assert.match(acknowledged.stdout, new RegExp(`^${id} is acknowledged by user oncall on `))
  // The running server sees at once what was written beside it, and goes on writing.
  assert.equal(await gauge(), '0')
  assert.equal((await there('list', '--open', '--exit-code')).code, 0)
  const again = await there('ack', id, '--note', 'me too')
  assert.match(again.stdout, /acknowledged before.*by user oncall on .*: the mirror had an old backup/)

  putModule(stage.tree, MADE)
  await stage.modstead.stop()
  const stopped = await here('show', id, '--json')
  const { acknowledged: remark } = JSON.parse(stopped.stdout) as { acknowledged: Record<string, string> }
  assert.deepEqual([remark.who, remark.note], ['user oncall', 'the mirror had an old backup'])
  await stage.restart({ port: stage.modstead.port })
  await go.ok(['get', NAME], { cwd })
})

test('a stored zip that rots while its origin is away: go names the incident', async (t) => {
  const stage = await setStage(t, { modstead: { config: CONFIG, env: TOKENS } })
  putModule(stage.tree, MADE)
  const go = await stage.go()
  const cwd = await go.project()
  await go.ok(['mod', 'download', NAME], { cwd })
  await stage.modstead.stop()
  const file = join(stage.modstead.dataDir, 'public', `${modulePath(MADE)}.zip`)
  const bytes = await readFile(file)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(file, bytes)
  await stage.restart()
  await stage.upstream.down()
  const other = await stage.go({ proxy: stage.modstead.url })
  const failed = await other.run(['mod', 'download', NAME], { cwd: await other.project() })
  assert.notEqual(failed.code, 0)
  assert.match(failed.stderr, /Incident: inc-/)
  const [id = ''] = /inc-[0-9a-z]{4}-[0-9a-z]{4}/.exec(failed.stderr) ?? []
  const headers = { Authorization: `Bearer ${TOKENS.SEC_TOKEN}` }
  const answer = await ask(stage.modstead.url, `/api/v1/incidents/${id}`, { headers })
  const { kind, expected, found } = JSON.parse(answer.body.toString()) as Record<string, string>
  assert.equal(kind, 'store')
  assert.match(`${expected} ${found}`, /^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64}$/)
})

const OTHER = makeModule({ module: 'example.com/other', version: 'v1.0.0' })
const SEED = Buffer.alloc(32, 3)

/** Brings about a mismatch of the kind that shows when `go` asks for NAME. */
const MISMATCHES: Record<'mod' | 'checksum_database', (stage: Stage) => Promise<unknown>> = {
  async mod(stage) {
    putModule(stage.tree, MADE)
    await stage.sumdb.answer('/lookup/example.com/small@v1.0.0')
    putModule(stage.tree, MADE, { mod: Buffer.from('module example.com/small\n\ngo 1.1\n') })
  },
  async checksum_database(stage) {
    for (const made of [MADE, OTHER]) putModule(stage.tree, made)
    assert.equal((await stage.get(`${modulePath(OTHER)}.zip`)).status, 200)
    stage.sumdb = createTestSumdb({ tree: stage.tree, seed: SEED, fillers: 700 })
  },
}

for (const [kind, arrange] of Object.entries(MISMATCHES))
  test(`a mismatch of kind ${kind}: go names the incident`, async (t) => {
    const stage = await setStage(t, { sumdbSeed: SEED })
    await arrange(stage)
    const go = await stage.go()
    const failed = await go.run(['mod', 'download', NAME], { cwd: await go.project() })
    assert.notEqual(failed.code, 0)
    const [, id = ''] = /Incident: (inc-[0-9a-z]{4}-[0-9a-z]{4})/.exec(failed.stderr) ?? []
    const args = ['incidents', 'show', id, '--json', '--data-dir', stage.modstead.dataDir]
    const shown = await runCommand(args, { cwd: go.folder })
    assert.equal(shown.code, 0, failed.stderr + shown.stderr)
    assert.equal((JSON.parse(shown.stdout) as { kind: string }).kind, kind)
  })
