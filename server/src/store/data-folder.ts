import { chmod, lstat, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ModsteadError } from '../errors.ts'
import { createDurable, type Durable, syncFolder, TEMPORARY_NAME } from './durable.ts'
import { errorCode, isNothingThere, storeError } from '../disk-errors.ts'
import { localFileSystem } from './file-system.ts'
import { findModuleCache } from './folder-contents.ts'
import { lockFolder } from './folder-lock.ts'
import { createReserve, isFull, type Reserve } from './reserve.ts'

/** An open data folder, locked for this process. `docs/data-folder.md` shows what is in it. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string
  /** The tree of public modules: a valid `GOPROXY=file://`. */
  readonly public: string
  /** A tree like it for each private realm. */
  readonly realms: string
  /** Spool files; on the same file system as the trees. */
  readonly temporary: string
  readonly catalog: string
  /** Signed heads of mirrored checksum databases. */
  readonly sumdb: string
  /** The last modstead here did not end by itself, so what is derived from files may lag behind them. */
  readonly unclean: boolean
  /** There was no room for anything new when it was opened: what is stored can be read. */
  readonly full: boolean
  /** Other users of this machine can read `temporary`, where private modules are on their way: it could not be closed. */
  readonly exposed: boolean
  /** Puts the space aside again that a start on a full disk used. Rejects with `store_unavailable`. */
  restoreReserve(): Promise<void>
  /** Releases the lock. Everything in the folder must be closed before. */
  close(): Promise<void>
}

export interface DataFolderOptions {
  /** Our own version, for the marker and for messages. */
  version: string
}

/** The layout of data folders that this modstead reads and writes. */
const FORMAT = 1

/** The contents of modstead.json. */
interface Marker {
  format: number
  /** The version of modstead that made the folder. */
  createdBy: string
  /** Entries of a module cache that are on their way into `public`. */
  adopting?: string[]
}

/** Where the catalog of a data folder is. */
export function catalogIn(folder: string): string {
  return join(folder, 'catalog.db')
}

/**
 * Opens the data folder, creating it where there is none. A copy of Go's own download cache (GOMODCACHE/cache/download)
 * is taken over: its entries move into `public`. Temporary files that a crash left are deleted.
 * A full disk is no reason not to open a folder that is there already, for all that is stored can be served.
 * Throws `data_folder`, naming the next step, when the folder was written by a newer modstead, is in use, cannot be
 * written, or holds somebody else's files.
 */
export async function openDataFolder(dir: string, { version }: DataFolderOptions): Promise<DataFolder> {
  const path = resolve(dir)
  try {
    await makeFolder(path)
    // Looked at before the lock is taken, for that leaves a file in the folder; and again under the lock.
    await readState(path, version)
    await checkWritable(path)
    const lock = await lockFolder(path)
    try {
      const layout = {
        path,
        public: join(path, 'public'),
        realms: join(path, 'realms'),
        temporary: join(path, 'tmp'),
        catalog: catalogIn(path),
        sumdb: join(path, 'sumdb'),
      }
      const durable = createDurable({ files: localFileSystem, temporary: layout.temporary, root: path })
      const reserve = createReserve(path, durable)
      const state = await prepare(layout, { version, durable, reserve })
      return {
        ...layout,
        ...state,
        unclean: lock.unclean,
        async restoreReserve() {
          try {
            await reserve.ensure()
          } catch (error) {
            throw storeError(error, 'put space aside for a start on a full disk')
          }
        },
        close: () => lock.release(true),
      }
    } catch (error) {
      await lock.release(false)
      throw error
    }
  } catch (error) {
    throw folderError(path, error)
  }
}

type Layout = Pick<DataFolder, 'path' | 'public' | 'realms' | 'temporary' | 'catalog' | 'sumdb'>

interface Tools {
  version: string
  durable: Durable
  reserve: Reserve
}

/** Brings a locked folder into the shape of `DataFolder`. After a crash at any step the next start goes on. */
async function prepare(
  folder: Layout,
  { version, durable, reserve }: Tools,
): Promise<Pick<DataFolder, 'full' | 'exposed'>> {
  const { path } = folder
  const found = await readState(path, version)
  const exposed = !(await makePrivate(folder.temporary))
  await deleteTemporaryFiles(folder.temporary)
  const room = await reserve.makeRoom()
  const createdBy = found.createdBy ?? version
  const { adopting } = found
  if (adopting.length > 0) await writeMarker(path, durable, { format: FORMAT, createdBy, adopting })
  await mkdir(folder.public, { recursive: true })
  await mkdir(folder.realms, { recursive: true, mode: 0o700 })
  await checkOneFileSystem(folder)
  for (const name of adopting) await adopt(join(path, name), join(folder.public, name))
  if (adopting.length > 0) await syncFolder(localFileSystem, folder.public)
  if (adopting.length > 0 || found.createdBy === undefined) {
    await writeMarker(path, durable, { format: FORMAT, createdBy })
  }
  // Where it does not fit, whoever looks whether we are ready hears why.
  if (room === 'enough') await reserve.ensure().catch(passOverSystemError)
  return { full: room === 'full', exposed }
}

function passOverSystemError(error: unknown): void {
  if (errorCode(error) === undefined) throw error
}

/** Who made the folder, unless it is new; and what has to move into `public`. */
async function readState(path: string, version: string): Promise<{ createdBy?: string; adopting: string[] }> {
  const marker = await readMarker(path, version)
  if (marker === undefined) return { adopting: await findModuleCache(path) }
  return { createdBy: marker.createdBy, adopting: marker.adopting ?? [] }
}

