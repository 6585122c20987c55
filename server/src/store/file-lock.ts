import { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'

export interface FileLock {
  release(): void
}

/** SQLite's primary result codes for a lock that another has. */
const BUSY = 5
const LOCKED = 6

/**
 * Takes the lock file `path`, which is made where it is missing; `undefined` when another process, or another part of
 * this one, has it. The lock is an exclusive SQLite transaction that writes nothing: a lock of the kernel, which ends
 * with its process however that ends, and which also holds among containers of one machine. Nothing else may open the
 * file in this process: closing any descriptor of a file drops its locks (POSIX). Throws `data_folder` where there can
 * be no lock; `what` is locked by it.
 */
export function lockFile(path: string, what: string): FileLock | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('PRAGMA journal_mode = memory; BEGIN EXCLUSIVE')
    const held = database
    return { release: () => held.close() }
  } catch (error) {
    database?.close()
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
    if (code === BUSY || code === LOCKED) return undefined
    throw new ModsteadError('data_folder', `${what} cannot be locked`, {
      cause: error,
      next: 'Keep it on a local disk, or on a network file system that supports locks, where this user may write.',
    })
  }
}
