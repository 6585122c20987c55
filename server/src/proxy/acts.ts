import type { ModulePath } from '@modstead/gomod/path'
import type { Counter } from '../observe/observer.ts'
import { createDeletions, type Deletions } from './delete.ts'
import { waitAtMost } from './flights.ts'
import type { Change } from './module-proxy.ts'
import type { Parts } from './parts.ts'
import { createPublications, type Publications } from './publish.ts'
import type { Route, Router } from './route.ts'
import type { SmallFiles } from './small-files.ts'
import { turnOf, type Turns } from './turns.ts'
import type { Zips } from './zips.ts'

/** What is not asked for, but done: publishing and deleting versions. */
export interface Acts extends Publications, Deletions {
  /**
   * Waits while a version of this module is being taken in or removed, so that nobody sees a part of it; but not for
   * long: what else is stored of the module must not wait for a disk that hangs.
   */
  settled(route: Route, module: ModulePath): Promise<void>
  /** Settles when nothing is being published or deleted any more. */
  idle(): Promise<void>
}

export interface ActsOptions {
  router: Router
  files: SmallFiles
  zips: Zips
  turns: Turns
  changed(change: Change): void
}

/** What both kinds of acts work with. */
export interface ActTools extends ActsOptions {
  /** Labels: the act and its outcome. */
  counter: Counter
}

/** How long a reader waits for an act on the same module. Milliseconds. */
const PATIENCE = 2_000

export function createActs(options: ActsOptions, parts: Parts): Acts {
  const { turns } = options
  const counter = parts.observer.counter('modstead_acts_total', 'Versions published and deleted.', [
    'act',
    'outcome',
  ])
  const tools: ActTools = { ...options, counter }
  return {
    ...createPublications(tools, parts),
    ...createDeletions(tools, parts),
    async settled(route, module) {
      const act = turns.last(turnOf(route, module))
      // Its failure is not this reader's.
      if (act !== undefined) await waitAtMost(Promise.allSettled([act]), PATIENCE)
    },
    idle: () => turns.idle(),
  }
}
