import { ModsteadError } from './errors.ts'

/** The `code` of a system error, such as `ENOENT`; `undefined` for any other value. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Whether a path leads to nothing, which for a reader is not a failure. */
export function isNothingThere(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

/** For `catch` of a promise: where nothing is there, `value`; other errors go on. */
export function absentAs<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isNothingThere(error)) return value
    throw error
  }
}

/**
 * What a failed file operation is to the rest of the server: `store_unavailable` for a failure of the medium,
 * `bad_path` for a name that the file system has no room for, and any error that is not the system's, as it is.
 * `doing` completes "modstead could not …", without local paths: clients read the message; the system's own words
 * with the path stay in `cause`.
 */
export function storeError(error: unknown, doing: string): Error {
  const code = errorCode(error)
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return error instanceof Error ? error : new Error(String(error))
  }
  if (code === 'ENAMETOOLONG') {
    const message = `modstead could not ${doing}: its name is too long for the file system`
    return new ModsteadError('bad_path', message, { cause: error })
  }
  const [reason, next] = REASONS[code] ?? [
    `the file system answered ${code}`,
    "read the cause in modstead's log",
  ]
  const details = { cause: error, next: `The administrator of this server can help: ${next}.` }
  return new ModsteadError('store_unavailable', `modstead could not ${doing}: ${reason}`, details)
}

const REASONS: Record<string, [reason: string, next: string]> = {
  ENOSPC: ['its disk is full', 'free some space for the data folder, modstead goes on by itself'],
  EDQUOT: ['its disk quota is used up', 'raise the quota or free some space, modstead goes on by itself'],
  EFBIG: ['the file is larger than the system allows', 'raise the limit on file sizes (ulimit -f)'],
  EROFS: ['its disk is read-only', 'mount the data folder writable; disks turn read-only after errors'],
  EACCES: ['the data folder does not permit it', "give modstead's user access to the whole data folder"],
  EPERM: ['the data folder does not permit it', "give modstead's user access to the whole data folder"],
  EIO: ['its disk reported an error', 'check the disk and its cables, then the system log'],
  EMFILE: ['it has too many files open', 'raise the limit on open files (ulimit -n)'],
  ENFILE: ['the system has too many files open', 'raise fs.file-max'],
  ENOENT: ['a file vanished', 'nothing but modstead may delete files in the data folder'],
  EXDEV: ['the data folder spans several disks', 'keep the whole data folder on one file system'],
  ESTALE: ['the network file system lost the file', 'check the file server and the mount'],
}
