import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hashFiles, hashGoMod } from '@modstead/gomod/dirhash'
import { checkPath } from '@modstead/gomod/path'
import { checkVersion } from '@modstead/gomod/version'
import type { ZipChecker } from '../proxy/zip-checker.ts'
import { findingOfUnreadable } from './advice.ts'
import { hashFolder } from './hash-folder.ts'
import { readCachedVersion, walkCache } from './module-cache.ts'
import { placesIn } from './places.ts'

const name = { path: checkPath('a.example/B'), version: checkVersion('a.example/B', 'v1.0.0') }
const { signal } = new AbortController()

function home(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'verify-cache-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function put(path: string, text = ''): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** Zips are none of these tests' business. */
const checker: ZipChecker = {
  check: () => Promise.reject(new Error('no zip is there')),
  inspect: () => Promise.reject(new Error('no zip is there')),
  close: async () => undefined,
}

test('what is there makes a claim, and what is not is silent', async (t) => {
  const places = placesIn(home(t), name)
  assert.match(places.zip, /cache\/download\/a\.example\/!b\/@v\/v1\.0\.0\.zip$/)
  const read = () => readCachedVersion(name, places, { checker, signal })
  assert.deepEqual(await read(), { claims: { zip: [], 'go.mod': [] }, unreadable: [], extracted: false })
  const goMod = 'module a.example/B\n'
  put(places.mod, goMod)
  put(places.ziphash, `h1:${'A'.repeat(43)}=\n`)
  put(join(places.folder, 'sub', 'x.go'), 'x')
  const { claims, unreadable, extracted } = await read()
  assert.deepEqual([unreadable, extracted], [[], true])
  assert.deepEqual(claims['go.mod'], [
    { side: 'mod', where: places.mod, hash: hashGoMod(Buffer.from(goMod)) },
  ])
  const folder = hashFiles([{ name: 'a.example/B@v1.0.0/sub/x.go', bytes: Buffer.from('x') }])
  assert.deepEqual(
    claims.zip.map(({ side, hash }) => [side, hash]),
    [
      ['ziphash', `h1:${'A'.repeat(43)}=`],
      ['folder', folder],
    ],
  )
  // An interrupted extraction is done again by `go`.
  put(places.partial)
  assert.equal((await read()).extracted, false)
})

test('what is not a plain file of its size is told, and nothing waits for it', async (t) => {
  const places = placesIn(home(t), name)
  put(places.mod)
  truncateSync(places.mod, 17 << 20)
  execFileSync('mkfifo', [places.ziphash])
  symlinkSync('/dev/zero', places.zip)
  mkdirSync(dirname(places.folder), { recursive: true })
  symlinkSync('/', places.folder)
  const { claims, unreadable } = await readCachedVersion(name, places, { checker, signal })
  assert.deepEqual(claims, { zip: [], 'go.mod': [] })
  assert.deepEqual(
    unreadable.map(({ side, problem }) => [side, problem]),
    [
      ['ziphash', 'it is not a file'],
      ['zip', 'it is a symbolic link'],
      ['folder', 'it is not a folder'],
      ['mod', 'it has 17825792 bytes, more than such a file may have'],
    ],
  )
})

test('what may not be read is not said to be wrong', async (t) => {
  const places = placesIn(home(t), name)
  put(places.zip)
  const refused = Object.assign(new Error('no'), { code: 'EACCES' })
  const closed = { ...checker, check: () => Promise.reject(refused) }
  const { unreadable } = await readCachedVersion(name, places, { checker: closed, signal })
  assert.deepEqual(unreadable, [
    { side: 'zip', where: places.zip, problem: 'it cannot be read (EACCES)', isClosed: true },
  ])
  const finding = findingOfUnreadable(unreadable[0]!, { name, places, extracted: false, platform: 'linux' })
  assert.equal(finding.kind, 'not_compared')
  assert.match(finding.message, /v1\.0\.0\.zip: it cannot be read \(EACCES\)\.$/)
})

test('a name that no disk takes is in no cache', async (t) => {
  const long = { path: checkPath(`a.example/${'x'.repeat(5000)}`), version: name.version }
  const { unreadable, claims } = await readCachedVersion(long, placesIn(home(t), long), { checker, signal })
  assert.deepEqual([unreadable, claims.zip], [[], []])
})

test('a folder with a file that no module may have, or that is being stopped', async (t) => {
  const folder = home(t)
  put(join(folder, 'a\nb'), 'x')
  await assert.rejects(hashFolder(folder, 'p', signal), { code: 'invalid_path' })
  await assert.rejects(hashFolder(folder, 'p', AbortSignal.abort(new Error('stop'))), /stop/)
})

test('in a toolchain the copies of _go.mod that go makes do not count, unless they are no copies', async (t) => {
  const folder = home(t)
  const prefix = 'golang.org/toolchain@v0.0.1-go1.22.0.linux-amd64'
  put(join(folder, 'src', '_go.mod'), 'module std\n')
  put(join(folder, 'VERSION'), 'go1.22.0')
  const asZipped = await hashFolder(folder, prefix, signal)
  put(join(folder, 'src', 'go.mod'), 'module std\n')
  assert.equal(await hashFolder(folder, prefix, signal), asZipped)
  assert.notEqual(await hashFolder(folder, 'a.example/b@v1.0.0', signal), asZipped)
  put(join(folder, 'src', 'go.mod'), 'module evil\n')
  assert.notEqual(await hashFolder(folder, prefix, signal), asZipped)
})

test('every version of the cache is found, and what is strange is told', async (t) => {
  const download = home(t)
  put(join(download, 'a.example', '!b', '@v', 'v1.0.0.zip'))
  put(join(download, 'a.example', '!b', '@v', 'v1.0.0.mod'))
  put(join(download, 'a.example', '!b', 'v2', '@v', 'v2.1.0.ziphash'))
  put(join(download, 'a.example', '!b', '@v', 'list'))
  put(join(download, 'a.example', '!b', '@v', 'main.info'))
  put(join(download, 'a.example', '!b', '@v', 'main.mod'))
  put(join(download, 'a.example', 'B', '@v', 'v1.0.0.mod'))
  put(join(download, 'sumdb', 'sum.example', '@v', 'v1.0.0.mod'))
  symlinkSync('..', join(download, 'loop.example'))
  const found: string[] = []
  for await (const entry of walkCache(download))
    found.push('path' in entry ? `${entry.path}@${entry.version}` : `${entry.where}: ${entry.problem}`)
  assert.deepEqual(found.sort(), [
    join(download, 'a.example/!b/@v/main: its name is not that of a module version'),
    join(download, 'a.example/B/@v/v1.0.0: its name is not that of a module version'),
    join(download, 'loop.example: it is a symbolic link'),
    'a.example/B/v2@v2.1.0',
    'a.example/B@v1.0.0',
  ])
  await assert.rejects(walkCache(join(download, 'none')).next(), { code: 'ENOENT' })
})
