/**
 * One data folder belongs to one modstead. The lock is an exclusive SQLite transaction that writes nothing: a lock of
 * the kernel, which ends with its process however that ends, and which also holds among containers of one machine.
 * Nothing else may open the lock file in this process: closing any descriptor of a file drops its locks (POSIX).
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ModsteadError } from '../errors.ts'
import { isNothingThere } from '../disk-errors.ts'
import { isFull } from './reserve.ts'

export interface FolderLock {
  /** Whoever had the lock before did not release it: it crashed, or the machine did. */
  readonly unclean: boolean
  /** `clean`: all that is derived from files was brought up to date, so the next to come finds nothing unclean. */
  release(clean: boolean): Promise<void>
}

/** Names that the lock leaves in a folder before anything else is in it. */
export const LOCK_FILES: readonly string[] = ['modstead.lock', 'modstead.lock-journal', 'modstead.pid']

/** SQLite's primary result codes for a lock that another has. */
const BUSY = 5
const LOCKED = 6

/** Throws `data_folder` at once when another process, or another part of this one, has the folder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const owner = join(folder, 'modstead.pid')
  const database = lock(join(folder, 'modstead.lock'))
  if (database === undefined) throw await inUse(folder, owner)
  try {
    const unclean = (await readOwner(owner)) !== undefined
    await writeFile(owner, `${process.pid} ${hostname()}\n`).catch(passOverFull)
    return {
      unclean,
      async release(clean) {
        try {
          if (clean || !unclean) await rm(owner, { force: true })
        } finally {
          database.close()
        }
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/** `undefined` when another has the lock. */
function lock(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode = memory; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
    if (code === BUSY || code === LOCKED) return undefined
    throw new ModsteadError('data_folder', 'the data folder cannot be locked', {
      cause: error,
      next: 'Keep it on a local disk, or on a network file system that supports locks.',
    })
  }
}

/** Who has the lock is told by a file for people only: a full disk leaves it empty. */
function passOverFull(error: unknown): void {
  if (!isFull(error)) throw error
}

async function inUse(folder: string, owner: string): Promise<ModsteadError> {
  const [pid, host] = (await readOwner(owner))?.split(' ') ?? []
  const where = host === undefined || host === hostname() ? '' : ` on ${host}`
  const who = pid === undefined ? 'another process' : `another modstead, process ${pid}${where}`
  return new ModsteadError('data_folder', `the data folder ${folder} is in use by ${who}`, {
    next: 'Stop that one first, or choose another folder with --data-dir.',
  })
}

/** What the pid file says; `undefined` when there is none. */
async function readOwner(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim()
    return /^[0-9]+ [^\s]+$/.test(text) ? text : ''
  } catch (error) {
    if (isNothingThere(error)) return undefined
    throw error
  }
}
