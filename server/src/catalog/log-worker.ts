/** The thread that writes the checksum log: one batch, one transaction. */
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { createLogWriter, logError, openLogForWriting, type LogWrite } from './log-database.ts'
import { isMediumError } from './sqlite-errors.ts'
import { type FromWriter, packError, type SentOutcome, type ToWriter } from './writer-messages.ts'

const port = parentPort!
const { path } = workerData as { path: string }
const tell = (message: FromWriter): void => port.postMessage(message)

try {
  serve()
} catch (error) {
  tell({ kind: 'failed', error: packError(logError(error, 'open')) })
}

function serve(): void {
  let open: { database: DatabaseSync; apply: (write: LogWrite) => void } | undefined

  function connect() {
    const database = openLogForWriting(path)
    return { database, apply: createLogWriter(database) }
  }

  function apply(write: LogWrite): SentOutcome {
    try {
      open ??= connect()
      open.apply(write)
      return { result: undefined }
    } catch (error) {
      if (isMediumError(error)) {
        // A connection that saw its disk fail starts afresh: with the next batch, the disk may work again.
        open?.database.close()
        open = undefined
      }
      return { error: packError(logError(error, 'write to')) }
    }
  }

  open = connect()
  port.on('message', (message: ToWriter<LogWrite>) => {
    if (message.kind === 'group') {
      tell({ kind: 'done', outcomes: message.writes.map(apply) })
      return
    }
    open?.database.close()
    port.close()
  })
  tell({ kind: 'ready' })
}
