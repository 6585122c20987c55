import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { ModulePath } from '@modstead/gomod/path'

/** A file of the helper's module: its path from the root, and its contents. */
export interface SourceFile {
  path: string
  contents: Buffer
}

/** In the package that npm installs the folder stands beside `src`, in a clone beside the houses. */
const FOLDERS: readonly URL[] = [
  new URL('../../../client/', import.meta.url),
  new URL('../../../../client/', import.meta.url),
]

/** What the go.mod in the folder calls the module: in its place comes the path that it is served under. */
const WRITTEN = /^module modstead\.invalid\/modstead\/client$/m

/**
 * Reads the helper's sources, its tests left out, in the order of their names. A clone on Windows may have other line
 * ends: they are made those that every other machine has, since the hash of a version is the same everywhere.
 */
export async function readSources(): Promise<SourceFile[]> {
  const [folder, names] = await findFolder()
  const wanted = names
    .filter((name) => /^(?:go\.mod|LICENSE|.*\.go)$/.test(name) && !name.endsWith('_test.go'))
    .sort()
  return Promise.all(
    wanted.map(async (path) => {
      const text = await readFile(new URL(path, folder), 'utf8')
      return { path, contents: Buffer.from(text.replaceAll('\r\n', '\n')) }
    }),
  )
}

async function findFolder(): Promise<[folder: URL, names: string[]]> {
  let missing: unknown
  for (const folder of FOLDERS) {
    try {
      const names = await readdir(folder)
      if (names.includes('go.mod')) return [folder, names]
    } catch (error) {
      missing = error
    }
  }
  throw new Error('the sources of the laptop helper are not where modstead was installed', { cause: missing })
}

/** The sources as those of the module `path`. Throws for a go.mod that does not say what it is expected to. */
export function sourcesOf(path: ModulePath, sources: readonly SourceFile[]): SourceFile[] {
  return sources.map((file) => {
    if (file.path !== 'go.mod') return file
    const text = file.contents.toString()
    const named = text.replace(WRITTEN, `module ${path}`)
    if (named === text && !text.includes(`module ${path}\n`))
      throw new Error('the go.mod of the laptop helper has no module line that can be rewritten')
    return { ...file, contents: Buffer.from(named) }
  })
}

/**
 * What tells contents apart: twelve hexadecimal digits of a SHA-256 over names and bytes. The module path is among the
 * bytes, in go.mod.
 */
export function contentId(files: readonly SourceFile[]): string {
  const hash = createHash('sha256')
  for (const { path, contents } of files) hash.update(`${path}\0${contents.length}\0`).update(contents)
  return hash.digest('hex').slice(0, 12)
}
