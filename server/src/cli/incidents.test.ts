import assert from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { INCIDENT } from '../catalog/incidents-contract.ts'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import { startServer } from '../http/http.fixture.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import type { Catalog } from '../proxy/catalog.ts'
import { INCIDENT_KINDS } from '../proxy/incident-kinds.ts'
import { runHere, type Ran } from './run.fixture.ts'

const TOKEN = 'auditor-0123456789abcdef'
const tokens = [{ name: 'sec', token: TOKEN, may: ['audit'] }] as const

interface Place {
  /** Who acknowledges from there. */
  who: string
  run(...args: string[]): Promise<Ran>
}

interface Room {
  catalog: Catalog
  folder: string
  url: string
  /** Both ways to the incidents of one running server. */
  places: Place[]
}

/** A server with a real catalog, and both ways to ask for its incidents. */
async function running(t: TestContext): Promise<Room> {
  const folder = await temporaryFolder(t)
  const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer: createTestObserver() })
  t.after(() => catalog.close())
  const { url } = await startServer(t, { records: catalog, config: { tokens, pathPrefix: '/go' } })
  const run = (more: string[], env = {}) =>
    function runThere(...args: string[]): Promise<Ran> {
      return runHere({ args: ['incidents', ...args, ...more], env })
    }
  const places = [
    { who: 'user gopher', run: run(['--data-dir', folder]) },
    { who: 'sec', run: run(['--to', `${url}/go`], { MODSTEAD_TOKEN: TOKEN }) },
  ]
  return { catalog, folder, url, places }
}

