import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createHtpasswdFile } from '../../access/passwords/htpasswd-file.ts'
import { issueToken } from '../../access/tokens/issue-token.ts'
import { setUp } from '../../access/issued/issued.fixture.ts'
import { openSqliteCatalog } from '../../catalog/sqlite-catalog.ts'
import { createTestObserver } from '../../observe/test-support.ts'
import { GOOD, userPlace } from './user.fixture.ts'

test('a user is made with the file, gets another password, and is removed', async (t) => {
  const { users, dataDir, run, set, read } = await userPlace(t)
  const first = await set('first', GOOD)
  assert.match(first.stderr, /not in the audit log, which begins with the first start of the server/)
  await assert.rejects(readdir(dataDir), { code: 'ENOENT' })
  await rm(users)
  await mkdir(join(dataDir, 'audit', 'inbox'), { recursive: true })
  const made = await set('alice', GOOD)
  assert.deepEqual(
    [made.code, made.stdout, made.stderr],
    [
      0,
      'alice is a user with a password: a running server knows within a second\n',
      `${users} was made, for its owner only\n`,
    ],
  )
  const warnings: string[] = []
  const file = createHtpasswdFile({ path: users, warn: (text) => warnings.push(text), now: () => 0 })
  assert.equal(await (await file()).find('alice')?.hash.matches(GOOD), true)
  assert.equal((await set('bob', 'another-long-one')).code, 0)
  const before = await read()
  const again = await set('alice', 'that-of-this-december')
  assert.match(again.stdout, /^alice has a new password/)
  assert.equal(again.stderr, '')
  assert.equal((await read()).split('\n')[1], before.split('\n')[1])
  assert.notEqual((await read()).split('\n')[0], before.split('\n')[0])

  const removed = await run(['remove', 'alice'])
  assert.deepEqual([removed.code, removed.stdout], [0, 'alice has no password any more\n'])
  assert.equal(await read(), before.split('\n')[1] + '\n')
  const gone = await run(['remove', 'alice'])
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /there is no user "alice" in /)
  assert.deepEqual(warnings, [])

  // What was done, and nothing that was typed.
  const inbox = await leftIn(dataDir)
  const acts = inbox.map(
    (text) => JSON.parse(text) as { action: string; detail: string; user_principal: string },
  )
  assert.deepEqual(
    acts.map(({ action, detail, user_principal }) => [action, detail, user_principal]),
    [
      ['user.set', `user:alice in ${users}`, 'gopher'],
      ['user.set', `user:bob in ${users}`, 'gopher'],
      ['user.set', `user:alice in ${users}`, 'gopher'],
      ['user.remove', `user:alice in ${users}`, 'gopher'],
    ],
  )
  assert.ok(!inbox.join('').includes(GOOD) && !inbox.join('').includes('argon2id'))
})

/** The acts that wait for a server, the oldest first. */
async function leftIn(dataDir: string): Promise<string[]> {
  const names = await readdir(join(dataDir, 'audit'), { recursive: true })
  const left = names.filter((name) => /(^|\/)[0-9A-Z]{26}[^/]*$/.test(name)).sort()
  return Promise.all(left.map((name) => readFile(join(dataDir, 'audit', name), 'utf8')))
}

test('users are listed with their groups, and lines that nobody gets in by', async (t) => {
  const bcrypt = `$2y$05$${'a'.repeat(53)}`
  const { run, set } = await userPlace(t, `bob:${bcrypt}\nold:$apr1$x$y\nbroken\ncarol:${bcrypt}\n`)
  assert.equal((await set('alice', GOOD)).code, 0)
  const { users } = await userPlace(t, `bob:${bcrypt}\nbob:${bcrypt}\n`)
  const listed = await run(['list'])
  assert.equal(
    listed.stdout,
    `bob  bcrypt (cost 5); groups team-b
carol  bcrypt (cost 5)
alice  argon2id (m=19456, t=2, p=1); groups team-a, team-b
line 2 has an MD5 or SHA-1 hash, which is broken within hours: make it anew with htpasswd -B: it is not used
line 3 is not USER:HASH: it is not used
`,
  )
  const twice = JSON.parse((await run(['list', '--file', users, '--json'])).stdout) as object
  assert.deepEqual(twice, {
    file: users,
    users: [{ name: 'bob', hash: 'bcrypt (cost 5)', groups: ['team-b'], line: 2 }],
    unused: [{ line: 1, problem: 'is of bob, of whom line 2 counts' }],
  })
  assert.ok(!JSON.stringify([listed, twice]).includes('aaaa'))
})

