// The keys of a checksum log of our own, from `sumdb init` to a new key: what docs/checksum-database.md tells to do.
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runCommand } from '../support/command.ts'
import { createGoHome, type GoHome } from '../support/go.ts'
import { startModstead, type Modstead } from '../support/modstead.ts'
import { makeModule } from '../support/test-module.ts'

const NAME = 'go.corp.example'
const LIB = 'corp.example/lib'
const SECOND = 'corp.example/second'
const SCRATCH = 'corp.example/scratch/x'

/** A tree as GOPROXY=file:// reads it, with versions of modules. */
async function moduleTree(folder: string): Promise<string> {
  for (const module of [LIB, SECOND, SCRATCH]) {
    const files = join(folder, module, '@v')
    await mkdir(files, { recursive: true })
    for (const version of ['v1.0.0', 'v1.1.0', 'v1.2.0']) {
      const { info, mod, zip } = makeModule({ module, version })
      for (const [ending, bytes] of Object.entries({ info, mod, zip }))
        await writeFile(join(files, `${version}.${ending}`), bytes)
    }
  }
  return folder
}

interface Site {
  folder: string
  /** Makes a key file, and gives its verifier key. */
  init(file: string): Promise<string>
  /** Starts on the same data folder, with these entries of `checksumLog`. */
  start(entries: string): Promise<Modstead>
  client(vkey: string, modstead: Modstead): Promise<GoHome>
}

async function site(t: TestContext): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-keys-'))
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  const tree = await moduleTree(join(folder, 'modules'))
  return {
    folder,
    async init(file) {
      const { code, stdout, stderr } = await runCommand(
        ['sumdb', 'init', '--name', NAME, '--out', join(folder, file)],
        { cwd: folder },
      )
      assert.equal(code, 0, stderr)
      return /^ {2}go env -w GOSUMDB=(.+)$/m.exec(stdout)![1]!
    },
    async start(entries) {
      const config = `
origins: { corp: { url: "file://${tree}" } }
checksumLog: { ${entries.replaceAll('file:', `file:${folder}/`)}, highWater: ${folder}/high-water }
routes:
  - { modules: corp.example/scratch, from: [corp], private: true, log: false }
  - { modules: corp.example, from: [corp], private: true }
  - { modules: "*", from: ["off"] }
`
      const modstead = await startModstead({ config, dataDir: join(folder, 'data') })
      t.after(() => modstead.close())
      return modstead
    },
    async client(vkey, modstead) {
      const go = await createGoHome({ proxy: modstead.url, sumdb: vkey, env: { GONOSUMDB: '' } })
      t.after(() => go.close())
      return go
    },
  }
}

/** What `go mod download` says, and whether it went well. */
async function download(go: GoHome, module: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout } = await go.run(['mod', 'download', '-json', module], { env })
  const { Sum, Error: refused } = JSON.parse(stdout) as { Sum?: string; Error?: string }
  assert.equal(code === 0, refused === undefined)
  return Sum ?? refused!
}

const h1 = (module: string, version: string): string => makeModule({ module, version }).h1

test('the first five minutes: private modules are proven, but for those that are left out', async (t) => {
  const { init, start, client, folder } = await site(t)
  const vkey = await init('sumdb.key')
  const modstead = await start('key: "file:sumdb.key"')
  const go = await client(vkey, modstead)
  assert.equal(await download(go, `${LIB}@v1.0.0`), h1(LIB, 'v1.0.0'))
  assert.match(await savedHead(go), /^go\.sum database tree\n1\n/)
  const scratch = `${SCRATCH}@v1.0.0`
  assert.match(
    await download(go, scratch),
    /left out of the checksum log\n.*GONOSUMDB=corp\.example\/scratch$/,
  )
  const home = await fetch(modstead.url)
  const patterns = /GONOSUMDB=(\S+)/.exec(await home.text())![1]!
  assert.equal(await download(go, scratch, { GONOSUMDB: patterns }), h1(SCRATCH, 'v1.0.0'))
  assert.match(await savedHead(go), /^go\.sum database tree\n1\n/)
  await modstead.stop()
  await chmod(join(folder, 'sumdb.key'), 0o644)
  await assert.rejects(
    start('key: "file:sumdb.key"'),
    /others may read or change the key .*\(mode 0644\); run: chmod 600/,
  )
})

test('a new key: clients of the old one go on, and change over one by one', async (t) => {
  const { init, start, client } = await site(t)
  const old = await init('old.key')
  const before = await start('key: "file:old.key"')
  const active = await client(old, before)
  const idle = await client(old, before)
  const late = await client(old, before)
  for (const go of [active, idle, late]) await download(go, `${LIB}@v1.0.0`)
  await before.stop()

  const fresh = await init('new.key')
  const both = await start('key: "file:new.key", previousKeys: ["file:old.key"]')
  const oldEnv = { GOPROXY: both.url }
  const newEnv = { GOPROXY: both.url, GOSUMDB: fresh }
  assert.equal(await download(active, `${LIB}@v1.1.0`, oldEnv), h1(LIB, 'v1.1.0'))
  assert.equal((await savedHead(active)).match(/^— /gm)!.length, 2)

  // The saved head has both signatures by now, but the answers in the module cache have not.
  assert.equal(await download(active, `${LIB}@v1.2.0`, newEnv), h1(LIB, 'v1.2.0'))
  assert.match(
    await download(active, `${LIB}@v1.0.0`, newEnv),
    /reading tree note: note has no verifiable signatures/,
  )
  await rm(join(active.modCache, 'cache/download/sumdb', NAME, 'lookup'), { recursive: true })
  assert.equal(await download(active, `${LIB}@v1.0.0`, newEnv), h1(LIB, 'v1.0.0'))

  // Whoever asked for nothing in between still has a head that only the old key has signed.
  assert.match(
    await download(idle, `${LIB}@v1.2.0`, newEnv),
    /initializing sumdb\.Client: .*no verifiable signatures/,
  )
  await rm(headFile(idle))
  assert.equal(await download(idle, `${LIB}@v1.2.0`, newEnv), h1(LIB, 'v1.2.0'))

  await both.stop()
  const after = await start('key: "file:new.key"')
  assert.equal(
    await download(active, `${SECOND}@v1.0.0`, { ...newEnv, GOPROXY: after.url }),
    h1(SECOND, 'v1.0.0'),
  )
  assert.match(await download(late, `${LIB}@v1.2.0`, { GOPROXY: after.url }), /no verifiable signatures/)
})

function headFile(go: GoHome): string {
  return join(go.folder, 'gopath/pkg/sumdb', NAME, 'latest')
}

function savedHead(go: GoHome): Promise<string> {
  return readFile(headFile(go), 'utf8')
}
