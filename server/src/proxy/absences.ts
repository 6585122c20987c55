import { LRUCache } from 'lru-cache'
import { isAbsence, type ModsteadError } from '../errors.ts'

/** Remembers briefly what is nowhere, because `go` probes every prefix of a package path at once, and again. */
export interface Absences {
  /** Throws the absence remembered for this key. */
  refuse(key: string): void
  /** Passes the work's result through and remembers absence for `ms` milliseconds. */
  remember<T>(key: string, ms: number, work: Promise<T>): Promise<T>
  /** Forgets what was absent of a module: something new is known to be there. */
  forget(module: string): void
}

const MOST = 10_000

export function createAbsences(now: () => number): Absences {
  const known = new LRUCache<string, ModsteadError>({ max: MOST, perf: { now } })
  return {
    refuse(key) {
      const error = known.get(key)
      if (error !== undefined) throw error
    },
    async remember(key, ms, work) {
      try {
        return await work
      } catch (error) {
        if (ms > 0 && isAbsence(error)) known.set(key, error, { ttl: ms })
        throw error
      }
    },
    forget(module) {
      for (const key of known.keys())
        if (key.endsWith(` ${module}`) || key.includes(` ${module}@`)) known.delete(key)
    },
  }
}
