import type { Observer } from '../observe/observer.ts'
import type { Catalog } from './catalog.ts'
import type { Realm } from './store.ts'

/** Collects which versions were used and writes them to the catalog now and then. */
export interface Uses {
  note(realm: Realm, module: string, version: string, at?: number): void
  /** Writes what is left. */
  close(): Promise<void>
}

/** Milliseconds between two writes, and the versions that make one due at once. */
const EVERY = 30_000
const MANY = 10_000

export function createUses(catalog: Catalog, observer: Observer, now: () => number): Uses {
  let pending = new Map<string, { realm: Realm; module: string; version: string; at: number }>()
  const timer = setInterval(flushSoon, EVERY)
  timer.unref()

  async function flush(): Promise<void> {
    if (pending.size === 0) return
    const batch = [...pending.values()]
    pending = new Map()
    await catalog.touch(batch).catch((error: unknown) => {
      observer.log.warn({ err: error, versions: batch.length }, 'last uses could not be written')
    })
  }

  function flushSoon(): void {
    flush().catch((error: unknown) => observer.log.error({ err: error }, 'writing last uses broke'))
  }

  return {
    note(realm, module, version, at = now()) {
      pending.set(`${realm} ${module}@${version}`, { realm, module, version, at })
      if (pending.size >= MANY) flushSoon()
    },
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}
