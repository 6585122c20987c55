import type { Observer } from '../observe/observer.ts'
import type { Absences } from './absences.ts'
import type { Catalog } from './catalog.ts'
import type { PromisedIn } from './checksums.ts'
import type { DroppedFiles } from './dropped-files.ts'
import type { ColdWork } from './cold-work.ts'
import type { Incidents } from './incidents.ts'
import type { Stored } from './module-proxy.ts'
import type { Setbacks } from './setbacks.ts'
import type { CheckRoom } from './quotas.ts'
import type { ModuleStore } from './store.ts'
import type { Traces } from './traces.ts'
import type { ZipChecker } from './zip-checker.ts'

/** What the steps of this room work with. */
export interface Parts {
  store: ModuleStore
  catalog: Catalog
  checker: ZipChecker
  incidents: Incidents
  traces: Traces
  /** What logs of ours have promised; absent where there is none. */
  promised?: PromisedIn
  /** Tells of a zip that was verified and stored. */
  stored(stored: Stored): void
  /** Absent where no realm has a bound. */
  room?: CheckRoom
  absences: Absences
  cold: ColdWork
  dropped: DroppedFiles
  setbacks: Setbacks
  observer: Observer
  /** Fires when the server gives up waiting for running fetches. */
  shutdown: AbortSignal
  /** Milliseconds since the epoch. */
  now(): number
}
