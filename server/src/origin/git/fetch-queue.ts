/**
 * Runs one piece of work at a time, for everything that was asked for since the last one began. Before it begins it waits
 * for `others`, those that may be about to ask for something as well, so that a crowd of requests makes one fetch.
 */
export function createFetchQueue<T>(
  work: (wanted: readonly T[]) => Promise<void>,
  others: () => Promise<unknown> = async () => undefined,
): (item: T) => Promise<void> {
  let waiting: T[] = []
  let next: Promise<void> | undefined
  let running: Promise<unknown> = Promise.resolve()

  async function runNext(): Promise<void> {
    await running
    await others()
    // What the last of them lets happen in the same turn of the event loop belongs to it.
    await new Promise((resolve) => setImmediate(resolve))
    const batch = waiting
    waiting = []
    next = undefined
    const batchRun = work(batch)
    running = batchRun.catch(() => undefined) // those who asked for it hear of it
    await batchRun
  }

  return (item) => {
    waiting.push(item)
    return (next ??= runNext())
  }
}
