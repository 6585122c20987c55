// How modstead ends: asked to, killed, or out of disk. What it stored is there afterwards, and is right.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { setStage, type Stage } from '../support/stage.ts'
import { storedFiles } from '../support/stored.ts'
import { makeModule, modulePath, putModule, type TestModule } from '../support/test-module.ts'

const run = promisify(execFile)

/** MODSTEAD_KILLS=100 makes a night of it. */
const KILLS = Number(process.env.MODSTEAD_KILLS ?? 5)

test('SIGTERM: a running download finishes, no new one is accepted, the exit code is 0', async (t) => {
  const stage = await setStage(t, { upstream: { rate: 1 << 20 } })
  const big = makeModule({ module: 'example.com/big', version: 'v1.0.0', bulk: 1 << 20 })
  putModule(stage.tree, big)
  let began: () => void
  const first = new Promise<void>((resolve) => (began = resolve))
  const download = stage.get(`${modulePath(big)}.zip`, { onData: () => began() })
  await first
  const stopped = stage.modstead.stop()
  await new Promise((resolve) => setTimeout(resolve, 200))
  await assert.rejects(stage.get('/healthz'), { code: 'ECONNREFUSED' })
  const { status, complete, body } = await download
  assert.deepEqual([status, complete], [200, true])
  assert.ok(body.equals(big.zip))
  await stopped

  await stage.disconnect()
  await stage.restart()
  assert.ok((await stage.get(`${modulePath(big)}.zip`)).body.equals(big.zip))
})

test('SIGTERM with idle connections kept alive ends at once', async (t) => {
  const stage = await setStage(t)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  await new Promise((resolve, reject) => {
    get(`${stage.modstead.url}/healthz`, { agent }, (response) => response.resume().on('end', resolve)).on(
      'error',
      reject,
    )
  })
  const started = performance.now()
  await stage.modstead.stop()
  assert.ok(performance.now() - started < 3_000)
})

test('what was served is served after a restart, with nothing behind it: lists and queries too', async (t) => {
  const stage = await setStage(t)
  const made = makeModule({ module: 'example.com/Kept', version: 'v1.0.0' })
  putModule(stage.tree, made)
  stage.tree.alias('example.com/!kept', 'main', 'v1.0.0')
  const paths = ['@v/list', '@latest', '@v/main.info', '@v/v1.0.0.info', '@v/v1.0.0.mod', '@v/v1.0.0.zip']
  const before = []
  for (const path of paths) before.push(await stage.get(`/example.com/!kept/${path}`))
  await stage.modstead.stop()
  await stage.disconnect()
  await stage.restart()
  for (const [i, path] of paths.entries()) {
    const { status, body } = await stage.get(`/example.com/!kept/${path}`)
    assert.equal(status, 200, path)
    assert.deepEqual(body, before[i]!.body, path)
  }
})

test(`kill -9 during cold downloads, ${KILLS} times: every stored file is whole and right`, async (t) => {
  const stage = await setStage(t, { upstream: { rate: 8 << 20 } })
  const modules = Array.from({ length: 100 }, (_, i) =>
    makeModule({ module: `example.com/m${i % 10}`, version: `v1.${i}.0`, bulk: 1000 + i * 4000 }),
  )
  for (const made of modules) putModule(stage.tree, made)
  for (let kill = 0; kill < KILLS; kill++) {
    const order = modules.toSorted((a, b) => scatter(a, kill) - scatter(b, kill))
    const downloads = order.flatMap((made) =>
      ['info', 'mod', 'zip'].map((kind) => stage.get(`${modulePath(made)}.${kind}`).catch(() => undefined)),
    )
    await new Promise((resolve) => setTimeout(resolve, 80 + ((kill * 137) % 400)))
    await stage.modstead.kill()
    await Promise.all(downloads)
    await verifyStored(stage, modules)
    await stage.restart()
    // What survived is served as it is; with no upstream it can come from nowhere else.
    await stage.upstream.down()
    const stored = await verifyStored(stage, modules)
    for (const [path, bytes] of [...stored].filter((_, i) => i % 7 === kill % 7)) {
      const { status, body } = await stage.get(path)
      assert.equal(status, 200, path)
      assert.ok(body.equals(bytes), path)
    }
    await stage.upstream.up()
  }
  for (const made of modules.slice(0, 20)) {
    const { status, body } = await stage.get(`${modulePath(made)}.zip`)
    assert.equal(status, 200)
    assert.ok(body.equals(made.zip))
  }
})

