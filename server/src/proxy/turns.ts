import type { ModulePath } from '@modstead/gomod/path'
import type { Route } from './route.ts'

/** Work of one key is done one piece after the other, in the order in which it came. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>
  /** The last piece of work of this key, where any runs or waits. */
  last(key: string): Promise<unknown> | undefined
  /** Settles when nothing runs or waits any more. */
  idle(): Promise<void>
}

/** Acts on the versions of one module follow each other. */
export function turnOf({ realm }: Route, module: ModulePath): string {
  return `${realm} ${module}`
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return {
    take(key, work) {
      const before = last.get(key) ?? Promise.resolve()
      // Whoever had the turn before has heard of their own failure.
      const turn = before.then(work, work).finally(() => {
        if (last.get(key) === turn) last.delete(key)
      })
      last.set(key, turn)
      return turn
    },
    last: (key) => last.get(key),
    async idle() {
      while (last.size > 0) await Promise.allSettled(last.values())
    },
  }
}
