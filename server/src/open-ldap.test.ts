// Users of a real directory, kept in a real catalog, in front of them passwords and tokens.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hash } from '@node-rs/bcrypt'
import { USUAL } from './access/issued/issued.fixture.ts'
import { createKnownUsers, type KnownUser } from './access/ldap/known-users.ts'
import { createGuesses } from './access/passwords/lockout.ts'
import { parsePasswordHash } from './access/passwords/password-hash.ts'
import { createPasswords } from './access/passwords/passwords.ts'
import { createAccessTokens, type TokenRecord } from './access/tokens/access-tokens.ts'
import { newToken } from './access/tokens/token-format.ts'
import { openCatalogBeside } from './catalog/catalog-beside.ts'
import { openSqliteCatalog } from './catalog/sqlite-catalog.ts'
import type { AccessConfig } from './config/access/access-config.ts'
import type { LdapConfig } from './config/access/ldap.ts'
import { createTestObserver, eventually, temporaryFolder } from './observe/test-support.ts'
import { openAccess } from './open-access.ts'
import { openLdap } from './open-ldap.ts'
import { openDirectory } from './origin/ldap/directory.ts'
import {
  changeOf,
  dnOf,
  dnOfGroup,
  GROUPS,
  PEOPLE,
  SERVICE,
  noSlapd,
  startSlapd,
  SUFFIX,
  type TestSlapd,
} from './origin/ldap/test-slapd.ts'

const skip = noSlapd()

const MINUTE = 60_000
const ADDRESS = '192.0.2.1'

function configOf({ port }: TestSlapd, more: Partial<LdapConfig> = {}): LdapConfig {
  return {
    servers: [{ url: `ldap://127.0.0.1:${port}`, host: '127.0.0.1', port, security: 'none' }],
    bind: SERVICE,
    users: { base: PEOPLE, filter: '(|(uid={user})(mail={user}))', name: 'uid', scope: 'sub' },
    groups: { base: GROUPS, filter: '(member={dn})', name: 'cn', scope: 'sub', nested: true },
    sync: 15 * MINUTE,
    keepFor: 60 * MINUTE,
    timeout: 2_000,
    connections: 4,
    attributes: new Map([['gitlab', 'description']]),
    ...more,
  }
}

/** Everything behind the credentials, with a clock that stands still. */
async function place(t: TestContext, { local = {} }: { local?: Record<string, string> } = {}) {
  const slapd = await startSlapd(t)
  const path = join(await temporaryFolder(t), 'catalog.db')
  const observer = createTestObserver()
  const clock = { now: Date.UTC(2026, 10, 26) }
  const now = (): number => clock.now
  const lines = await Promise.all(
    Object.entries(local).map(async ([name, password]) => {
      const text = await hash(password, { cost: 4 })
      const parsed = parsePasswordHash(text)
      assert.ok(typeof parsed === 'object')
      return [name, { text, hash: parsed }] as const
    }),
  )
  const file = new Map(lines)
  const htpasswd = async () => ({ find: (user: string) => file.get(user), dearest: lines[0]?.[1].hash })

  /** As another start of the server would be. */
  async function start() {
    const catalog = await openSqliteCatalog(path, { observer })
    const directory = await openDirectory(configOf(slapd), observer.log)
    const close = async (): Promise<void> => {
      directory.close()
      await catalog.close()
    }
    t.after(close)
    const users = await createKnownUsers({
      directory,
      records: catalog,
      tenant: '',
      isLocal: async (user) => file.has(user),
      groups: new Map([['alice', ['own']]]),
      keepFor: 60 * MINUTE,
      onSaveFailed: (error) => assert.fail(String(error)),
      now,
    })
    const passwords = createPasswords({
      local: htpasswd,
      directory: {
        find: directory.find,
        isPassword: directory.isPassword,
        signedIn: users.signedIn,
        keepFor: 60 * MINUTE,
        connections: 4,
      },
      people: users,
      guesses: createGuesses({ secrets: 3, within: MINUTE, closed: 5 * MINUTE, addresses: true }, now),
      countAddresses: true,
      remember: MINUTE,
      now,
    })
    const tokens = createAccessTokens({ records: catalog, people: users, onTouchFailed: () => undefined })
    return {
      users,
      close,
      sync: async () => users.sync(new AbortController().signal),
      async ask(user: string, secret: string, address = ADDRESS) {
        return passwords({ user, secret }, { address, now: clock.now })
      },
      /** The groups of whom it proves, sorted; or `nobody`. */
      async who(user: string, secret: string, address = ADDRESS) {
        const judgement = await passwords({ user, secret }, { address, now: clock.now })
        if (typeof judgement === 'string' || !('principal' in judgement)) return 'nobody'
        return `${judgement.principal.id}: ${judgement.principal.groups.toSorted().join(' ')}`
      },
      async bearer(secret: string) {
        const judgement = await tokens({ secret }, { address: ADDRESS, now: clock.now })
        if (typeof judgement === 'string' || !('principal' in judgement)) return judgement
        return `${judgement.principal.id}: ${judgement.principal.groups.toSorted().join(' ')}`
      },
      tokenOf(name: string): string {
        const { token, id, hash } = newToken()
        const record: TokenRecord = { id, hash, note: '', created: 0, owner: { kind: 'user', name } }
        openCatalogBeside(path).addToken(record)
        return token
      },
    }
  }
  return { slapd, clock, start }
}

