import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openClones, type Clones } from '../../server/src/origin/git/clones/clones.ts'
import { createFileRemote, writeServingConfig } from '../../server/src/origin/git/wire/file-remote.ts'
import { createGates } from '../../server/src/origin/git/programs/gates.ts'
import { createGitOrigin } from '../../server/src/origin/git/git-origin.ts'
import { createZipBuilder } from '../../server/src/origin/git/zips/zip-builder.ts'
import { runGit } from '../../server/src/origin/git/programs/run-git.ts'
import type { Remote } from '../../server/src/origin/git/wire/remote.ts'
import { createTestObserver } from '../../server/src/origin/test-origin.ts'
import type { Origin } from '../../server/src/proxy/origin.ts'

export const PATIENT_BOUNDS = { fetch: { total: 60_000, idle: 30_000 }, local: 30_000, size: 2 ** 32 }

/** A git origin whose repositories are folders of this machine, called as a host on the network would call them. */
export interface LocalGitOrigin {
  origin: Origin
  clones: Clones
  /** Where the clones are. */
  folder: string
  close(): Promise<void>
}

export async function createLocalGitOrigin(options: {
  folder: string
  /** `file:` URLs by the module path that the root of the repository has. */
  repositories: ReadonlyMap<string, string>
  bounds?: typeof PATIENT_BOUNDS
}): Promise<LocalGitOrigin> {
  const { folder, repositories, bounds = PATIENT_BOUNDS } = options
  const observer = createTestObserver()
  await rm(folder, { recursive: true, force: true })
  const scratch = join(folder, 'scratch')
  await mkdir(scratch, { recursive: true })
  const servingConfig = join(folder, 'serving.config')
  await writeServingConfig(servingConfig)
  const clones = await openClones({
    folder: join(folder, 'clones'),
    most: 2 ** 33,
    run: runGit,
    gates: createGates(2),
    log: observer.log,
  })
  const builder = createZipBuilder({
    scratch,
    threads: 1,
    most: 2 ** 30,
    deadline: 6e4,
    run: runGit,
    log: observer.log,
  })
  const remotes = new Map<string, Remote>()
  for (const [root, url] of repositories) {
    const remote = createFileRemote({
      key: url,
      url: new URL(url),
      servingConfig,
      deadline: 30_000,
      limit: 2 ** 24,
      run: runGit,
    })
    remotes.set(root, { ...remote, url: `https://${root}` })
  }
  const origin = createGitOrigin({
    name: 'git',
    clones,
    limits: { mod: 2 ** 24, zip: 2 ** 29 },
    bounds,
    builder,
    observer,
    close: async () => undefined,
    async find(module) {
      const root = [...remotes.keys()].find((root) => module === root || module.startsWith(`${root}/`))
      if (root === undefined) throw new Error(`no repository for ${module}`)
      return { root, subdirectory: '', remote: remotes.get(root)! }
    },
  })
  return {
    origin,
    clones,
    folder: join(folder, 'clones'),
    async close() {
      await clones.close()
      await builder.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
