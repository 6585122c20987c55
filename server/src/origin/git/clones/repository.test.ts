import assert from 'node:assert/strict'
import { readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { ModsteadError } from '../../../errors.ts'
import { temporaryFolder } from '../../../observe/test-support.ts'
import { failsWith } from '../../test-origin.ts'
import { BrokenClone, type CloneBounds } from './clone.ts'
import { FLUSH, packet } from '../wire/packets.ts'
import type { Remote } from '../wire/remote.ts'
import {
  addCommits,
  countingRemote,
  git,
  makeRepository,
  noise,
  openRepository,
  PATIENT,
  streamOf,
  type OpenRepository,
} from '../test-repository.ts'

const GO_MOD = 'module example.com/x\n'

interface Fixture extends OpenRepository {
  source: string
  hashes: string[]
  remote: ReturnType<typeof countingRemote>
  /** Where the clones are. */
  folder: string
  /** Another process on the same folder. */
  reopen(bounds?: CloneBounds): OpenRepository
}

async function fixture(t: TestContext, bounds = PATIENT): Promise<Fixture> {
  const place = await temporaryFolder(t)
  const source = join(place, 'source')
  const folder = join(place, 'clones')
  const hashes = makeRepository(source, [
    {
      files: { 'go.mod': GO_MOD, 'a.go': 'package a\n', 'sub/go.mod': 'module example.com/x/sub\n' },
      tags: ['v1.0.0'],
    },
    { files: { 'a.go': 'package a // 1\n' }, tags: ['v1.1.0'] },
    { files: { 'a.go': 'package a // 2\n' } },
  ])
  const remote = countingRemote(source)
  const reopen = (other = bounds): OpenRepository => {
    const opened = openRepository(remote, folder, other)
    t.after(() => opened.repository.close())
    return opened
  }
  return { source, hashes, remote, folder, reopen, ...reopen() }
}

async function goModOf(
  { repository }: OpenRepository,
  hash: string,
  ref?: string,
): Promise<string | undefined> {
  await repository.refs(60_000)
  assert.equal((await repository.commit(hash, ref))?.hash, hash)
  const [goMod] = await repository.read(hash, ['go.mod'])
  return goMod?.toString()
}

test('a commit, its files, and what it does not have', async (t) => {
  const f = await fixture(t)
  const [first] = f.hashes as [string, string, string]
  assert.equal(await goModOf(f, first, 'refs/tags/v1.0.0'), GO_MOD)
  const paths = ['sub/go.mod', 'LICENSE', 'sub/LICENSE', 'sub', 'a.go/go.mod', 'none/go.mod', '']
  const files = await f.repository.read(first, paths)
  assert.deepEqual(
    files.map((file) => file?.toString()),
    ['module example.com/x/sub\n', ...Array.from({ length: 6 }, () => undefined)],
  )
  assert.equal(await f.repository.commit('1'.repeat(40), undefined), undefined)
})

test('trouble of the disk where a clone is to be is named', async (t) => {
  const f = await fixture(t)
  await writeFile(f.folder, '')
  await failsWith(
    f.repository.commit(f.hashes[0]!, undefined),
    'store_unavailable',
    /^modstead could not keep what it fetches from file:.*: the file system answered ENOTDIR$/,
  )
})

test('one request for refs at a time, and none while they are young', async (t) => {
  const { repository, remote } = await fixture(t)
  await Promise.all(Array.from({ length: 50 }, () => repository.refs(0)))
  assert.equal(remote.counts.refs, 1)
  await repository.refs(60_000)
  assert.equal(remote.counts.refs, 1)
  await repository.refs(0)
  assert.equal(remote.counts.refs, 2)
})

test('what comes before a commit is known from history without files', async (t) => {
  const f = await fixture(t)
  const { repository, hashes } = f
  const refs = await repository.refs(0)
  assert.deepEqual(await repository.tagsBefore(hashes[2]!, refs), ['v1.0.0', 'v1.1.0'])
  assert.deepEqual(await repository.tagsBefore(hashes[0]!, refs), ['v1.0.0'])
  assert.deepEqual(await repository.expand(hashes[1]!.slice(0, 9), refs), { hash: hashes[1] })
  assert.equal(await repository.expand('0123456789', refs), undefined)
  const folder = join(f.folder, 'history')
  const blob = git(f.source, ['rev-parse', `${hashes[0]}:go.mod`]).trim()
  assert.throws(() => git(folder, ['cat-file', '-e', blob]), 'files are in the history')
})

test('a commit is no longer found when the branch that led to it is gone', async (t) => {
  const { repository, source } = await fixture(t)
  const topic = { files: { 'a.go': 'package a\n' }, branch: 'topic' }
  const [hash] = addCommits(source, [topic])
  const prefix = hash!.slice(0, 12)
  const refs = await repository.refs(0)
  assert.deepEqual(await repository.expand(prefix, refs), { hash })
  assert.deepEqual(await repository.expand(prefix, refs), { hash })
  git(source, ['branch', '-D', 'topic'])
  assert.equal(await repository.expand(prefix, await repository.refs(0)), undefined)
})

test('200 requests for ten new tags make one fetch', async (t) => {
  const f = await fixture(t)
  assert.equal(await goModOf(f, f.hashes[0]!, 'refs/tags/v1.0.0'), GO_MOD)
  const versions = Array.from({ length: 10 }, (_, i) => `v2.${i}.0`)
  const hashes = addCommits(
    f.source,
    versions.map((tag) => ({ files: { 'a.go': `package a // ${tag}\n` }, tags: [tag] })),
  )
  await f.repository.refs(0)
  const { upload } = f.remote.counts
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      f.repository.commit(hashes[i % 10]!, `refs/tags/${versions[i % 10]}`),
    ),
  )
  for (const [i, answer] of answers.entries()) assert.equal(answer?.hash, hashes[i % 10])
  assert.equal(f.remote.counts.upload, upload + 1)
})