const ALICE = 'alice: company own platform team-a'
const out = (dn: string, group: string): string => changeOf(dnOfGroup(group), 'delete', 'member', dn)

test(
  'who left a group, has ended or is gone loses it at the next sync, by password and by token',
  { skip },
  async (t) => {
    const { slapd, clock, start } = await place(t)
    const { who, bearer, tokenOf, sync } = await start()
    const token = tokenOf('alice')
    assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
    assert.equal(await bearer(token), ALICE)
    // With groups of groups: those of the group that was left end, too.
    await slapd.change(out(dnOf('alice'), 'team-a'))
    assert.equal(await bearer(token), ALICE)
    await sync()
    assert.equal(await bearer(token), 'alice: own')
    assert.equal(await who('alice', 'alice-Geheim-1'), 'alice: own')

    await slapd.change(changeOf(dnOf('alice'), 'add', 'shadowExpire', '1'))
    await sync()
    const left = await bearer(token)
    assert.ok(
      typeof left === 'object' &&
        'refusal' in left &&
        /directory of users does not have any more/.test(left.refusal),
    )
    // The password was right a moment ago, and is still remembered.
    assert.equal(await who('alice', 'alice-Geheim-1'), 'nobody')
    await slapd.change(changeOf(dnOf('alice'), 'replace', 'shadowExpire', '99999'))
    await sync()
    assert.equal(await bearer(token), 'alice: own')

    await slapd.change(`dn: ${dnOf('alice')}\nchangetype: delete\n`)
    clock.now += MINUTE
    await sync()
    assert.equal(typeof (await bearer(token)), 'object')
    assert.equal(await who('alice', 'alice-Geheim-1'), 'nobody')
  },
)

test(
  'the owner of a token who never signed in is met by the sync, or by the token; others are not of the directory',
  { skip },
  async (t) => {
    const { slapd, start } = await place(t)
    const first = await start()
    const [bob, alice, stranger] = ['bob', 'alice', 'robot'].map((name) => first.tokenOf(name))
    await first.sync()
    assert.deepEqual(first.users.counts(), { users: 2, groups: 5 })
    assert.equal(await first.bearer(alice!), ALICE)
    assert.equal(await first.bearer(stranger!), 'robot: ')
    await slapd.change(`dn: ${dnOf('bob')}\nchangetype: delete\n`)
    await first.sync()
    assert.equal(typeof (await first.bearer(bob!)), 'object')
    await first.close()
    // Who is gone stays so over a restart, and while the directory is down.
    await slapd.kill()
    const second = await start()
    assert.equal(typeof (await second.bearer(bob!)), 'object')
    assert.equal(await second.bearer(stranger!), 'robot: ')
    assert.equal(await second.bearer(alice!), ALICE)
  },
)

