import { join } from 'node:path'
import { ModsteadError } from '../../../errors.ts'
import { BrokenClone, type Clone } from './clone.ts'

/** `contents` has all files of some commits, `history` all commits without files. */
export type CloneKind = 'contents' | 'history'

/** The two clones of one repository, which are thrown away and made anew together. */
export interface ClonePair {
  /** How often they were made anew. */
  readonly generation: number
  /** The clone of a kind, opened once; a failure to open it is not kept. */
  get(kind: CloneKind): Promise<Clone>
  /**
   * Runs a fetch. It ends when the clones are thrown away, and then throws `BrokenClone`: what comes for the old ones would
   * have holes in the new ones.
   */
  fetching<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Throws the clones of a generation away, unless that has been done. Settles when their files are gone. */
  discard(generation: number): Promise<void>
  /** Ends what they keep running. */
  close(): Promise<void>
}

export function createClonePair(options: {
  folder: string
  open(kind: CloneKind, folder: string): Promise<Clone>
  shutdown: AbortSignal
  /** Told when they are thrown away: nothing is here any more. */
  discarded(): void
}): ClonePair {
  const { folder, open, shutdown, discarded } = options
  const clones = new Map<CloneKind, Promise<Clone>>()
  const fetches = new Set<Promise<unknown>>()
  let generation = 0
  let anew = new AbortController()
  /** Settles when the files of the last ones are gone: new ones take their place. */
  let discarding: Promise<void> = Promise.resolve()

  async function destroyAll(): Promise<void> {
    const open = [...clones.values()]
    clones.clear()
    await Promise.all(fetches)
    for (const clone of await Promise.allSettled(open))
      if (clone.status === 'fulfilled') await clone.value.destroy()
  }

  return {
    get generation() {
      return generation
    },
    get(kind) {
      const known = clones.get(kind)
      if (known !== undefined) return known
      const opened = discarding.then(() => open(kind, join(folder, kind)))
      clones.set(kind, opened)
      opened.catch(() => {
        if (clones.get(kind) === opened) clones.delete(kind)
      })
      return opened
    },
    async fetching(work) {
      const began = generation
      const run = work(AbortSignal.any([shutdown, anew.signal]))
      const settled: Promise<unknown> = run.then(
        () => fetches.delete(settled),
        () => fetches.delete(settled),
      )
      fetches.add(settled)
      const [outcome] = await Promise.allSettled([run])
      if (began !== generation) throw new BrokenClone('the clone was thrown away while it was fetched into')
      if (outcome.status === 'rejected') throw outcome.reason
      return outcome.value
    },
    async discard(which) {
      if (which === generation) {
        generation++
        anew.abort(new ModsteadError('aborted', 'the clone is made anew'))
        anew = new AbortController()
        discarded()
        discarding = destroyAll()
        discarding.catch(() => undefined) // heard of by whoever opens the new ones
      }
      await discarding
    },
    async close() {
      const open = [...clones.values()]
      clones.clear()
      for (const clone of await Promise.allSettled(open))
        if (clone.status === 'fulfilled') clone.value.close()
    },
  }
}
