import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { checkPath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { createTestObserver, temporaryFolder } from '../../observe/test-support.ts'
import type { Origin } from '../../proxy/origin.ts'
import { asked, collect, failsWith } from '../test-origin.ts'
import { openClones } from './clones.ts'
import { createGates } from './gates.ts'
import { createGitOrigin, type GitOriginOptions } from './git-origin.ts'
import { countingRemote, makeRepository, noise, PATIENT } from './test-repository.ts'
import { runGit } from './run-git.ts'
import { createZipBuilder } from './zip-builder.ts'

const MODULE = checkPath('corp.example/lib')
const VERSION = 'v1.0.0' as Version
const GO_MOD = 'module corp.example/lib\n'

/** An origin with one repository, in which `MODULE` has `VERSION`. */
async function originWith(t: TestContext, limits: GitOriginOptions['limits']): Promise<Origin> {
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
    gates: createGates(2),
    run: runGit,
    log,
  })
  const builder = createZipBuilder({ scratch, threads: 1, most: 1 << 30, deadline: 40_000, run: runGit, log })
  t.after(async () => {
    await clones.close()
    await builder.close()
  })
  const find = async () => ({ root: MODULE, subdirectory: '', remote })
  const close = () => Promise.resolve()
  return createGitOrigin({ name: 'git', find, clones, bounds: PATIENT, limits, builder, observer, close })
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