/** As the workers that make zips do it. */
function archive(gitDir: string, hash: string): string {
  try {
    return git(gitDir, ['archive', '--format=tar', hash])
  } catch (error) {
    throw new BrokenClone('git archive failed', { cause: error })
  }
}

suite('a clone that was damaged is made anew, and the answer is right', () => {
  const packsOf = async (folder: string): Promise<string[]> => {
    const packs = join(folder, 'contents', 'objects', 'pack')
    return (await readdir(packs)).filter((name) => name.endsWith('.pack')).map((name) => join(packs, name))
  }
  const table: [name: string, damage: (folder: string) => Promise<unknown>][] = [
    ['a pack deleted', async (folder) => rm((await packsOf(folder))[0]!)],
    [
      'a pack deleted with its index',
      async (folder) => {
        const [pack] = await packsOf(folder)
        for (const suffix of ['pack', 'idx', 'rev']) await rm(pack!.replace(/pack$/, suffix), { force: true })
      },
    ],
    ['a pack cut short', async (folder) => truncate((await packsOf(folder))[0]!, 60)],
    [
      'an index cut short',
      async (folder) => truncate((await packsOf(folder))[0]!.replace(/pack$/, 'idx'), 100),
    ],
    [
      'a pack overwritten',
      async (folder) => {
        const [pack] = await packsOf(folder)
        await rm(pack!)
        await writeFile(pack!, Buffer.alloc(500, 'noise'))
      },
    ],
    ['an empty configuration', (folder) => writeFile(join(folder, 'contents', 'config'), '')],
    [
      'a configuration of somebody',
      (folder) => writeFile(join(folder, 'contents', 'config'), '[core]\nbare = maybe\n'),
    ],
    ['no objects', (folder) => rm(join(folder, 'contents', 'objects'), { recursive: true })],
    ['no refs', (folder) => rm(join(folder, 'contents', 'refs'), { recursive: true })],
    ['no HEAD', (folder) => rm(join(folder, 'contents', 'HEAD'))],
    ['nonsense in shallow', (folder) => writeFile(join(folder, 'contents', 'shallow'), 'nonsense\n')],
    ['no folder', (folder) => rm(folder, { recursive: true })],
  ]
  for (const isRestarted of [false, true])
    for (const [name, damage] of table)
      test(`${name}, ${isRestarted ? 'found by the next process' : 'while it is in use'}`, async (t) => {
        const f = await fixture(t)
        const [first, second, third] = f.hashes as [string, string, string]
        assert.equal(await goModOf(f, first, 'refs/tags/v1.0.0'), GO_MOD)
        if (isRestarted) await f.repository.close()
        await damage(f.folder)
        const { repository } = isRestarted ? f.reopen() : f
        await repository.refs(0)
        // One that was there before, one that shares files with it, and one of both at once.
        const [before, after, both] = await Promise.all([
          repository.read(first, ['sub/go.mod', 'go.mod', 'LICENSE']),
          repository.read(second, ['go.mod', 'sub/go.mod']),
          repository.withContents(third, undefined, async (gitDir) =>
            archive(gitDir, third).includes('package a // 2'),
          ),
        ])
        const texts = [...before, ...after].map((file) => file?.toString())
        const sub = 'module example.com/x/sub\n'
        assert.deepEqual(texts, [sub, GO_MOD, undefined, GO_MOD, sub])
        assert.ok(both)
      })
})

