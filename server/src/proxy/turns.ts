/** Work of one key is done one piece after the other, in the order in which it came. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Settles when nothing runs or waits any more. */
  idle(): Promise<void>
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
    async idle() {
      while (last.size > 0) await Promise.allSettled(last.values())
    },
  }
}
