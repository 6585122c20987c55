import assert from 'node:assert/strict'
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { generateKey } from '@modstead/gomod/note'
import { lockFolder } from '../../store/folder-lock.ts'
import { temporaryFolder } from '../../observe/test-support.ts'
import { createStoredLog, LOG_KEY, logEntry } from '../../sumdb/log/stored-log.fixture.ts'
import { runHere } from '../run.fixture.ts'
import { createDataFolderWithLog } from './sumdb.fixture.ts'

describe('modstead sumdb info', () => {
  it('tells how far the log is, while a server has the folder', async (t) => {
    const { data, log, run } = await createDataFolderWithLog(t, { size: 300 })
    const lock = await lockFolder(data)
    t.after(() => lock.release(true))
    const { code, stdout } = await run(['info'])
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^log +sum\.corp\.example\nverifier key +sum\.corp\.example\+/)
    assert.match(
      stdout,
      /\nrecords +300\n.*\nlast record +20\S+Z  corp\.example\/m299@v1\.0\.0\nsignature +verified\n/s,
    )
    assert.ok(stdout.includes(`${log.highWater}: 300 records, all of them here`), stdout)
    assert.match(stdout, /\n\ngo\.sum database tree\n300\n\S+=\n\n— sum\.corp\.example \S+\n$/)
    const json = JSON.parse((await run(['info', '--json'])).stdout)
    assert.deepEqual([json.size, json.signature, json.highWater.size], [300, 'verified', 300])
  })

  it('says what it cannot know without the key, and what would be refused', async (t) => {
    const { data, log, run } = await createDataFolderWithLog(t, { size: 2 })
    const bare = await runHere({ args: ['sumdb', 'info', '--data-dir', data] })
    assert.equal(bare.code, 0, bare.stderr)
    assert.match(
      bare.stdout,
      /log +sum\.corp\.example\n.*signature +not verified\n.*note +no checksumLog is configured here/s,
    )
    const yaml = 'checksumLog: { key: "file:/nowhere/at/all" }\n'
    const unreadable = await runHere({
      args: ['sumdb', 'info', '--data-dir', data, '--key', LOG_KEY.vkey],
      yaml,
    })
    assert.equal(unreadable.code, 0, unreadable.stderr)
    assert.match(unreadable.stdout, /signature +verified\n.*the configuration is not used: .*nowhere/s)
    const lost = await runHere({ args: ['sumdb', 'info'], yaml })
    assert.equal(lost.code, 2)
    assert.match(lost.stderr, /Or name the folder itself with --data-dir, and the verifier key with --key/)
    await rm(log.highWater)
    const marked = await run(['info'])
    assert.equal(marked.code, 1)
    assert.match(marked.stdout, /high-water that must be kept beside it is missing|mark .* is missing/)
    const none = await runHere({ args: ['sumdb', 'info', '--data-dir', '.'] })
    assert.equal(none.code, 1)
    assert.match(none.stderr, /has no checksum log/)
    const wrong = await run(['info', '--key', 'nonsense'])
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /--key: .* is not a verifier key/)
  })
})

describe('modstead sumdb verify', () => {
  it('ends with 0 where all is well, and with 1 and a line for each thing that is not', async (t) => {
    const { log, run } = await createDataFolderWithLog(t, { size: 300 })
    const good = await run(['verify'], { isTTY: true })
    assert.equal(good.code, 0)
    assert.match(good.stdout, /^The log is whole: 300 records\.\n$/)
    assert.match(good.stderr, /^\rverifying: 256 of 300 records\r.*$/)
    const other = Buffer.from(logEntry(5, 'changed').record).toString('hex')
    log.change(`update records set record = x'${other}' where id = 5`)
    const bad = await run(['verify'])
    assert.equal(bad.code, 1)
    assert.match(
      bad.stdout,
      /^record 5: it was changed.*\n1 thing is wrong\. Verified: 300 records\.\nWhat to do: /,
    )
    const json = (await run(['verify', '--json'])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(json[0], {
      what: 'record',
      name: 'record 5',
      problem: 'it was changed: its hash is not the one in the log',
    })
    assert.deepEqual([json[1].records, json[1].findings], [300, 1])
  })
})

describe('modstead sumdb verify with more than the log', () => {
  it('says where to read of damaged files that are stored, and not of a refused log', async (t) => {
    const { data, run } = await createDataFolderWithLog(t, { size: 1 })
    const folder = join(data, 'realms', 'default', 'corp.example', 'm0', '@v')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'v1.0.0.zip'), 'no zip')
    const { code, stdout } = await run(['verify', '--store'])
    assert.equal(code, 1, stdout)
    assert.match(
      stdout,
      /\n1 thing is wrong\. Verified: 1 record; 0 stored zips .*\nWhat to do: docs\/incidents\.md .* fetches it again\.\n$/,
    )
    assert.doesNotMatch(stdout, /When the log is refused/)
  })

  it('ends with 3 where a database could not be asked', async (t) => {
    const { vkey } = generateKey('sum.other.example')
    const more = `sumdb: "${vkey} http://127.0.0.1:9"\norigins: { none: { url: "http://127.0.0.1:9" } }\nroutes: [{ modules: ["*"], from: [none] }]\n`
    const { run } = await createDataFolderWithLog(t, { size: 1, more })
    const { code, stdout, stderr } = await run(['verify', '--upstream'])
    assert.match(stderr, /^modstead: .*sum\.other\.example/m)
    assert.deepEqual([code, stdout], [3, ''], stderr)
  })
})

