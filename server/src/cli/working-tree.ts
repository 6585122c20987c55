import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ModuleFile } from '@modstead/gomod/zip/create'

/** Files up to this size, in bytes, are read whole. */
const WHOLE = 4 << 20
/** Folders of version control, of which no file is ever part of a module. */
const VERSION_CONTROL = new Set(['.git', '.hg', '.svn', '.bzr'])

export interface WorkingTree {
  /** The files below the folder, in the order of their names. */
  own: ModuleFile[]
  /** The LICENSE in the root of the git working tree, where the folder is a part of it and has none, as `go` does it. */
  license?: ModuleFile
}

/** The files of a folder as `createModuleZip` takes them; symbolic links are not followed. */
export async function readWorkingTree(folder: string): Promise<WorkingTree> {
  const own = await filesBelow(folder, '')
  if (own.some(({ path }) => path === 'LICENSE')) return { own }
  const root = await rootOfGit(folder)
  if (root === undefined || root === folder) return { own }
  const license = await describe(join(root, 'LICENSE'), 'LICENSE')
  return license?.kind === 'regular' ? { own, license } : { own }
}

async function filesBelow(root: string, folder: string): Promise<ModuleFile[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  const found: ModuleFile[] = []
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) {
      if (!VERSION_CONTROL.has(entry.name)) found.push(...(await filesBelow(root, path)))
      continue
    }
    const file = await describe(join(root, path), path)
    if (file !== undefined) found.push(file)
  }
  return found
}

/** `undefined` for what is not there. */
async function describe(location: string, path: string): Promise<ModuleFile | undefined> {
  const stats = await lstat(location).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return undefined
  const { size } = stats
  return {
    path,
    kind: stats.isFile() ? 'regular' : stats.isSymbolicLink() ? 'symlink' : 'other',
    size,
    open: () => (size <= WHOLE ? readFile(location) : createReadStream(location)),
  }
}

/** The nearest folder at or above this one that has a `.git`. */
export async function rootOfGit(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    if ((await describe(join(at, '.git'), '.git')) !== undefined) return at
    if (dirname(at) === at) return undefined
  }
}
