import { Worker } from 'node:worker_threads'
import { ModsteadError } from '../errors.ts'
import { type FromWriter, type SentOutcome, type ToWriter, unpackError } from './writer-messages.ts'

export interface WriterThreadOptions {
  /** What it is called where threads are listed, and in errors. */
  name: string
  /** The database file. */
  path: string
  /** The file that the thread runs. */
  file: URL
  /** Milliseconds that the thread may take to open the database, and to close it. */
  deadline: number
}

/** One life of the writer's thread. It does one thing at a time: each call only after the one before has settled. */
export interface WriterThread<Write> {
  /** Why the thread has ended, if it has. */
  readonly failure: Error | undefined
  /** Gives an outcome for each write in order. Rejects when the thread crashed; it is of no use then. */
  apply(writes: Write[]): Promise<SentOutcome[]>
  /** Closes the database and ends the thread. */
  close(): Promise<void>
}

/** Rejects with what keeps the database from being opened: `store_unavailable`. */
export async function startWriterThread<Write>(options: WriterThreadOptions): Promise<WriterThread<Write>> {
  const { name, path, file, deadline } = options
  const worker = new Worker(file, { workerData: { path }, name: `modstead ${name}` })
  const ended = Promise.withResolvers<void>()
  let failure: Error | undefined
  let waiting: { resolve: (said: FromWriter) => void; reject: (error: Error) => void } | undefined

  worker.on('message', (said: FromWriter) => waiting?.resolve(said))
  worker.on('error', end)
  worker.on('exit', (code) => end(new Error(`the thread of the ${name} ended with code ${code}`)))

  function end(error: unknown): void {
    failure ??= error instanceof Error ? error : new Error(String(error))
    waiting?.reject(failure)
    ended.resolve()
  }

  /** The next thing that the thread says. */
  function listen(): Promise<FromWriter> {
    if (failure !== undefined) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject }
    })
  }

  /** Workers, unlike windows, have no origin: what follows the message is the list of what is transferred. */
  function tell(message: ToWriter<Write>): void {
    worker.postMessage(message, [])
  }

  /** Ends a thread that does not end by itself. */
  function limit(): NodeJS.Timeout {
    return setTimeout(() => {
      end(
        new ModsteadError(
          'store_unavailable',
          `the ${name} did not open or close its file within ${deadline / 1000} s`,
        ),
      )
      void worker.terminate()
    }, deadline)
  }

  const opening = limit()
  const hello = await listen().finally(() => clearTimeout(opening))
  if (hello.kind !== 'ready') {
    await ended.promise
    throw hello.kind === 'failed' ? unpackError(hello.error) : new TypeError(`${hello.kind} before ready`)
  }
  return {
    get failure() {
      return failure
    },
    async apply(writes) {
      tell({ kind: 'group', writes })
      const said = await listen()
      if (said.kind !== 'done') throw new TypeError(`the ${name} said ${said.kind}, not done`)
      return said.outcomes
    },
    async close() {
      if (failure !== undefined) return
      tell({ kind: 'close' })
      const closing = limit()
      await ended.promise
      clearTimeout(closing)
    },
  }
}
