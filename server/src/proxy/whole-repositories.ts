import type { ModulePath } from '@modstead/gomod/path'
import type { MirrorConfig } from '../config/config.ts'
import type { Logger } from '../observe/observer.ts'
import type { Router } from './route.ts'

/** Keeps repositories whole: every version of every module in them, fetched before anyone asks. */
export interface WholeRepositories {
  /** Ends after the version under way. */
  stop(): Promise<void>
}

/** Looks at each repository now, and then every `config.every` milliseconds. */
export function keepWhole(options: {
  config: MirrorConfig
  router: Router
  /** `ModuleProxy.keepWhole`. */
  keep: (module: ModulePath, signal: AbortSignal) => Promise<void>
  log: Logger
}): WholeRepositories {
  const { config, router, keep, log } = options
  const stopping = new AbortController()
  let round: Promise<void> | undefined

  async function modulesIn(root: ModulePath): Promise<ModulePath[]> {
    const asked = { signal: stopping.signal, priority: 'background', announced: true } as const
    const route = router.routeOf(root)
    const found = new Set([root])
    for (const { origin } of route.originsFor(root)) {
      try {
        for (const module of (await origin.modulesIn?.(root, { ...asked, ...route.limits })) ?? [])
          if (router.routeOf(module) === route) found.add(module)
      } catch (error) {
        log.warn(
          { err: error, module: root, origin: origin.name },
          'a repository could not be looked through',
        )
      }
    }
    return [...found]
  }

  async function lookAtAll(): Promise<void> {
    for (const root of config.modules)
      for (const module of await modulesIn(root)) {
        if (stopping.signal.aborted) return
        await keep(module, stopping.signal)
      }
  }

  function start(): void {
    round ??= lookAtAll()
      .catch((error: unknown) => log.error({ err: error }, 'keeping repositories whole broke off'))
      .finally(() => (round = undefined))
  }

  const timer = setInterval(start, config.every)
  timer.unref()
  start()
  return {
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await round
    },
  }
}
