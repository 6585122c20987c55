import { open, type FileHandle } from 'node:fs/promises'
import { ModsteadError } from '../errors.ts'
import type { LiveZip, StoredZip } from './answer.ts'
import { createBlockWindow } from './block-window.ts'
import type { Spool } from './store.ts'

/** Bytes at the end of a zip that no client gets before the zip is verified: its end record lies within them. */
const HELD_BACK = 512
/**
 * Bytes that stay in memory: none while nobody reads, then some for each reader, because a crowd that shares them costs
 * less than one whose members read the file each for itself.
 */
const WINDOW = { first: 1 << 20, reader: 256 << 10, most: 32 << 20 }
/** A zip that arrives once and is read by many, each at its own pace. */
export interface ArrivingZip extends LiveZip {
  /** Bytes that readers may have now. */
  readonly visible: number
  /** A reader was given bytes. */
  readonly exposed: boolean
  append(chunk: Buffer): Promise<void>
  /** Verified and committed: the held back bytes become visible and readers come to their end. */
  finish(zip: StoredZip): Promise<void>
  fail(error: ModsteadError): Promise<void>
}

export async function createArrivingZip(spool: Spool, size: number | undefined): Promise<ArrivingZip> {
  const stored = Promise.withResolvers<StoredZip>()
  stored.promise.catch(() => undefined) // readers and waiters hear of it; nobody else has to
  let received = 0
  let visible = 0
  let readers = 0
  let exposed = false
  let finished: StoredZip | undefined
  let state: 'arriving' | 'finished' | ModsteadError = 'arriving'
  // A handle of our own: it outlives the rename of the commit and the deletion of a failed spool.
  let handle: FileHandle | undefined = await open(spool.path, 'r').catch((cause: unknown) => {
    throw new ModsteadError('store_unavailable', 'a spool file cannot be opened', {
      cause,
      next: 'the operators of this modstead find the reason in its log: too many open files, most likely',
    })
  })
  /** Readers who have all there is. */
  const waiting = new Set<() => void>()

  function wake(): void {
    for (const resume of waiting) resume()
    waiting.clear()
  }

  const window = createBlockWindow({
    limit: () => (readers === 0 ? 0 : Math.min(WINDOW.first + readers * WINDOW.reader, WINDOW.most)),
    async read(offset, length) {
      const buffer = Buffer.allocUnsafeSlow(length)
      const { bytesRead } = await handle!.read(buffer, 0, length, offset)
      if (bytesRead === length) return buffer
      throw new ModsteadError('store_unavailable', 'a spool file is shorter than what was written to it')
    },
  })

  /** Who begins to read after this is given the stored file. */
  async function closeWhenUnused(): Promise<void> {
    if (readers > 0 || state === 'arriving' || handle === undefined) return
    const closing = handle
    handle = undefined
    window.clear()
    await closing.close()
  }

  return {
    ...(size === undefined ? {} : { size }),
    stored: stored.promise,
    get visible() {
      return visible
    },
    get exposed() {
      return exposed
    },
    async append(chunk) {
      await spool.append(chunk)
      window.append(chunk)
      received += chunk.length
      visible = Math.max(0, Math.min(received, (size ?? received) - HELD_BACK))
      wake()
    },
    async finish(zip) {
      visible = received
      finished = zip
      state = 'finished'
      stored.resolve(zip)
      wake()
      await closeWhenUnused()
    },
    async fail(error) {
      if (state !== 'arriving') return
      state = error
      stored.reject(error)
      wake()
      await closeWhenUnused()
    },
    async *chunks(signal) {
      readers++
      // Not a race with a promise for the abort: that would remember each of many thousand waits until it settles.
      let resume = (): void => undefined
      const leave = (): void => resume()
      signal.addEventListener('abort', leave, { once: true })
      try {
        for (let at = 0; ;) {
          signal.throwIfAborted()
          if (state instanceof ModsteadError) throw state
          if (handle === undefined && finished !== undefined) {
            yield* finished.file.stream(at, finished.file.size)
            return
          }
          if (at < visible) {
            const bytes = await window.bytesAt(at)
            const piece = bytes.length > visible - at ? bytes.subarray(0, visible - at) : bytes
            at += piece.length
            exposed = true
            yield piece
          } else if (state === 'finished') {
            return
          } else {
            await new Promise<void>((resolve) => {
              waiting.add(resolve)
              resume = () => {
                waiting.delete(resolve)
                resolve()
              }
            })
          }
        }
      } finally {
        signal.removeEventListener('abort', leave)
        readers--
        await closeWhenUnused()
      }
    },
  }
}
