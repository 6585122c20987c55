import type { Stats } from 'node:fs'
import { dirname } from 'node:path'
import { equalHash, hashGoMod, isH1 } from '@modstead/gomod/dirhash'
import { ModsteadError } from '../errors.ts'
import type { Observer } from '../observe/observer.ts'
import type { ModuleStore, Spool, StoreKey } from '../proxy/store.ts'
import type { DataFolder } from './data-folder.ts'
import { createDurable } from './durable.ts'
import { absentAs, isNothingThere, storeError } from '../disk-errors.ts'
import { type FileSystem, localFileSystem } from './file-system.ts'
import { hashStoredZip } from './hash-zip.ts'
import { filePath, moduleFolder, realmRoot, versionFileOf } from './layout.ts'
import { repairLists } from './repair-lists.ts'
import { createSpool, type FileSpool } from './spool.ts'
import { createStoredFile } from './stored-file.ts'
import { createTurns } from './turns.ts'
import { createVersionLists } from './version-lists.ts'
import { walkModules } from './walk.ts'

export interface FileStoreOptions {
  observer: Observer
  /**
   * The dirhash of a zip file of the store, `size` bytes large. Asked only when a zip is committed that is held
   * already and whose `.ziphash` is missing, as in a folder that other tools filled. By default it is computed in
   * this thread; a server hands in its workers.
   */
  hashZip?: (path: string, size: number, key: StoreKey) => Promise<string>
  /** The file system; by default the real one. */
  files?: FileSystem
}

export interface FileStore extends ModuleStore {
  /** Finishes the derived `list` files. Commits must have ended. */
  close(): Promise<void>
}

/**
 * The module store in a data folder: a tree in the layout of Go's own cache for public modules, and one for each
 * realm. Commits follow `durable.ts`; those of one key run one after the other.
 */
