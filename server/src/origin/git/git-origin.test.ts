import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import { read, setUp } from '../../proxy/proxy.fixture.ts'
import type { Origin } from '../../proxy/origin.ts'
import type { ModuleRequest } from '../../proxy/request.ts'
import { asked, collect, failsWith } from '../test-origin.ts'
import { openClones } from './clones/clones.ts'
import { createGates } from './programs/gates.ts'
import { createGitOrigin, type GitOriginOptions } from './git-origin.ts'
import { addCommits, countingRemote, git, makeRepository, noise, PATIENT } from './test-repository.ts'
import { createZipBuilder } from './zips/zip-builder.ts'
import { runGit } from './programs/run-git.ts'

const MODULE = checkPath('corp.example/lib')
const VERSION = 'v1.0.0' as Version
const GO_MOD = 'module corp.example/lib\n'

/** An origin with one repository, in which `MODULE` has `VERSION`. */
async function originWith(t: TestContext, limits: GitOriginOptions['limits']): Promise<Origin> {
  return (await repositoryAndOrigin(t, limits)).origin
}

async function repositoryAndOrigin(
  t: TestContext,
  limits: GitOriginOptions['limits'],
): Promise<{ origin: Origin; folder: string }> {
  const folder = await temporaryFolder(t)
  const scratch = join(folder, 'scratch')
  await mkdir(scratch)
  makeRepository(join(folder, 'lib'), [
    { files: { 'go.mod': GO_MOD, 'data.bin': noise(200_000, 1) }, tags: [VERSION] },
  ])
  const remote = countingRemote(join(folder, 'lib'))
  const observer = createTestObserver()
  const { log } = observer
  const clones = await openClones({
    folder: join(folder, 'clones'),
    most: 1 << 30,
    run: runGit,
    gates: createGates(2),
    log,
  })
  const builder = createZipBuilder({ scratch, threads: 1, most: 1 << 30, deadline: 40_000, run: runGit, log })
  t.after(async () => {
    await clones.close()
    await builder.close()
  })
  const find = async () => ({ root: MODULE, subdirectory: '', remote })
  const close = () => Promise.resolve()
  const origin = createGitOrigin({
    name: 'git',
    find,
    clones,
    bounds: PATIENT,
    limits,
    builder,
    observer,
    close,
  })
  return { origin, folder: join(folder, 'lib') }
}

test('what is within its limits is given', async (t) => {
  const origin = await originWith(t, { mod: GO_MOD.length, zip: 1 << 20 })
  assert.equal((await origin.goMod(MODULE, VERSION, asked())).bytes.toString(), GO_MOD)
  assert.ok((await collect((await origin.zip(MODULE, VERSION, asked())).chunks)).length > 200_000)
})

test('a go.mod or a zip beyond its limit is refused', async (t) => {
  const origin = await originWith(t, { mod: GO_MOD.length - 1, zip: 100_000 })
  await failsWith(origin.goMod(MODULE, VERSION, asked()), 'upstream_invalid', /has more than 23 bytes/)
  await failsWith(origin.zip(MODULE, VERSION, asked()), 'upstream_invalid', /100000 bytes that limits\.zip/)
})

describe('once the tag of a version has moved', () => {
  const LIMITS = { mod: 1 << 20, zip: 1 << 20 }

  /** A proxy that knows v1.1.0 at `first` and a repository whose branch main and tag v1.1.0 are at `moved`. */
  async function movedTag(t: TestContext) {
    const { origin, folder } = await repositoryAndOrigin(t, LIMITS)
    // Answers are too old to be given without asking, unless a test lets no time pass.
    const clock = { time: Date.now(), step: 24 * 3_600_000 }
    const { serve, catalog } = await setUp(t, { origins: [origin], now: () => clock.time })
    const info = async (request: ModuleRequest): Promise<Info> => {
      clock.time += clock.step
      return JSON.parse((await read(await serve(request))).toString()) as Info
    }
    const query = (query: string) => info({ kind: 'query', module: MODULE, query })
    const exact = (version: string) => info({ kind: 'info', module: MODULE, version: version as Version })
    const latest = () => info({ kind: 'latest', module: MODULE })
    const commit = (text: string): string => addCommits(folder, [{ files: { 'a.go': text } }])[0]!
    const first = commit('package a\n')
    git(folder, ['tag', 'v1.1.0', first])
    return { folder, clock, catalog, query, exact, latest, commit, first }
  }

  test('a commit, a branch and the latest that carry it are not called by that version', async (t) => {
    const { folder, query, exact, latest, commit, first } = await movedTag(t)
    assert.equal((await exact('v1.1.0')).Origin.Hash, first)
    assert.equal((await query('main')).Version, 'v1.1.0')
    const moved = commit('package a // other\n')
    git(folder, ['tag', '--force', 'v1.1.0', moved])
    const pseudo = new RegExp(`^v1\\.0\\.1-0\\.\\d{14}-${moved.slice(0, 12)}$`)
    for (const answer of [await query(moved.slice(0, 12)), await query('main'), await latest()]) {
      assert.match(answer.Version, pseudo)
      assert.equal(answer.Origin.Hash, moved)
      assert.equal((await exact(answer.Version)).Origin.Hash, moved)
    }
    assert.equal((await query(first)).Version, `v1.0.1-0.20231114221420-${first.slice(0, 12)}`)
    assert.equal((await exact('v1.1.0')).Origin.Hash, first)
  })

  test('commits after it count from it, as for go', async (t) => {
    const { folder, query, exact, commit } = await movedTag(t)
    await exact('v1.1.0')
    git(folder, ['tag', '--force', 'v1.1.0', commit('package a // other\n')])
    const later = commit('package a // later\n')
    const answer = await query('main')
    assert.match(answer.Version, /^v1\.1\.1-0\./)
    assert.equal(answer.Origin.Hash, later)
    assert.equal((await exact(answer.Version)).Origin.Hash, later)
  })

  test('an answer from before its commit was known is not given any more', async (t) => {
    const { clock, catalog, query, first } = await movedTag(t)
    assert.equal((await query('main')).Version, 'v1.1.0')
    await catalog.learn('public', MODULE, 'v1.1.0' as Version, { commit: 'f'.repeat(40) })
    clock.step = 0
    const answer = await query('main')
    assert.equal(answer.Origin.Hash, first)
    assert.match(answer.Version, /^v1\.0\.1-0\./)
  })
})

interface Info {
  Version: string
  Origin: { Hash: string }
}
