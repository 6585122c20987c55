import type { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import { createAbsences } from './absences.ts'
import type { Catalog } from './catalog.ts'
import type { PromisedIn } from './checksums.ts'
import { createColdWork } from './cold-work.ts'
import { createDroppedFiles } from './dropped-files.ts'
import { createIncidents } from './incidents.ts'
import type { Change, Stored } from './module-proxy.ts'
import { createMutableFiles, type MutableFiles } from './mutable.ts'
import type { Parts } from './parts.ts'
import { withPublished } from './published-lists.ts'
import type { CheckRoom } from './quotas.ts'
import { createSetbacks } from './setbacks.ts'
import { createSmallFiles, type SmallFiles } from './small-files.ts'
import type { ModuleStore } from './store.ts'
import { createTraces } from './traces.ts'
import { createTurns, type Turns } from './turns.ts'
import { createUses, type Uses } from './uses.ts'
import type { ZipChecker } from './zip-checker.ts'
import { createZips, type Zips } from './zips.ts'

/** What works on behalf of one proxy, and ends with the engine. */
export interface Member {
  /** Begins nothing more. */
  stop(): void
  /** Settles when nothing of it runs any more. */
  idle(): Promise<void>
}

/**
 * What finds, fetches, verifies and commits, for all proxies of a server together: what is the same for two of them,
 * the same file of the same realm, is one piece of work. Which origins are asked stands in the route that each brings.
 */
export interface Engine {
  readonly parts: Parts
  readonly files: SmallFiles
  readonly zips: Zips
  readonly mutable: MutableFiles
  readonly uses: Uses
  /** Of acts on the same module. */
  readonly turns: Turns
  changed(change: Change): void
  /** Called after each change; returns the function that ends it. */
  onChange(listener: (change: Change) => void): () => void
  /** Called after each zip that was stored; returns the function that ends it. */
  onStored(listener: (stored: Stored) => void): () => void
  add(member: Member): void
  /** Stops its members and waits for running fetches until the signal fires. */
  close(signal: AbortSignal): Promise<void>
}

export interface EngineOptions {
  store: ModuleStore
  catalog: Catalog
  checker: ZipChecker
  observer: Observer
  /** What logs of ours have promised; absent where there is none. */
  promised?: PromisedIn
  /** Whether realms have room for more; absent where none has a bound. */
  room?: CheckRoom
  /** Why nothing may be fetched now, for nobody. Default: it always may. */
  refuseFetching?: () => ModsteadError | undefined
  now?: () => number
}

export function createEngine(options: EngineOptions): Engine {
  const { store, catalog, checker, observer, promised, room, now = Date.now } = options
  const shutdown = new AbortController()
  const incidents = createIncidents(catalog, observer, promised)
  const stored = createListeners<Stored>()
  const changes = createListeners<Change>()
  const members: Member[] = []
  const parts: Parts = {
    store,
    catalog,
    checker,
    observer,
    now,
    incidents,
    traces: createTraces(catalog, incidents),
    ...(promised !== undefined && { promised }),
    ...(room !== undefined && { room }),
    stored: stored.tell,
    absences: createAbsences(now),
    cold: createColdWork(options.refuseFetching ?? (() => undefined), shutdown.signal),
    dropped: createDroppedFiles(),
    setbacks: createSetbacks(now),
    shutdown: shutdown.signal,
  }
  const files = createSmallFiles(parts)
  const zips = createZips(parts)
  const listed = createMutableFiles(parts, ({ route, module }) =>
    changes.tell({ realm: route.realm, module }),
  )
  const mutable = withPublished(listed, files, parts)
  const uses = createUses(catalog, observer, now)

  async function idle(): Promise<void> {
    await Promise.all([mutable.idle(), files.idle(), zips.idle(), ...members.map((member) => member.idle())])
  }

  return {
    parts,
    files,
    zips,
    mutable,
    uses,
    turns: createTurns(),
    changed: changes.tell,
    onChange: changes.add,
    onStored: stored.add,
    add: (member) => void members.push(member),
    async close(signal) {
      for (const member of members) member.stop()
      if (signal.aborted) shutdown.abort()
      else signal.addEventListener('abort', () => shutdown.abort(), { once: true })
      await idle()
      shutdown.abort()
      // What began while the last of them ended is over now too.
      await idle()
      await uses.close()
      await checker.close()
    },
  }
}

interface Listeners<T> {
  tell(what: T): void
  add(listener: (what: T) => void): () => void
}

function createListeners<T>(): Listeners<T> {
  const listeners = new Set<(what: T) => void>()
  return {
    tell(what) {
      for (const listener of listeners) listener(what)
    },
    add(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