export async function openFileStore(folder: DataFolder, options: FileStoreOptions): Promise<FileStore> {
  const { observer, hashZip = hashStoredZip, files = localFileSystem } = options
  const durable = createDurable({ files, temporary: folder.temporary, root: folder.path })
  const lists = createVersionLists({ files, durable, log: observer.log })
  const inTurn = createTurns()
  const spools = new WeakMap<Spool, FileSpool>()
  const closing = new AbortController()
  const commits = observer.counter('modstead_store_commits_total', 'Commits of module files.', [
    'kind',
    'outcome',
  ])

  const repairing = folder.unclean
    ? repairLists({ files, roots: folder, lists, log: observer.log, signal: closing.signal })
    : undefined

  /** The file at a path, or what is there instead. An empty file is what a crash left of another tool's write. */
  async function look(path: string): Promise<Stats | 'absent' | 'empty'> {
    try {
      const stats = await files.stat(path)
      return stats.size === 0 ? 'empty' : stats
    } catch (error) {
      if (isNothingThere(error)) return 'absent'
      throw error
    }
  }

  /** A synced temporary file with `contents`. */
  async function settle(contents: Uint8Array | Spool): Promise<string> {
    if (contents instanceof Uint8Array) return durable.write(contents)
    const spool = spools.get(contents)
    if (spool === undefined)
      throw new ModsteadError('internal', 'a spool must be committed to the store it is from')
    await spool.sync()
    return spool.release()
  }

  async function heldHash(key: StoreKey, path: string): Promise<string> {
    if (key.kind === 'mod') return hashGoMod(await files.readFile(path))
    const recorded = await files.readFile(`${path}hash`, 'utf8').catch(absentAs(''))
    if (isH1(recorded.trim())) return recorded.trim()
    const h1 = await hashZip(path, (await files.stat(path)).size, key)
    await durable.replace(await durable.write(Buffer.from(h1)), `${path}hash`)
    return h1
  }

  async function compareHeld(key: StoreKey, path: string, h1: string): Promise<'identical'> {
    if (key.kind === 'info') return 'identical'
    const held = await heldHash(key, path)
    if (equalHash(held, h1)) return 'identical'
    const what = `the stored ${key.kind} file of ${key.module}@${key.version} has the hash ${held}`
    throw new ModsteadError('checksum_mismatch', `${what}, and ${h1} was to be stored in its place`)
  }

  async function commit(
    key: StoreKey,
    contents: Uint8Array | Spool,
    h1: string,
  ): Promise<'stored' | 'identical'> {
    const path = filePath(folder, key)
    const held = await look(path)
    if (typeof held === 'object') return compareHeld(key, path, h1)
    if (held === 'empty') await durable.remove(path)
    // The hash comes first: after a crash between the two there is a hash without a zip, which nobody reads.
    const hash = key.kind === 'zip' ? { bytes: Buffer.from(h1), path: `${path}hash` } : undefined
    if (!(await durable.place(await settle(contents), path, hash))) return compareHeld(key, path, h1)
    lists.changed({ module: key.module, folder: dirname(path) })
    return 'stored'
  }

  return {
    async open(key) {
      const path = filePath(folder, key)
      try {
        const found = await look(path)
        return typeof found === 'object' && found.isFile() ? createStoredFile(files, path, found) : undefined
      } catch (error) {
        throw storeError(error, 'read a stored file')
      }
    },
    async commit(key, contents, h1) {
      const h1OfContents = await hashOf(key, contents, h1)
      try {
        const outcome = await inTurn(filePath(folder, key), () => commit(key, contents, h1OfContents))
        commits.add(1, key.kind, outcome)
        return outcome
      } catch (error) {
        commits.add(1, key.kind, 'failed')
        throw storeError(error, `store the ${key.kind} file of ${key.module}@${key.version}`)
      }
    },
    async remove(key) {
      const path = filePath(folder, key)
      try {
        await inTurn(path, async () => {
          await durable.remove(path)
          if (key.kind === 'zip') await durable.remove(`${path}hash`)
        })
      } catch (error) {
        throw storeError(error, `remove the ${key.kind} file of ${key.module}@${key.version}`)
      }
      lists.changed({ module: key.module, folder: dirname(path) }, key.version)
    },
    async createSpool() {
      const spool = await createSpool(durable)
      spools.set(spool, spool)
      return spool
    },
    async versions(realm, module) {
      const found = new Set<string>()
      try {
        const names = await files.readdir(moduleFolder(folder, realm, module)).catch(absentAs<string[]>([]))
        for (const name of names) {
          const file = versionFileOf(module, name)
          if (file !== undefined) found.add(file.version)
        }
      } catch (error) {
        throw storeError(error, 'read the stored versions of a module')
      }
      return [...found]
    },
    async *walk(realm) {
      try {
        for await (const { module, files: found } of walkModules(files, realmRoot(folder, realm))) {
          for (const { version, kind } of found) yield { realm, module, version, kind }
        }
      } catch (error) {
        throw storeError(error, 'read the stored modules')
      }
    },
    async probe() {
      try {
        await durable.discard(await durable.write(Buffer.from('modstead was here\n')))
      } catch (error) {
        throw storeError(error, 'write to its data folder')
      }
    },
    async close() {
      closing.abort()
      await repairing
      await lists.close()
    },
  }
}

/** Refuses what must not be stored, and gives the hash that decides whether it is the same fact as what is held. */
async function hashOf(key: StoreKey, contents: Uint8Array | Spool, h1: string | undefined): Promise<string> {
  const size = contents instanceof Uint8Array ? contents.length : contents.size
  if (size === 0) throw new ModsteadError('internal', `an empty ${key.kind} file must not be stored`)
  if (h1 !== undefined) return h1
  if (key.kind === 'zip') throw new ModsteadError('internal', 'a zip must be stored with its dirhash')
  if (key.kind === 'info') return ''
  return hashGoMod(contents instanceof Uint8Array ? contents : await contents.read(0, size))
}
