import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { FileTree } from './file-tree.ts'
import { createSumdbRemote, type OpenSumdbRemote } from './sumdb-remote.ts'
import { asked, failsWith, testConfig, testOrigin, testOutside } from './test-origin.ts'
import { respond, startTestUpstream, type TestUpstream } from './test-upstream.ts'

const NAME = 'sum.example.com/db'

/** An upstream that answers by path; other paths are 404, and a number is a status. */
async function startFiles(t: TestContext, files: Record<string, string | number>): Promise<TestUpstream> {
  const upstream = await startTestUpstream(({ path }, socket) => {
    const found = files[decodeURIComponent(path)] ?? 404
    if (typeof found === 'number') respond(socket, found)
    else respond(socket, 200, found)
  })
  t.after(() => upstream.close())
  return upstream
}

function entry(t: TestContext, url: string): FileTree {
  const origin = testOrigin(url, { tries: 1 })
  t.after(() => origin.close())
  return origin.tree
}

function remote(
  t: TestContext,
  options: { url?: string; through?: FileTree[]; total?: number },
): OpenSumdbRemote {
  const { url, through = [], total } = options
  const { timeouts } = testConfig('')
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }]
  const made = createSumdbRemote({
    config: { name: NAME, ...(url !== undefined && { url }) },
    through,
    timeouts: { ...timeouts, connect: 500, ...(total !== undefined && { total }) },
    connections: 4,
    tries: 1,
    outside: testOutside({ lookup }),
  })
  t.after(() => made.close())
  return made
}

const text = async (read: Promise<Buffer>): Promise<string> => (await read).toString()

test('the first origin that supports the database is used, and asked only once', async (t) => {
  const first = await startFiles(t, {})
  const second = await startFiles(t, {
    [`/p/sumdb/${NAME}/supported`]: '',
    [`/p/sumdb/${NAME}/latest`]: 'head',
    [`/p/sumdb/${NAME}/lookup/example.com/!mod@v1.0.0`]: 'record',
    [`/p/sumdb/${NAME}/tile/8/0/x001/234.p/17`]: 'tile',
  })
  const database = await startFiles(t, { '/latest': 'wrong' })
  const third = await startFiles(t, { [`/sumdb/${NAME}/supported`]: '' })
  const through = [entry(t, first.url), entry(t, `${second.url}/p`), entry(t, third.url)]
  const sumdb = remote(t, { through })
  const [head, record, tile] = await Promise.all([
    text(sumdb.read('/latest', asked())),
    text(sumdb.read('/lookup/example.com/!mod@v1.0.0', asked())),
    text(sumdb.read('/tile/8/0/x001/234.p/17', asked())),
  ])
  assert.deepEqual([head, record, tile], ['head', 'record', 'tile'])
  await failsWith(sumdb.read('/lookup/example.com/other@v1.0.0', asked()), 'not_found', /does not have it/)
  const supported = ({ path }: { path: string }): boolean => path.endsWith('/supported')
  assert.equal(first.seen.filter(supported).length, 1)
  assert.equal(second.seen.filter(supported).length, 1)
  assert.equal(third.seen.length + database.seen.length, 0)
})

test('directly, where no origin supports it', async (t) => {
  const first = await startFiles(t, { [`/sumdb/${NAME}/supported`]: 410 })
  const database = await startFiles(t, { '/base/latest': 'head' })
  const sumdb = remote(t, { through: [entry(t, first.url)] })
  const refused = await failsWith(
    sumdb.read('/latest', asked()),
    'checksum_unavailable',
    /^checksum database sum\.example\.com\/db cannot be asked: sum\.example\.com \(checksum database sum\.example\.com\/db\) /,
  )
  assert.equal(refused.origin, undefined)
  const configured = remote(t, { url: `${database.url}/base/` })
  assert.equal(await text(configured.read('/latest', asked())), 'head')
})

test('a configured URL is asked whatever the origins support', async (t) => {
  const origin = await startFiles(t, {
    [`/sumdb/${NAME}/supported`]: '',
    [`/sumdb/${NAME}/latest`]: 'theirs',
  })
  const database = await startFiles(t, { '/latest': 'ours' })
  const sumdb = remote(t, { url: database.url, through: [entry(t, origin.url)] })
  assert.equal(await text(sumdb.read('/latest', asked())), 'ours')
  assert.equal(origin.seen.length, 0)
})

test('an origin that fails makes the database unavailable, until it answers', async (t) => {
  const files: Record<string, string | number> = { [`/sumdb/${NAME}/supported`]: 500 }
  const origin = await startFiles(t, files)
  const sumdb = remote(t, { through: [entry(t, origin.url)] })
  const error = await failsWith(
    sumdb.read('/latest', asked()),
    'checksum_unavailable',
    /^checksum database sum\.example\.com\/db cannot be asked: 127\.0\.0\.1:\d+ \(origin public\) answered 500$/,
  )
  assert.equal(error.origin, 'public')
  files[`/sumdb/${NAME}/supported`] = ''
  files[`/sumdb/${NAME}/latest`] = 'head'
  assert.equal(await text(sumdb.read('/latest', asked())), 'head')
})

