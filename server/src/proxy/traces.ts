import type { ModulePath } from '@modstead/gomod/path'
import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import type { Catalog } from './catalog.ts'
import type { Incidents } from './incidents.ts'
import type { ListedVersion } from './origin.ts'
import type { Realm } from './store.ts'

/** What a new list of an origin says about the versions that are known already. */
export interface Traces {
  /**
   * Records tags that lead to another commit than the one first seen, each once, and which versions are gone from the
   * list or back in it.
   */
  compare(list: {
    realm: Realm
    module: ModulePath
    origin: string
    listed: readonly ListedVersion[]
    gone: readonly string[]
  }): Promise<void>
}

export function createTraces(catalog: Catalog, incidents: Incidents): Traces {
  /** Mismatches that were reported: a list is renewed every minute, and a tag stays where it was moved. */
  const reported = new LRUCache<string, true>({ ...atMost(10_000) })
  return {
    async compare({ realm, module, origin, listed, gone }) {
      const traces = await catalog.traces(realm, module)
      if (traces.size === 0 && gone.length === 0) return
      for (const { version, commit } of listed) {
        const first = traces.get(version)?.commit
        if (first === undefined || commit === undefined || first === commit) continue
        const key = `${realm} ${module}@${version} ${commit}`
        if (reported.has(key)) continue
        reported.set(key, true)
        await incidents.report({
          kind: 'tag',
          realm,
          module,
          version,
          source: origin,
          expected: first,
          found: commit,
          outcome: 'the contents first seen go on being served',
        })
      }
      const newlyGone = gone.filter((version) => traces.get(version)?.gone === undefined)
      const back = listed
        .map(({ version }) => version)
        .filter((version) => traces.get(version)?.gone !== undefined)
      await catalog.markGone(realm, module, { gone: newlyGone, back })
    },
  }
}
