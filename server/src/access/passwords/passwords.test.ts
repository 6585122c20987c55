import assert from 'node:assert/strict'
import { argon2Sync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hash } from '@node-rs/bcrypt'
import type { Judgement } from '../credential.ts'
import { peopleOf } from '../people.ts'
import { createHtpasswdFile } from './htpasswd-file.ts'
import { createGuesses } from './lockout.ts'
import { parsePasswordHash } from './password-hash.ts'
import { type ClosedByGuesses, createPasswords } from './passwords.ts'

const SALT = Buffer.from('salt salt salt s')

function argon2id(password: string): string {
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce: SALT,
    memory: 1024,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  })
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=1024,t=2,p=1$${text(SALT)}$${text(tag)}`
}

async function users(t: TestContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-htpasswd-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'users')
  await writeFile(path, text)
  const clock = { now: 10_000 }
  const now = () => clock.now
  const warnings: string[] = []
  const lockouts: ClosedByGuesses[] = []
  const guesses = createGuesses({ secrets: 3, within: 60_000, closed: 300_000, addresses: true }, now)
  const judge = createPasswords({
    local: createHtpasswdFile({ path, warn: (sentence) => warnings.push(sentence), now }),
    people: peopleOf(new Map([['alice', ['team-a']]])),
    guesses,
    countAddresses: true,
    remember: 60_000,
    onLockout: (lockout) => lockouts.push(lockout),
    now,
  })
  const ask = async (user: string, secret: string, address = '192.0.2.1'): Promise<Judgement> =>
    judge({ user, secret }, { address, now: 0 })
  const who = async (user: string, secret: string, address?: string) => {
    const judgement = await ask(user, secret, address)
    return typeof judgement === 'object' && 'principal' in judgement ? judgement.principal.id : 'nobody'
  }
  return { path, clock, warnings, lockouts, judge, ask, who }
}

test('bcrypt and argon2id passwords, and nobody else', async (t) => {
  const bcrypt = await hash('Geheim-1', { cost: 4 })
  const { who, ask, judge, warnings } = await users(
    t,
    `# people\nalice:${bcrypt.replace('$2b', '$2y')}\nbob:${argon2id('пароль')}\r\n\nold:$apr1$x$y\nbroken\neve:{SHA}abc\nx:plain\n`,
  )
  assert.equal(await who('alice', 'Geheim-1'), 'alice')
  assert.equal(await who('bob', 'пароль'), 'bob')
  const judgement = await ask('alice', 'Geheim-1')
  assert.ok(typeof judgement === 'object' && 'principal' in judgement)
  assert.deepEqual([judgement.principal.groups, judgement.principal.kind], [['team-a'], 'user'])
  assert.equal(await judge({ secret: 'Geheim-1' }, { address: '', now: 0 }), 'not mine')
  const refusals = await Promise.all([ask('alice', 'Geheim-2'), ask('carol', 'Geheim-1')])
  const told = refusals.map((one) =>
    typeof one === 'object' && 'refusal' in one ? [one.refusal, one.next] : one,
  )
  assert.deepEqual(told[0], told[1])
  assert.ok(Array.isArray(told[0]))
  // What the client is not told: whose password it was not, where that is somebody.
  assert.deepEqual(
    refusals.map((one) => (typeof one === 'object' && 'refusal' in one ? one.proof : one)),
    [{ result: 'failed', principal: { id: 'alice', kind: 'user' } }, { result: 'failed' }],
  )
  assert.deepEqual(
    warnings.map((text) => /^line (\d+)/.exec(text)?.[1]),
    ['5', '6', '7', '8'],
  )
  assert.ok(warnings.every((text) => !text.includes('abc') && !text.includes('plain')))
})

test('a changed file holds within a second: a user who left, a new password', async (t) => {
  const { path, clock, who, warnings } = await users(t, `alice:${await hash('one', { cost: 4 })}\n`)
  assert.equal(await who('alice', 'one'), 'alice')
  await writeFile(path, `alice:${await hash('two', { cost: 4 })}\nbob:${await hash('three', { cost: 4 })}\n`)
  clock.now += 1_000
  assert.equal(await who('alice', 'one'), 'nobody')
  assert.equal(await who('alice', 'two'), 'alice')
  assert.equal(await who('bob', 'three'), 'bob')
  // Gone for a moment, as while an editor writes: the users stay, and somebody is told once.
  await rm(path)
  clock.now += 1_000
  assert.equal(await who('bob', 'three'), 'bob')
  clock.now += 1_000
  assert.equal(await who('bob', 'three'), 'bob')
  assert.equal(warnings.length, 1)
})