test(
  'a directory that is down: who is known goes on for a time, over a restart too, and then it is an outage',
  { skip },
  async (t) => {
    const { slapd, clock, start } = await place(t)
    const first = await start()
    const [token, unknown] = [first.tokenOf('alice'), first.tokenOf('bob')]
    assert.equal(await first.who('alice', 'alice-Geheim-1'), ALICE)
    assert.equal(await first.bearer(token), ALICE)
    await slapd.kill()
    await assert.rejects(first.sync(), { code: 'directory_unavailable' })
    for (let minutes = 0; minutes < 60; minutes += 10) {
      assert.equal(await first.who('alice', 'alice-Geheim-1'), ALICE, `after ${minutes} minutes`)
      assert.equal(await first.bearer(token), ALICE)
      clock.now += 10 * MINUTE - 1
    }
    const outage = {
      code: 'directory_unavailable',
      message: /^the directory 127\.0\.0\.1 refuses connections/,
    }
    await assert.rejects(first.ask('alice', 'alice-Geheim-2'), outage)
    await assert.rejects(first.ask('bob', 'bob-Geheim-1'), outage)
    await assert.rejects(first.bearer(unknown), outage)
    clock.now += MINUTE
    await assert.rejects(first.ask('alice', 'alice-Geheim-1'), outage)
    await assert.rejects(first.bearer(token), outage)
    clock.now -= 30 * MINUTE
    await first.close()
    const second = await start()
    assert.equal(await second.bearer(token), ALICE)
    // A password that nobody has compared since the start.
    await assert.rejects(second.ask('alice', 'alice-Geheim-1'), outage)
    clock.now += 31 * MINUTE
    await assert.rejects(second.bearer(token), outage)
    await slapd.start()
    await eventuallyAsync(async () => (await second.bearer(token)) === ALICE)
    assert.equal(await second.who('alice', 'alice-Geheim-1'), ALICE)
  },
)

