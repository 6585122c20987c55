import type { Stats } from 'node:fs'
import * as promises from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { LARGEST } from '../../access/passwords/htpasswd-file.ts'
import { describeFileError } from '../../config/file-errors.ts'
import { absentAs, errorCode } from '../../disk-errors.ts'
import { ModsteadError } from '../../errors.ts'
import { syncFolder } from '../../store/durable.ts'

/** How often it is looked whether another command has ended. Milliseconds. */
const STEP = 50

export interface ChangeOptions {
  /** Gives the new contents; `undefined`: it stays as it is. */
  edit: (before: Buffer) => Buffer | undefined
  /** Who is to own a new file, where this process may give it away. */
  owner?: Pick<Stats, 'uid' | 'gid'> | undefined
  /** How long another command may be at it. Milliseconds; default: five seconds. */
  patience?: number
  /** Default: that of the machine. */
  files?: Pick<typeof promises, 'open' | 'readFile' | 'realpath' | 'rename' | 'stat' | 'unlink'>
}

/**
 * Replaces a file of secrets as a whole: whoever reads it has all of the old or all of the new, and what is new is on the
 * disk when it settles. The file keeps its owner and mode; a new one is for its owner only. A symbolic link stays one.
 * Commands take turns; `edit` is called once. Throws `store_unavailable` with the file as it was.
 */
export async function changeFile(path: string, options: ChangeOptions): Promise<'made' | 'changed' | 'same'> {
  try {
    const real = await (options.files ?? promises).realpath(path).catch(absentAs(path))
    return await changeRealFile(real, options)
  } catch (cause) {
    if (cause instanceof ModsteadError || errorCode(cause) === undefined) throw cause
    throw new ModsteadError('store_unavailable', describeFileError(path, cause, 'write'), {
      next: NEXT[errorCode(cause)!] ?? 'the file is as it was',
      cause,
    })
  }
}

const NEXT: Record<string, string> = {
  EACCES: 'run this as the owner of the file, who must be able to write to its folder',
  EPERM: 'run this as the owner of the file',
  EROFS: 'run this where the file can be written, as on the machine that it comes from',
  ENOENT: 'make its folder first',
  EBUSY: 'a file that is mounted alone cannot be replaced: mount its folder',
}

async function changeRealFile(
  path: string,
  { edit, owner, patience = 5_000, files = promises }: ChangeOptions,
): Promise<'made' | 'changed' | 'same'> {
  const temporary = join(dirname(path), `.${basename(path)}.modstead-new`)
  const file = await takeTurn(
    () => files.open(temporary, 'wx', 0o600),
    patience,
    () => refused(path, 'another command is changing it', `if none is, remove ${temporary}`),
  )
  let placed = false
  try {
    const facts = await files.stat(path).catch(absentAs(undefined))
    const after = edit(facts === undefined ? Buffer.alloc(0) : await contentsOf(files, path, facts))
    if (after === undefined) return 'same'
    if (after.length > LARGEST) throw refused(path, 'it would be larger than 16 MiB')
    await file.writeFile(after)
    await giveTo(file, facts ?? owner)
    if (facts !== undefined) await file.chmod(facts.mode & 0o777)
    await file.sync()
    await file.close()
    // An editor takes no turns.
    const now = await files.stat(path).catch(absentAs(undefined))
    if (stampOf(now) !== stampOf(facts)) throw refused(path, 'another program has changed it just now')
    await files.rename(temporary, path)
    placed = true
    await syncFolder(files, dirname(path))
    return facts === undefined ? 'made' : 'changed'
  } finally {
    await file.close()
    if (!placed) await files.unlink(temporary)
  }
}

/** The file that is written to is also what others wait for. One that a crash has left is for people to judge. */
async function takeTurn(
  open: () => Promise<promises.FileHandle>,
  patience: number,
  busy: () => ModsteadError,
): Promise<promises.FileHandle> {
  for (let waited = 0; ; waited += STEP) {
    try {
      return await open()
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      if (waited >= patience) throw busy()
    }
    await setTimeout(STEP)
  }
}

async function contentsOf(
  files: Pick<typeof promises, 'readFile'>,
  path: string,
  facts: Stats,
): Promise<Buffer> {
  if (!facts.isFile()) throw refused(path, 'it is no file', 'name a file')
  if (facts.size > LARGEST) throw refused(path, 'it is larger than 16 MiB')
  return files.readFile(path)
}

/** Refused where that cannot be: a server that runs as somebody else could not read the file any more. */
async function giveTo(
  file: promises.FileHandle,
  owner: Pick<Stats, 'uid' | 'gid'> | undefined,
): Promise<void> {
  if (owner === undefined) return
  const { uid, gid } = await file.stat()
  if (uid !== owner.uid || gid !== owner.gid) await file.chown(owner.uid, owner.gid)
}

function stampOf(facts: Stats | undefined): string {
  return facts === undefined ? '' : `${facts.ino} ${facts.size} ${facts.mtimeMs}`
}

function refused(path: string, problem: string, next = 'the file is as it was; try again'): ModsteadError {
  return new ModsteadError('store_unavailable', `cannot change ${path}: ${problem}`, { next })
}
