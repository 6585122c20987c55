import type { ModulePath } from '@modstead/gomod/path'
import type { Version } from '@modstead/gomod/version'
import { ModsteadError } from '../../errors.ts'
import type { Logger } from '../../observe/observer.ts'
import type { ModuleProxy } from '../../proxy/module-proxy.ts'
import type { Router } from '../../proxy/route.ts'
import type { OwnDatabase } from './own-database.ts'

/** Entered at the same time at most. */
const AT_ONCE = 16
/** Versions that wait at most; beyond that they are entered when they are looked up first. */
const WAITING = 100_000

export interface Entering {
  /** Enters what waits until the signal fires. Never rejects. */
  close(signal: AbortSignal): Promise<void>
}

/**
 * Enters the versions that no other database proves into our log as soon as they are stored, before anybody looks them
 * up: from then on nobody can be given anything else. Others are entered when they are looked up.
 */
export function enterStored(options: {
  own: OwnDatabase
  router: Router
  proxy: Pick<ModuleProxy, 'onStored'>
  log: Logger
}): Entering {
  const { own, router, proxy, log } = options
  const queue: { module: ModulePath; version: Version }[] = []
  const running = new Set<Promise<void>>()
  const ended = new AbortController()

  async function enter(module: ModulePath, version: Version): Promise<void> {
    try {
      await own.enter(module, version)
    } catch (error) {
      // It is entered when it is looked up; whatever is wrong with the log is told there and in its health.
      if (error instanceof ModsteadError) log.warn({ err: error, module, version }, NOT_NOW)
      else log.error({ err: error, module, version }, NOT_NOW)
    }
  }

  function next(): void {
    while (!ended.signal.aborted && running.size < AT_ONCE) {
      const first = queue.shift()
      if (first === undefined) return
      const work: Promise<void> = enter(first.module, first.version).finally(() => {
        running.delete(work)
        next()
      })
      running.add(work)
    }
  }

  const stop = proxy.onStored(({ module, version }) => {
    const route = router.routeOf(module)
    if (!route.log || route.checksum !== undefined || queue.length >= WAITING) return
    queue.push({ module, version })
    next()
  })

  return {
    async close(signal) {
      stop()
      if (signal.aborted) ended.abort()
      signal.addEventListener('abort', () => ended.abort(), { once: true })
      while (running.size > 0) await Promise.all(running)
      ended.abort()
    },
  }
}

const NOT_NOW = 'a version could not be entered into the checksum log before it is looked up'
