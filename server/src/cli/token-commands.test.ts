import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hashToken } from '../access/tokens/token-format.ts'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import { createTestObserver } from '../observe/test-support.ts'
import { runHere } from './run.fixture.ts'

async function folder(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'modstead-tokens-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const catalog = await openSqliteCatalog(join(dir, 'catalog.db'), { observer: createTestObserver() })
  t.after(() => catalog.close())
  const run = (...args: string[]) => runHere({ args: ['token', ...args, '--data-dir', dir] })
  return { catalog, run, dir }
}

test('a token is made, found by the open catalog, listed, and revoked once', async (t) => {
  const { catalog, run } = await folder(t)
  assert.equal((await run('list')).stdout, 'no tokens were made here\n')
  const made = await run(
    'create',
    '--for',
    'service:ci',
    '--note',
    'build',
    '--expires',
    '1h',
    '--can',
    'module:read, module:publish',
    '--modules',
    'corp.example/a,*.corp.example',
  )
  assert.equal(made.code, 0, made.stderr)
  const token = made.stdout.trim()
  const id = token.slice(4, 16)
  assert.match(
    made.stderr,
    new RegExp(`^${id} for service:ci, until .*shown this once\nno server takes it before`),
  )
  assert.ok(!made.stderr.includes(token))
  const record = await catalog.token(id)
  assert.deepEqual(
    { ...record, created: 0, expires: record!.expires! - record!.created },
    {
      id,
      hash: hashToken(token),
      owner: { kind: 'service', name: 'ci' },
      note: 'build',
      permissions: ['module:read', 'module:publish'],
      modules: ['corp.example/a', '*.corp.example'],
      created: 0,
      expires: 3_600_000,
    },
  )
  await catalog.touchTokens([{ id, at: Date.UTC(2026, 1, 2) }])
  assert.match(
    (await run('list')).stdout,
    new RegExp(`^${id}  service:ci  valid; .*last used 2026-02-02T.*; build\n$`),
  )

  const revoked = await run('revoke', id)
  assert.match(revoked.stdout, new RegExp(`^${id} is revoked since .*, by user gopher\n$`))
  // As somebody found it; the first revocation holds.
  assert.equal((await run('revoke', token)).stdout, revoked.stdout)
  assert.equal((await catalog.token(id))?.revoked?.by, 'user gopher')
  const { tokens } = JSON.parse((await run('list', '--json')).stdout) as { tokens: { state: string }[] }
  assert.deepEqual(
    tokens.map(({ state }) => state),
    ['revoked'],
  )
})

test('without an end, and as JSON', async (t) => {
  const { run } = await folder(t)
  const made = JSON.parse(
    (await run('create', '--for', 'user:alice', '--expires', 'never', '--json')).stdout,
  ) as object
  assert.partialDeepStrictEqual(made, { owner: 'user:alice', expires: null })
})

test('what cannot be', async (t) => {
  const { run } = await folder(t)
  const cases: [args: string[], message: RegExp, code: number][] = [
    [['create'], /required option '--for/, 2],
    [['create', '--for', 'alice'], /--for: expected user:NAME or service:NAME, found "alice"/, 2],
    [['create', '--for', 'group:a'], /--for: expected/, 2],
    [['create', '--for', 'user:a', '--can', 'read'], /--can: expected some of module:read.* found "read"/, 2],
    [['create', '--for', 'user:a', '--modules', 'https://x'], /--modules: the pattern .* scheme/, 2],
    [['create', '--for', 'user:a', '--expires', 'soon'], /--expires: expected a duration/, 2],
    [['create', '--for', 'user:a', '--expires', '30'], /--expires: expected a unit, as in 30d or 30m/, 2],
    [['create', '--for', 'user:a', '--expires', '4000d'], /--expires: expected/, 2],
    [['create', '--for', 'user:a', '--note', 'two\nlines'], /--note: the note/, 2],
    [['revoke', 'AAAAAAAAAAAA'], /there is no token AAAAAAAAAAAA/, 1],
    [['revoke', `mst_${'x'.repeat(46)}`], /neither the id of a token nor a whole token/, 2],
  ]
  for (const [args, message, code] of cases) {
    const ran = await run(...args)
    assert.match(ran.stderr, message, args.join(' '))
    assert.deepEqual([ran.code, ran.stdout], [code, ''], args.join(' '))
  }
  const nowhere = await runHere({ args: ['token', 'list'] })
  assert.match(nowhere.stderr, /there is no catalog/)
})

test('an owner that no binding names is told of: it is made all the same', async (t) => {
  const { dir } = await folder(t)
  const yaml = 'access: { groups: { team: ann }, bindings: [{ to: "service:ci, group:team", role: viewer }] }'
  for (const [owner, told] of [
    ['service:ci', false],
    ['user:ann', false],
    ['service:typo', true],
    ['user:bob', true],
  ] as const) {
    const args = ['token', 'create', '--for', owner, '--data-dir', dir]
    const { code, stderr } = await runHere({ args, yaml })
    assert.equal(code, 0, stderr)
    assert.equal(stderr.includes(`no binding of access names ${owner}`), told, stderr)
  }
})