test('a password that was compared costs a look-up for a minute', async (t) => {
  const { clock, who } = await users(t, `alice:${await hash('one', { cost: 12 })}\n`)
  const timed = async (password: string) => {
    const start = performance.now()
    await who('alice', password)
    return performance.now() - start
  }
  const [first, wrong] = [await timed('one'), await timed('stale')]
  const [again, wrongAgain] = [await timed('one'), await timed('stale')]
  assert.ok(again * 5 < first, `${again} ms of ${first} ms`)
  assert.ok(wrongAgain * 5 < wrong, `${wrongAgain} ms of ${wrong} ms`)
  clock.now += 60_000
  assert.ok((await timed('one')) * 2 > first)
})

test('somebody who is not there takes as long as somebody who is', async (t) => {
  const { who } = await users(t, `alice:${await hash('one', { cost: 11 })}\n`)
  const timed = async (user: string, i: number) => {
    const start = performance.now()
    await who(user, `wrong ${i}`, `192.0.2.${user.length}${i}`)
    return performance.now() - start
  }
  const known = await timed('alice', 1)
  const unknown = await timed('carol', 2)
  assert.ok(unknown > known / 3 && unknown < known * 3, `${unknown} ms and ${known} ms`)
})

test('guesses sent all at once are counted before the right one is reached', async (t) => {
  const { who } = await users(t, `alice:${await hash('right', { cost: 4 })}\n`)
  const guesses = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'right'].map((guess) => who('alice', guess))
  assert.deepEqual(new Set(await Promise.all(guesses)), new Set(['nobody']))
})

test('the loop goes on while passwords are compared, and too many are refused', async (t) => {
  const { ask } = await users(t, `alice:${await hash('one', { cost: 7 })}\n`)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const asked = Array.from({ length: 80 }, (_, i) => ask(`u${i}`, 'x', `192.0.2.${i}`))
  const settled = await Promise.allSettled(asked)
  clearInterval(timer)
  const refused = settled.filter((one) => one.status === 'rejected')
  assert.equal(refused.length, 80 - 66)
  assert.ok(refused.every(({ reason }) => (reason as { code: string }).code === 'overloaded'))
  assert.ok(turns > 20, `${turns} turns`)
})

test('hashes that are not taken', async () => {
  const bcrypt = await hash('x', { cost: 4 })
  const cases: [text: string, problem: RegExp][] = [
    ['$apr1$abc$def', /MD5 or SHA-1/],
    ['{SHA}abc', /MD5 or SHA-1/],
    ['plain', /no bcrypt or argon2id/],
    [bcrypt.slice(0, -1), /no bcrypt or argon2id/],
    [bcrypt.replace('$04$', '$31$'), /cost of 31/],
    [argon2id('x').replace('argon2id', 'argon2i'), /no bcrypt or argon2id/],
    [argon2id('x').replace('m=1024', 'm=9999999'), /parameters/],
    [argon2id('x').replace('t=2', 't=999'), /parameters/],
    [argon2id('x').replace('p=1', 'p=0'), /parameters/],
  ]
  for (const [text, problem] of cases) {
    const parsed = parsePasswordHash(text)
    assert.ok(typeof parsed === 'string' && problem.test(parsed), text)
  }
  const long = 'x'.repeat(72)
  const cut = parsePasswordHash(await hash(long, { cost: 4 }))
  assert.ok(typeof cut === 'object')
  assert.equal(await cut.matches(long), true)
  assert.equal(await cut.matches(`${long}y`), false)
})

test('who runs the server is told of each lock-out, with the name of those alone who have one', async (t) => {
  const { ask, clock, lockouts } = await users(t, `alice:${argon2id('right')}\n`)
  for (const secret of ['a', 'b', 'c', 'd', 'e']) await ask('alice', secret, '192.0.2.1')
  const closed = [
    { closed: 'user', address: '192.0.2.1', user: 'alice' },
    { closed: 'address', address: '192.0.2.1', user: 'alice' },
  ]
  assert.deepEqual(lockouts, closed)
  for (const secret of ['a', 'b', 'c']) await ask('hunter2', secret, '192.0.2.2')
  assert.deepEqual(lockouts.slice(2), [
    { closed: 'user', address: '192.0.2.2' },
    { closed: 'address', address: '192.0.2.2' },
  ])
  // The one trial when the time is over.
  clock.now += 300_000
  await ask('alice', 'f', '192.0.2.3')
  assert.deepEqual(lockouts.slice(4), [{ closed: 'user', address: '192.0.2.3', user: 'alice' }])
})
