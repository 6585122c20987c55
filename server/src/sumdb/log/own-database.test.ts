import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey, parseSignerKey, parseVerifierKey } from '@modstead/gomod/note'
import { checkPath } from '@modstead/gomod/path'
import { createSumdbClient } from '@modstead/gomod/sumdb/client'
import { formatLookup, formatSumRecord, parseLookup } from '@modstead/gomod/sumdb/lookup'
import { createMemoryOps } from '@modstead/gomod/sumdb/memory-ops'
import { checkVersion } from '@modstead/gomod/version'
import { openSqliteLog } from '../../catalog/sqlite-log.ts'
import { ModsteadError } from '../../errors.ts'
import { createTestObserver } from '../../observe/test-support.ts'
import type { ChecksumDatabase, PromisedHashes } from '../../proxy/checksums.ts'
import type { Incident } from '../../proxy/catalog.ts'
import { database, makeModule, MODULE, read, scripted, setUp, VERSION } from '../../proxy/proxy.fixture.ts'
import { openHighWaterFile } from '../../store/high-water-file.ts'
import type { ServedDatabase } from '../served.ts'
import { createColdLimit } from './cold-limit.ts'
import { enterStored } from './enter-stored.ts'
import { type ChecksumLog, openChecksumLog } from './log.ts'
import { createOverlapWatch } from './overlap.ts'
import { createOwnDatabase, promisedBy } from './own-database.ts'

const { skey, vkey } = generateKey('sum.corp.example')
const { signal } = new AbortController()
const asker = { signal, client: '192.0.2.1' }

/** A mirror that has the records it is given, unproven: what proves them is tested where mirrors are. */
function mirrorOf(record: Uint8Array | undefined, asked: string[] = []): ServedDatabase {
  return {
    name: 'sum.example.com',
    own: false,
    latest: () => Promise.reject(new Error('not asked')),
    tile: () => Promise.reject(new Error('not asked')),
    async lookupResponse(module, version) {
      asked.push(`${module}@${version}`)
      if (record === undefined) throw new ModsteadError('not_found', 'the database has no such version')
      return Buffer.from(formatLookup({ id: 7, record, note: Buffer.from('a note\n\n') }))
    },
  }
}

interface Own {
  origins: ReturnType<typeof scripted>[]
  checksum?: ChecksumDatabase
  mirror?: ServedDatabase
  /** What versions of our own are looked for in. */
  publicly?: ServedDatabase
  route?: { private?: true; log?: false; modules?: string[] }
}

async function setUpOwn(t: TestContext, { origins, checksum, mirror, route, publicly }: Own) {
  let open: ChecksumLog | undefined
  const log = async () => open!
  const promised: PromisedHashes = (module, version) => promisedBy(log, () => false)(module, version)
  const room = await setUp(t, { origins, promised, ...(checksum && { checksum }), ...(route && { route }) })
  const storage = await openSqliteLog(join(room.folder, 'log.db'))
  open = await openChecksumLog({
    signers: [parseSignerKey(skey)],
    verifiers: [parseVerifierKey(vkey)],
    storage,
    mark: openHighWaterFile(join(room.folder, 'high-water')),
    log: createTestObserver().log,
  })
  t.after(() => open.close().then(() => storage.close()))
  const incidents: Incident[] = []
  const record = async (incident: Incident) => `inc-${incidents.push(incident)}`
  const own = createOwnDatabase({
    name: 'sum.corp.example',
    log,
    router: room.router,
    proxy: room.proxy,
    mirrors: new Map(mirror === undefined ? [] : [[mirror.name, mirror]]),
    record,
    lookForOverlap: createOverlapWatch({
      mirror: publicly,
      record,
      log: room.observer.log,
      shutdown: signal,
    }),
    limit: createColdLimit(),
    shutdown: signal,
  })
  const client = createSumdbClient({
    verifierKey: vkey,
    ops: createMemoryOps(async (path) => {
      const lookup = /^\/lookup\/(.*)@(.*)$/.exec(path)
      if (lookup) return own.lookupResponse(checkPath(lookup[1]!), checkVersion(MODULE, lookup[2]!), asker)
      return path === '/latest' ? own.latest(asker) : own.tile(path.slice('/tile/'.length), asker)
    }),
  })
  return { ...room, log: open, own, client, incidents }
}

