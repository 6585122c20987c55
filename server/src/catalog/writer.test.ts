import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { workerUrl } from '../observe/worker-url.ts'
import type { Write } from './apply-writes.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { prepareCatalog } from './catalog-database.ts'
import { createWriter, type WriterOptions } from './writer.ts'

const realWorker = new URL(workerUrl(import.meta.url, './writer-worker.ts'))

describe('writer of the catalog', () => {
  it('does what waits in one transaction', async (t) => {
    const { file, counted } = await setUp(t)
    // Counts the messages on their way into the real thing.
    const worker = await writeWorker(
      t,
      `
      import { writeFileSync } from 'node:fs'
      import { parentPort } from 'node:worker_threads'
      const groups = []
      parentPort.on('message', (m) => { groups.push(m.writes?.length); writeFileSync(${JSON.stringify(counted)}, JSON.stringify(groups)) })
      await import(${JSON.stringify(realWorker.href)})`,
    )
    const { writer } = start(t, file, { file: worker })
    await Promise.all(Array.from({ length: 500 }, (_, i) => writer.write(learn(i))))
    await writer.flush()
    await writer.close()
    const groups = JSON.parse(await readFile(counted, 'utf8')) as (number | null)[]
    assert.deepEqual(groups, [500, null])
    assert.equal(countVersions(file), 500)
  })

  it('refuses what it had when its thread crashes, and goes on with what waits', async (t) => {
    const { file } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', (m) => {
        if (m.writes?.some(({ version }) => version === 'v1.13.0')) process.exit(3)
      })
      await import(${JSON.stringify(realWorker.href)})`,
    )
    const { writer, observer } = start(t, file, { file: worker })
    const unlucky = writer.write(learn(13))
    await new Promise((resolve) => setImmediate(resolve))
    const waiting = writer.write(learn(14))
    await assert.rejects(unlucky, { code: 'store_unavailable', message: /its writer crashed/ })
    await waiting
    await writer.write(learn(15))
    assert.equal(observer.lines.filter(({ level }) => level === 'error').length, 1)
  })

  it('starts another thread where one ended unasked, and loses nothing', async (t) => {
    const { file } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { parentPort } from 'node:worker_threads'
      const post = parentPort.postMessage.bind(parentPort)
      parentPort.postMessage = (message) => {
        post(message)
        if (message.kind !== 'ready') setTimeout(() => { throw new Error('bad luck') }, 50)
      }
      await import(${JSON.stringify(realWorker.href)})`,
    )
    const { writer, observer } = start(t, file, { file: worker })
    for (let i = 0; i < 2; i++) {
      await writer.write(learn(i))
      await new Promise((resolve) => setTimeout(resolve, 400))
    }
    assert.equal(countVersions(file), 2)
    assert.equal(observer.lines.length, 1)
  })

  it('is not started again for ever', async (t) => {
    const { file } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => process.exit(3))
      parentPort.postMessage({ kind: 'ready' })`,
    )
    const { writer, observer } = start(t, file, { file: worker })
    for (let i = 0; i < 6; i++) await assert.rejects(writer.write(learn(i)), { code: 'store_unavailable' })
    assert.equal(observer.lines.length, 3)
  })

  it('tells those who wait when its disk does not answer, and goes on when it does', async (t) => {
    const { file } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { parentPort } from 'node:worker_threads'
      let first = true
      parentPort.on('message', (m) => {
        const answer = () => parentPort.postMessage({ kind: 'done', outcomes: m.writes.map(() => ({ result: undefined })) })
        if (m.kind === 'close') parentPort.close()
        else if (first) setTimeout(answer, 1_700)
        else answer()
        first = false
      })
      parentPort.postMessage({ kind: 'ready' })`,
    )
    const { writer } = start(t, file, { file: worker, deadline: 1_000 })
    const first = writer.write(learn(1))
    await new Promise((resolve) => setImmediate(resolve))
    const waiting = assert.rejects(writer.write(learn(2)), { code: 'store_unavailable' })
    await assert.rejects(first, { code: 'store_unavailable', message: /disk did not answer/ })
    await waiting
    await assert.rejects(writer.write(learn(3)), { code: 'store_unavailable', message: /does not answer/ })
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    await writer.write(learn(4))
  })

  it('tells those who wait for a thread that says nothing', async (t) => {
    const { file } = await setUp(t)
    const worker = await writeWorker(t, 'setInterval(() => {}, 1000)')
    const { writer } = start(t, file, { file: worker, deadline: 200 })
    await assert.rejects(writer.write(learn(1)), { code: 'store_unavailable' })
  })

  it('starts its thread before the first write where it is woken', async (t) => {
    const { file, counted } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { appendFileSync } from 'node:fs'
      appendFileSync(${JSON.stringify(counted)}, 'started ')
      await import(${JSON.stringify(realWorker.href)})`,
    )
    const { writer } = start(t, file, { file: worker })
    writer.wake()
    writer.wake()
    await writer.flush()
    assert.equal(await readFile(counted, 'utf8'), 'started ')
  })

  it('says why a woken thread did not start, and lets the next write try again', async (t) => {
    const { file, counted } = await setUp(t)
    const worker = await writeWorker(
      t,
      `
      import { existsSync, writeFileSync } from 'node:fs'
      if (existsSync(${JSON.stringify(counted)})) await import(${JSON.stringify(realWorker.href)})
      else {
        writeFileSync(${JSON.stringify(counted)}, 'once')
        throw new Error('bad luck')
      }`,
    )
    const { writer, observer } = start(t, file, { file: worker })
    writer.wake()
    await writer.write(learn(1))
    assert.deepEqual(
      observer.lines.map(({ message }) => message),
      ['the writer of the catalog did not start'],
    )
    assert.equal(countVersions(file), 1)
  })

  it('lets no write fail for the fault of another', async (t) => {
    const { file } = await setUp(t)
    const { writer } = start(t, file)
    const impossible: Write = { ...learn(2), version: undefined as unknown as string }
    const boolean: Write = { ...learn(3), facts: { time: {} as unknown as string } }
    const outcomes = await Promise.allSettled(
      [learn(1), impossible, boolean, learn(4)].map((write) => writer.write(write)),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    await writer.flush()
    assert.equal(countVersions(file), 2)
  })

  it('goes back as a group when SQLite fails in the middle, then write by write', async (t) => {
    const { file } = await setUp(t)
    const { writer } = start(t, file)
    await writer.write(learn(0))
    const database = new DatabaseSync(file)
    database.exec(`create trigger no_five before insert on versions when new.version = 'v1.5.0'
      begin select raise(abort, 'not this one'); end`)
    database.close()
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => writer.write(learn(i))))
    const failed = outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))
    assert.deepEqual(failed, [5])
    await writer.flush()
    assert.equal(countVersions(file), 9)
    const after = new DatabaseSync(file)
    assert.deepEqual(
      { ...after.prepare('select modules, versions from totals').get() },
      { modules: 1, versions: 9 },
    )
    after.close()
  })
})

function learn(i: number): Write & { kind: 'learn' } {
  return {
    kind: 'learn',
    realm: 'public',
    module: 'example.com/a',
    version: `v1.${i}.0`,
    facts: { info: true },
  }
}

async function setUp(t: TestContext) {
  const folder = await temporaryFolder(t)
  return { file: join(folder, 'catalog.db'), counted: join(folder, 'counted.json') }
}

function start(t: TestContext, path: string, options: Partial<WriterOptions> = {}) {
  const observer = createTestObserver()
  prepareCatalog(path)
  const writer = createWriter({ path, file: realWorker, log: observer.log, ...options })
  t.after(async () => {
    await writer.flush()
    await writer.close()
  })
  return { writer, observer }
}

async function writeWorker(t: TestContext, source: string): Promise<URL> {
  const file = join(await temporaryFolder(t), 'worker.mjs')
  await writeFile(file, source)
  return new URL(`file://${file}`)
}

function countVersions(file: string): number {
  const database = new DatabaseSync(file)
  const { n } = database.prepare('select count(*) as n from versions').get() as { n: number }
  database.close()
  return n
}
