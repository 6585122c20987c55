import assert from 'node:assert/strict'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createMemoryDatabase, type MemoryDatabase } from '@modstead/gomod/sumdb/memory-database'
import { answerSumdb } from '@modstead/gomod/sumdb/server'
import { edgeTiles, tilePath, widestTile } from '@modstead/gomod/tlog/tile'
import { temporaryFolder } from '../../observe/test-support.ts'
import { LOG_KEY, logEntry } from '../../sumdb/log/stored-log.fixture.ts'
import { runHere } from '../run.fixture.ts'
import { createDataFolderWithLog } from './sumdb.fixture.ts'

const NAME = 'sum.corp.example'
const { signal } = new AbortController()

function databaseOf(size: number): MemoryDatabase {
  const database = createMemoryDatabase({ skey: LOG_KEY.skey })
  for (let n = 0; n < size; n++) {
    const { module, version, record } = logEntry(n)
    database.add(module, version, Buffer.from(record).toString())
  }
  return database
}

/** The files that somebody keeps who copies what a database publishes. */
async function saved(t: TestContext, database: MemoryDatabase): Promise<string> {
  const folder = await temporaryFolder(t)
  const full = Array.from({ length: 9 }, (_, index) => [
    widestTile(8, 0, index, database.size),
    widestTile(8, -1, index, database.size),
  ])
  const tiles = [...edgeTiles(8, database.size), ...full.flat()].flatMap((tile) => tile ?? [])
  for (const path of ['/latest', ...tiles.map((tile) => `/${tilePath(tile)}`)]) {
    await mkdir(dirname(folder + path), { recursive: true })
    await writeFile(folder + path, (await answerSumdb(database, path, signal))!.body)
  }
  return folder
}

/** A server of the database, at the root or as a proxy has it, that wants a token for records. */
async function serve(t: TestContext, database: MemoryDatabase, prefix: string) {
  const shown: string[] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const { authorization } = request.headers
    if (authorization !== undefined) shown.push(path)
    const end = (status: number, body: Uint8Array | string = ''): void => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
    }
    if (path === `${prefix}/supported` && prefix !== '') end(200)
    else if (!path.startsWith(prefix)) end(404)
    else if (path.includes('/data/') && authorization !== 'Bearer right')
      end(403, 'not yours\nSend another token.\n')
    else
      answerSumdb(database, path.slice(prefix.length), signal).then(
        (answer) => end(answer === undefined ? 404 : 200, answer?.body),
        () => end(400),
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, shown }
}

const audit = (address: string, args: string[] = [], env: Record<string, string> = {}) =>
  runHere({ args: ['sumdb', 'audit', address, '--key', LOG_KEY.vkey, '--verbose', ...args], env })

