import { createHash } from 'node:crypto'
import { renameSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ModsteadError } from '../../../errors.ts'
import type { Logger } from '../../../observe/observer.ts'
import { touch, type CloneBounds } from './clone.ts'
import { sizeOf, unlessGone } from '../programs/disk-bound.ts'
import type { RunGit } from '../programs/git-helper.ts'
import type { Gates } from '../programs/gates.ts'
import type { Remote } from '../wire/remote.ts'
import { createRepository, type Repository } from './repository.ts'

/** The clones of all repositories, in one folder with a bound. */
export interface Clones {
  /** Lets `work` use what is kept of a remote; it is not deleted meanwhile. All who ask for one remote share it. */
  use<T>(remote: Remote, bounds: CloneBounds, work: (repository: Repository) => Promise<T>): Promise<T>
  /** Deletes the clones that were not used for longest, until the rest is within the bound. Those in use stay. */
  sweep(): Promise<void>
  close(): Promise<void>
}

export interface ClonesOptions {
  folder: string
  /** Bytes that all clones may take together. */
  most: number
  run: RunGit
  gates: Gates
  log: Logger
  now?: () => number
}

/** Milliseconds between two looks at the sizes. */
const SWEEP_EVERY = 60_000

/** The part of the bound that is free after room was made. */
const SPARE = 0.1

/** Repositories at rest whose refs and files stay in memory; the clones of others stay on disk alone. */
const MOST_AT_REST = 64

/** How often the use of a clone is noted in the time of its folder. Milliseconds. */
const NOTE_EVERY = 10_000

/** A folder that is being deleted: nobody opens it again. */
const LEAVING = '.old'

interface InUse {
  repository: Repository
  users: number
  /** When its use was noted on disk. */
  noted: number
}

/** Opens the clone cache, which is made where there is none. */
export async function openClones(options: ClonesOptions): Promise<Clones> {
  const { folder, most, run, gates, log, now = Date.now } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const closing = new AbortController()
  /** Least recently used first. */
  const repositories = new Map<string, InUse>()
  let sweeping: Promise<void> | undefined
  /** What they take by the last look, and what has come since; `undefined` before the first look. */
  let taken: number | undefined
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
        const used = (await stat(path).catch(unlessGone(undefined)))?.mtimeMs ?? 0
        return { name, path, size: await sizeOf(path), used }
      }),
    )
    let total = found.reduce((sum, { size }) => sum + size, 0)
    taken = total
    // Some room is made beyond the bound, so that not every fetch has to make its own.
    const goal = total > most ? most * (1 - SPARE) : most
    for (const { name, path, size, used } of found.sort((a, b) => a.used - b.used)) {
      if (closing.signal.aborted) return
      if (total <= goal && !name.endsWith(LEAVING)) continue
      const known = repositories.get(name)
      if (known !== undefined && known.users > 0) continue
      repositories.delete(name)
      // Whoever asks for it from now on begins in a folder of its own: nothing may come between these two lines.
      const leaving = name.endsWith(LEAVING) ? path : `${path}-${now()}${LEAVING}`
      if (leaving !== path) renameSync(path, leaving)
      await known?.repository.close()
      await rm(leaving, { recursive: true, force: true, maxRetries: 3 })
      total -= size
      taken -= size
      log.info({ clone: name, bytes: size, used: new Date(used) }, 'a clone was deleted to make room')
    }
  }

  async function makeRoom(): Promise<void> {
    if (taken === undefined || taken > most) await sweepOnce()
  }

  function open(name: string, remote: Remote, bounds: CloneBounds): Repository {
    const own = join(folder, name)
    return createRepository({
      remote,
      folder: own,
      bounds,
      run,
      gates,
      log,
      shutdown: closing.signal,
      now,
      makeRoom,
      grew(bytes) {
        if (taken !== undefined) taken += bytes
      },
    })
  }

  /** Notes that a clone was used, where there is one by now: those that were not for longest are deleted first. */
  async function note(name: string, entry: InUse): Promise<void> {
    if (now() - entry.noted < NOTE_EVERY) return
    entry.noted = now()
    await touch(join(folder, name)).catch(unlessGone(undefined))
  }

  /** Forgets one of which nothing is known: whoever asks for what is nowhere costs no memory. */
  async function forgetUnknown(name: string, { repository, users }: InUse): Promise<void> {
    if (users > 0 || !repository.unknown || repositories.get(name)?.repository !== repository) return
    repositories.delete(name)
    await repository.close()
  }

  /** Forgets those that rest for longest, where too many do. */
  function forgetSome(): void {
    let atRest = 0
    for (const [name, { repository, users }] of [...repositories].toReversed()) {
      if (users > 0 || ++atRest <= MOST_AT_REST) continue
      repositories.delete(name)
      repository.close().catch((error: unknown) => log.warn({ err: error }, 'a clone could not be closed'))
    }
  }

  return {
    async use(remote, bounds, work) {
      const name = createHash('sha256').update(remote.key).digest('hex').slice(0, 32)
      const entry = repositories.get(name) ?? { repository: open(name, remote, bounds), users: 0, noted: 0 }
      repositories.delete(name)
      repositories.set(name, entry)
      entry.users++
      try {
        return await work(entry.repository)
      } finally {
        await note(name, entry)
        entry.users--
        await forgetUnknown(name, entry)
        forgetSome()
      }
    },
    sweep: sweepOnce,
    async close() {
      clearInterval(timer)
      closing.abort(new ModsteadError('shutting_down', 'modstead is shutting down'))
      await sweeping
      for (const { repository } of repositories.values()) await repository.close()
    },
  }
}