test('a list for people, for programs, and for monitoring', async (t) => {
  const { catalog, places } = await running(t)
  for (const { run } of places) {
    assert.deepEqual(await run('list'), { code: 0, stdout: 'no incidents\n', stderr: '' })
    assert.deepEqual(await run('list', '--open', '--exit-code'), {
      code: 0,
      stdout: 'no open incidents\n',
      stderr: '',
    })
  }
  const first = await catalog.report(INCIDENT)
  await catalog.report(INCIDENT)
  const second = await catalog.report({ ...INCIDENT, kind: 'checksum_database', module: '', version: '' })
  await catalog.acknowledge(second.id, { who: 'ops', note: 'a portal' })
  for (const { run } of places) {
    const { code, stdout, stderr } = await run('list')
    assert.deepEqual([code, stderr], [0, ''])
    const [head, ...lines] = stdout.trimEnd().split('\n')
    assert.match(head!, /^ID +FIRST SEEN \(UTC\) +TIMES +KIND +VERSION +FROM +STATE$/)
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`
    assert.match(
      lines[0]!,
      new RegExp(`^${second.id}  ${time} +1 +checksum_database  - +mirror  acknowledged by ops$`),
    )
    assert.match(
      lines[1]!,
      new RegExp(`^${first.id}  ${time} +2 +zip +example\\.com/a@v1\\.0\\.0  mirror  open$`),
    )
    assert.equal(lines.length, 2)
    const open = await run('list', '--open', '--exit-code', '--json')
    assert.equal(open.code, 1)
    const { incidents } = JSON.parse(open.stdout) as { incidents: Record<string, unknown>[] }
    assert.deepEqual(
      incidents.map(({ id, count, found }) => [id, count, found]),
      [[first.id, 2, INCIDENT.found]],
    )
    const page = await run('list', '--limit', '1')
    assert.match(page.stdout, new RegExp(`\nolder ones: --before ${second.id}\n$`))
    const rest = await run('list', '--before', second.id, '--json')
    assert.deepEqual(Object.keys(JSON.parse(rest.stdout) as object), ['incidents'])
  }
  const [local, remote] = await Promise.all(places.map(({ run }) => run('list', '--json')))
  assert.equal(local!.stdout, remote!.stdout)
})

test('one incident of each kind says what it means and what to do', async (t) => {
  const { catalog, places } = await running(t)
  for (const kind of ['zip', 'mod', 'store', 'checksum_database', 'tag'] as const) {
    const { id } = await catalog.report({ ...INCIDENT, kind, found: 'one line\nand \u001b[31manother\n' })
    for (const { run } of places) {
      const { code, stdout } = await run('show', id)
      assert.equal(code, 0)
      assert.ok(stdout.startsWith(`${id}: ${INCIDENT_KINDS[kind].title}\n\n`), stdout)
      for (const part of [
        '\n  version   example.com/a@v1.0.0 (realm public)\n',
        '\n  from      mirror\n',
        `\n  expected  ${INCIDENT.expected}\n`,
        '\n  found     one line\n            and ?[31manother\n',
        '\n  outcome   refused; nothing was stored\n',
        '\n  seen      once on 2',
        '\n  state     open\n',
        `\n${INCIDENT_KINDS[kind].meaning}\n\nWhat to do:\n  1. ${INCIDENT_KINDS[kind].steps[0]}\n`,
        `modstead incidents ack ${id} --note`,
      ])
        assert.ok(stdout.includes(part), `${part}\n${stdout}`)
      const json = JSON.parse((await run('show', id, '--json')).stdout) as Record<string, unknown>
      assert.deepEqual([json.id, json.kind, json.count], [id, kind, 1])
    }
  }
})

test('an acknowledgement has a name, is made once, and stays', async (t) => {
  const { catalog, places } = await running(t)
  for (const [i, { who, run }] of places.entries()) {
    const { id } = await catalog.report({ ...INCIDENT, version: `v1.${i}.0` })
    const first = await run('ack', id, '--note', ' an old backup —\n cleared ')
    assert.equal(first.code, 0, first.stderr)
    assert.match(
      first.stdout,
      new RegExp(`^${id} is acknowledged by ${who} on .*: an old backup — cleared\n$`),
    )
    const row = (await catalog.incident(id))!
    assert.deepEqual([row.acknowledged!.who, row.acknowledged!.note], [who, 'an old backup — cleared'])
    assert.equal((await run('ack', id, '--note', 'an old backup — cleared')).stdout, first.stdout)
    const other = await run('ack', id, '--note', 'me too')
    assert.equal(other.code, 0)
    assert.match(other.stdout, /was acknowledged before, which stays: by .*: an old backup — cleared\n$/)
    assert.deepEqual(await catalog.incident(id), row)
    const shown = (await run('show', id)).stdout
    assert.match(shown, /\n {2}state {5}acknowledged by .* on .*: an old backup — cleared\n/)
    assert.doesNotMatch(shown, /incidents ack/)
  }
})

test('what cannot be done says why, and what to do', async (t) => {
  const { folder, url, places } = await running(t)
  for (const { run } of places) {
    for (const args of [
      ['show', 'inc-0000-0000'],
      ['ack', 'inc-0000-0000', '--note', 'x'],
    ]) {
      const { code, stdout, stderr } = await run(...args)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /there is no incident inc-0000-0000.*\n(modstead |[A-Z])/)
    }
    for (const [args, expected] of [
      [['show', 'act-0000-0000'], /"act-0000-0000" is not the id of an incident/],
      [['show', '../x'], /is not the id/],
      [['show'], /missing required argument 'id'/],
      [['ack', 'inc-0000-0000'], /required option '--note <text>'/],
      [['ack', 'inc-0000-0000', '--note', ' '], /--note: the note is empty/],
      [['ack', 'inc-0000-0000', '--note', 'x'.repeat(401)], /400 characters/],
      [['list', '--limit', '201'], /--limit: expected a number from 1 to 200/],
      [['list', '--before', 'x'], /--before: "x" is not the id/],
      [['list', '--opn'], /Did you mean --open/],
      [['lst'], /Did you mean list/],
    ] as const) {
      const { code, stderr } = await run(...args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, expected)
    }
  }
  const env = { MODSTEAD_TOKEN: 'wrong-0123456789abcdef' }
  const remote = (...more: string[]) => runHere({ args: ['incidents', 'list', '--to', url, ...more], env })
  assert.match(
    (await remote()).stderr,
    /refused it with 401: the token .* is not one of this server\.\nCheck/,
  )
  assert.equal((await remote('--data-dir', folder)).code, 2)
  const bare = await runHere({ args: ['incidents', 'list', '--to', url] })
  assert.match(bare.stderr, /there is no token/)
  const file = await runHere({ args: ['incidents', 'list', '--token-file', 'x'] })
  assert.match(file.stderr, /--token-file is for a server that --to names/)
  const nothing = await runHere({ args: ['incidents', 'list', '--exit-code'] })
  assert.equal(nothing.code, 1)
  assert.equal(nothing.stdout, '')
  assert.match(nothing.stderr, /there is no catalog at .*\nName the data folder/)
})

test('an answer that is none of a modstead is not taken for an empty list', async (t) => {
  let answer = '<html>'
  const server = http.createServer((_, res) => res.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  for (answer of ['<html>', '{}', '[]', 'null', '']) {
    const args = ['incidents', 'list', '--exit-code', '--to', to]
    const { code, stdout, stderr } = await runHere({ args, env: { MODSTEAD_TOKEN: TOKEN } })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /did not answer with incidents\.\nCheck the address/)
  }
})