test('another file, and that of a tenant', async (t) => {
  const { folder, users, set, read, run } = await userPlace(t)
  const other = await set('alice', GOOD, '--file', join(folder, 'others'))
  assert.match(other.stderr, /no server takes it before its configuration has "htpasswd: .*others" in access/)
  assert.ok(!other.stdout.includes('running server'))
  assert.match(await read(join(folder, 'others')), /^alice:\$argon2id/)
  assert.equal((await set('eve', GOOD, '--tenant', 'acme')).code, 0)
  assert.match(await read(`${users}-acme`), /^eve:\$argon2id/)
  await assert.rejects(read(), { code: 'ENOENT' })
  assert.match((await run(['list'])).stderr, /no such file.*\n"modstead user set NAME" makes it/i)
})

test('what else lets a user in is told, and ended', async (t) => {
  const { clock, open, file } = await setUp(t)
  clock.now = Date.now()
  const { sessions } = await open()
  const catalog = await openSqliteCatalog(file, { observer: createTestObserver() })
  t.after(() => catalog.close())
  const { run, set } = await userPlace(t)
  const here = ['--data-dir', join(file, '..')]
  const token = async (name: string, more: object = {}) => {
    const owner = { kind: 'user' as const, name }
    const { record } = issueToken({ owner, note: '', ...more }, clock.now)
    await catalog.addToken(record)
    return record.id
  }
  const [one, two] = [await token('alice'), await token('alice')]
  const others = [await token('bob'), await token('alice', { tenant: 'acme' })]
  await token('alice', { expires: clock.now - 1 })
  await catalog.revokeToken(two, 'somebody')
  await sessions.begin({ principal: { kind: 'user', id: 'alice', groups: [] }, via: 'oidc:x' })
  await set('alice', GOOD, ...here)

  const told = await run(['remove', 'alice', ...here])
  assert.deepEqual(
    [told.code, told.stdout],
    [
      0,
      `alice has no password any more
user:alice still has 1 valid access token and 1 session; this ends them:
  modstead user remove alice --revoke-tokens --data-dir ${here[1]}
`,
    ],
  )
  assert.equal((await catalog.token(one))?.revoked, undefined)
  const ended = await run(['remove', 'alice', '--revoke-tokens', ...here])
  assert.deepEqual(
    [ended.code, ended.stdout],
    [0, 'ended of user:alice: 1 valid access token and 1 session\n'],
    ended.stderr,
  )
  assert.equal((await catalog.token(one))?.revoked?.by, 'user gopher')
  assert.equal((await catalog.token(two))?.revoked?.by, 'somebody')
  for (const id of others) assert.equal((await catalog.token(id))?.revoked, undefined)
  assert.equal((await run(['remove', 'alice', '--revoke-tokens', ...here])).code, 1)
})

test('what cannot be, and the file stays as it was', async (t) => {
  const { folder, read, run } = await userPlace(t, '# nobody\n')
  const lines = join(folder, 'lines')
  await writeFile(lines, `${GOOD}\nmore\n`)
  const cases: [args: string[], stdin: string | Buffer, message: RegExp][] = [
    [['set', 'a:b'], GOOD, /the name has a colon/],
    [['set', '__token__'], GOOD, /the name stands for tokens/],
    [['set', 'alice'], '', /the password is empty: nothing was changed/],
    [['set', 'alice'], 'short\n', /the password has less than 12 characters/],
    [['set', 'alice'], 'alice\n', /the password is the name of the user/],
    [['set', 'alice', '--weak'], '\n', /the password is empty/],
    [['set', 'alice'], `${GOOD}\nmore\n`, /standard input has more than one line/],
    [['set', 'alice'], 'x'.repeat(20_000), /standard input has more than one line/],
    [['set', 'alice'], Buffer.from([0xff, 0xfe, 0x41]), /standard input is not UTF-8/],
    [['set', 'alice'], `${GOOD}\u{7}`, /the password has control characters/],
    [['set', 'alice', '--password-file', lines], '', /--password-file has more than one line/],
    [['set', 'alice', '--password-file', '/nowhere/x'], '', /--password-file: cannot read .*no such file/],
    [['set', 'alice', '--tenant', 'acne'], GOOD, /--tenant: .*did you mean "acme"/],
    [['set', 'alice', 'more'], '', /too many arguments/],
    [['set'], '', /missing required argument 'name'/],
  ]
  for (const [args, stdin, message] of cases) {
    const ran = await run(args, { stdin })
    assert.match(ran.stderr, message, args.join(' '))
    assert.deepEqual([ran.code, ran.stdout], [2, ''], args.join(' '))
    assert.ok(!ran.stderr.includes(GOOD), ran.stderr)
  }
  const none = await run(['set', 'alice'], { yaml: '', stdin: GOOD })
  assert.match(none.stderr, /the configuration has no access\.htpasswd/)
  assert.equal(await read(), '# nobody\n')
  const weak = await run(['set', 'alice', '--weak'], { stdin: 'two words' })
  assert.equal(weak.code, 0)
  assert.match(weak.stderr, /has spaces: in ~\/\.netrc/)
})
