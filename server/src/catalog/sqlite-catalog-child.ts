/** Run by `sqlite-catalog.test.ts` as a process of its own: to be killed, or on a small disk. */
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSqliteCatalog } from './sqlite-catalog.ts'
import { createTestObserver, someHash } from '../observe/test-support.ts'
import { path, version } from './test-support.ts'

const [task, place, round] = process.argv.slice(2) as [string, string, string]
const module = path('example.com/a')
const observer = createTestObserver()

await (task === 'learn' ? learnForEver(place) : fillDisk(place))

async function learnForEver(file: string): Promise<void> {
  const catalog = await openSqliteCatalog(file, { observer })
  const facts = { h1: someHash('x'), zipSize: 3 }
  // The first write waits for the thread to start: the killing begins when it runs.
  await catalog.learn('public', module, version(`v2.${round}.0`), facts)
  process.stdout.write('open\n')
  const worker = async (n: number): Promise<void> => {
    for (let i = 0; ; i++) {
      const name = `v1.${round}.${n * 100_000 + i}`
      await catalog.learn('public', module, version(name), { h1: someHash(name), zipSize: 3 })
      process.stdout.write(`${name}\n`)
    }
  }
  await Promise.all(Array.from({ length: 20 }, (_, n) => worker(n)))
}

async function fillDisk(folder: string): Promise<void> {
  const catalog = await openSqliteCatalog(join(folder, 'catalog.db'), { observer })
  const ballast = join(folder, 'ballast')
  await writeFile(ballast, Buffer.alloc(1_000_000))
  const learn = (i: number) =>
    catalog.learn('public', module, version(`v1.${i}.0`), { h1: someHash('x'), time: 'x'.repeat(1_000) })
  const full = { code: 'store_unavailable', message: /disk is full|disk reported an error/ }
  let learnt = 0
  try {
    while (learnt < 10_000) {
      await learn(learnt)
      learnt++
    }
  } catch (error) {
    await assert.rejects(Promise.reject(error), full)
  }
  assert.ok(learnt > 10 && learnt < 10_000, `${learnt} fitted`)
  await assert.rejects(learn(learnt), full)
  assert.equal((await catalog.totals()).versions, learnt)
  assert.ok((await catalog.version('public', module, version('v1.0.0'))) !== undefined)
  await rm(ballast)
  for (let i = learnt; i < learnt + 50; i++) await learn(i)
  assert.equal((await catalog.totals()).versions, learnt + 50)
  await catalog.close()
}