describe('own checksum database', () => {
  it('a private version is built for its look-up, once however many ask, and proven', async (t) => {
    const made = await makeModule()
    const git = scripted('git', { mod: made.mod, zip: made.zip })
    const { own, client, log } = await setUpOwn(t, { origins: [git], route: { private: true } })
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => own.lookupResponse(MODULE, VERSION, asker)),
    )
    assert.deepEqual(git.asked, ['mod', 'zip'])
    assert.equal(log.head().size, 1)
    for (const answer of answers) assert.equal(parseLookup(answer).id, 0)
    const { h1, goModH1 } = await client.lookup(MODULE, VERSION, signal)
    assert.deepEqual({ h1, goModH1 }, { h1: made.h1, goModH1: made.goModH1 })
  })

  it('a private version is entered when it is stored first, without being looked up', async (t) => {
    const made = await makeModule()
    const git = scripted('git', { mod: made.mod, zip: made.zip })
    const { own, proxy, router, file, log, observer } = await setUpOwn(t, {
      origins: [git],
      route: { private: true },
    })
    const entering = enterStored({ own, router, proxy, log: observer.log })
    await read(await file('zip'))
    for (let i = 0; i < 200 && log.head().size === 0; i++) await sleep(10)
    assert.equal(log.head().size, 1)
    await entering.close(AbortSignal.timeout(1_000))
  })

  it('a public version has the record of its database, word for word, and no zip is fetched for it', async (t) => {
    const made = await makeModule()
    const origin = scripted('public', { mod: made.mod, zip: made.zip })
    const record = Buffer.concat([
      formatSumRecord(MODULE, VERSION, made.h1, made.goModH1),
      Buffer.from(`${MODULE} ${VERSION} h2:more\n`),
    ])
    const mirror = mirrorOf(record)
    const { client } = await setUpOwn(t, { origins: [origin], checksum: database(made), mirror })
    const found = await client.lookup(MODULE, VERSION, signal)
    assert.deepEqual(Buffer.from(found.record), record)
    assert.deepEqual(origin.asked, [])
  })

  it('what is stored with other hashes than the database has is an incident, and is not entered', async (t) => {
    const made = await makeModule()
    const other = await makeModule('package other\n')
    const origin = scripted('public', { mod: made.mod, zip: made.zip })
    const mirror = mirrorOf(formatSumRecord(MODULE, VERSION, other.h1, made.goModH1))
    const { own, log, incidents, file } = await setUpOwn(t, {
      origins: [origin],
      checksum: database(made),
      mirror,
    })
    await read(await file('zip'))
    await assert.rejects(own.lookupResponse(MODULE, VERSION, asker), {
      code: 'checksum_mismatch',
      incident: 'inc-1',
    })
    assert.equal(log.head().size, 0)
    assert.deepEqual(
      incidents.map(({ kind, source, expected, found }) => ({ kind, source, expected, found })),
      [{ kind: 'zip', source: 'sum.example.com', expected: made.h1, found: other.h1 }],
    )
  })

  it('what was promised holds, also when the catalog has forgotten it', async (t) => {
    const [made, other] = [await makeModule(), await makeModule('package other\n')]
    const git = scripted('git', { mod: other.mod, zip: other.zip })
    const { log, file, own } = await setUpOwn(t, { origins: [git], route: { private: true } })
    await log.append({
      module: MODULE,
      version: VERSION,
      record: formatSumRecord(MODULE, VERSION, made.h1, made.goModH1),
    })
    await assert.rejects(file('zip').then(read), {
      code: 'checksum_mismatch',
      message: new RegExp(escape(made.h1)),
    })
    const answer = parseLookup(await own.lookupResponse(MODULE, VERSION, asker))
    assert.ok(Buffer.from(answer.record).includes(made.h1))
  })

  it('absence is absence, an outage is an outage, and neither is entered', async (t) => {
    const { own, log } = await setUpOwn(t, { origins: [scripted('git', {})], route: { private: true } })
    await assert.rejects(own.lookupResponse(MODULE, VERSION, asker), { code: 'not_found' })
    const down = await setUpOwn(t, {
      origins: [scripted('git', { mod: 'upstream_unreachable', zip: 'upstream_unreachable' })],
      route: { private: true },
    })
    await assert.rejects(down.own.lookupResponse(MODULE, VERSION, asker), { code: 'upstream_unreachable' })
    assert.equal(log.head().size + down.log.head().size, 0)
  })

  it('a record that is not about the version first is not entered, and a mismatch is not looked at again and again', async (t) => {
    const [made, other] = [await makeModule(), await makeModule('package other\n')]
    const origin = scripted('public', { mod: made.mod, zip: made.zip })
    const [zip = '', mod = ''] = Buffer.from(formatSumRecord(MODULE, VERSION, made.h1, made.goModH1))
      .toString()
      .split('\n')
    const turned = await setUpOwn(t, {
      origins: [origin],
      checksum: database(made),
      mirror: mirrorOf(Buffer.from(`${mod}\n${zip}\n`)),
    })
    await assert.rejects(turned.own.lookupResponse(MODULE, VERSION, asker), { code: 'checksum_invalid' })
    assert.equal(turned.log.head().size, 0)

    const wrong = await setUpOwn(t, {
      origins: [origin],
      checksum: database(made),
      mirror: mirrorOf(formatSumRecord(MODULE, VERSION, other.h1, made.goModH1)),
    })
    await read(await wrong.file('zip'))
    for (let i = 0; i < 5; i++)
      await assert.rejects(wrong.own.lookupResponse(MODULE, VERSION, asker), { code: 'checksum_mismatch' })
    assert.equal(wrong.incidents.length, 1)
  })

  it('nothing is built for who forbids it; what is in the log is given', async (t) => {
    const made = await makeModule()
    const git = scripted('git', { mod: made.mod, zip: made.zip })
    const { own } = await setUpOwn(t, { origins: [git], route: { private: true } })
    const storedOnly = { ...asker, storedOnly: true }
    await assert.rejects(own.lookupResponse(MODULE, VERSION, storedOnly), { code: 'not_stored' })
    assert.deepEqual(git.asked, [])
    await own.lookupResponse(MODULE, VERSION, asker)
    assert.ok((await own.lookupResponse(MODULE, VERSION, storedOnly)).length > 0)
  })

  it('while the log cannot be opened, nothing is taken in that only it would prove', async () => {
    const refused = new ModsteadError('log_refused', 'its mark is gone')
    const away = async (): Promise<never> => {
      throw refused
    }
    await assert.rejects(promisedBy(away, () => false)(MODULE, VERSION), refused)
    assert.equal(await promisedBy(away, () => true)(MODULE, VERSION), undefined)
  })

  it('a route that is left out of the log names the line that keeps go from asking', async (t) => {
    const made = await makeModule()
    const { own, log } = await setUpOwn(t, {
      origins: [scripted('git', { mod: made.mod, zip: made.zip })],
      route: { private: true, log: false, modules: ['example.com'] },
    })
    await assert.rejects(own.lookupResponse(MODULE, VERSION, asker), {
      code: 'private_name',
      next: /GONOSUMDB=example.com/,
    })
    await own.enter(MODULE, VERSION)
    assert.equal(log.head().size, 0)
  })

  it('what is public with other contents under a name of ours is an incident, and ours stays', async (t) => {
    const [made, other] = [await makeModule(), await makeModule('package other\n')]
    const asked: string[] = []
    const publicly = mirrorOf(formatSumRecord(MODULE, VERSION, other.h1, made.goModH1), asked)
    const git = { ...scripted('git', { mod: made.mod, zip: made.zip }), modulesIn: async () => [MODULE] }
    const { own, incidents } = await setUpOwn(t, { origins: [git], publicly })
    for (let i = 0; i < 3; i++)
      assert.ok(
        Buffer.from(parseLookup(await own.lookupResponse(MODULE, VERSION, asker)).record).includes(made.h1),
      )
    for (let i = 0; i < 200 && incidents.length === 0; i++) await sleep(10)
    assert.deepEqual(
      incidents.map(({ kind, source, expected, found }) => ({ kind, source, expected, found })),
      [{ kind: 'zip', source: 'sum.example.com', expected: made.h1, found: other.h1 }],
    )
    assert.equal(asked.length, 1, 'it is looked for once a day')
    asked.length = 0
    for (const [origin, route] of [
      [git, { private: true }],
      [scripted('proxy', { mod: made.mod, zip: made.zip }), {}],
    ] as const) {
      const secret = await setUpOwn(t, { origins: [origin], publicly, route })
      await secret.own.lookupResponse(MODULE, VERSION, asker)
    }
    assert.deepEqual(asked, [], 'no other name is looked for')
  })

  it('tiles of every width up to the log, and no other', async (t) => {
    const { own, log } = await setUpOwn(t, { origins: [scripted('git', {})] })
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => {
        const module = `corp.example/m${n}`
        return log.append({
          module,
          version: 'v1.0.0',
          record: formatSumRecord(module, 'v1.0.0', 'h1:a=', 'h1:b='),
        })
      }),
    )
    const full = await own.tile('8/0/000', asker)
    assert.equal(full.length, 8192)
    assert.deepEqual(await own.tile('8/0/000.p/7', asker), full.subarray(0, 7 * 32))
    assert.equal((await own.tile('8/0/001.p/44', asker)).length, 44 * 32)
    assert.match(
      (await own.tile('8/data/001.p/2', asker)).toString(),
      /^corp\.example\/m\d+ v1\.0\.0 h1:a=\n/,
    )
    for (const path of [
      '8/0/001.p/45',
      '8/0/001',
      '8/1/000.p/2',
      '8/0/002.p/1',
      '8/data/001.p/45',
      '4/0/000',
    ])
      await assert.rejects(own.tile(path, asker), { code: 'not_found' }, path)
  })
})

function escape(text: string): string {
  return text.replace(/[/+]/g, '\\$&')
}
