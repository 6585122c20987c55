/**
 * Keeps the `list` files as `list-file.ts` says they should be.
 *
 * A rewrite reads the module's whole folder, so a burst of commits to one module is answered by few of them: after
 * each, the list rests for twenty times as long as the rewrite took. Lists are not synced: they can be made again.
 */
import type { ModulePath } from '@modstead/gomod/path'
import type { Logger } from '../observe/observer.ts'
import type { Durable } from './durable.ts'
import { absentAs } from '../disk-errors.ts'
import { type FileSystem } from './file-system.ts'
import { deriveList } from './list-file.ts'
import { createTurns } from './turns.ts'

/** A module's `@v` folder, and whose it is. */
export interface ModuleFolder {
  module: ModulePath
  folder: string
}

export interface VersionLists {
  /** Says that files of a module changed; its list follows soon. `removed` is a version that lost a file. */
  changed(where: ModuleFolder, removed?: string): void
  /** Rewrites a list now, if it is not what it should be. */
  rewrite(where: ModuleFolder): Promise<void>
  /** Settles when every list is as it should be, or failed once more; failures are logged. */
  close(): Promise<void>
}

export interface VersionListsOptions {
  files: FileSystem
  durable: Durable
  log: Logger
}

/** Milliseconds from a change to its rewrite: the three files of a version come close together. */
const SETTLE = 20
/** Rest after a rewrite, as a multiple of what it took. */
const REST = 20
/** Milliseconds until a rewrite that failed is tried again. */
const RETRY = 5_000

interface Pending {
  where: ModuleFolder
  removed: Set<string>
  dirty: boolean
  timer?: NodeJS.Timeout | undefined
  running?: Promise<void> | undefined
}

export function createVersionLists({ files, durable, log }: VersionListsOptions): VersionLists {
  const pending = new Map<string, Pending>()
  const inTurn = createTurns()
  let closed = false

  /** In turn, so that no list is replaced by one that was derived from an older look at its folder. */
  function rewrite(where: ModuleFolder, removed: ReadonlySet<string>): Promise<void> {
    return inTurn(where.folder, () => derive(where, removed))
  }

  async function derive({ module, folder }: ModuleFolder, removed: ReadonlySet<string>): Promise<void> {
    const [names, before] = await Promise.all([
      files.readdir(folder).catch(absentAs<string[]>([])),
      files.readFile(`${folder}/list`, 'utf8').catch(absentAs('')),
    ])
    const text = deriveList({ module, names, before, removed })
    if (text !== before) await durable.publish(Buffer.from(text), `${folder}/list`)
  }

  function wait(state: Pending, delay: number): void {
    // Unreferenced, for close() does at once what a timer would do later.
    state.timer = setTimeout(() => {
      state.timer = undefined
      if (state.dirty) state.running = run(state)
      else pending.delete(state.where.folder)
    }, delay).unref()
  }

  async function run(state: Pending): Promise<void> {
    const start = performance.now()
    const removed = state.removed
    state.removed = new Set()
    state.dirty = false
    let rest: number
    try {
      await rewrite(state.where, removed)
      rest = Math.max(SETTLE, (performance.now() - start) * REST)
    } catch (error) {
      log.warn({ err: error, module: state.where.module }, 'a list of stored versions could not be written')
      for (const version of removed) state.removed.add(version)
      state.dirty = true
      rest = RETRY
    }
    state.running = undefined
    if (!closed) wait(state, rest)
  }

  return {
    changed(where, removed) {
      let state = pending.get(where.folder)
      if (state === undefined) {
        state = { where, removed: new Set(), dirty: false }
        pending.set(where.folder, state)
      }
      state.dirty = true
      if (removed !== undefined) state.removed.add(removed)
      if (state.running === undefined && state.timer === undefined) wait(state, SETTLE)
    },
    rewrite: (where) => rewrite(where, new Set()),
    async close() {
      closed = true
      for (const state of pending.values()) {
        clearTimeout(state.timer)
        await state.running
        if (state.dirty) await run(state)
      }
      pending.clear()
    },
  }
}