test('an origin that fails is passed over, whatever it said it supports', async (t) => {
  const page = '<html>Sign in</html>'
  const ill: Record<string, string | number>[] = [
    { [`/sumdb/${NAME}/supported`]: 500 },
    { [`/sumdb/${NAME}/supported`]: 403 },
    { [`/sumdb/${NAME}/supported`]: page },
    { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: 503 },
    { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: 429 },
    { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: page },
  ]
  for (const files of ill) {
    const failing = await startFiles(t, files)
    const silent = await startFiles(t, {})
    const good = await startFiles(t, { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: 'head' })
    const through = [failing, silent, good].map(({ url }) => entry(t, url))
    const sumdb = remote(t, { through })
    assert.equal(await text(sumdb.read('/latest', asked())), 'head')
    assert.ok(failing.seen.length > 0)
    // What another says is absent may be so, but the first was not heard; and the database itself is not there.
    await failsWith(
      sumdb.read('/tile/8/0/000', asked()),
      files[`/sumdb/${NAME}/supported`] === '' ? 'not_found' : 'checksum_unavailable',
      /./,
    )
  }
})

test('an origin that hangs leaves time for the next, and after some failures nobody waits for it', async (t) => {
  const hanging = await startTestUpstream(({ path }, socket) => {
    if (path.endsWith('/supported')) respond(socket, 200)
  })
  t.after(() => hanging.close())
  const good = await startFiles(t, { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: 'head' })
  const sumdb = remote(t, { through: [entry(t, hanging.url), entry(t, good.url)], total: 1200 })
  for (let i = 0; i < 8; i++) assert.equal(await text(sumdb.read('/latest', asked())), 'head')
  const waited = hanging.seen.filter(({ path }) => path.endsWith('/latest')).length
  assert.ok(waited >= 5 && waited < 8, `${waited} reads waited for it`)
})

test('an invalid answer ends the search: it is no outage', async (t) => {
  const invalid = await startTestUpstream((_, socket) => socket.end('no HTTP\r\n\r\n'))
  t.after(() => invalid.close())
  const good = await startFiles(t, { [`/sumdb/${NAME}/supported`]: '', [`/sumdb/${NAME}/latest`]: 'head' })
  const sumdb = remote(t, { through: [entry(t, invalid.url), entry(t, good.url)] })
  await failsWith(sumdb.read('/latest', asked()), 'checksum_unavailable', /not valid HTTP/)
  assert.equal(good.seen.length, 0)
})

test('failures of the database are unavailability, its 404 is absence', async (t) => {
  const database = await startFiles(t, {
    '/tile/8/0/000': 503,
    '/latest': 400,
    '/tile/8/0/001': 404,
    '/tile/8/0/002': 410,
  })
  const sumdb = remote(t, { url: database.url })
  await failsWith(sumdb.read('/tile/8/0/000', asked()), 'checksum_unavailable', /is out of order \(503\)$/)
  await failsWith(sumdb.read('/latest', asked()), 'checksum_unavailable', /answered 400$/)
  await failsWith(sumdb.read('/tile/8/0/001', asked()), 'not_found', /./)
  await failsWith(sumdb.read('/tile/8/0/002', asked()), 'not_found', /./)
})

test('a folder has the files it has, with or without the word that it supports the database', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'modstead-sumdb-'))
  t.after(() => rmSync(root, { recursive: true }))
  const put = (path: string, contents: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), contents)
  }
  put('sumdb/sum.test/tile/8/0/000', 'from the folder')
  const database = await startFiles(t, { '/latest': 'from the database' })
  const { timeouts } = testConfig('')
  const folder = entry(t, pathToFileURL(root).href)
  const make = (): OpenSumdbRemote =>
    createSumdbRemote({
      config: { name: 'sum.test' },
      through: [folder],
      timeouts,
      connections: 1,
      tries: 1,
      outside: testOutside({
        lookup: async () => [{ address: '127.0.0.1', family: 4 }],
      }),
    })
  const silent = make()
  assert.equal(await text(silent.read('/tile/8/0/000', asked())), 'from the folder')
  await failsWith(
    silent.read('/tile/8/0/001', asked()),
    'checksum_unavailable',
    /^checksum database sum\.test cannot be asked: sum\.test refuses connections$/,
  )
  await silent.close()
  put('sumdb/sum.test/supported', '')
  const outspoken = make()
  assert.equal(await text(outspoken.read('/tile/8/0/000', asked())), 'from the folder')
  await failsWith(outspoken.read('/tile/8/0/001', asked()), 'not_found', /./)
  await outspoken.close()
  assert.equal(database.seen.length, 0)
})

test('paths that lead elsewhere are not asked', async (t) => {
  const database = await startFiles(t, {})
  const sumdb = remote(t, { url: database.url })
  for (const path of [
    '',
    'latest',
    '/',
    '//latest',
    '/../latest',
    '/tile/../x',
    '/tile/.',
    '/a b',
    '/a?b',
    '/a%2e',
    '/a\\b',
  ]) {
    await failsWith(sumdb.read(path, asked()), 'bad_path', /./)
  }
  assert.equal(database.seen.length, 0)
})

test('one who leaves while the way is found does not stop the others', async (t) => {
  const release = Promise.withResolvers<void>()
  const upstream = await startTestUpstream(({ path }, socket) => {
    if (path.endsWith('/supported')) void release.promise.then(() => respond(socket, 200))
    else respond(socket, 200, 'head')
  })
  t.after(() => upstream.close())
  const sumdb = remote(t, { through: [entry(t, upstream.url)] })
  const leaving = new AbortController()
  const first = sumdb.read('/latest', asked({ signal: leaving.signal }))
  const second = sumdb.read('/latest', asked())
  leaving.abort()
  await failsWith(first, 'aborted', /given up/)
  release.resolve()
  assert.equal(await text(second), 'head')
  assert.equal(upstream.seen.filter(({ path }) => path.endsWith('/supported')).length, 1)
})
