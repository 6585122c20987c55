import { ModsteadError } from '../../errors.ts'

export type Lane = <T>(work: () => Promise<T>) => Promise<T>

/** Passwords that may wait for their turn. */
const WAITING = 64

/** Runs work a few at a time, in order. Throws `overloaded` when too much waits. */
export function createLane(atOnce: number): Lane {
  const waiting: (() => void)[] = []
  let free = atOnce
  return async (work) => {
    if (free > 0) free--
    else {
      if (waiting.length >= WAITING)
        throw new ModsteadError('overloaded', 'too many passwords are waiting to be compared', {
          next: 'ask again in a moment; a token is compared at once',
        })
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
