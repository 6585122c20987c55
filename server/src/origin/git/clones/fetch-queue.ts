/**
 * Runs one piece of work at a time, for everything that was asked for since the last one began, so that a crowd of
 * requests makes one fetch. What is asked for in the same turn of the event loop goes together, and what is until
 * `gathered` settles: those who are still finding out that they want it.
 */
export function createFetchQueue<T>(
  work: (wanted: readonly T[]) => Promise<void>,
  gathered: () => Promise<unknown> = () => Promise.resolve(),
): (item: T) => Promise<void> {
  let waiting: T[] = []
  let next: Promise<void> | undefined
  let running: Promise<unknown> = Promise.resolve()

  async function runNext(): Promise<void> {
    await running
    await gathered()
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
