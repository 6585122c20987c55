import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import { createTestObserver, someHash } from '../observe/test-support.ts'
import type { Act } from '../proxy/catalog.ts'
import { runHere, type Ran } from './run.fixture.ts'

const LIB = checkPath('go.corp.example/lib')
const H1 = someHash('lib')

async function dataFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-acts-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A catalog that stays open, as that of a running server, and three acts in it: done, done, and begun. */
async function fill(t: TestContext, folder: string): Promise<{ ids: string[]; close(): Promise<void> }> {
  const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer: createTestObserver() })
  t.after(() => catalog.close())
  const common = { realm: 'default', module: LIB } as const
  const acts: Act[] = [
    { ...common, act: 'publish', who: 'ci', version: 'v1.0.0' as Version, h1: H1 },
    { ...common, act: 'delete', who: 'ops', version: 'v1.0.0' as Version, h1: H1, reason: 'holds a key' },
    { ...common, act: 'publish', who: 'ci', version: 'v1.1.0' as Version, h1: H1 },
  ]
  const ids: string[] = []
  for (const [index, act] of acts.entries()) {
    const { id } = await catalog.begin(act)
    ids.push(id)
    if (index < 2) await catalog.end(id, 'done', index === 0 ? { h1: H1, zipSize: 1 } : undefined)
  }
  return { ids, close: () => catalog.close() }
}

function list(folder: string, ...args: string[]): Promise<Ran> {
  return runHere({ args: ['acts', 'list', '--data-dir', folder, ...args] })
}

test('what was published and deleted, the newest first, while a server has the catalog open, and after', async (t) => {
  const folder = await dataFolder(t)
  const { ids, close } = await fill(t, folder)
  const [first, second, third] = ids
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
  const expected = new RegExp(
    [
      `^${third}  ${time}  publish \\(begun\\) by ci: go\\.corp\\.example/lib@v1\\.1\\.0 h1:\\S+`,
      `${second}  ${time}  delete by ops: go\\.corp\\.example/lib@v1\\.0\\.0 h1:\\S+`,
      `    reason: holds a key`,
      `${first}  ${time}  publish by ci: go\\.corp\\.example/lib@v1\\.0\\.0 h1:\\S+\n$`,
    ].join('\n'),
  )
  for (const running of [true, false]) {
    if (!running) await close()
    const { code, stdout, stderr } = await list(folder)
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, expected)
  }
  // What it left beside the file does not keep the next server from opening it.
  const again = await openSqliteCatalog(join(folder, 'catalog.db'), { observer: createTestObserver() })
  assert.equal((await again.acts({ limit: 10 })).length, 3)
  await again.close()
})

test('page by page, as JSON', async (t) => {
  const folder = await dataFolder(t)
  const { ids } = await fill(t, folder)
  const page = async (...args: string[]) =>
    JSON.parse((await list(folder, '--json', ...args)).stdout) as {
      acts: Record<string, unknown>[]
      nextBefore?: string
    }
  const { acts, nextBefore } = await page('--limit', '2')
  assert.deepEqual(
    acts.map(({ id }) => id),
    [ids[2], ids[1]],
  )
  const { at, ...deletion } = acts[1]!
  assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 60_000)
  assert.deepEqual(deletion, {
    id: ids[1],
    who: 'ops',
    act: 'delete',
    outcome: 'done',
    realm: 'default',
    module: LIB,
    version: 'v1.0.0',
    h1: H1,
    reason: 'holds a key',
  })
  const rest = await page('--limit', '2', '--before', nextBefore!)
  assert.deepEqual(
    rest.acts.map(({ id }) => id),
    [ids[0]],
  )
  assert.ok(!('nextBefore' in rest))
  const text = await list(folder, '--limit', '1')
  assert.match(text.stdout, new RegExp(`\nolder ones: modstead acts list --before ${ids[2]}\n$`))
})

test('nothing, and what cannot be read', async (t) => {
  const folder = await dataFolder(t)
  const file = join(folder, 'catalog.db')
  const absent = await list(folder)
  assert.equal(absent.code, 1)
  assert.match(
    absent.stderr,
    /^modstead: there is no catalog at .*catalog\.db\.\nName the data folder .*--data-dir/,
  )
  assert.deepEqual(await readdir(folder), [], 'nothing is made')

  new DatabaseSync(file).close()
  const old = await list(folder)
  assert.equal(old.code, 1)
  assert.match(old.stderr, /was written by an older modstead\.\nStart this modstead on that folder once/)

  await writeFile(file, 'no database, but long enough to be looked at as one'.repeat(100))
  const damaged = await list(folder)
  assert.equal(damaged.code, 1)
  assert.match(damaged.stderr, /could not read its catalog: its catalog is not a database/)

  await rm(file)
  const catalog = await openSqliteCatalog(file, { observer: createTestObserver() })
  await catalog.close()
  assert.deepEqual(await list(folder), {
    code: 0,
    stdout: 'nothing was published or deleted here\n',
    stderr: '',
  })
})

test('wrong flags', async (t) => {
  const folder = await dataFolder(t)
  for (const [args, expected] of [
    [['--limit', '0'], /--limit: expected a number from 1 to 200, found "0"/],
    [['--limit', 'all'], /--limit: expected/],
    [
      ['--before', 'inc-7k3m-02pq'],
      /--before: "inc-7k3m-02pq" is not the id of an act\.\nWrite an id as the list/,
    ],
    [['--nonsense'], /unknown option/],
  ] as const) {
    const { code, stderr } = await list(folder, ...args)
    assert.equal(code, 2, args.join(' '))
    assert.match(stderr, expected)
  }
})
