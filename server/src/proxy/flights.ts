import { ModsteadError } from '../errors.ts'
import { type Askers, createAskers, LeftAlone } from './askers.ts'
import type { OnBehalf } from './origin.ts'

/** Who joins a piece of work; default: a client that needs no turn. */
export type Joining = Partial<Pick<OnBehalf, 'priority' | 'asker'>>

/**
 * One running piece of work for each key, however many ask for it. The work belongs to nobody in particular: a
 * waiter that leaves ends its own wait only, and work that nobody waits for any more still finishes for the store.
 */
export interface Flights<T> {
  /**
   * Joins the running work of this key, or starts it. A rejection reaches every waiter. Work that was started for the
   * `background` is told through `promoted` when somebody joins who is not, and hears of the clients through `askers`.
   */
  join(
    key: string,
    start: (promoted: AbortSignal, askers: Askers) => Promise<T>,
    behalf?: Joining,
  ): Promise<T>
  /** Milliseconds since the work of this key was started; 0 where none runs. */
  age(key: string): number
  has(key: string): boolean
  /** Settles when the work of this key that runs now is over, whatever became of it. */
  settled(key: string): Promise<void>
  /** Settles when nothing runs any more. */
  idle(): Promise<void>
}

interface Flight<T> {
  promise: Promise<T>
  started: number
  promotion: AbortController
  askers: Askers
}

export function createFlights<T>(now: () => number = Date.now): Flights<T> {
  const running = new Map<string, Flight<T>>()
  return {
    join(key, start, { priority = 'client', asker } = {}) {
      const flight = running.get(key)
      if (flight !== undefined) {
        if (priority === 'client') flight.promotion.abort()
        flight.askers.add(asker)
        return flight.promise
      }
      const promotion = new AbortController()
      const askers = createAskers(asker)
      const promise = start(promotion.signal, askers).finally(() => running.delete(key))
      running.set(key, { promise, started: now(), promotion, askers })
      return promise
    },
    age(key) {
      const flight = running.get(key)
      return flight === undefined ? 0 : now() - flight.started
    },
    has: (key) => running.has(key),
    async settled(key) {
      await Promise.allSettled([running.get(key)?.promise])
    },
    async idle() {
      while (running.size > 0) await Promise.allSettled([...running.values()].map((flight) => flight.promise))
    },
  }
}

/**
 * The next origin must not be asked for what nobody waits for: it would begin to search or to clone. Whoever joins the
 * work as a client begins it anew.
 */
export class NotAhead extends ModsteadError {
  constructor(what: string) {
    super('aborted', `${what} was wanted ahead only, and its origin is asked for nothing ahead`)
  }
}

/**
 * `attempt`, and once more where a client had joined work that was begun ahead, or for others who left, and gave up
 * before it knew: then the client begins it.
 */
export async function asClient<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof NotAhead || error instanceof LeftAlone) return attempt()
    throw error
  }
}

/** On the same behalf, and on that of a client who joins the flight. */
export function alsoFor(behalf: OnBehalf, promoted: AbortSignal): OnBehalf {
  const all = behalf.promoted === undefined ? promoted : AbortSignal.any([behalf.promoted, promoted])
  return { ...withoutAsker(behalf), promoted: all }
}

/** On the same behalf, for what is done within the turn of whoever it was. */
export function withoutAsker<Behalf extends OnBehalf>(behalf: Behalf): Omit<Behalf, 'asker'> {
  const { asker: _, ...rest } = behalf
  return rest
}

/** Waits for shared work until `signal` fires; then throws `aborted` while the work goes on for the others. */
export function waitFor<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return leave(work)
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(left())
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Waits at most `ms` milliseconds; `undefined` when the time is over first. Rejects as the work does. */
export function waitAtMost<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function leave(work: Promise<unknown>): Promise<never> {
  // The waiter is gone: whoever else waits for the work, or its log line, hears of its failure.
  work.catch(() => undefined)
  return Promise.reject(left())
}

function left(): ModsteadError {
  return new ModsteadError('aborted', 'the client went away before the answer was ready')
}
