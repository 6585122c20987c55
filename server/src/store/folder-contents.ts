import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ModsteadError } from '../errors.ts'
import { TEMPORARY_NAME } from './durable.ts'
import { LOCK_FILES } from './folder-lock.ts'
import { moduleOf } from './layout.ts'

/** Folders looked into for a module before a tree counts as something else. */
const MAX_LOOKED_INTO = 2_000

/**
 * Looks at a folder that has no modstead.json, and tells which of its entries are the tree of a module cache that
 * should be adopted (`golang.org`, `sumdb`, …); none for a folder that is empty, or that has only a `public` folder
 * with such a tree. Dot files and `lost+found` do not count.
 * Throws `data_folder` for everything else: somebody's files are never mixed with ours.
 */
export async function findModuleCache(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(counts)
  const cache: string[] = []
  for (const entry of entries) {
    if (entry.isDirectory() && entry.name === 'public') {
      await checkPublic(join(folder, 'public'))
    } else if (entry.isDirectory() && entry.name === 'tmp' && (await isOurTemporary(join(folder, 'tmp')))) {
      // A crash came between it and the marker.
      continue
    } else if (await isCacheEntry(folder, entry)) {
      cache.push(entry.name)
    } else {
      throw foreign(folder, entries)
    }
  }
  return cache
}

async function checkPublic(folder: string): Promise<void> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter(counts)
  for (const entry of entries) if (!(await isCacheEntry(folder, entry))) throw foreign(folder, entries)
}

async function isOurTemporary(folder: string): Promise<boolean> {
  return (await readdir(folder)).every((name) => TEMPORARY_NAME.test(name))
}

function counts({ name }: Dirent): boolean {
  return !name.startsWith('.') && name !== 'lost+found' && !LOCK_FILES.includes(name)
}

/** Whether this is a folder named like a host with a module somewhere in it, or go's folder of checksum databases. */
async function isCacheEntry(parent: string, entry: Dirent): Promise<boolean> {
  if (!entry.isDirectory()) return false
  const path = join(parent, entry.name)
  if (entry.name === 'sumdb') return isSumdbCache(path)
  return HOST.test(entry.name) && holdsModule(path, entry.name)
}

/** `sumdb/<name>/lookup` and `sumdb/<name>/tile`; a name may have slashes. */
async function isSumdbCache(path: string): Promise<boolean> {
  return (await readdir(path, { withFileTypes: true })).every(
    (entry) => entry.isDirectory() && HOST.test(entry.name),
  )
}

/** Breadth first, for a module's `@v` lies near the top of any tree that has one. */
async function holdsModule(top: string, host: string): Promise<boolean> {
  const queue = [host]
  for (let looked = 0; looked < queue.length && looked < MAX_LOOKED_INTO; looked++) {
    const path = queue[looked]!
    for (const entry of await readdir(join(top, '..', path), { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      if (entry.name === '@v' && moduleOf(path) !== undefined) return true
      queue.push(`${path}/${entry.name}`)
    }
  }
  return false
}

/** The first element of a module path, with a port for names of checksum databases. */
const HOST = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+(:[0-9]+)?$/

function foreign(folder: string, entries: Dirent[]): ModsteadError {
  const names = entries.map(({ name }) => name)
  const some = names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '')
  const message = `the folder ${folder} is not modstead's: it has no modstead.json, and it holds ${some}`
  return new ModsteadError('data_folder', message, { next: nextStep(names) })
}

function nextStep(names: string[]): string {
  if (names.includes('catalog.db')) return 'If it is a copy of a data folder, copy its modstead.json too.'
  if (names.includes('cache') || names.includes('download')) {
    return 'To take over a module cache of go, give a copy of its folder cache/download as --data-dir.'
  }
  return 'Choose an empty folder, or one that does not exist yet, with --data-dir.'
}
