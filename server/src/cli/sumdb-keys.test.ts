import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { generateKey, verifierKeyOf } from '@modstead/gomod/note'
import { runHere } from './run.fixture.ts'

const NAME = 'go.corp.example/team'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'modstead-key-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

test('a new key: for its owner alone, and told to whoever needs to know', async (t) => {
  const out = join(await folder(t), 'sumdb.key')
  const made = await runHere({ args: ['sumdb', 'init', '--name', NAME, '--out', out] })
  assert.deepEqual([made.code, made.stderr], [0, ''])
  assert.equal((await stat(out)).mode & 0o777, 0o600)
  const skey = await readFile(out, 'utf8')
  assert.match(skey, /^PRIVATE\+KEY\+go\.corp\.example\/team\+[0-9a-f]{8}\+\S+\n$/)
  assert.doesNotMatch(made.stdout, /PRIVATE/)
  const vkey = verifierKeyOf(skey.trim())
  assert.ok(made.stdout.includes(`\n  ${vkey}\n`))
  assert.ok(made.stdout.includes(`\n  go env -w GOSUMDB=${vkey}\n  go env -w GONOSUMDB=\n`), made.stdout)

  const printed = await runHere({ args: ['sumdb', 'key', out] })
  assert.deepEqual(printed, { code: 0, stdout: `${vkey}\n`, stderr: '' })

  const yaml = /^ {2}checksumLog:\n(?: {4}.+\n)+/m.exec(made.stdout)![0].replaceAll(/^ {2}/gm, '')
  const configured = await runHere({ args: ['sumdb', 'key'], yaml })
  assert.deepEqual(configured, { code: 0, stdout: `${vkey}\n`, stderr: '' }, yaml)
  const elsewhere = await runHere({ args: ['sumdb', 'key', '--config', 'modstead.yaml'], yaml })
  assert.equal(elsewhere.stdout, `${vkey}\n`)
})

test('a key is never overwritten', async (t) => {
  const out = join(await folder(t), 'sumdb.key')
  await writeFile(out, 'mine')
  const again = await runHere({ args: ['sumdb', 'init', '--name', NAME, '--out', out] })
  assert.equal(again.code, 2)
  assert.match(
    again.stderr,
    /^modstead: there is a file .*sumdb\.key already, and no key is ever overwritten\.\n"modstead/,
  )
  assert.equal(again.stdout, '')
  assert.equal(await readFile(out, 'utf8'), 'mine')
})

test('names that no checksum database of ours can have', async (t) => {
  const out = join(await folder(t), 'sumdb.key')
  const rows: [name: string, expected: RegExp][] = [
    ['sum.golang.org', /means something to every go already/],
    ['off', /means something to every go already/],
    ['Go database', /"Go database" cannot name a checksum database: it must be a host or host\/path/],
    ['go.corp.example+1', /cannot name a checksum database/],
    ['https://go.corp.example', /cannot name a checksum database/],
    ['go.corp.example/', /cannot name a checksum database/],
    ['', /cannot name a checksum database/],
  ]
  for (const [name, expected] of rows) {
    const ran = await runHere({ args: ['sumdb', 'init', '--name', name, '--out', out] })
    assert.equal(ran.code, 2, name)
    assert.match(ran.stderr, expected)
    await assert.rejects(stat(out), { code: 'ENOENT' })
  }
  const none = await runHere({ args: ['sumdb', 'init'] })
  assert.match(none.stderr, /required option '--name <name>' not specified/)
  const nowhere = await runHere({ args: ['sumdb', 'init', '--name', NAME, '--out', join(out, 'x', 'key')] })
  assert.match(
    nowhere.stderr,
    /^modstead: --out: there is no folder .*x\.\nName a file in a folder that exists/,
  )
})

test('files that are no key, or a key that others may read', async (t) => {
  const path = join(await folder(t), "it's.key")
  const { skey, vkey } = generateKey(NAME)
  const ask = () => runHere({ args: ['sumdb', 'key', path] })
  assert.match((await ask()).stderr, /^modstead: cannot read .*: there is no such file\./)
  await writeFile(path, vkey, { mode: 0o600 })
  assert.match((await ask()).stderr, /this is a verifier key, which everybody may know/)
  await writeFile(path, skey.slice(0, -4))
  const damaged = await ask()
  assert.match(damaged.stderr, /this is not a signer key/)
  assert.ok(!damaged.stderr.includes(skey.slice(-20, -4)))
  await writeFile(path, skey)
  for (const mode of [0o640, 0o604, 0o620]) {
    await chmod(path, mode)
    const { code, stdout, stderr } = await ask()
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /\(mode 06\d\d\); run: chmod 600 '.*it'\\''s\.key'\.\nIf anybody may have read it/)
  }
  await chmod(path, 0o400)
  assert.equal((await ask()).stdout, `${vkey}\n`)
})

test('a configuration without a log has no key', async () => {
  const { code, stderr } = await runHere({ args: ['sumdb', 'key'] })
  assert.equal(code, 2)
  assert.match(
    stderr,
    /^modstead: the configuration has no checksumLog, so that there is no key\.\nName a key file/,
  )
})