describe('what a checksum database publishes', () => {
  it('is found at its root, as a proxy has it, and in a folder', async (t) => {
    const database = databaseOf(700)
    const root = await serve(t, database, '')
    const proxy = await serve(t, database, `/sumdb/${NAME}`)
    const folder = pathToFileURL(await saved(t, database)).href
    for (const address of [root.url, `${root.url}/`, proxy.url, `${proxy.url}/sumdb/${NAME}`, folder]) {
      const { code, stdout, stderr } = await audit(address)
      assert.equal(code, 0, `${address}: ${stderr}`)
      assert.match(stdout, /^sum\.corp\.example: 700 records \(seen for the first time\)\.\n$/)
    }
    assert.equal((await audit(folder, ['--records'])).code, 0)
  })

  it('is shown a token only for records in bulk, and says who needs one', async (t) => {
    const { url, shown } = await serve(t, databaseOf(300), '')
    assert.match((await audit(url, ['--records'])).stderr, /403.*not yours\.\n.*set MODSTEAD_TOKEN/)
    const wrong = await audit(url, ['--records'], { MODSTEAD_TOKEN: 'wrong' })
    assert.match(wrong.stderr, /the token needs "audit" among what it may do/)
    assert.ok(!wrong.stderr.includes('wrong\n'), wrong.stderr)
    const { code, stdout } = await audit(url, ['--records'], { MODSTEAD_TOKEN: 'right' })
    assert.equal(code, 0)
    assert.match(stdout, /; 300 records read\.\n$/)
    assert.deepEqual(
      shown.filter((path) => !path.includes('/data/')),
      [],
    )
  })

  it('tells the cause and the next step of a server apart, and all of both', async (t) => {
    const cause = `the log signs nothing: ${'it has 3 records, but a head over 5 was signed before, '.repeat(3)}says its high-water mark`
    const next =
      'restore the missing records (modstead sumdb import), or begin a new log under a new name: docs/checksum-database.md'
    const server = createServer((_, response) => {
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${cause}\n${next}\n`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => new Promise((resolve) => server.close(resolve)))
    const { code, stderr } = await audit(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    assert.equal(code, 1)
    const [, first, second] = stderr.split('\n')
    assert.ok(first!.endsWith(` answered 500: ${cause}.`), first)
    assert.equal(second, `R${next.slice(1)}.`)
  })

  it('gives a log back what it lost, also from files that somebody kept', async (t) => {
    const { log, run } = await createDataFolderWithLog(t, { size: 300 })
    const folder = await saved(t, databaseOf(700))
    assert.match((await run(['import', pathToFileURL(folder).href])).stdout, /^400 records were added/)
    assert.match((await run(['verify'])).stdout, /^The log is whole: 700 records/)
    // Another byte in one of the files, and nothing is taken.
    const more = await saved(t, databaseOf(900))
    const tile = join(more, 'tile/8/data/003.p/132')
    await cp(tile, `${tile}.good`)
    await writeFile(tile, (await readFile(tile, 'utf8')).replace('m800 v1.0.0 h1:', 'm800 v1.0.0 h1:A'))
    const refused = await run(['import', pathToFileURL(more).href])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /publishes does not verify: record 32 of .* is not that of the signed log/)
    await rm(tile)
    assert.match(
      (await run(['import', pathToFileURL(more).href])).stderr,
      /does not have tile\/8\/data\/003\.p\/132/,
    )
    assert.equal((await log.open().then((storage) => storage.head()))!.size, 700)
  })

  it('says that nothing is remembered without a state file, and that the folder of one must be there', async (t) => {
    const folder = await saved(t, databaseOf(3))
    const url = pathToFileURL(folder).href
    const forgetful = await audit(url)
    assert.equal(forgetful.code, 0)
    assert.match(forgetful.stderr, /^note: nothing is remembered without --state FILE, so that .*\.\n$/)
    const told = await audit(url, ['--json'])
    assert.match(told.stderr, /^note: nothing is remembered/)
    assert.equal(JSON.parse(told.stdout).remembered, false)
    const state = ['--state', join(folder, 'state')]
    const first = await audit(url, [...state, '--json'])
    assert.deepEqual([first.code, first.stderr, JSON.parse(first.stdout).remembered], [0, '', true])
    assert.match((await audit(url, state)).stdout, /: 3 records \(3 records before\)\.\n$/)

    const nowhere = join(folder, 'nodir')
    const lost = await audit('http://127.0.0.1:9', ['--state', join(nowhere, 'st')])
    assert.equal(lost.code, 2)
    assert.equal(
      lost.stderr,
      `modstead: there is no folder ${nowhere}.\nMake it, or name the state file in another folder with --state.\n`,
    )
    const odd = await audit(url, ['--state', join(folder, 'latest', 'st')])
    assert.match(odd.stderr, /latest is a file, and no folder\.\n/)
    const taken = await audit(url, ['--state', folder])
    assert.match(taken.stderr, /is a folder, and no file\.\n/)
  })

  it('refuses addresses that are none', async () => {
    for (const address of ['go.corp.example', 'ftp://x', 'https://u:p@x', 'https://x?y', 'https://x#y']) {
      const { code, stderr } = await audit(address)
      assert.equal(code, 2, address)
      assert.ok(!stderr.includes('u:p'), stderr)
    }
  })
})
