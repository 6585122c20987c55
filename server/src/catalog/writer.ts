import { ModsteadError } from '../errors.ts'
import type { Logger } from '../observe/observer.ts'
import type { Write, WriteResult } from './apply-writes.ts'
import { unpackError } from './writer-messages.ts'
import { startWriterThread, type WriterThread } from './writer-thread.ts'

export interface WriterOptions {
  /** The database file. */
  path: string
  /** The file that the thread runs: `writer-worker.ts`. */
  file: URL
  log: Logger
  /** Milliseconds that a group of writes, opening or closing may take before those who wait are told: 30 000. */
  deadline?: number
}

export interface Writer {
  /** Starts the thread now, so that the first write need not wait for it. Does nothing where it runs. */
  wake(): void
  /** Settles when the write is on the disk. Writes that wait for the disk are done together, in one transaction. */
  write(write: Write): Promise<WriteResult>
  /** Finishes the writes that wait, and takes no more. */
  flush(): Promise<void>
  /** Ends the thread, after `flush`. */
  close(): Promise<void>
}

/** Writes done together at most. */
const MAX_GROUP = 2_000
/** After this many crashes within `CRASH_MEMORY` milliseconds the thread is not started again for that long. */
const MAX_CRASHES = 3
const CRASH_MEMORY = 30_000

interface Pending {
  write: Write
  resolve: (result: WriteResult) => void
  reject: (error: Error) => void
}

/**
 * The writer of a prepared catalog. Its thread starts with `wake` or the first write, and another when it crashes: the
 * writes that it had are refused, those that wait go to the next.
 */
export function createWriter(options: WriterOptions): Writer {
  const { path, file, log, deadline = 30_000 } = options
  const startThread = () => startWriterThread<Write>({ name: 'catalog writer', path, file, deadline })
  const queue: Pending[] = []
  const crashes: number[] = []
  let thread: WriterThread<Write> | undefined
  let busy = false
  let stalled = false
  let closed = false
  let drained = Promise.resolve()

  /** Hands what waits to the thread, group by group. While one group is being synced, the next gathers. */
  async function drain(): Promise<void> {
    // Those who write in the same turn of the event loop go together.
    await Promise.resolve()
    while (queue.length > 0) await settle(queue.splice(0, MAX_GROUP))
    busy = false
  }

  async function settle(group: Pending[]): Promise<void> {
    const late = setTimeout(() => {
      stalled = true
      const error = unavailable(`its disk did not answer for ${deadline / 1000} seconds`)
      for (const { reject } of [...group, ...queue.splice(0)]) reject(error)
    }, deadline)
    try {
      // One that ended while nobody asked anything of it cost no write: the next takes over.
      if (thread?.failure !== undefined) noteCrash(thread.failure)
      thread ??= await launch()
      const outcomes = await thread.apply(group.map(({ write }) => write))
      for (const [i, outcome] of outcomes.entries()) {
        if ('error' in outcome) group[i]!.reject(unpackError(outcome.error))
        else group[i]!.resolve(outcome.result)
      }
    } catch (error) {
      if (thread !== undefined) noteCrash(error)
      for (const { reject } of group) reject(unavailable('its writer crashed', error))
    } finally {
      clearTimeout(late)
      stalled = false
    }
  }

  function noteCrash(error: unknown): void {
    thread = undefined
    crashes.push(Date.now())
    log.error({ err: error }, 'the writer of the catalog crashed')
  }

  async function launch(): Promise<WriterThread<Write>> {
    while (crashes[0] !== undefined && crashes[0] < Date.now() - CRASH_MEMORY) crashes.shift()
    if (crashes.length >= MAX_CRASHES)
      throw new Error(`it crashed ${crashes.length} times within ${CRASH_MEMORY} ms`)
    try {
      return await startThread()
    } catch (error) {
      crashes.push(Date.now())
      throw error
    }
  }

  /** Writes that come meanwhile wait. */
  async function startEarly(): Promise<void> {
    try {
      thread = await launch()
    } catch (error) {
      log.error({ err: error }, 'the writer of the catalog did not start')
    }
    await drain()
  }

  return {
    wake() {
      // After a crash it is for a write to try again, and to be told when that fails.
      if (thread !== undefined || busy || closed || crashes.length > 0) return
      busy = true
      drained = startEarly()
    },
    write(write) {
      if (closed) return Promise.reject(unavailable('it is shutting down'))
      if (stalled) return Promise.reject(unavailable('its disk does not answer'))
      return new Promise((resolve, reject) => {
        queue.push({ write, resolve, reject })
        if (busy) return
        busy = true
        drained = drain()
      })
    },
    async flush() {
      closed = true
      await drained
    },
    async close() {
      await thread?.close()
      thread = undefined
    },
  }
}

function unavailable(reason: string, cause?: unknown): ModsteadError {
  return new ModsteadError('store_unavailable', `modstead could not write to its catalog: ${reason}`, {
    next: "The administrator of this server can help: read the cause in modstead's log.",
    ...(cause !== undefined && { cause }),
  })
}
