/** Waiting: for a promise until a signal says otherwise, for work that others do already, for one's turn. */

/** Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Does the work called `key`, or waits for it where it is being done already. */
export type Flights<T> = (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>

/**
 * Work that is done once for all who ask for it at the same time. Each waits under a signal of its own; the work is
 * aborted when all have left, and not before.
 */
export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, { result: Promise<T>; waiting: number; controller: AbortController }>()
  return async (key, signal, work) => {
    signal.throwIfAborted()
    const flight = flights.get(key) ?? begin(key, work)
    flight.waiting++
    try {
      return await abortable(flight.result, signal)
    } finally {
      flight.waiting--
      if (flight.waiting === 0) {
        // Nobody may join what is given up. After success this stops what the work has left running.
        if (flights.get(key) === flight) flights.delete(key)
        flight.controller.abort(signal.reason)
      }
    }
  }

  function begin(key: string, work: (signal: AbortSignal) => Promise<T>) {
    const controller = new AbortController()
    const result = work(controller.signal).finally(() => {
      if (flights.get(key) === flight) flights.delete(key)
    })
    const flight = { result, waiting: 0, controller }
    flights.set(key, flight)
    return flight
  }
}

/** Does `work` when all work given before has ended. An abort ends the wait; work that has begun sees to it itself. */
export type Lock = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

export function createLock(): Lock {
  let last = Promise.resolve()
  return async (signal, work) => {
    const turn = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    try {
      await abortable(turn, signal)
      return await work()
    } finally {
      // One that left early still stands between those before and behind it.
      void turn.then(resolve)
    }
  }
}
