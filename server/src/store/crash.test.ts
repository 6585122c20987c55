/** Kills a process that commits, again and again; after each, what is visible must be whole. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isH1 } from '@modstead/gomod/dirhash'
import { bodyOf, hashOf } from './crash-child.ts'
import { openDataFolder } from './data-folder.ts'
import { openFileStore } from './file-store.ts'
import { deriveList } from './list-file.ts'
import { createTestObserver, temporaryFolder } from '../observe/test-support.ts'
import { walkModules } from './walk.ts'

const KILLS = 30

it(`everything visible is whole after each of ${KILLS} kills`, { timeout: 120_000 }, async (t) => {
  const path = await temporaryFolder(t)
  const acknowledged: string[] = []
  for (let round = 0; round < KILLS; round++) {
    const now = await commitUntilKilled(path, round)
    acknowledged.push(...now)
    const folder = await openDataFolder(path, { version: '0.0.0-test' })
    const store = await openFileStore(folder, { observer: createTestObserver() })
    assert.deepEqual(await readdir(folder.temporary), [])
    const visible = new Set<string>()
    for await (const k of store.walk('public')) {
      // What an earlier round left was whole then, and nobody wrote to it since; the last round looks at all.
      if (round < KILLS - 1 && !k.version.startsWith(`v1.${round}.`)) continue
      const name = `${k.module} ${k.version} ${k.kind}`
      visible.add(name)
      const contents = await (await store.open(k))!.bytes()
      assert.ok(contents.equals(bodyOf(k)), `${name} is not whole`)
      if (k.kind !== 'zip') continue
      const recorded = await readFile(join(folder.public, k.module, '@v', `${k.version}.ziphash`), 'utf8')
      assert.ok(isH1(recorded) && recorded === hashOf(k))
    }
    for (const name of round < KILLS - 1 ? now : acknowledged)
      assert.ok(visible.has(name), `${name} was acknowledged and is gone`)
    await store.close()
    await folder.close()
  }
  t.diagnostic(`${acknowledged.length} commits were acknowledged`)
  // A busy machine commits little in the time it has.
  assert.ok(acknowledged.length > KILLS / 3, `only ${acknowledged.length} commits were acknowledged`)
})

it('lists that a kill left behind are repaired by the next start', async (t) => {
  const path = await temporaryFolder(t)
  await commitUntilKilled(path, 0)
  const folder = await openDataFolder(path, { version: '0.0.0-test' })
  assert.equal(folder.unclean, true)
  const observer = createTestObserver()
  const store = await openFileStore(folder, { observer })
  const deadline = performance.now() + 10_000
  while (!observer.lines.some(({ message }) => message.includes('whole again'))) {
    assert.ok(performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await store.close()
  for await (const { module, folder: at } of walkModules({ readdir }, folder.public)) {
    const before = await readFile(join(at, 'list'), 'utf8').catch(() => '')
    assert.equal(before, deriveList({ module, names: await readdir(at), before: '', removed: new Set() }))
  }
  await folder.close()
})

/** Starts the child, kills it after a while that differs from round to round, and gives what it acknowledged. */
async function commitUntilKilled(path: string, round: number): Promise<string[]> {
  const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
  const committing = spawn(process.execPath, [child, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  committing.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(committing.stdout, 'data')
  setTimeout(() => committing.kill('SIGKILL'), (round * 7) % 80)
  const [, signal] = (await once(committing, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL')
  return said.split('\n').slice(1, -1)
}
