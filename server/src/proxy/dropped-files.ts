import { LRUCache } from 'lru-cache'
import { ModsteadError } from '../errors.ts'
import { atMost } from './at-most.ts'

/**
 * Stored files that were found wrong and dropped. Until they are here again, whoever is refused one of them hears of
 * the incident, and not only that some origin cannot be reached. Keys are those of `keyOf`.
 */
export interface DroppedFiles {
  /** `incident` is absent where it could not be recorded. */
  note(key: string, incident: string | undefined): void
  /** It was stored anew. */
  forget(key: string): void
  /** Passes on what the work gives or throws; a refusal that has no incident of its own names that of the dropped file. */
  explain<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function createDroppedFiles(): DroppedFiles {
  const known = new LRUCache<string, string>({ ...atMost(10_000) })
  return {
    note(key, incident) {
      if (incident !== undefined) known.set(key, incident)
    },
    forget: (key) => void known.delete(key),
    async explain(key, work) {
      try {
        return await work()
      } catch (error) {
        const incident = known.get(key)
        if (incident === undefined || !(error instanceof ModsteadError) || error.incident !== undefined)
          throw error
        const { code, message, next, origin, allow } = error
        throw new ModsteadError(code, message, {
          incident,
          ...(next !== undefined && { next }),
          ...(origin !== undefined && { origin }),
          ...(allow !== undefined && { allow }),
          cause: error,
        })
      }
    },
  }
}