test('a full disk: a sentence and 503 for what is cold, the stored as before', async (t) => {
  const disk = await smallDisk(t)
  const stage = await setStage(t, {
    modstead: { dataDir: disk.folder, ...(disk.shell && { shell: disk.shell }) },
  })
  const kept = makeModule({ module: 'example.com/kept', version: 'v1.0.0' })
  const big = makeModule({ module: 'example.com/big', version: 'v1.0.0', bulk: 24 << 20 })
  for (const made of [kept, big]) putModule(stage.tree, made)
  assert.equal((await stage.get(`${modulePath(kept)}.zip`)).status, 200)
  const cold = await stage.get(`${modulePath(big)}.zip`)
  if (cold.status === 200) assert.equal(cold.complete, false)
  else assert.equal(cold.status, 503)
  assert.equal((await storedFiles(disk.folder)).has(`${modulePath(big)}.zip`), false)
  await stage.modstead.logged(/ENOSPC|EFBIG|no space|disk/i)
  for (const kind of ['info', 'mod', 'zip']) {
    const { status } = await stage.get(`${modulePath(kept)}.${kind}`)
    assert.equal(status, 200, kind)
  }
  // The space that the failed download took is free again.
  const small = makeModule({ module: 'example.com/small', version: 'v1.0.0', bulk: 1 << 20 })
  putModule(stage.tree, small)
  assert.equal((await stage.get(`${modulePath(small)}.zip`)).status, 200)
})

test('a start on a full disk: what is stored is served, and modstead goes on by itself when there is room', async (t) => {
  const disk = await smallDisk(t)
  if (disk.shell !== undefined) {
    t.skip('this machine lets nobody mount a small disk')
    return
  }
  const stage = await setStage(t, { modstead: { dataDir: disk.folder } })
  const kept = makeModule({ module: 'example.com/kept', version: 'v1.0.0' })
  const cold = makeModule({ module: 'example.com/cold', version: 'v1.0.0' })
  for (const made of [kept, cold]) putModule(stage.tree, made)
  for (const kind of ['info', 'mod', 'zip'])
    assert.equal((await stage.get(`${modulePath(kept)}.${kind}`)).status, 200)
  const filler = join(disk.folder, '.filler')
  // Killed and stopped in turn: each leaves other files of the catalog behind.
  for (const end of ['stop', 'kill', 'stop'] as const) {
    await stage.modstead[end]()
    await fill(filler)
    await stage.restart()
    await stage.modstead.logged(/the disk of the data folder is full/)
    for (const kind of ['info', 'mod', 'zip'])
      assert.equal((await stage.get(`${modulePath(kept)}.${kind}`)).status, 200, kind)
    const { status, body } = await stage.get('/readyz')
    assert.equal(status, 503)
    assert.match(body.toString(), /its disk is full/)
  }
  await fill(filler)
  assert.equal((await stage.get(`${modulePath(cold)}.mod`)).status, 503)
  await rm(filler)
  assert.equal((await stage.get(`${modulePath(cold)}.mod`)).status, 200)
  const deadline = Date.now() + 10_000
  while ((await stage.get('/readyz')).status !== 200) {
    assert.ok(Date.now() < deadline, 'it never became ready')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal((await stat(join(disk.folder, 'modstead.reserve'))).size, 1 << 20)
})

/** Appends to a file until there is no room for another byte. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        await file.appendFile(Buffer.alloc(size, 'x'))
      } catch (error) {
        assert.equal(error instanceof Error && 'code' in error && error.code, 'ENOSPC')
        size >>= 1
      }
    }
  } finally {
    await file.close()
  }
}

/** Every stored file is one of the modules', byte for byte. Gives what is stored. */
async function verifyStored(stage: Stage, modules: readonly TestModule[]): Promise<Map<string, Buffer>> {
  const honest = new Map<string, Buffer>()
  for (const made of modules)
    for (const kind of ['info', 'mod', 'zip'] as const) honest.set(`${modulePath(made)}.${kind}`, made[kind])
  const stored = await storedFiles(stage.modstead.dataDir)
  for (const [path, bytes] of stored)
    assert.ok(honest.get(path)?.equals(bytes), `${path} is not what it should be`)
  return stored
}

/** The same order for the same round. */
function scatter(made: TestModule, round: number): number {
  return (Number(made.version.split('.')[1]) * 7919 + round * 104_729) % 1009
}

/** A folder on a file system of 16 MiB, or one where no file may grow beyond that. */
async function smallDisk(t: TestContext): Promise<{ folder: string; shell?: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'modstead-disk-'))
  let mounted = true
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder])
  } catch {
    // Not allowed to mount: a limit on file sizes, in blocks of 512 bytes, makes the same calls fail.
    mounted = false
  }
  t.after(async () => {
    if (mounted) await run('umount', ['-l', folder])
    await rm(folder, { recursive: true, force: true })
  })
  return mounted ? { folder } : { folder, shell: `trap '' XFSZ; ulimit -f ${(16 << 20) / 512}` }
}
