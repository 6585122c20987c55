import { LRUCache } from 'lru-cache'
import { atMost } from './at-most.ts'
import { isAbsence, type ModsteadError } from '../errors.ts'

/** Remembers briefly what is nowhere, because `go` probes every prefix of a package path at once, and again. */
export interface Absences {
  /** Throws the absence remembered for this key. */
  refuse(key: string): void
  /** Passes the work's result through and remembers absence for `ms` milliseconds. */
  remember<T>(key: string, ms: number, work: Promise<T>): Promise<T>
  /** Forgets an absence: it is there now. What is being found out at this moment is not remembered either. */
  forget(key: string): void
  /** Forgets what was absent of a module, for which something new is known to be there. */
  forgetModule(module: string): void
}

const MOST = 10_000

export function createAbsences(now: () => number): Absences {
  const known = new LRUCache<string, ModsteadError>({ ...atMost(MOST), perf: { now } })
  let forgotten = 0
  return {
    refuse(key) {
      const error = known.get(key)
      if (error !== undefined) throw error
    },
    async remember(key, ms, work) {
      const before = forgotten
      try {
        return await work
      } catch (error) {
        if (ms > 0 && before === forgotten && isAbsence(error)) known.set(key, error, { ttl: ms })
        throw error
      }
    },
    forget(key) {
      forgotten++
      known.delete(key)
    },
    forgetModule(module) {
      forgotten++
      for (const key of known.keys())
        if (key.endsWith(` ${module}`) || key.includes(` ${module}@`)) known.delete(key)
    },
  }
}
