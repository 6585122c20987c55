/** The thread of the catalog's one writer: it applies groups of writes to a database that is prepared. */
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { createWriteApplier, type Outcome, type Write } from './apply-writes.ts'
import { openForWriting } from './catalog-database.ts'
import { catalogError, isMediumError } from './sqlite-errors.ts'
import { READS, WRITES } from './sqlite-statements.ts'
import { type FromWriter, packError, type SentOutcome, type ToWriter } from './writer-messages.ts'

interface OpenDatabase {
  database: DatabaseSync
  apply: (group: readonly Write[], now: number) => Outcome[]
}

const port = parentPort!
const { path } = workerData as { path: string }
const tell = (message: FromWriter): void => port.postMessage(message)

try {
  serve()
} catch (error) {
  tell({ kind: 'failed', error: packError(catalogError(error, 'open its catalog')) })
}

function serve(): void {
  let open: OpenDatabase | undefined

  function connect(): OpenDatabase {
    const database = openForWriting(path)
    shrinkLog(database)
    return { database, apply: createWriteApplier(database, { reads: READS, writes: WRITES }) }
  }

  function apply(group: readonly Write[]): SentOutcome[] {
    try {
      open ??= connect()
      return open.apply(group, Date.now()).map(pack)
    } catch (error) {
      if (isMediumError(error)) {
        // A connection that saw its disk fail starts afresh: with the next group, the disk may work again.
        open?.database.close()
        open = undefined
      } else if (group.length > 1) {
        // One write is at fault; the others must not fail with it.
        return group.flatMap((write) => apply([write]))
      }
      const failure = packError(catalogError(error, 'write to its catalog'))
      return group.map(() => ({ error: failure }))
    }
  }

  open = connect()
  port.on('message', (message: ToWriter<Write>) => {
    if (message.kind === 'group') {
      tell({ kind: 'done', outcomes: apply(message.writes) })
      return
    }
    open?.database.close()
    port.close()
  })
  tell({ kind: 'ready' })
}

function pack(outcome: Outcome): SentOutcome {
  return 'error' in outcome ? { error: packError(outcome.error) } : outcome
}

/** Folds the write-ahead log into the file: after a crash, and where a full disk wants its space back. */
function shrinkLog(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA wal_checkpoint(truncate)')
  } catch (error) {
    // With the disk as it is now this does not work; SQLite tries again by itself as the log grows.
    if (!isMediumError(error)) throw error
  }
}
