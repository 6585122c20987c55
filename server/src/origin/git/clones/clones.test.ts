import assert from 'node:assert/strict'
import { readdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createTestObserver, temporaryFolder } from '../../../observe/test-support.ts'
import { failsWith } from '../../test-origin.ts'
import { openClones, type Clones } from './clones.ts'
import { sizeOf } from '../programs/disk-bound.ts'
import { createGates, type Gates } from '../programs/gates.ts'
import { createHostGate } from '../programs/host-gate.ts'
import type { Remote } from '../wire/remote.ts'
import type { Repository } from './repository.ts'
import { countingRemote, makeRepository, noise, PATIENT } from '../test-repository.ts'
import { runGit } from '../programs/run-git.ts'

interface Fixture {
  folder: string
  /** Repositories of about 100 kB. */
  remotes: Remote[]
  hashes: string[]
  open(most: number, gates?: Gates): Promise<Clones>
}

async function fixture(t: TestContext): Promise<Fixture> {
  const place = await temporaryFolder(t)
  const folder = join(place, 'clones')
  const remotes: Remote[] = []
  const hashes: string[] = []
  for (const name of ['a', 'b', 'c']) {
    const source = join(place, name)
    hashes.push(
      ...makeRepository(source, [{ files: { 'go.mod': `module ${name}\n`, noise: noise(100_000, 1) } }]),
    )
    remotes.push(countingRemote(source))
  }
  return {
    folder,
    remotes,
    hashes,
    async open(most, gates = createGates(2)) {
      const clones = await openClones({ folder, most, run: runGit, gates, log: createTestObserver().log })
      t.after(() => clones.close())
      return clones
    },
  }
}

function fill(clones: Clones, { remotes, hashes }: Fixture, index: number): Promise<string | undefined> {
  return clones.use(remotes[index]!, PATIENT, async (repository) => {
    await repository.refs(60_000)
    await repository.commit(hashes[index]!, undefined)
    const [goMod] = await repository.read(hashes[index]!, ['go.mod'])
    return goMod?.toString()
  })
}

/** Makes the clones look as if they had been used one after the other, the first of these names first. */
async function age(folder: string, names: readonly string[]): Promise<void> {
  for (const [index, name] of names.entries()) {
    const time = new Date(Date.now() - 1_000_000 + index * 1_000)
    await utimes(join(folder, name), time, time)
  }
}

test('all who ask for a remote share what is kept of it', async (t) => {
  const f = await fixture(t)
  const clones = await f.open(1 << 30)
  const seen = await Promise.all([
    clones.use(f.remotes[0]!, PATIENT, async (repository) => repository),
    clones.use({ ...f.remotes[0]! }, PATIENT, async (repository) => repository),
    clones.use(f.remotes[1]!, PATIENT, async (repository) => repository),
  ])
  assert.equal(seen[0], seen[1])
  assert.notEqual(seen[0], seen[2])
})

test('of a repository that is absent nothing is kept', async (t) => {
  const f = await fixture(t)
  const clones = await f.open(1 << 30)
  const absent = countingRemote(join(f.folder, '..', 'absent'))
  const asked = new Set<Repository>()
  const ask = () =>
    clones.use(absent, PATIENT, (repository) => {
      asked.add(repository)
      return repository.refs(0)
    })
  await Promise.all([failsWith(ask(), 'not_found', /./), failsWith(ask(), 'not_found', /./)])
  assert.equal(asked.size, 1)
  await failsWith(ask(), 'not_found', /./)
  assert.equal(asked.size, 2)
  assert.deepEqual(await readdir(f.folder), [])
})

test('those that were not used for longest are deleted until the rest is within the bound', async (t) => {
  const f = await fixture(t)
  const before = await f.open(1 << 30)
  const names: string[] = []
  for (const index of [0, 1, 2]) {
    await fill(before, f, index)
    names.push(...(await readdir(f.folder)).filter((name) => !names.includes(name)))
  }
  await before.close()
  const clones = await f.open(150_000)
  await age(f.folder, [names[1]!, names[0]!, names[2]!])
  await clones.sweep()
  assert.deepEqual(await readdir(f.folder), [names[2]])
  assert.ok((await sizeOf(f.folder)) <= 150_000)
  assert.equal(await fill(clones, f, 1), 'module b\n')
})

