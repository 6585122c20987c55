/** One data folder belongs to one modstead, which holds a lock in it and says there who it is. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ModsteadError } from '../errors.ts'
import { isNothingThere } from '../disk-errors.ts'
import { lockFile } from './file-lock.ts'
import { isFull } from './reserve.ts'

export interface FolderLock {
  /** Whoever had the lock before did not release it: it crashed, or the machine did. */
  readonly unclean: boolean
  /** `clean`: all that is derived from files was brought up to date, so the next to come finds nothing unclean. */
  release(clean: boolean): Promise<void>
}

/** Names that the lock leaves in a folder before anything else is in it. */
export const LOCK_FILES: readonly string[] = ['modstead.lock', 'modstead.lock-journal', 'modstead.pid']

/** Throws `data_folder` at once when another process, or another part of this one, has the folder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const owner = join(folder, 'modstead.pid')
  const lock = lockFile(join(folder, 'modstead.lock'), 'the data folder')
  if (lock === undefined) throw await inUse(folder, owner)
  try {
    const unclean = (await readOwner(owner)) !== undefined
    await writeFile(owner, `${process.pid} ${hostname()}\n`).catch(passOverFull)
    return {
      unclean,
      async release(clean) {
        try {
          if (clean || !unclean) await rm(owner, { force: true })
        } finally {
          lock.release()
        }
      },
    }
  } catch (error) {
    lock.release()
    throw error
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
