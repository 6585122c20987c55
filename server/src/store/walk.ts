import type { Dirent } from 'node:fs'
import type { ModulePath } from '@modstead/gomod/path'
import { absentAs } from '../disk-errors.ts'
import { type FileSystem } from './file-system.ts'
import { moduleOf, versionFileOf, type VersionFile } from './layout.ts'

export interface WalkedModule {
  module: ModulePath
  /** The module's `@v` folder. */
  folder: string
  /** Its files, sorted by name. Names that are no module files are left out. */
  files: VersionFile[]
}

/**
 * Every module below the root of a realm, sorted by folder names. Symbolic links are not followed; `sumdb` at the
 * root, and whatever else is no module, is passed over. Memory: the names in the folders from the root to the module.
 * Rejects with the system's own errors.
 */
export async function* walkModules(
  files: Pick<FileSystem, 'readdir'>,
  root: string,
): AsyncGenerator<WalkedModule> {
  yield* walkFolder(files, root, '')
}

async function* walkFolder(
  files: Pick<FileSystem, 'readdir'>,
  root: string,
  path: string,
): AsyncGenerator<WalkedModule> {
  const here = path === '' ? root : `${root}/${path}`
  for (const name of await folders(files, here)) {
    if (name === '@v') {
      const module = moduleOf(path)
      if (module !== undefined) yield await readModule(files, module, `${here}/@v`)
    } else if (path !== '' || name !== 'sumdb') {
      yield* walkFolder(files, root, path === '' ? name : `${path}/${name}`)
    }
  }
}

async function readModule(
  files: Pick<FileSystem, 'readdir'>,
  module: ModulePath,
  folder: string,
): Promise<WalkedModule> {
  const found: VersionFile[] = []
  for (const entry of await entries(files, folder)) {
    const file = entry.isFile() ? versionFileOf(module, entry.name) : undefined
    if (file !== undefined) found.push(file)
  }
  return { module, folder, files: found }
}

async function folders(files: Pick<FileSystem, 'readdir'>, path: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await entries(files, path)) if (entry.isDirectory()) names.push(entry.name)
  return names
}

/** The entries of a folder in the order of their names; none when the folder has vanished meanwhile. */
async function entries(files: Pick<FileSystem, 'readdir'>, path: string): Promise<Dirent[]> {
  const found = await files.readdir(path, { withFileTypes: true }).catch(absentAs<Dirent[]>([]))
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}