async function eventuallyAsync(look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !(await look().catch(() => false));) {
    assert.ok(Date.now() < end, 'it never came to pass')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('a directory that hangs holds up whoever finds out, and nobody who is known', { skip }, async (t) => {
  const { slapd, clock, start } = await place(t)
  const { who, ask } = await start()
  assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
  await slapd.pause()
  t.after(() => slapd.resume())
  clock.now += MINUTE
  // It waits for the directory, for the time that a step may take.
  assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
  for (let seconds = 0; seconds < 10; seconds++) {
    clock.now += 1_000
    const slow = new Promise((resolve) => setTimeout(resolve, 1_500, 'slow'))
    assert.equal(await Promise.race([who('alice', 'alice-Geheim-1'), slow]), ALICE)
  }
  await assert.rejects(ask('bob', 'bob-Geheim-1'), { code: 'directory_unavailable' })
  slapd.resume()
  await eventuallyAsync(async () => (await who('bob', 'bob-Geheim-1')).startsWith('bob: '))
  // It is asked again, and is heard.
  await slapd.change(changeOf(dnOf('alice'), 'replace', 'userPassword', 'another-Geheim'))
  clock.now += 1_000
  await eventuallyAsync(async () => (await who('alice', 'alice-Geheim-1')) === 'nobody')
})

test('a sync that fails half-way changes nothing', { skip }, async (t) => {
  const { slapd, start } = await place(t)
  const { who, sync } = await start()
  assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
  assert.match(await who('bob', 'bob-Geheim-1'), /^bob/)
  await slapd.change(out(dnOf('alice'), 'team-a'))
  await slapd.change(`dn: ${dnOf('bob')}\nchangetype: delete\n`)
  // Users can be read, and the groups not any more.
  await slapd.change(`dn: ${GROUPS}\nchangetype: modrdn\nnewrdn: ou=teams\ndeleteoldrdn: 0\n`)
  await assert.rejects(sync(), {
    code: 'directory_unavailable',
    message: /no such entry.*searching ou=groups/,
  })
  assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
  assert.match(await who('bob', 'bob-Geheim-1'), /^bob/)
  await slapd.change(`dn: ou=teams,${SUFFIX}\nchangetype: modrdn\nnewrdn: ou=groups\ndeleteoldrdn: 1\n`)
  await sync()
  assert.equal(await who('alice', 'alice-Geheim-1'), 'alice: own')
  assert.equal(await who('bob', 'bob-Geheim-1'), 'nobody')
})

test('a user of the file has the name, however the directory writes it', { skip }, async (t) => {
  const { slapd, clock, start } = await place(t, { local: { alice: 'of-the-file' } })
  const { who, ask, bearer, tokenOf } = await start()
  assert.equal(await who('alice', 'of-the-file'), 'alice: own')
  for (const typed of ['alice', 'ALICE', 'alice@corp.example', ' alice'])
    assert.equal(await who(typed, 'alice-Geheim-1', `192.0.2.${typed.length}`), 'nobody', typed)
  assert.equal(await bearer(tokenOf('alice')), 'alice: own')
  assert.match(await who('bob', 'bob-Geheim-1'), /^bob: /)
  // In words nobody can tell whose the name is, or whether there is such a user.
  const words = await Promise.all(
    ['alice', 'bob', 'nobody-at-all', 'twin@'].map(async (user, i) => ask(user, 'x', `198.51.100.${i}`)),
  )
  // What is there besides is for the audit log.
  const told = words.map((word) => typeof word === 'object' && 'refusal' in word && [word.refusal, word.next])
  for (const word of told) assert.deepEqual(word, told[0])
  assert.ok(told[0])
  // A wrong password takes the time of both, whose ever the name is.
  await slapd.pause()
  clock.now += 6 * MINUTE
  const began = performance.now()
  assert.equal(await who('alice', 'yet another', '203.0.113.9'), 'nobody')
  assert.ok(performance.now() - began > 1_000)
  slapd.resume()
  clock.now += 6 * MINUTE
  // The file needs no directory.
  await slapd.kill()
  assert.equal(await who('alice', 'of-the-file'), 'alice: own')
  assert.equal(await who('alice', 'another'), 'nobody')
})

test(
  'three wrong passwords close a user, however the name is written and wherever they come from',
  { skip },
  async (t) => {
    const { clock, start } = await place(t)
    const { who } = await start()
    const spellings = ['alice', 'ALICE', 'alice@corp.example', '  Alice ', 'aliCE']
    for (const [i, typed] of spellings.slice(0, 3).entries())
      assert.equal(await who(typed, `guess-${i}`, `192.0.2.${i}`), 'nobody')
    for (const [i, typed] of spellings.entries())
      assert.equal(await who(typed, 'alice-Geheim-1', `198.51.100.${i}`), 'nobody', typed)
    assert.match(await who('bob', 'bob-Geheim-1'), /^bob: /)
    clock.now += 5 * MINUTE
    assert.equal(await who('alice@corp.example', 'alice-Geheim-1'), ALICE)
    // An address that guesses at many.
    for (const user of ['one', 'two', 'three']) await who(user, 'guess', '203.0.113.1')
    assert.equal(await who('Carol', 'Carol-Geheim-1', '203.0.113.1'), 'nobody')
    assert.equal(await who('Carol', 'Carol-Geheim-1'), 'Carol: Domain Users')
  },
)

test(
  'a stale password that is sent every minute is tried less and less: the directory may lock its user',
  { skip },
  async (t) => {
    const { slapd, clock, start } = await place(t)
    const { who } = await start()
    let right = 0
    for (let minute = 0; minute < 64; minute++) {
      if ((await who('alice', 'alice-Geheim-0')) !== 'nobody') right = minute
      // As somebody who made it the right one after half an hour sees it.
      if (minute === 32)
        await slapd.change(changeOf(dnOf('alice'), 'replace', 'userPassword', 'alice-Geheim-0'))
      clock.now += MINUTE
    }
    assert.equal(right, 63)
    assert.equal(await who('alice', 'alice-Geheim-0'), ALICE)
  },
)

test(
  'who is taken out of the file of users, and never was in the directory, is signed in no more',
  {
    skip,
  },
  async (t) => {
    const slapd = await startSlapd(t)
    const observer = createTestObserver()
    const folder = await temporaryFolder(t)
    const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer })
    t.after(() => catalog.close())
    const htpasswd = join(folder, 'htpasswd')
    await writeFile(htpasswd, `carla:${await hash('carla-Geheim-1', { cost: 4 })}\n`)
    const access: AccessConfig = {
      anonymous: [],
      htpasswd,
      ldap: configOf(slapd),
      groups: new Map(),
      admins: [],
      roles: new Map(),
      bindings: [],
      issuers: [],
      oidc: [],
      gitHosts: [],
      certificates: [],
      issued: USUAL,
      workloads: [],
      remember: MINUTE,
      lockout: { secrets: 3, within: MINUTE, closed: 5 * MINUTE, addresses: true },
    }
    const closing: (() => Promise<void>)[] = []
    t.after(async () => {
      for (const close of closing) await close()
    })
    const { passwords, people } = await openAccess({
      config: { access, tokens: [] },
      certificates: new WeakMap(),
      records: catalog,
      directoryRecords: catalog,
      names: { isPrivate: () => true },
      observer,
      env: {},
      closing,
      warnings: [],
    })
    assert.equal(await passwords!.knows('carla'), true)
    assert.equal(await passwords!.knows('alice'), true)
    await writeFile(htpasswd, '# nobody\n')
    await eventuallyAsync(async () => !(await passwords!.knows('carla')))
    // Whoever else vouches for somebody of that name may go on doing so.
    assert.deepEqual(await people.find('carla'), { groups: [], claims: {} })
  },
)