describe('modstead sumdb export and import', () => {
  it('moves a log to another machine, where it goes on once its mark has come along', async (t) => {
    const from = await createDataFolderWithLog(t, { size: 300 })
    const file = join(from.data, '..', 'log.txt')
    const exported = await from.run(['export', file])
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stdout, /^300 records and their signed head are in /)
    assert.equal((await stat(file)).mode & 0o077, 0)
    assert.equal((await from.run(['export', '-'])).stdout, await readFile(file, 'utf8'))

    const data = join(await temporaryFolder(t), 'new')
    const to = (args: string[]) =>
      runHere({ args: ['sumdb', ...args, '--data-dir', data, '--key', LOG_KEY.vkey] })
    const imported = await to(['import', file])
    assert.equal(imported.code, 0, imported.stderr)
    assert.match(imported.stdout, /300 records were added.*\nThere is no high-water mark at .*copy that of/)
    const folder = join(data, 'checksum-log', 'default')
    await cp(from.log.highWater, join(folder, 'high-water'))
    const again = await to(['import', file])
    assert.match(again.stdout, /Nothing is missing.*\nIt has all that the high-water mark knows of/)
    assert.equal((await to(['verify'])).code, 0)
    await (await createStoredLog(t, { folder })).grow([logEntry(300)])
    assert.match((await to(['verify'])).stdout, /whole: 301 records/)
  })

  it('imports only while no server has the folder, and says what is wrong with what it is given', async (t) => {
    const { data, run } = await createDataFolderWithLog(t, { size: 3 })
    const file = join(data, '..', 'log.txt')
    await run(['export', file])
    const lock = await lockFolder(data)
    const busy = await run(['import', file])
    assert.equal(busy.code, 1)
    assert.match(busy.stderr, /is in use by another modstead/)
    await lock.release(true)
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 300))
    for (const [what, wanted] of [
      [file, /is not a whole export of a checksum log: it ends after record 0, without a signed head/],
      [join(data, 'none'), /: there is no file .*\/none\.\nNothing was imported; name an export/],
      [join(data, 'no', 'none'), /: there is no folder .*\/data\/no\.\n/],
      [data, /is a folder, and no file/],
      ['http://127.0.0.1:9', /127\.0\.0\.1:9 .* refuses connections/],
      ['http://user@127.0.0.1:9', /a login does not belong into the address/],
    ] as const) {
      const { code, stderr } = await run(['import', what])
      assert.notEqual(code, 0)
      assert.match(stderr, wanted)
    }
    const { code, stderr } = await runHere({ args: ['sumdb', 'import', file, '--data-dir', data] })
    assert.equal(code, 2)
    assert.match(stderr, /no key says whose log this is/)
  })

  it('ends with 1 where the copy does not have all that was signed', async (t) => {
    const { data, log, run } = await createDataFolderWithLog(t, { size: 1 })
    const early = join(data, '..', 'early.txt')
    assert.match((await run(['export', early])).stdout, /^1 record and its signed head are in /)
    assert.match(
      (await run(['export', join(data, 'no', 'x')])).stderr,
      /: there is no folder .*\/data\/no\.\n/,
    )
    await log.grow([logEntry(1)])
    await rm(log.database)
    const short = await run(['import', early])
    assert.equal(short.code, 1, short.stderr)
    assert.equal(
      short.stdout,
      '1 record was added: the log has 1 now, and its signed head.\n' +
        'The high-water mark knows of 2: 1 is still missing, and the log stays refused.\nImport a copy that has it.\n',
    )
  })

  it('leaves the last good export where it is when the log is not whole', async (t) => {
    const { log, data, run } = await createDataFolderWithLog(t, { size: 600 })
    const file = join(data, '..', 'log.txt')
    const other = Buffer.from(logEntry(5, 'changed').record).toString('hex')
    log.change(`update records set record = x'${other}' where id = 5`)
    await writeFile(file, 'the last good one')
    const changed = await run(['export', file])
    assert.equal(changed.code, 1)
    assert.match(
      changed.stderr,
      /is not exported: its records are not those that its newest head was signed over/,
    )
    log.change('delete from records where id = 400')
    const missing = await run(['export', file])
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /has lost records between 256 and 512/)
    assert.equal(await readFile(file, 'utf8'), 'the last good one')
    assert.deepEqual(
      (await readdir(join(data, '..'))).filter((name) => name.endsWith('.tmp')),
      [],
    )
    if (process.getuid?.() === 0) return
    await chmod(data, 0o500)
    assert.match((await run(['export', join(data, 'x')])).stderr, /this user may not write to .*EACCES/)
    await chmod(data, 0o700)
  })
})

describe('modstead sumdb mark', () => {
  it('writes a mark that was lost, once it is told that nothing is missing', async (t) => {
    const { data, log, run } = await createDataFolderWithLog(t, { size: 3 })
    assert.match((await run(['mark'])).stdout, /knows of all 3 records already/)
    await rm(log.highWater)
    const asked = await run(['mark'])
    assert.equal(asked.code, 2)
    assert.match(asked.stderr, /3 records are all that sum\.corp\.example has ever signed\..*mark --yes/s)
    await assert.rejects(stat(log.highWater), { code: 'ENOENT' })
    const lock = await lockFolder(data)
    assert.match((await run(['mark', '--yes'])).stderr, /is in use by another modstead/)
    await lock.release(true)
    const done = await run(['mark', '--yes'])
    assert.deepEqual([done.code, done.stderr], [0, ''])
    await log.grow([logEntry(3)])
  })
})
