/**
 * Runs the tasks of one key one after the other, and those of different keys side by side. A task that fails does not
 * keep the next one from running.
 */
export function createTurns(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return async (key, task) => {
    const before = last.get(key)
    const turn = before === undefined ? task() : before.then(task, task)
    last.set(key, turn)
    try {
      return await turn
    } finally {
      if (last.get(key) === turn) last.delete(key)
    }
  }
}

/**
 * Shares an effect among those who ask for it at once: whoever asks while a run is under way gets the next run, which
 * is one for all of them, since the running one may have begun before their change.
 */
export function createShared(run: (key: string) => Promise<void>): (key: string) => Promise<void> {
  const runs = new Map<string, { running: Promise<void>; next?: Promise<void> }>()
  const start = (key: string): Promise<void> => {
    const running = run(key).finally(() => {
      if (runs.get(key)?.running === running && runs.get(key)?.next === undefined) runs.delete(key)
    })
    runs.set(key, { running })
    return running
  }
  return (key) => {
    const state = runs.get(key)
    if (state === undefined) return start(key)
    const again = () => start(key)
    state.next ??= state.running.then(again, again)
    return state.next
  }
}