async function readMarker(path: string, version: string): Promise<Marker | undefined> {
  let text: string
  try {
    text = await readFile(join(path, 'modstead.json'), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  const { format, createdBy = 'modstead', adopting } = parseMarker(text)
  if (format === undefined) {
    throw new ModsteadError('data_folder', `the file modstead.json in ${path} is damaged`, {
      next: `Restore it from a backup, or write {"format":${FORMAT}} into it if this is a data folder of modstead.`,
    })
  }
  if (format > FORMAT) {
    const message = `the data folder ${path} has format ${format}; modstead ${version} knows format ${FORMAT}`
    throw new ModsteadError('data_folder', message, {
      next: 'Start the newer modstead that wrote it, or choose another folder with --data-dir.',
    })
  }
  return { format, createdBy, ...(adopting && { adopting }) }
}

function parseMarker(text: string): Partial<Marker> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The caller says that the file is damaged; where in it does not matter.
    return {}
  }
  if (typeof value !== 'object' || value === null) return {}
  const { format, createdBy, adopting } = value as Record<string, unknown>
  const marker: Partial<Marker> = {}
  if (typeof format === 'number' && format >= 1) marker.format = format
  if (typeof createdBy === 'string') marker.createdBy = createdBy
  if (Array.isArray(adopting)) {
    // Names without slashes: what they lead to is moved.
    marker.adopting = adopting.filter((name): name is string => /^[a-z0-9][a-z0-9.:-]*$/.test(String(name)))
  }
  return marker
}

async function writeMarker(path: string, durable: Durable, marker: Marker): Promise<void> {
  const text = `${JSON.stringify(marker, undefined, 2)}\n`
  await durable.replace(await durable.write(Buffer.from(text)), join(path, 'modstead.json'))
}

/**
 * One level at a time: Node's recursive mkdir tries for ever where a file system takes no new folders and says ENOENT,
 * as that of /proc does.
 */
async function makeFolder(path: string): Promise<void> {
  const missing: string[] = []
  for (let folder = path; !(await isThere(folder)); folder = dirname(folder)) missing.unshift(folder)
  for (const folder of missing) {
    try {
      await mkdir(folder)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw takesNoFolders(path, dirname(folder), error)
      // Somebody else may have made it just now.
      if (errorCode(error) !== 'EEXIST' || !(await isThere(folder))) throw error
    }
    await syncFolder(localFileSystem, dirname(folder))
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

function takesNoFolders(path: string, parent: string, cause: unknown): ModsteadError {
  return new ModsteadError(
    'data_folder',
    `the data folder ${path} cannot be made: ${parent} takes no new folders`,
    { cause, next: 'Choose another folder with --data-dir.' },
  )
}

/**
 * A folder for modstead's user only: files of private modules are in it before they get to their realm. One of an earlier
 * modstead was open to everybody. Not every file system can close it, and not every user may: that is no reason not to
 * start, but one to say so. Gives whether it is closed.
 */
async function makePrivate(path: string): Promise<boolean> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (await isPrivate(path)) return true
  await chmod(path, 0o700).catch(passOverSystemError)
  return isPrivate(path)
}

/** On Windows the mode tells nothing: folders there have the access rules of the one they are in. */
async function isPrivate(path: string): Promise<boolean> {
  return process.platform === 'win32' || ((await stat(path)).mode & 0o777) === 0o700
}

async function checkWritable(path: string): Promise<void> {
  const probe = join(path, `.modstead-${process.pid}.probe`)
  try {
    const file = await open(probe, 'w')
    await file.close()
    await unlink(probe)
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

async function deleteTemporaryFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (TEMPORARY_NAME.test(name)) await unlink(join(folder, name))
}

/** Commits link from `tmp` into the trees, which no file system does across its border. */
async function checkOneFileSystem({ path, temporary, public: tree, realms }: Layout): Promise<void> {
  const [own, ...others] = await Promise.all([temporary, tree, realms].map((folder) => stat(folder)))
  if (others.every(({ dev }) => dev === own!.dev)) return
  throw new ModsteadError(
    'data_folder',
    `the folders tmp, public and realms in ${path} are on different file systems`,
    {
      next: 'Mount one file system at the data folder itself.',
    },
  )
}

/** Moves one entry. One that has moved already, before a crash, is passed over. */
async function adopt(from: string, to: string): Promise<void> {
  try {
    await lstat(to)
  } catch (error) {
    if (!isNothingThere(error)) throw error
    await rename(from, to)
    return
  }
  try {
    await lstat(from)
  } catch (error) {
    if (isNothingThere(error)) return
    throw error
  }
  throw new ModsteadError('data_folder', `there are both ${from} and ${to}`, {
    next: 'Move one of the two away: only you can tell which modules you want to keep.',
  })
}

/** What a system error means for the whole folder: the end of "the data folder X …", and the next step. */
const PROBLEMS: Record<string, [problem: string, next: string]> = {
  EEXIST: ['is not a folder', 'Remove the file that has its name'],
  ENOTDIR: ['is not a folder', 'Remove the file that has its name'],
  EACCES: ['is not open to the user that runs modstead', 'Give that user access to it'],
  EPERM: ['is not open to the user that runs modstead', 'Give that user access to it'],
  EROFS: ['is on a read-only file system', 'Mount it writable'],
  ENOSPC: ['is on a full disk', 'Free some space'],
  EDQUOT: ['is beyond a disk quota', 'Free some space'],
}

function folderError(path: string, error: unknown): Error {
  if (error instanceof ModsteadError) return error
  const code = errorCode(error)
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  const [problem, next] = PROBLEMS[code] ?? [`cannot be used (${code})`, 'Repair it']
  return new ModsteadError('data_folder', `the data folder ${path} ${problem}`, {
    cause: error,
    next: `${next}, or choose another folder with --data-dir.`,
  })
}
