import type { ModulePath } from '@modstead/gomod/path'
import { isCanonicalFor, type Version } from '@modstead/gomod/version'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { isAbsence } from '../errors.ts'
import { parseOwnList } from './merge-lists.ts'
import type { Change, ModuleProxy } from './module-proxy.ts'
import type { MutableFiles } from './mutable.ts'
import type { Parts } from './parts.ts'
import type { Route, Router } from './route.ts'
import type { SmallFiles } from './small-files.ts'
import type { Zips } from './zips.ts'

/** Fetches versions that nobody has asked for yet. Never rejects: what fails is logged, and fetched when it is asked for. */
export type Keeper = Pick<ModuleProxy, 'refresh' | 'keepWhole'>

/** A version that could not be had is not tried again for this long, unless somebody asks for it. Milliseconds. */
const GIVEN_UP = 6 * 60 * 60_000

export function createKeeper(options: {
  router: Router
  mutable: MutableFiles
  files: SmallFiles
  zips: Zips
  parts: Parts
  changed: (change: Change) => void
}): Keeper {
  const { router, mutable, files, zips, parts, changed } = options
  const { absences, observer, shutdown, now } = parts
  const givenUp = new LRUCache<string, true>({ ...atMost(50_000), ttl: GIVEN_UP, perf: { now } })

  /** The versions of a module as they are known, or as its origins list them now. */
  async function listOf(route: Route, module: ModulePath, anew: AbortSignal | undefined): Promise<Version[]> {
    const question = { route, module, query: 'list' } as const
    try {
      const answer =
        anew === undefined
          ? await mutable.stored(question)
          : await mutable.renew(question, { ...ANNOUNCED, signal: anew })
      return parseOwnList(answer?.body ?? Buffer.alloc(0)).flatMap(({ version }) =>
        isCanonicalFor(module, version) ? [version] : [],
      )
    } catch (error) {
      if (isAbsence(error)) return []
      throw error
    }
  }

  async function keep(
    route: Route,
    module: ModulePath,
    version: Version,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = { route, module, version }
    const key = `${route.realm} ${module}@${version}`
    if (givenUp.has(key)) return
    try {
      await files.get({ ...wanted, kind: 'info' }, { ...ANNOUNCED, signal })
      await files.get({ ...wanted, kind: 'mod' }, { ...ANNOUNCED, signal })
      await zips.fetchAhead({ ...wanted, kind: 'zip' }, undefined, ANNOUNCED)
    } catch (error) {
      if (signal.aborted) return
      givenUp.set(key, true)
      observer.log.warn(
        { err: error, module, version },
        'a version could not be fetched before it is asked for',
      )
    }
  }

  async function refresh(module: ModulePath, given: AbortSignal, whole: boolean): Promise<void> {
    const route = router.routeOf(module)
    const signal = AbortSignal.any([given, shutdown])
    try {
      const before = new Set(whole ? [] : await listOf(route, module, undefined))
      mutable.expire(route.realm, module)
      absences.forgetModule(module)
      changed({ realm: route.realm, module })
      const news = (await listOf(route, module, signal)).filter((version) => !before.has(version))
      // Of a module that nobody has asked for, the newest is enough.
      const wanted = before.size === 0 && !whole ? news.slice(-1) : news.toReversed()
      for (const version of wanted) {
        if (signal.aborted) return
        await keep(route, module, version, signal)
      }
    } catch (error) {
      if (!signal.aborted)
        observer.log.warn({ err: error, module }, 'a changed module could not be listed yet')
    }
  }

  return {
    refresh: (module, signal) => refresh(module, signal, false),
    keepWhole: (module, signal) => refresh(module, signal, true),
  }
}

const ANNOUNCED = { priority: 'background', announced: true } as const