test('room is made before a fetch, and not only now and then', async (t) => {
  const f = await fixture(t)
  const clones = await f.open(150_000)
  await fill(clones, f, 0)
  const [oldest] = await readdir(f.folder)
  await fill(clones, f, 1)
  await age(f.folder, [oldest!])
  await fill(clones, f, 2)
  const left = await readdir(f.folder)
  assert.equal(left.length, 2)
  assert.ok(!left.includes(oldest!))
})

test('only so many fetches run at a time', async (t) => {
  const f = await fixture(t)
  const fetches = createHostGate({ size: 1, ofOneHost: 1, patience: 40_000, what: 'fetches' })
  const clones = await f.open(1 << 30, { ...createGates(2), fetches })
  let running = 0
  let most = 0
  f.remotes = f.remotes.map((remote) => ({
    ...remote,
    async upload(request, signal) {
      most = Math.max(most, ++running)
      const answer = await remote.upload(request, signal)
      return (async function* () {
        try {
          yield* answer
        } finally {
          running--
        }
      })()
    },
  }))
  await Promise.all([0, 1, 2].map((index) => fill(clones, f, index)))
  assert.equal(most, 1)
})

test('a clone that is only read was used as well', async (t) => {
  const f = await fixture(t)
  let time = Date.now()
  const clones = await openClones({
    folder: f.folder,
    most: 1,
    run: runGit,
    gates: createGates(2),
    log: createTestObserver().log,
    now: () => time,
  })
  t.after(() => clones.close())
  await fill(clones, f, 0)
  const [name] = await readdir(f.folder)
  await age(f.folder, [name!])
  const old = (await stat(join(f.folder, name!))).mtimeMs
  time += 60_000
  await clones.use(f.remotes[0]!, PATIENT, (repository) => repository.read(f.hashes[0]!, ['go.mod']))
  assert.ok((await stat(join(f.folder, name!))).mtimeMs > old)
})

test('within the bound nothing is deleted', async (t) => {
  const f = await fixture(t)
  const clones = await f.open(1 << 30)
  for (const index of [0, 1, 2]) await fill(clones, f, index)
  await clones.sweep()
  assert.equal((await readdir(f.folder)).length, 3)
})

test('one in use stays, and is deleted once it is not', async (t) => {
  const f = await fixture(t)
  const before = await f.open(1 << 30)
  await fill(before, f, 0)
  await fill(before, f, 1)
  await before.close()
  const clones = await f.open(1)
  const release = Promise.withResolvers<void>()
  const busy = clones.use(f.remotes[0]!, PATIENT, async (repository) => {
    await release.promise
    return (await repository.read(f.hashes[0]!, ['go.mod']))[0]?.toString()
  })
  await clones.sweep()
  assert.equal((await readdir(f.folder)).length, 1)
  release.resolve()
  assert.equal(await busy, 'module a\n')
  await clones.sweep()
  assert.deepEqual(await readdir(f.folder), [])
})

test('clones that an earlier process left count, and are used or deleted', async (t) => {
  const f = await fixture(t)
  const before = await f.open(1 << 30)
  for (const index of [0, 1]) await fill(before, f, index)
  await before.close()
  const clones = await f.open(150_000)
  await clones.sweep()
  assert.equal((await readdir(f.folder)).length, 1)
  for (const [index, name] of ['a', 'b'].entries())
    assert.equal(await fill(clones, f, index), `module ${name}\n`)
})

test('requests and sweeps at the same time do not disturb each other', async (t) => {
  const f = await fixture(t)
  const clones = await f.open(1)
  const over = new AbortController()
  const sweeping = (async () => {
    while (!over.signal.aborted) await clones.sweep()
  })()
  try {
    for (let round = 0; round < 6; round++)
      assert.deepEqual(await Promise.all([0, 1, 2].map((index) => fill(clones, f, index))), [
        'module a\n',
        'module b\n',
        'module c\n',
      ])
  } finally {
    over.abort()
    await sweeping
  }
})
