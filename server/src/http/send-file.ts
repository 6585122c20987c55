import { read } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { ModsteadError } from '../errors.ts'
import type { StoredFile } from '../proxy/answer.ts'
import type { BufferPool } from './buffer-pool.ts'
import { sendChunks, written } from './send-chunks.ts'

export interface SendFileOptions {
  file: StoredFile
  /** Bytes from `start` (inclusive) to `end` (exclusive). */
  start: number
  end: number
  res: ServerResponse
  /** Fires when the client is gone. */
  signal: AbortSignal
  /** Writes the head; called once the first bytes have been read, so that a failure before keeps its status. */
  head: () => void
}

/** A client that takes less than this is slow and gets small buffers. Bytes a millisecond, and a few to start with. */
const SLOW_RATE = 4096
const SLOW_START = 5

/**
 * Makes the function that sends a stored file, or a part of it, and ends the response. It resolves with the bytes that
 * were sent. It throws before the head is written, or afterwards when the response can no longer be whole; the caller
 * then breaks the connection.
 *
 * Two big buffers take turns: one is filled from the disk while the other is being flushed to the client. Slow clients
 * and those for whom the pool has no buffer left get small buffers, one at a time.
 */
export function createFileSender(pool: BufferPool): (options: SendFileOptions) => Promise<number> {
  return async function sendFile(options) {
    const { file, start, end } = options
    if (file.path === undefined || start === end)
      return sendChunks({ ...options, chunks: file.stream(start, end), size: end - start })
    const handle = await open(file.path, 'r').catch((error: unknown) => {
      throw unreadable(error)
    })
    try {
      await sendFromHandle(pool, handle, options)
    } finally {
      await handle.close()
    }
    return end - start
  }
}

interface Chunk {
  buffer: Buffer
  length: number
}

async function sendFromHandle(pool: BufferPool, handle: FileHandle, options: SendFileOptions): Promise<void> {
  const { res, signal, end } = options
  let position = options.start
  let slow = true

  async function readNext(): Promise<Chunk> {
    const buffer = pool.take(slow)
    const wanted = Math.min(buffer.length, end - position)
    try {
      const bytesRead = await readAt(handle.fd, buffer, { length: wanted, position })
      if (bytesRead === 0) throw new Error(`the file ends at ${position}, before ${end}`)
      position += bytesRead
      return { buffer, length: bytesRead }
    } catch (error) {
      pool.give(buffer)
      throw unreadable(error)
    }
  }

  let next: Promise<Chunk> | undefined = readNext()
  try {
    while (next !== undefined) {
      const { buffer, length } = await next
      next = undefined
      try {
        signal.throwIfAborted()
        if (!res.headersSent) options.head()
        const began = performance.now()
        const flushed = written(res, length === buffer.length ? buffer : buffer.subarray(0, length), signal)
        if (position < end && !slow) next = readNext()
        await flushed
        slow = performance.now() - began > SLOW_START + length / SLOW_RATE
      } finally {
        pool.give(buffer)
      }
      if (position < end) next ??= readNext()
    }
  } finally {
    // What was read ahead when sending failed; its own failure adds nothing.
    if (next !== undefined) await next.then(({ buffer }) => pool.give(buffer), ignore)
  }
  res.end()
}

/** Gives the bytes read. By descriptor: a read through the handle costs more than all else that is done for a chunk. */
function readAt(
  fd: number,
  buffer: Buffer,
  { length, position }: { length: number; position: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, length, position, (error, bytesRead) =>
      error === null ? resolve(bytesRead) : reject(error),
    )
  })
}

function ignore(): void {}

function unreadable(error: unknown): ModsteadError {
  return new ModsteadError('store_unavailable', 'a stored file cannot be read', { cause: error })
}
