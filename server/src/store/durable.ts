/**
 * Writes that survive a crash: the one place that knows the order of steps.
 *
 * New contents are written to a temporary file and synced, then linked (or renamed) to where they belong, then the
 * folder is synced. A crash at any instant leaves the old state or the new one, besides a temporary file that the
 * next start deletes. A folder is known to last only once the folder that holds it was synced after it was made, by
 * whomever; so each process does that once for every folder it writes to.
 */
import { dirname, join } from 'node:path'
import { createShared } from './turns.ts'
import { errorCode } from '../disk-errors.ts'
import { type FileSystem, type OpenFile } from './file-system.ts'

export interface DurableOptions {
  files: FileSystem
  /** A folder on the same file system as everything written: temporary files live here. */
  temporary: string
  /** An existing folder that is an ancestor of everything written. */
  root: string
  /**
   * The one name of temporary files, for a folder in which no start deletes them, and one writer: what a crash left
   * behind makes way for the next. By default each has a name of its own.
   */
  temporaryName?: string
}

/** Methods reject with the system's own errors, and then leave no temporary file and no half-made state. */
export interface Durable {
  /** Creates a temporary file for writing and reading. */
  create(): Promise<{ path: string; file: OpenFile }>
  /** A synced temporary file with these bytes; gives its path. */
  write(bytes: Uint8Array): Promise<string>
  /**
   * Gives a synced temporary file its name, never replacing: `false` when something has that name already. The
   * temporary file is used up, whatever happens. A companion is a small file of the same folder that is written just
   * before, in place of whatever has its name, and lasts whenever the file does.
   */
  place(temporary: string, path: string, companion?: { bytes: Uint8Array; path: string }): Promise<boolean>
  /** Gives a synced temporary file its name, in place of whatever has it. */
  replace(temporary: string, path: string): Promise<void>
  /**
   * Writes a file in place of whatever has its name, without syncing: readers see all of it or what was there, but a
   * power cut may lose or empty it. For what can be made again.
   */
  publish(bytes: Uint8Array, path: string): Promise<void>
  /** Deletes a file; absent is fine. The deletion lasts once this settles. */
  remove(path: string): Promise<void>
  /** Deletes a temporary file, if it is still there. */
  discard(temporary: string): Promise<void>
}

/** The names of our temporary files: what the next start may delete. */
export const TEMPORARY_NAME = /^modstead-[0-9]+-[0-9]+\.tmp$/

/** Folders remembered as lasting; beyond that all are forgotten and synced anew. */
const MAX_LASTING = 50_000

let created = 0

export function createDurable({ files, temporary, root, temporaryName }: DurableOptions): Durable {
  const lasting = new Set<string>()
  const sync = createShared((folder) => syncFolder(files, folder))

  async function ensureFolder(folder: string): Promise<void> {
    if (folder === root || lasting.has(folder)) return
    const parent = dirname(folder)
    await ensureFolder(parent)
    try {
      await files.mkdir(folder)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
    await sync(parent)
    if (lasting.size >= MAX_LASTING) lasting.clear()
    lasting.add(folder)
  }

  /** Runs `step`, which needs the folder, once more when somebody deleted a folder we believed in. */
  async function within<T>(folder: string, step: () => Promise<T>): Promise<T> {
    await ensureFolder(folder)
    try {
      return await step()
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      lasting.clear()
      await ensureFolder(folder)
      return await step()
    }
  }

  async function discard(path: string): Promise<void> {
    try {
      await files.unlink(path)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }

  /** Deletes a temporary file while another error is on its way, which it must not hide. */
  async function discardQuietly(path: string): Promise<void> {
    await discard(path).catch(ignoreSecondFailure)
  }

  async function create(): Promise<{ path: string; file: OpenFile }> {
    const path = join(temporary, temporaryName ?? `modstead-${process.pid}-${++created}.tmp`)
    try {
      return { path, file: await files.open(path, 'wx+') }
    } catch (error) {
      if (temporaryName === undefined || errorCode(error) !== 'EEXIST') throw error
    }
    await files.unlink(path)
    return { path, file: await files.open(path, 'wx+') }
  }

  async function write(bytes: Uint8Array, lasting: boolean): Promise<string> {
    const { path, file } = await create()
    try {
      try {
        await writeAll(file, bytes)
        if (lasting) await file.datasync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await discardQuietly(path)
      throw error
    }
    return path
  }

  /** Renames a temporary file, which is used up also when that fails. */
  async function rename(from: string, path: string): Promise<void> {
    try {
      await within(dirname(path), () => files.rename(from, path))
    } catch (error) {
      await discardQuietly(from)
      throw error
    }
  }

  return {
    create,
    discard,
    write: (bytes) => write(bytes, true),
    async place(from, path, companion) {
      const folder = dirname(path)
      try {
        if (companion !== undefined) await rename(await write(companion.bytes, true), companion.path)
        const placed = await within(folder, () => link(files, from, path))
        if (placed) {
          await sync(folder).catch(async (error: unknown) => {
            await discardQuietly(path)
            throw error
          })
        }
        return placed
      } finally {
        await discardQuietly(from)
      }
    },
    async replace(from, path) {
      await rename(from, path)
      await sync(dirname(path))
    },
    async publish(bytes, path) {
      const from = await write(bytes, false)
      try {
        await files.rename(from, path).catch(async (error: unknown) => {
          if (errorCode(error) !== 'ENOENT') throw error
          await files.mkdir(dirname(path), { recursive: true })
          await files.rename(from, path)
        })
      } catch (error) {
        await discardQuietly(from)
        throw error
      }
    },
    async remove(path) {
      try {
        await files.unlink(path)
      } catch (error) {
        const code = errorCode(error)
        if (code === 'ENOENT' || code === 'ENOTDIR') return
        throw error
      }
      await sync(dirname(path))
    },
  }
}

/** Writes all of `bytes`: one call to the system may write less. */
async function writeAll(file: OpenFile, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, done)
    done += bytesWritten
  }
}

/** Syncs the entries of a folder, where the system can. */
export async function syncFolder(files: Pick<FileSystem, 'open'>, folder: string): Promise<void> {
  let handle: OpenFile
  try {
    handle = await files.open(folder, 'r')
  } catch (error) {
    if (cannotSyncFolders(error)) return
    throw error
  }
  try {
    await handle.sync()
  } catch (error) {
    if (!cannotSyncFolders(error)) throw error
  } finally {
    await handle.close()
  }
}

/** Windows does not open folders, and some network file systems do not sync them: there a rename lasts as it is. */
function cannotSyncFolders(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'EISDIR' || code === 'EINVAL' || (process.platform === 'win32' && code === 'EPERM')
}

/** Hard links never replace anything. Where a file system has none, one process per data folder keeps it true. */
async function link(files: FileSystem, from: string, path: string): Promise<boolean> {
  try {
    await files.link(from, path)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error
  }
  try {
    await files.stat(path)
    return false
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  await files.rename(from, path)
  return true
}

/** The temporary file stays until the next start; the failure that led here is the one that is told. */
function ignoreSecondFailure(): void {}
