import type { ModsteadError } from '../errors.ts'

export interface LaneOptions {
  /** Works that run at the same time: in all, and of one asker. Default of the latter: as many. */
  atOnce: number
  atOnceEach?: number
  /** Works that wait for their turn at most: in all, and of one asker. Default of the latter: as many. */
  waiting: number
  waitingEach?: number
  /** Milliseconds for which one waits for its turn at most. */
  deadline: number
  /** What those hear for whom there is no room, or no turn in time. */
  overloaded: () => ModsteadError
}

export interface Work {
  /** Whose it is: askers take turns where one has much to ask. Default: nobody's in particular. */
  of?: string
  /** Ends the waiting with its reason. What runs heeds it by itself. */
  signal?: AbortSignal
}

/** Runs work in its turn, and gives what it gives. */
export type Lane = <T>(work: () => Promise<T>, options?: Work) => Promise<T>

interface Waiter {
  of: string
  start: () => void
}

/** Runs work a few at a time, the oldest first of those askers who have fewer than their share running. */
export function createLane(options: LaneOptions): Lane {
  const { atOnce, atOnceEach = atOnce, waiting: most, waitingEach = most, deadline, overloaded } = options
  const waiting: Waiter[] = []
  const running = new Map<string, number>()
  let free = atOnce

  const mayStart = (of: string): boolean => free > 0 && (running.get(of) ?? 0) < atOnceEach

  function start(of: string): void {
    free--
    running.set(of, (running.get(of) ?? 0) + 1)
  }

  function end(of: string): void {
    free++
    const left = running.get(of)! - 1
    if (left === 0) running.delete(of)
    else running.set(of, left)
    const next = waiting.findIndex((waiter) => mayStart(waiter.of))
    if (next < 0) return
    const [waiter] = waiting.splice(next, 1)
    start(waiter!.of)
    waiter!.start()
  }

  /** Settles when it is its turn, which it has taken then. */
  async function wait(of: string, signal: AbortSignal | undefined): Promise<void> {
    const own = waiting.reduce((count, waiter) => count + (waiter.of === of ? 1 : 0), 0)
    if (waiting.length >= most || own >= waitingEach) throw overloaded()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { of, start: resolve }
    const giveUp = (reason: unknown): void => {
      const place = waiting.indexOf(waiter)
      if (place < 0) return
      waiting.splice(place, 1)
      reject(reason)
    }
    const onAbort = (): void => giveUp(signal!.reason)
    const timer = setTimeout(() => giveUp(overloaded()), deadline)
    signal?.addEventListener('abort', onAbort, { once: true })
    waiting.push(waiter)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  return async (work, { of = '', signal } = {}) => {
    signal?.throwIfAborted()
    if (mayStart(of)) start(of)
    else await wait(of, signal)
    try {
      return await work()
    } finally {
      end(of)
    }
  }
}
