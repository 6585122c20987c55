import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { bearer, setUp } from '../access/issued/issued.fixture.ts'
import { runHere } from './run.fixture.ts'

test('who is signed in is listed, and ended beside the server', async (t) => {
  const { clock, open, file } = await setUp(t)
  clock.now = Date.now()
  const { sessions, judge } = await open()
  const config = join(dirname(file), 'modstead.yaml')
  await writeFile(config, 'tenants: { acme: {}, beta: {} }\n')
  const run = (...args: string[]) =>
    runHere({ args: ['session', ...args, '--config', config, '--data-dir', dirname(file)] })
  assert.equal((await run('list')).stdout, 'nobody is signed in\n')
  const begin = (id: string) =>
    sessions.begin({
      principal: { kind: 'user', id, groups: [] },
      via: 'oidc:gitlab:c2lnbi1pbg',
      upstream: 'their-secret',
    })
  const [one, two, bob] = [await begin('alice'), await begin('alice'), await begin('bob')]

  const { stdout } = await run('list', '--for', 'user:alice')
  assert.match(stdout, new RegExp(`^${one.sessionId}  user:alice  via oidc:gitlab; since .*; ends .*Z$`, 'm'))
  assert.ok(!stdout.includes('bob'))
  const listed = await run('list', '--json')
  assert.equal((JSON.parse(listed.stdout) as { sessions: object[] }).sessions.length, 3)
  for (const secret of ['their-secret', one.refreshToken, one.accessToken])
    assert.ok(!listed.stdout.includes(secret))

  assert.equal((await run('end', one.sessionId)).stdout, `${one.sessionId} is ended\n`)
  assert.equal(bearer(await judge(one.accessToken)), undefined)
  assert.equal(bearer(await judge(two.accessToken))?.id, 'alice')
  assert.equal((await run('end', '--for', 'user:alice')).stdout, `${two.sessionId} is ended\n`)
  assert.equal(bearer(await judge(two.accessToken)), undefined)
  assert.equal(bearer(await judge(bob.accessToken))?.id, 'bob')
  assert.equal((await run('end', '--for', 'user:alice')).stdout, 'user:alice has no session\n')
  const acme = await open({ scope: 'acme' })
  const { sessionId } = await acme.sessions.begin({
    principal: { kind: 'user', id: 'bob', groups: [] },
    via: 'x',
  })
  assert.match((await run('list', '--tenant', 'acme')).stdout, new RegExp(`^${sessionId}  user:bob .*\\n$`))
  assert.match((await run('list')).stdout, new RegExp(`^${sessionId}  user:bob  tenant acme; via x`, 'm'))
  assert.equal((await run('list', '--tenant', 'beta')).stdout, 'nobody is signed in\n')
  for (const verb of [['list'], ['end', sessionId]]) {
    const { code, stderr } = await run(...verb, '--tenant', 'bta')
    assert.equal(code, 2)
    assert.match(stderr, /has no tenant "bta"; did you mean "?beta/)
  }
  assert.equal((await run('end', sessionId)).code, 1)
  assert.equal((await run('end', sessionId, '--tenant', 'acme')).code, 0)
})

test('what cannot be', async (t) => {
  const { open, file } = await setUp(t)
  await open()
  const cases: [args: string[], message: RegExp, code: number][] = [
    [['end'], /expected either the id of a session or --for/, 2],
    [['end', 'AAAAAAAAAAAA', '--for', 'user:a'], /expected either/, 2],
    [['end', 'nothing'], /no id of a session/, 2],
    [['end', 'AAAAAAAAAAAA'], /there is no session AAAAAAAAAAAA.*\nmodstead session list shows/, 1],
    [['list', '--for', 'alice'], /--for: expected user:NAME.* found "alice"/, 2],
  ]
  for (const [args, message, code] of cases) {
    const ran = await runHere({ args: ['session', ...args, '--data-dir', dirname(file)] })
    assert.match(ran.stderr, message, args.join(' '))
    assert.deepEqual([ran.code, ran.stdout], [code, ''], args.join(' '))
  }
})
