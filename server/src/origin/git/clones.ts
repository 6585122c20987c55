import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../observe/observer.ts'
import { touch, type CloneBounds } from './clone.ts'
import { sizeOf } from './disk-bound.ts'
import type { RunGit } from './git-helper.ts'
import type { Remote } from './remote.ts'
import { createRepository, type Repository } from './repository.ts'

/** The clones of all repositories, in one folder with a bound. */
export interface Clones {
  /** What is kept of a remote: the same object for all who ask. */
  of(remote: Remote, bounds: CloneBounds): Repository
  /** Deletes the clones that were not used for longest, until the rest is within the bound. Those in use stay. */
  sweep(): Promise<void>
  close(): Promise<void>
}

export interface ClonesOptions {
  folder: string
  /** Bytes that all clones may take together. */
  most: number
  run: RunGit
  log: Logger
  now?: () => number
}

/** Milliseconds between two looks at the sizes. */
const SWEEP_EVERY = 60_000

/** Opens the clone cache, which is made where there is none. */
export async function openClones(options: ClonesOptions): Promise<Clones> {
  const { folder, most, run, log, now = Date.now } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const closing = new AbortController()
  const repositories = new Map<string, Repository>()
  let sweeping: Promise<void> | undefined
  const timer = setInterval(() => {
    sweepOnce().catch((error: unknown) => log.warn({ err: error }, 'old clones could not be deleted'))
  }, SWEEP_EVERY)
  timer.unref()

  function sweepOnce(): Promise<void> {
    sweeping ??= sweep().finally(() => (sweeping = undefined))
    return sweeping
  }

  async function sweep(): Promise<void> {
    const found = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const path = join(folder, name)
        return { name, path, size: await sizeOf(path), used: (await stat(path)).mtimeMs }
      }),
    )
    let total = found.reduce((sum, { size }) => sum + size, 0)
    for (const { name, path, size, used } of found.sort((a, b) => a.used - b.used)) {
      if (total <= most || closing.signal.aborted) return
      if (repositories.get(name)?.busy === true) continue
      await repositories.get(name)?.close()
      repositories.delete(name)
      await rm(path, { recursive: true, force: true, maxRetries: 3 })
      total -= size
      log.info({ clone: name, bytes: size, used: new Date(used) }, 'a clone was deleted to make room')
    }
  }

  return {
    of(remote, bounds) {
      const name = createHash('sha256').update(remote.key).digest('hex').slice(0, 32)
      const known = repositories.get(name)
      if (known !== undefined) return known
      const own = join(folder, name)
      const repository = createRepository({
        remote,
        folder: own,
        bounds,
        run,
        log,
        shutdown: closing.signal,
        now,
        used: () => touch(own),
      })
      repositories.set(name, repository)
      return repository
    },
    sweep: sweepOnce,
    async close() {
      clearInterval(timer)
      closing.abort()
      await sweeping
      for (const repository of repositories.values()) await repository.close()
    },
  }
}
