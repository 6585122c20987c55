/** What a module cache has of a version. Nothing in it is believed, followed or changed. */
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hashGoMod, isH1 } from '@modstead/gomod/dirhash'
import { GomodError } from '@modstead/gomod/error'
import { unescapePath } from '@modstead/gomod/path'
import { isCanonicalFor, unescapeVersion } from '@modstead/gomod/version'
import { MAX_GO_MOD } from '@modstead/gomod/zip/limits'
import { ModsteadError } from '../errors.ts'
import type { ZipChecker } from '../proxy/zip-checker.ts'
import type { Artifact, Claim, Claims, ModuleName, Side, Unreadable } from './claims.ts'
import { hashFolder } from './hash-folder.ts'
import type { CachePlaces } from './places.ts'

/** What was found of one version. */
export interface CachedVersion {
  claims: Claims
  unreadable: Unreadable[]
  /** There is an extracted folder. */
  extracted: boolean
}

/** Bytes that a .ziphash may have: a hash and a newline. */
const MAX_ZIPHASH = 1024

/**
 * Hashes the files of one version that are there. Rejects with the signal's reason only: what cannot be read is told in
 * `unreadable`.
 */
export async function readCachedVersion(
  name: ModuleName,
  places: CachePlaces,
  { checker, signal }: { checker: ZipChecker; signal: AbortSignal },
): Promise<CachedVersion> {
  const found: CachedVersion = { claims: { zip: [], 'go.mod': [] }, unreadable: [], extracted: false }

  async function look(side: Side, artifact: Artifact, where: string, hash: () => Promise<string>) {
    signal.throwIfAborted()
    try {
      const claim: Claim = { side, where, hash: await hash() }
      found.claims[artifact].push(claim)
    } catch (error) {
      signal.throwIfAborted()
      if (!isAbsent(error)) found.unreadable.push({ side, where, ...problemOf(error) })
    }
  }

  await look('ziphash', 'zip', places.ziphash, async () => {
    const text = (await readSmall(places.ziphash, MAX_ZIPHASH)).toString('latin1').trim()
    if (!isH1(text)) throw new Problem('it does not hold an h1 hash')
    return text
  })
  await look('zip', 'zip', places.zip, async () => {
    const { size } = await plainFile(places.zip)
    return checker.check({
      ...name,
      module: name.path,
      path: places.zip,
      size,
      source: 'the cache',
      urgency: { priority: 'client' },
    })
  })
  // `go` extracts anew what it had not finished extracting.
  if (!(await exists(places.partial)) && (await exists(places.folder))) {
    found.extracted = true
    await look('folder', 'zip', places.folder, () =>
      hashFolder(places.folder, `${name.path}@${name.version}`, signal),
    )
  }
  await look('mod', 'go.mod', places.mod, async () => hashGoMod(await readSmall(places.mod, MAX_GO_MOD)))
  return found
}

/** A version in the cache, or something in it that is not usable. */
export type CacheEntry = ModuleName | StrangeEntry

export type StrangeEntry = Omit<Unreadable, 'side'>

/**
 * Every version of which the cache at `download` (the `cache/download` of a module cache) has a zip, a .ziphash or a
 * go.mod, in no particular order. Symbolic links are told, not followed. Rejects with the error of the system where the
 * folder itself cannot be read.
 */
export async function* walkCache(download: string): AsyncGenerator<CacheEntry, void> {
  const folders = [{ folder: download, module: '' }]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const { folder, module } = next
    const isList = module.endsWith('/@v')
    const versions = new Set<string>()
    for (const entry of await readFolder(folder, folder === download)) {
      if ('problem' in entry) {
        yield entry
        continue
      }
      const { name, kind } = entry
      if (isList) {
        const stem = /^(.+)\.(?:zip|ziphash|mod)$/.exec(name)?.[1]
        if (stem !== undefined) versions.add(stem)
      } else if (kind === 'link') yield { where: join(folder, name), problem: 'it is a symbolic link' }
      // Records of checksum databases, and `go`'s own locks, are no modules.
      else if (kind === 'folder' && !(module === '' && name === 'sumdb'))
        folders.push({ folder: join(folder, name), module: module === '' ? name : `${module}/${name}` })
    }
    for (const version of versions) yield nameOf(folder, module.slice(0, -'/@v'.length), version)
  }
}

type FolderEntry = { name: string; kind: 'folder' | 'link' | 'other' } | StrangeEntry

async function readFolder(folder: string, isRoot: boolean): Promise<FolderEntry[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'other',
    }))
  } catch (error) {
    if (isRoot) throw error
    return [{ where: folder, ...problemOf(error) }]
  }
}

function nameOf(folder: string, module: string, version: string): CacheEntry {
  try {
    const name = { path: unescapePath(module), version: unescapeVersion(version) }
    if (isCanonicalFor(name.path, name.version)) return { path: name.path, version: name.version }
  } catch (error) {
    if (!(error instanceof GomodError)) throw error
  }
  return { where: join(folder, version), problem: 'its name is not that of a module version' }
}

/** What keeps a file from being compared, as a phrase. */
class Problem extends Error {}

/** Its size in bytes. Never follows a link, and never waits for a pipe. */
async function plainFile(path: string): Promise<{ size: number }> {
  const stats = await lstat(path)
  if (stats.isSymbolicLink()) throw new Problem('it is a symbolic link')
  if (!stats.isFile()) throw new Problem('it is not a file')
  return stats
}

async function readSmall(path: string, limit: number): Promise<Buffer> {
  const { size } = await plainFile(path)
  if (size > limit) throw new Problem(`it has ${size} bytes, more than such a file may have`)
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size), 0, size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    // Whatever else is wrong with it is told when it is read.
    return !isAbsent(error)
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  // A name that is too long for the disk is in no cache.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG'
}

function problemOf(error: unknown): Pick<Unreadable, 'problem' | 'isClosed'> {
  if (error instanceof Problem || error instanceof ModsteadError || error instanceof GomodError)
    return {
      problem: error.message,
      ...(error instanceof ModsteadError && error.code === 'store_unavailable' && { isClosed: true }),
    }
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return { problem: `it cannot be read (${code})`, isClosed: true }
}