test('files that are lost are not taken for files that never were', async (t) => {
  const f = await fixture(t)
  const [first] = f.hashes as [string, string, string]
  assert.equal(await goModOf(f, first, 'refs/tags/v1.0.0'), GO_MOD)
  await f.repository.close()
  // The commit and its trees, but not the contents of go.mod.
  const folder = join(f.folder, 'contents')
  const [name] = (await readdir(join(folder, 'objects', 'pack'))).filter((file) => file.endsWith('.pack'))
  const pack = join(folder, 'objects', 'pack', name!)
  const objects = git(folder, ['rev-list', '--objects', first, '--no-walk'])
  const kept = objects
    .split('\n')
    .filter((line) => !line.endsWith('go.mod'))
    .map((line) => line.slice(0, 40))
  const smaller = git(
    f.source,
    ['pack-objects', '-q', join(folder, 'kept')],
    `${kept.filter(Boolean).join('\n')}\n`,
  ).trim()
  await rm(pack)
  await rm(pack.replace(/pack$/, 'idx'))
  for (const suffix of ['pack', 'idx']) {
    await rename(
      join(folder, `kept-${smaller}.${suffix}`),
      join(folder, 'objects', 'pack', `pack-${smaller}.${suffix}`),
    )
  }
  const opened = f.reopen()
  assert.equal(await goModOf(opened, first, 'refs/tags/v1.0.0'), GO_MOD)
  assert.match(opened.observer.lines.map(({ message }) => message).join('\n'), /damaged/)
})

test('a clone that cannot be made is a failure of the store, and is made as soon as it can', async (t) => {
  const f = await fixture(t)
  await writeFile(f.folder, 'a file in its place')
  await f.repository.refs(0)
  await assert.rejects(f.repository.commit(f.hashes[0]!, undefined), /ENOTDIR|EEXIST/)
  await rm(f.folder)
  assert.equal(await goModOf(f, f.hashes[0]!), GO_MOD)
})

test('a neighbour that is too large does not stand in the way of what was asked for', async (t) => {
  const f = await fixture(t, { ...PATIENT, size: 300_000 })
  addCommits(f.source, [{ files: { noise: noise(500_000, 1) }, tags: ['v1.2.0'], branch: 'large' }])
  assert.equal(await goModOf(f, f.hashes[0]!, 'refs/tags/v1.0.0'), GO_MOD)
  assert.equal(await goModOf(f, f.hashes[1]!, 'refs/tags/v1.1.0'), GO_MOD)
})

test('a host that cannot be reached is not asked a second time, for less', async (t) => {
  const f = await fixture(t)
  let asked = 0
  const upload = async (): Promise<never> => {
    asked++
    throw new ModsteadError('upstream_unreachable', 'the host is away')
  }
  const { repository } = openRepository({ ...f.remote, upload }, join(f.folder, 'other'))
  t.after(() => repository.close())
  await repository.refs(0)
  // The second tag is asked for with its neighbours.
  for (const [index, ref] of ['refs/tags/v1.0.0', 'refs/tags/v1.1.0'].entries())
    await failsWith(repository.commit(f.hashes[index]!, ref), 'upstream_unreachable', /away/)
  assert.equal(asked, 2)
})

test('a commit that is too large is refused with the setting that bounds it, and leaves nothing', async (t) => {
  const f = await fixture(t, { ...PATIENT, size: 300_000 })
  const [large] = addCommits(f.source, [{ files: { noise: noise(800_000, 1) }, tags: ['v1.2.0'] }])
  await f.repository.refs(0)
  const error = await failsWith(
    f.repository.commit(large!, 'refs/tags/v1.2.0'),
    'upstream_invalid',
    /larger than the 300000 bytes/,
  )
  assert.match(error.next!, /limits\.repository/)
  const packs = await readdir(join(f.folder, 'contents', 'objects', 'pack')).catch(() => [])
  assert.deepEqual(packs, [])
  assert.equal(await goModOf(f, f.hashes[0]!, 'refs/tags/v1.0.0'), GO_MOD)
})

test('a clone that has come to its bound is begun anew', async (t) => {
  const f = await fixture(t, { ...PATIENT, size: 600_000 })
  const tags = ['v2.0.0', 'v2.1.0', 'v2.2.0', 'v2.3.0']
  const hashes = addCommits(
    f.source,
    tags.map((tag, i) => ({ files: { noise: noise(400_000, i + 1) }, tags: [tag], branch: tag })),
  )
  await f.repository.refs(0)
  for (const [i, hash] of hashes.entries())
    assert.equal((await f.repository.commit(hash, `refs/tags/${tags[i]}`))?.hash, hash)
})

test('a host that speaks only the old protocol, and gives no commit by its hash, is fetched from with git', async (t) => {
  const f = await fixture(t)
  const old: Remote = { ...f.remote, upload: async () => streamOf(packet('ERR no version 2 here'), FLUSH) }
  const opened = openRepository(old, join(f.folder, 'old'))
  t.after(() => opened.repository.close())
  git(f.source, ['config', 'uploadpack.allowAnySHA1InWant', 'false'])
  assert.equal(await goModOf(opened, f.hashes[1]!, 'refs/tags/v1.1.0'), GO_MOD)
  // No name leads to it any more when it is fetched.
  assert.equal(await goModOf(opened, f.hashes[0]!), GO_MOD)
})
