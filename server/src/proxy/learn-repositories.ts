import type { ModulePath } from '@modstead/gomod/path'
import type { Logger } from '../observe/observer.ts'
import type { Router } from './route.ts'
import type { ModuleStore, Realm } from './store.ts'

/** Modules whose repositories are found out at most, and how many at the same time. */
const MOST = 10_000
const AT_ONCE = 4

/**
 * Asks the origins of private routes which repositories the stored private modules are in, so that they know them:
 * what they know they learnt from questions, of which there were none since the start. What fails is passed over.
 */
export async function learnRepositories(options: {
  store: ModuleStore
  /** Where the modules are kept. */
  realm: Realm
  router: Router
  signal: AbortSignal
  log: Logger
}): Promise<void> {
  const { store, realm, router, signal, log } = options
  const modules = new Set<ModulePath>()
  for await (const { module } of store.walk(realm)) {
    if (signal.aborted || modules.size >= MOST) break
    modules.add(module)
  }
  const waiting = [...modules]
  const asked = { signal, priority: 'client' } as const
  const ask = async (): Promise<void> => {
    for (let module = waiting.pop(); module !== undefined && !signal.aborted; module = waiting.pop()) {
      const route = router.routeOf(module)
      // What was private once may be asked elsewhere now: its name is not for those.
      if (!route.private) continue
      for (const { origin } of route.originsFor(module)) {
        const work = origin.modulesIn?.(module, { ...asked, ...route.limits })
        await work?.catch((error: unknown) =>
          log.debug({ err: error, module, origin: origin.name }, 'the repository of a module was not found'),
        )
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, ask))
}
