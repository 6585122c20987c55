import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath, type ModulePath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import { createModuleZip } from '@modstead/gomod/zip/create'
import { openSqliteCatalog } from '../catalog/sqlite-catalog.ts'
import type { RouteConfig } from '../config/config.ts'
import { type ErrorCode, ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { openFileStore } from '../store/file-store.ts'
import type { Answer } from './answer.ts'
import type { ChecksumDatabase } from './checksums.ts'
import type { Origin, ZipSource } from './origin.ts'
import type { ArtifactKind, ModuleRequest, RequestContext } from './request.ts'
import { createRouter } from './route.ts'
import { createModuleProxy } from './serve.ts'
import { createZipChecker } from './zip-checker.ts'

const MODULE = checkPath('example.com/m')
const VERSION = checkVersion(MODULE, 'v1.0.0')

const TIMES = { lookAhead: true, fresh: 60_000, staleWhileRevalidate: 3_600_000, absent: 10_000 }

const observer: Observer = {
  log: { debug() {}, info() {}, warn() {}, error() {} },
  counter: () => ({ add() {} }),
  gauge() {},
  expose: () => Promise.resolve({ contentType: '', body: '' }),
}

let folder: string
let cleanup: (() => Promise<unknown>)[]

interface Made {
  info: Buffer
  mod: Buffer
  zip: Buffer
  h1: string
  goModH1: string
}

async function makeModule(extra = 'package m\n', goMod = `module ${MODULE}\n`): Promise<Made> {
  const chunks: Uint8Array[] = []
  const files = { 'go.mod': goMod, 'm.go': extra }
  const { h1 } = await createModuleZip(
    {
      path: MODULE,
      version: VERSION,
      files: Object.entries(files).map(([path, text]) => ({
        path,
        kind: 'regular' as const,
        size: Buffer.byteLength(text),
        open: () => Buffer.from(text),
      })),
    },
    (chunk) => void chunks.push(Buffer.from(chunk)),
  )
  const mod = Buffer.from(goMod)
  return {
    info: Buffer.from(JSON.stringify({ Version: VERSION, Time: '2024-01-02T03:04:05Z' })),
    mod,
    zip: Buffer.concat(chunks),
    h1,
    goModH1: hashGoMod(mod),
  }
}

type Step = Buffer | ErrorCode | (() => Promise<Buffer> | Buffer) | ZipSource | 'unchanged'

/** An origin that gives what the script says for `list`, `latest`, a query, or `info|mod|zip`, and counts. */
function scripted(
  name: string,
  script: Record<string, Step>,
): Origin & { asked: string[]; script: Record<string, Step> } {
  const asked: string[] = []
  async function give(what: string): Promise<Buffer | ZipSource | 'unchanged'> {
    asked.push(what)
    const step = script[what] ?? 'not_found'
    if (step === 'unchanged') return step
    if (typeof step === 'string') throw new ModsteadError(step, `${name}: ${step}`, { origin: name })
    return typeof step === 'function' ? step() : step
  }
  return {
    name,
    speculative: true,
    asked,
    script,
    async versions() {
      const list = await give('list')
      if (list === 'unchanged') return list
      return {
        versions: (list as Buffer)
          .toString()
          .split('\n')
          .filter(Boolean)
          .map((version) => ({ version })),
      }
    },
    async resolve(_module, query) {
      const bytes = await give(query === VERSION ? 'info' : query)
      if (bytes === 'unchanged') return bytes
      return { bytes: bytes as Buffer, version: VERSION }
    },
    goMod: async () => ({ bytes: (await give('mod')) as Buffer }),
    async zip() {
      const zip = await give('zip')
      return Buffer.isBuffer(zip) ? { size: zip.length, chunks: pieces([zip]) } : (zip as ZipSource)
    },
    close: () => Promise.resolve(),
  }
}

async function* pieces(list: (Buffer | Error | Promise<unknown>)[]): AsyncGenerator<Buffer> {
  for (const piece of list) {
    if (piece instanceof Error) throw piece
    if (Buffer.isBuffer(piece)) yield piece
    else await piece
  }
}

interface SetUp {
  origins: Origin[]
  then?: 'absent' | 'any'
  checksum?: ChecksumDatabase
  route?: Partial<RouteConfig>
  concurrency?: number
  now?: () => number
}

async function setUp({ origins, then = 'any', checksum, route, concurrency = 0, now }: SetUp) {
  const data = await openDataFolder(join(folder, 'data'), { version: '0.0.0-test' })
  const store = await openFileStore(data, { observer })
  const catalog = await openSqliteCatalog(data.catalog, { observer })
  const checker = createZipChecker({ threads: 1, log: observer.log })
  const router = createRouter(
    [
      {
        modules: ['*'],
        from: origins.map(({ name }) => ({ origin: name, then })),
        private: false,
        checksum: checksum?.name ?? 'off',
        ...TIMES,
        ...route,
      },
    ],
    new Map(origins.map((origin) => [origin.name, origin])),
    new Map(checksum === undefined ? [] : [[checksum.name, checksum]]),
  )
  const lookAhead = { concurrency, bytes: 1 << 30, depth: 8 }
  const proxy = createModuleProxy({
    router,
    store,
    catalog,
    checker,
    lookAhead,
    observer,
    ...(now && { now }),
  })
  cleanup.push(
    () => data.close(),
    () => store.close(),
    () => catalog.close(),
    () => proxy.close(AbortSignal.timeout(1_000)),
  )
  const client = {}
  const serve = (request: ModuleRequest, context: Partial<RequestContext> = {}) =>
    proxy.serve(request, { signal: new AbortController().signal, storedOnly: false, client, ...context })
  const file = (kind: ArtifactKind, context?: Partial<RequestContext>) =>
    serve({ kind, module: MODULE, version: VERSION }, context)
  return { proxy, store, catalog, checker, serve, file }
}

async function read(answer: Answer): Promise<Buffer> {
  if (answer.body.kind === 'bytes') return answer.body.bytes
  if (answer.body.kind === 'file') return answer.body.file.bytes()
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body.zip.chunks(new AbortController().signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function database(made: Made, change: Partial<{ h1: string; goModH1: string }> = {}): ChecksumDatabase {
  return {
    name: 'sum.example.com',
    lookup: () =>
      Promise.resolve({ database: 'sum.example.com', h1: made.h1, goModH1: made.goModH1, ...change }),
  }
}

async function storedFiles(): Promise<string[]> {
  const names = await readdir(join(folder, 'data', 'public'), { recursive: true }).catch(() => [])
  return names.filter((name) => /\.(info|mod|zip)$/.test(name)).sort()
}

// Hooks of the root would run for every file of a run that shares one process.
describe('the proxy room', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modstead-serve-'))
    cleanup = []
  })
  afterEach(async () => {
    for (const step of cleanup.reverse()) await step()
    await rm(folder, { recursive: true })
  })

  test('files are fetched once however many ask, stored, and given from the store when the origin is gone', async () => {
    const made = await makeModule('package m\n'.repeat(30_000))
    const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
    const { file } = await setUp({ origins: [origin], checksum: database(made) })
    for (const kind of ['info', 'mod', 'zip'] as const) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => file(kind)))
      for (const answer of answers) assert.ok((await read(answer)).equals(made[kind]))
    }
    assert.deepEqual(origin.asked, ['info', 'mod', 'zip'])
    for (const kind of ['info', 'mod', 'zip']) origin.script[kind] = 'upstream_unreachable'
    for (const kind of ['info', 'mod', 'zip'] as const) {
      assert.ok((await read(await file(kind, { storedOnly: true }))).equals(made[kind]))
      assert.ok((await read(await file(kind))).equals(made[kind]))
    }
    assert.equal(origin.asked.length, 3)
  })

  test('each file is independent: a missing zip does not hide a good .mod, a malformed .mod not the .info', async () => {
    const made = await makeModule()
    const origin = scripted('one', { info: made.info, mod: Buffer.from('module example.org/other\n') })
    const { file } = await setUp({ origins: [origin] })
    await assert.rejects(file('mod'), { code: 'upstream_invalid', message: /example\.org\/other/ })
    await assert.rejects(file('zip'), { code: 'not_found' })
    assert.deepEqual(await read(await file('info')), made.info)
    assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.info'])
  })

  test('a go.mod of another path is taken when the checksum database proves it: forks used with replace', async () => {
    const made = await makeModule('package m\n', 'module example.org/original\n')
    const origin = scripted('one', { mod: made.mod })
    const { file } = await setUp({ origins: [origin], checksum: database(made) })
    assert.deepEqual(await read(await file('mod')), made.mod)
  })

  test('a tampered zip is never given whole, is recorded, and the next good origin is used', async () => {
    const good = await makeModule()
    const bad = await makeModule('package evil\n')
    const first = scripted('first', { zip: bad.zip })
    const second = scripted('second', { zip: good.zip })
    const { file, catalog } = await setUp({
      origins: [first, second],
      then: 'absent',
      checksum: database(good),
    })
    const answer = await file('zip')
    assert.ok((await read(answer)).equals(good.zip))
    const [incident] = await catalog.incidents({ limit: 10 })
    assert.deepEqual(
      { ...incident, id: undefined, at: undefined },
      {
        id: undefined,
        at: undefined,
        kind: 'zip',
        realm: 'public',
        module: MODULE,
        version: VERSION,
        source: 'first',
        expected: good.h1,
        found: bad.h1,
        outcome: 'refused; nothing was stored',
      },
    )
  })

  test('a tampered zip that clients have begun to read is cut short; the next request starts elsewhere', async () => {
    const good = await makeModule()
    const gate = Promise.withResolvers<void>()
    const bad = await makeModule(`package m // ${randomBytes(3000).toString('hex')}\n`)
    const begun = {
      size: bad.zip.length,
      chunks: pieces([bad.zip.subarray(0, 2000), gate.promise, bad.zip.subarray(2000)]),
    }
    const first = scripted('first', { zip: begun })
    const second = scripted('second', { zip: good.zip })
    const { file } = await setUp({ origins: [first, second], then: 'absent', checksum: database(good) })
    const answer = await file('zip')
    assert.equal(answer.body.kind, 'live')
    const got: Uint8Array[] = []
    const reading = (async () => {
      assert.ok(answer.body.kind === 'live')
      for await (const chunk of answer.body.zip.chunks(new AbortController().signal)) got.push(chunk)
    })()
    gate.resolve()
    await assert.rejects(reading, { code: 'checksum_mismatch', incident: /./ })
    assert.ok(Buffer.concat(got).length < bad.zip.length)
    assert.deepEqual(await storedFiles(), [])
    assert.ok((await read(await file('zip'))).equals(good.zip))
    assert.deepEqual(first.asked, ['zip'], 'the origin that was wrong is not asked again for this zip')
  })

  test('with one origin, the next request names the incident without asking again', async () => {
    const good = await makeModule()
    const bad = await makeModule('package evil\n')
    const origin = scripted('one', { zip: bad.zip })
    const { file, catalog } = await setUp({ origins: [origin], checksum: database(good) })
    const failure = await file('zip')
      .then(read)
      .catch((error: unknown) => error)
    assert.ok(failure instanceof ModsteadError && failure.code === 'checksum_mismatch')
    const [incident] = await catalog.incidents({ limit: 1 })
    await assert.rejects(file('zip'), { code: 'checksum_mismatch', incident: incident!.id })
    assert.deepEqual(origin.asked, ['zip'])
  })

  test('a zip that breaks off or breaks a rule leaves nothing, and is retried at another origin unseen', async () => {
    const made = await makeModule()
    const cut = {
      size: made.zip.length,
      chunks: pieces([made.zip.subarray(0, 100), new ModsteadError('upstream_failed', 'cut')]),
    }
    const html = Buffer.from('<html>no zip</html>'.repeat(50))
    const origins = [
      scripted('cut', { zip: cut }),
      scripted('html', { zip: html }),
      scripted('good', { zip: made.zip }),
    ]
    const { file } = await setUp({ origins })
    assert.ok((await read(await file('zip'))).equals(made.zip))
    assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.zip'])
    assert.deepEqual(await readdir(join(folder, 'data', 'tmp')), [])
  })

  test('what contradicts a hash that is known already is an incident, checksum database or not', async () => {
    const made = await makeModule()
    const bad = await makeModule('package evil\n')
    const origin = scripted('one', { zip: bad.zip, mod: Buffer.from(`module ${MODULE}\n\ngo 1.20\n`) })
    const { file, catalog } = await setUp({ origins: [origin] })
    await catalog.learn('public', MODULE, VERSION, { h1: made.h1, goModH1: made.goModH1 })
    await assert.rejects(file('zip').then(read), { code: 'checksum_mismatch' })
    await assert.rejects(file('mod'), { code: 'checksum_mismatch' })
    assert.equal((await catalog.incidents({ limit: 10 })).length, 2)
    assert.deepEqual(await storedFiles(), [])
  })

  test('when the checksum database cannot be reached nothing unproven is given or kept, and that is no absence', async () => {
    const made = await makeModule()
    const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
    const down: ChecksumDatabase = {
      name: 'sum.example.com',
      lookup: () => Promise.reject(new ModsteadError('checksum_unavailable', 'down')),
    }
    const { file } = await setUp({ origins: [origin], checksum: down })
    await assert.rejects(file('mod'), { code: 'checksum_unavailable' })
    await assert.rejects(file('zip').then(read), { code: 'checksum_unavailable' })
    assert.deepEqual(await read(await file('info')), made.info)
    assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.info'])
  })

  test('a client that leaves does not stop the others, nor the fetch', async () => {
    const made = await makeModule()
    const gate = Promise.withResolvers<Buffer>()
    const origin = scripted('one', { mod: () => gate.promise })
    const { file } = await setUp({ origins: [origin] })
    const leaving = new AbortController()
    const left = assert.rejects(file('mod', { signal: leaving.signal }), { code: 'aborted' })
    const stays = file('mod')
    leaving.abort()
    await left
    gate.resolve(made.mod)
    assert.deepEqual(await read(await stays), made.mod)
    assert.deepEqual(origin.asked, ['mod'])
  })

  test('absence is remembered briefly, and never because of Disable-Module-Fetch', async () => {
    const made = await makeModule()
    const origin = scripted('one', {})
    const { file, serve } = await setUp({ origins: [origin] })
    await assert.rejects(file('mod', { storedOnly: true }), { code: 'not_stored' })
    await assert.rejects(serve({ kind: 'list', module: MODULE }, { storedOnly: true }), {
      code: 'not_stored',
    })
    assert.deepEqual(origin.asked, [])
    for (let i = 0; i < 3; i++) await assert.rejects(file('mod'), { code: 'not_found' })
    assert.deepEqual(origin.asked, ['mod'])
    origin.script.info = made.info
    assert.deepEqual(await read(await file('info')), made.info)
  })

  test('lists are fresh for a minute, then given stale while one request renews them, and while origins fail', async () => {
    let time = Date.now()
    const origin = scripted('one', { list: Buffer.from('v1.0.0\n') })
    const { serve, proxy } = await setUp({ origins: [origin], now: () => time })
    const list = async () => (await read(await serve({ kind: 'list', module: MODULE }))).toString()
    const changes: string[] = []
    proxy.onChange(({ module }) => changes.push(module))
    assert.equal(await list(), 'v1.0.0\n')
    origin.script.list = Buffer.from('v1.0.0\nv1.1.0\n')
    time += 59_000
    assert.equal(await list(), 'v1.0.0\n')
    assert.equal(origin.asked.length, 1)
    time += 2_000
    assert.deepEqual(await Promise.all([list(), list(), list()]), ['v1.0.0\n', 'v1.0.0\n', 'v1.0.0\n'])
    for (let i = 0; i < 100 && changes.length === 0; i++) await sleep(10)
    assert.deepEqual(changes, [MODULE])
    assert.equal(await list(), 'v1.0.0\nv1.1.0\n')
    assert.equal(origin.asked.length, 2)

    origin.script.list = 'upstream_timeout'
    time += 24 * 3_600_000
    assert.equal(await list(), 'v1.0.0\nv1.1.0\n')
    origin.script.list = 'not_found'
    time += 24 * 3_600_000
    assert.equal(await list(), 'v1.0.0\nv1.1.0\n', 'a list that vanished upstream is still given')
  })

  test('a list that is too old waits for news, and is given all the same when they are late', async () => {
    let time = Date.now()
    const origin = scripted('one', { list: Buffer.from('v1.0.0\n') })
    const { serve } = await setUp({ origins: [origin], now: () => time })
    const list = async () => (await read(await serve({ kind: 'list', module: MODULE }))).toString()
    await list()
    time += 24 * 3_600_000
    origin.script.list = Buffer.from('v2.0.0+incompatible\n')
    assert.equal(await list(), 'v2.0.0+incompatible\n')
  })

  test('a query that no origin knows any more is absent from then on; one whose origin fails keeps its answer', async () => {
    let time = Date.now()
    const made = await makeModule()
    const origin = scripted('one', { master: made.info })
    const { serve } = await setUp({ origins: [origin], now: () => time })
    const query = () => serve({ kind: 'query', module: MODULE, query: 'master' }).then(read)
    const later = async (ms: number) => {
      time += ms
      await sleep(5) // the clock of the caches is read once a millisecond
    }
    assert.deepEqual(await query(), made.info)
    origin.script.master = 'upstream_failed'
    await later(24 * 3_600_000)
    assert.deepEqual(await query(), made.info)
    origin.script.master = 'not_found'
    await later(24 * 3_600_000)
    for (let i = 0; i < 5; i++) {
      await assert.rejects(query(), { code: 'not_found' })
      await later(7_000)
    }
    origin.script.master = made.info
    await later(11_000)
    assert.deepEqual(await query(), made.info, 'and it may come back')
  })

  test('where nobody may be asked, what is stored is given however old, and what is not is refused, not absent', async () => {
    let time = Date.now()
    const made = await makeModule()
    const origin = scripted('one', { latest: made.info })
    const { serve, store, catalog, checker } = await setUp({ origins: [origin], now: () => time })
    const latest: ModuleRequest = { kind: 'latest', module: MODULE }
    await serve(latest)
    const router = createRouter(
      [
        {
          modules: ['*'],
          from: [{ origin: 'off', then: 'absent' }],
          private: false,
          checksum: 'off',
          ...TIMES,
        },
      ],
      new Map(),
      new Map(),
    )
    const lookAhead = { concurrency: 0, bytes: 0, depth: 0 }
    const off = createModuleProxy({ router, store, catalog, checker, lookAhead, observer, now: () => time })
    const context = { signal: new AbortController().signal, storedOnly: false, client: {} }
    time += 30 * 24 * 3_600_000
    assert.deepEqual(await read(await off.serve(latest, context)), made.info)
    const mod: ModuleRequest = { kind: 'mod', module: MODULE, version: VERSION }
    await assert.rejects(off.serve(mod, context), { code: 'fetch_disabled' })
  })

  test('a list made of stored versions stays while the origin says that the module is absent', async () => {
    const made = await makeModule()
    const { serve, store } = await setUp({ origins: [scripted('one', {})] })
    await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, made.zip, made.h1)
    for (let i = 0; i < 3; i++) {
      const list = await serve({ kind: 'list', module: MODULE })
      assert.equal((await read(list)).toString(), 'v1.0.0\n')
    }
  })

  test('a stored zip that rotted is found at its first use, recorded and fetched again', async () => {
    const made = await makeModule()
    const origin = scripted('one', { zip: made.zip })
    const { file, store, catalog } = await setUp({ origins: [origin] })
    const facts = { h1: made.h1, zipSize: made.zip.length, zipSha256: 'a'.repeat(64) }
    await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, made.zip, made.h1)
    await catalog.learn('public', MODULE, VERSION, facts)
    assert.ok((await read(await file('zip'))).equals(made.zip))
    assert.deepEqual(origin.asked, ['zip'])
    assert.equal((await catalog.incidents({ limit: 1 }))[0]?.kind, 'store')
    await read(await file('zip'))
    assert.deepEqual(origin.asked, ['zip'])
  })

  test('a checksum database that gives nonsense refutes nothing: stored files stay, and no origin is blamed', async () => {
    const made = await makeModule()
    const origin = scripted('one', { mod: made.mod, zip: made.zip })
    const nonsense: ChecksumDatabase = {
      name: 'sum.example.com',
      lookup: () => Promise.reject(new ModsteadError('checksum_invalid', 'a captive portal')),
    }
    const { file, store } = await setUp({ origins: [origin], checksum: nonsense })
    const key = { realm: 'public', module: MODULE, version: VERSION }
    await store.commit({ ...key, kind: 'mod' }, made.mod, made.goModH1)
    await store.commit({ ...key, kind: 'zip' }, made.zip, made.h1)
    await assert.rejects(file('mod'), { code: 'checksum_invalid' })
    await assert.rejects(file('zip'), { code: 'checksum_invalid' })
    assert.deepEqual(await storedFiles(), ['example.com/m/@v/v1.0.0.mod', 'example.com/m/@v/v1.0.0.zip'])
    assert.deepEqual(origin.asked, [])
  })

  test('a download that can never be proven ends when the database says so, with its reason', async () => {
    const made = await makeModule()
    const origin = scripted('one', {})
    const verdict = Promise.withResolvers<never>()
    const unproven: ChecksumDatabase = { name: 'sum.example.com', lookup: () => verdict.promise }
    const { file } = await setUp({ origins: [origin], checksum: unproven })
    origin.zip = (_module, _version, { signal }) => {
      const rest = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      )
      rest.catch(() => undefined)
      return Promise.resolve({ size: made.zip.length, chunks: pieces([made.zip.subarray(0, 100), rest]) })
    }
    const answer = file('zip')
    await sleep(20)
    verdict.reject(new ModsteadError('checksum_missing', 'no such record'))
    await assert.rejects(answer.then(read), { code: 'checksum_missing' })
  })

  test('an incident that the catalog cannot record is refused and logged all the same', async () => {
    const good = await makeModule()
    const bad = await makeModule('package evil\n')
    const { file, catalog } = await setUp({
      origins: [scripted('one', { zip: bad.zip })],
      checksum: database(good),
    })
    catalog.report = () => Promise.reject(new ModsteadError('store_unavailable', 'disk full'))
    const logged: string[] = []
    const { error } = observer.log
    observer.log.error = (_fields, message) => void logged.push(message)
    try {
      await assert.rejects(file('zip').then(read), { code: 'checksum_mismatch' })
    } finally {
      observer.log.error = error
    }
    assert.ok(logged.some((message) => message.startsWith('incident')))
  })

  test('an origin may be called store', async () => {
    const made = await makeModule()
    const origin = scripted('store', { mod: made.mod })
    const { file } = await setUp({ origins: [origin] })
    await file('mod')
    await file('mod')
    assert.deepEqual(origin.asked, ['mod'])
  })

  test('closing ends what runs when its time is over, even when it was over before', async () => {
    const origin = scripted('one', {})
    const { proxy, file } = await setUp({ origins: [origin] })
    const asked = Promise.withResolvers<void>()
    origin.goMod = (_module, _version, { signal }) => {
      asked.resolve()
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new ModsteadError('aborted', 'closing'))),
      )
    }
    const waiting = assert.rejects(file('mod'), { code: 'aborted' })
    await asked.promise
    await proxy.close(AbortSignal.abort())
    await waiting
  })

  test('Disable-Module-Fetch fetches nothing ahead either', async () => {
    const made = await makeModule()
    const origin = scripted('one', { info: made.info, mod: made.mod, zip: made.zip })
    const { file } = await setUp({ origins: [origin], concurrency: 4 })
    for (const kind of ['info', 'mod', 'zip'] as const) {
      await assert.rejects(file(kind, { storedOnly: true }), { code: 'not_stored' })
    }
    await sleep(50)
    assert.deepEqual(origin.asked, [])
  })

  test('files that someone else put into the store are proven on first use, and dropped when they are refuted', async () => {
    const made = await makeModule()
    const bad = await makeModule('package evil\n')
    const origin = scripted('one', { zip: made.zip })
    const { file, store, catalog } = await setUp({ origins: [origin], checksum: database(made) })
    await store.commit(
      { realm: 'public', module: MODULE, version: VERSION, kind: 'mod' },
      made.mod,
      made.goModH1,
    )
    await store.commit({ realm: 'public', module: MODULE, version: VERSION, kind: 'zip' }, bad.zip, bad.h1)
    assert.deepEqual(await read(await file('mod')), made.mod)
    assert.equal((await catalog.version('public', MODULE, VERSION))?.provenBy, 'sum.example.com')
    assert.ok((await read(await file('zip'))).equals(made.zip), 'the bad one was replaced by the origin’s')
    assert.deepEqual(origin.asked, ['zip'])
    assert.equal((await catalog.incidents({ limit: 10 }))[0]?.kind, 'store')
  })

  test('look-ahead: no zip without a zip request, and then those of the build list', async () => {
    const modules = ['a.com/a', 'b.com/b', 'c.com/c'].map((path) => checkPath(path))
    const asked: string[] = []
    const zips = new Map<string, Buffer>()
    for (const module of modules) {
      const chunks: Uint8Array[] = []
      const goMod = `module ${module}\n`
      const entry = {
        path: 'go.mod',
        kind: 'regular' as const,
        size: goMod.length,
        open: () => Buffer.from(goMod),
      }
      await createModuleZip(
        { path: module, version: VERSION, files: [entry] },
        (chunk) => void chunks.push(Buffer.from(chunk)),
      )
      zips.set(module, Buffer.concat(chunks))
    }
    const give = <T>(kind: string, module: ModulePath, value: T): Promise<T> => {
      asked.push(`${kind} ${module}`)
      return Promise.resolve(value)
    }
    const origin: Origin = {
      name: 'one',
      speculative: true,
      versions: (module) => give('list', module, { versions: [] }),
      resolve: (module) =>
        give('info', module, { bytes: Buffer.from(`{"Version":"${VERSION}"}`), version: VERSION }),
      goMod: (module) =>
        give('mod', module, {
          bytes: Buffer.from(`module ${module}\n${module === 'a.com/a' ? 'require b.com/b v1.0.0\n' : ''}`),
        }),
      zip: (module) => give('zip', module, { chunks: pieces([zips.get(module)!]) }),
      close: () => Promise.resolve(),
    }
    const { serve } = await setUp({ origins: [origin], concurrency: 4 })
    const get = (kind: ArtifactKind, module: ModulePath) =>
      serve({ kind, module, version: VERSION }).then(read)
    await get('mod', modules[0]!)
    await sleep(100)
    assert.deepEqual(
      asked,
      ['mod a.com/a', 'mod b.com/b'],
      'a go.mod without a go line brings those it requires',
    )
    await get('info', modules[2]!)
    await get('mod', modules[1]!)
    await get('mod', modules[2]!)
    await sleep(100)
    assert.ok(!asked.some((entry) => entry.startsWith('zip')), 'no zip so far')
    await get('zip', modules[0]!)
    await sleep(200)
    assert.deepEqual(asked.filter((entry) => entry.startsWith('zip')).sort(), [
      'zip a.com/a',
      'zip b.com/b',
      'zip c.com/c',
    ])
    assert.equal(new Set(asked).size, asked.length, 'nothing was asked for twice')
  })
})