test('a password that was changed, and one that is remembered', { skip }, async (t) => {
  const { slapd, clock, start } = await place(t)
  const { who } = await start()
  assert.equal(await who('alice', 'alice-Geheim-1'), ALICE)
  await slapd.change(changeOf(dnOf('alice'), 'replace', 'userPassword', 'another-Geheim'))
  assert.equal(await who('alice', 'another-Geheim'), ALICE)
  clock.now += MINUTE
  assert.equal(await who('alice', 'alice-Geheim-1'), 'nobody')
  assert.equal(await who('alice', 'another-Geheim'), ALICE)
})

test('the sync runs by itself, tells its age, and ends with the server', { skip }, async (t) => {
  const slapd = await startSlapd(t)
  const observer = createTestObserver()
  const catalog = await openSqliteCatalog(join(await temporaryFolder(t), 'catalog.db'), { observer })
  t.after(() => catalog.close())
  const config = configOf(slapd, { sync: 100, keepFor: 60_000 })
  const ldap = await openLdap({
    config,
    groups: new Map(),
    records: catalog,
    observer,
    isLocal: async () => false,
  })
  t.after(() => ldap.close())
  const count = (outcome: string) => observer.counts.get(`modstead_ldap_syncs_total ${outcome}`) ?? 0
  await ldap.passwords.signedIn('alice')
  await eventually(() => count('ok') > 2, 'it syncs')
  assert.equal(observer.gauges.get('modstead_ldap_users')!(), 1)
  assert.equal(observer.gauges.get('modstead_ldap_groups')!(), 3)
  await slapd.change(out(dnOf('alice'), 'team-a'))
  await eventuallyAsync(async () => (await ldap.people.find('alice'))!.groups.length === 0)
  await slapd.kill()
  await eventually(() => count('failed') > 0, 'a sync fails')
  await eventually(() => ldap.warnings().length === 1, 'it warns')
  assert.match(
    ldap.warnings()[0]!,
    /^users and groups were last read from the directory 127\.0\.0\.1 \d+ s ago$/,
  )
  assert.ok(observer.gauges.get('modstead_ldap_sync_age_seconds')!() > 0)
  await ldap.close()
  const failed = count('failed')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(count('failed'), failed)
  assert.ok(!JSON.stringify(observer.lines).includes('Geheim'))
})

test('what is known of users stays with the tenant, a row each, until it is forgotten', async (t) => {
  const path = join(await temporaryFolder(t), 'catalog.db')
  const observer = createTestObserver()
  const catalog = await openSqliteCatalog(path, { observer })
  const alice: KnownUser = {
    id: 'alice',
    state: 'present',
    groups: ['team-a', 'Domain Users'],
    claims: { gitlab: 'a', mail: ['x', 'y'] },
    checked: 2,
    seen: 1,
  }
  const gone: KnownUser = { ...alice, state: 'gone', groups: [], claims: {} }
  await catalog.saveDirectoryUsers('', [alice, { ...gone, id: 'bob' }], [])
  await catalog.saveDirectoryUsers('acme', [gone], [])
  assert.deepEqual(await catalog.directoryUsers('acme'), [gone])
  await catalog.saveDirectoryUsers('acme', [], ['alice', 'bob'])
  await catalog.saveDirectoryUsers('', [{ ...alice, checked: 3 }], ['bob'])
  await catalog.close()
  const again = await openSqliteCatalog(path, { observer })
  t.after(() => again.close())
  assert.deepEqual(await again.directoryUsers(''), [{ ...alice, checked: 3 }])
  assert.deepEqual(await again.directoryUsers('acme'), [])
})
