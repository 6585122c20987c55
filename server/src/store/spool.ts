import type { Spool } from '../proxy/store.ts'
import type { Durable } from './durable.ts'
import { storeError } from '../disk-errors.ts'
import { type OpenFile } from './file-system.ts'

/** A spool of this store. Its bytes can be read until it is discarded, also after it was committed. */
export interface FileSpool extends Spool {
  /** Makes what was appended survive a crash. */
  sync(): Promise<void>
  /** Lets go of the temporary file, which belongs to the caller from then on: `discard` only closes. */
  release(): string
}

/** Buffers handed to the system in one call at most. */
const MAX_BATCH = 64

/**
 * Appends that wait are written together, in the order in which they were asked for. After one failed, all fail:
 * what follows a gap is worth nothing.
 */
export async function createSpool(durable: Durable): Promise<FileSpool> {
  const opened = await durable.create().catch((error: unknown) => {
    throw storeError(error, 'create a temporary file')
  })
  const { path, file } = opened
  const waiting: { chunk: Uint8Array; resolve: () => void; reject: (error: unknown) => void }[] = []
  let written = 0
  let failure: Error | undefined
  let writing: Promise<void> | undefined
  let released = false
  let discarded: Promise<void> | undefined

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH)
      try {
        const chunks = batch.map(({ chunk }) => chunk)
        await writeBatch(file, chunks, written)
      } catch (error) {
        failure = storeError(error, 'write a temporary file')
        for (const { reject } of [...batch, ...waiting.splice(0)]) reject(failure)
        break
      }
      for (const { chunk, resolve } of batch) {
        written += chunk.length
        resolve()
      }
    }
    writing = undefined
  }

  return {
    path,
    get size() {
      return written
    },
    append(chunk) {
      if (failure !== undefined) return Promise.reject(failure)
      return new Promise((resolve, reject) => {
        waiting.push({ chunk, resolve, reject })
        writing ??= write()
      })
    },
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(length)
      try {
        for (let done = 0; done < length;) {
          const { bytesRead } = await file.read(buffer, done, length - done, offset + done)
          if (bytesRead === 0) throw new RangeError(`read beyond the ${written} bytes of a spool`)
          done += bytesRead
        }
      } catch (error) {
        throw storeError(error, 'read a temporary file')
      }
      return buffer
    },
    async sync() {
      await writing
      if (failure !== undefined) throw failure
      await file.datasync()
    },
    release() {
      released = true
      return path
    },
    discard() {
      discarded ??= (async () => {
        await writing
        await file.close()
        if (!released) await durable.discard(path)
      })().catch((error: unknown) => {
        throw storeError(error, 'delete a temporary file')
      })
      return discarded
    },
  }
}

async function writeBatch(file: OpenFile, chunks: Uint8Array[], position: number): Promise<void> {
  while (chunks.length > 0) {
    let { bytesWritten } = await file.writev(chunks, position)
    position += bytesWritten
    let whole = 0
    while (whole < chunks.length && bytesWritten >= chunks[whole]!.length)
      bytesWritten -= chunks[whole++]!.length
    chunks.splice(0, whole)
    if (bytesWritten > 0) chunks[0] = chunks[0]!.subarray(bytesWritten)
  }
}
