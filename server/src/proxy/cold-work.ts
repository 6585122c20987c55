import type { ModsteadError } from '../errors.ts'
import type { Askers } from './askers.ts'
import type { Route } from './route.ts'

/** Does what takes an origin, when it is the turn of somebody who waits for it. */
export interface ColdWork {
  run<T>(route: Route, askers: Askers, work: () => Promise<T>): Promise<T>
  /** Nothing may be fetched now: what is stored is given, without a try to renew it. */
  readonly closed: boolean
}

/** `refusal` gives why nothing may be fetched now, be it for a client or ahead. */
export function createColdWork(refusal: () => ModsteadError | undefined, shutdown: AbortSignal): ColdWork {
  return {
    get closed() {
      return refusal() !== undefined
    },
    async run(route, askers, work) {
      // Nobody is asked: the refusal that says so costs nothing.
      if (route.origins.length === 0) return work()
      const refused = refusal()
      if (refused !== undefined) throw refused
      const end = await askers.turn(shutdown)
      try {
        return await work()
      } finally {
        end()
      }
    },
  }
}
