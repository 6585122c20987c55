/**
 * Checks the zip of a module version, and hashes what is in it.
 *
 * The rules are those of golang.org/x/mod/zip, without which `go` extracts nothing:
 * - every entry is under `PATH@VERSION/`, and what follows is a file path that modules may have;
 * - no two names are equal, or differ only in case, and none is a file and a directory;
 * - go.mod is in the root only, and in lower case; it may be absent;
 * - the zip, and its files together, have at most 500 MiB; go.mod and LICENSE in the root at most 16 MiB each;
 * - every file has the contents that the zip declares.
 * File modes and times mean nothing. Directories are no files, but their entries are part of the hash.
 */
import { createHash, type Hash } from 'node:crypto'
import { hash1, hashGoMod, sha256hex, type FileDigest } from '../dirhash.ts'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { checkVersion } from '../version.ts'
import { collisionChecker, type CollisionChecker } from './collisions.ts'
import { readContents } from './contents.ts'
import {
  filePathProblem,
  fileSizeProblem,
  isGoMod,
  problemsError,
  type BrokenRule,
  type FileProblem,
} from './files.ts'
import { MAX_ZIP_FILE } from './limits.ts'
import { readZipDirectory, type ZipBytes, type ZipEntry } from './reader.ts'

/** Whose zip it should be. */
export interface ModuleZipName {
  /** The module path, as it stands in go.mod. */
  readonly path: string
  /** The version, canonical for that path. */
  readonly version: string
}

/** What the directory of a module zip tells, without its contents. */
export interface ModuleZipReport {
  /** Full names of the files that obey the rules, in the order of the zip. */
  readonly valid: readonly string[]
  /** Entries that break rules, under their full names, in the order of the zip. */
  readonly invalid: readonly FileProblem[]
  /** Set when the files are larger together than `MAX_ZIP_FILE`: a sentence. */
  readonly sizeProblem: string | undefined
  /** Declared bytes of the valid files together. */
  readonly size: number
}

/** A module zip that obeys all rules. */
export interface ModuleZip {
  /** The hash of its contents, as go.sum has it. */
  readonly h1: string
  /** The go.mod in its root, if it has one. (Where it has none, the version's .mod is made up by its origin.) */
  readonly goMod: Uint8Array | undefined
  /** The hash of that go.mod. */
  readonly goModHash: string | undefined
  /** Entries that are files. */
  readonly files: number
  /** Bytes of the files together, uncompressed. */
  readonly size: number
}

/** Options of `verifyModuleZip`. */
export interface VerifyModuleZipOptions extends ModuleZipName {
  /** Stops the work within some megabytes, with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * All that is wrong with a module zip as far as its directory tells; its contents are not read. Throws GomodError
 * `invalid_path` and `invalid_version` for a name that is none, `invalid_zip` for what is no zip file, and
 * `zip_too_large` when the zip itself is.
 */
export function checkModuleZip(source: ZipBytes, name: ModuleZipName): ModuleZipReport {
  return checkEntries(openModuleZip(source, name), name)
}

/**
 * Checks a module zip by all rules, reads it once, and gives the hashes of what is in it. Made for worker threads:
 * the work is about that of inflating and hashing, and memory stays within some megabytes whatever the zip holds, but
 * for the names of its entries.
 *
 * Throws GomodError `invalid_zip` naming the file and what is wrong with it, `zip_too_large` for what exceeds a limit,
 * `invalid_path` and `invalid_version` for a name that is none; what `source` throws; the reason of the signal.
 */
export async function verifyModuleZip(source: ZipBytes, options: VerifyModuleZipOptions): Promise<ModuleZip> {
  const entries = openModuleZip(source, options)
  const report = checkEntries(entries, options)
  throwProblems(report)
  const goModName = `${options.path}@${options.version}/go.mod`
  const digests: FileDigest[] = []
  const goModPieces: Uint8Array[] = []
  let running: Hash | undefined
  await readContents(
    source,
    entries,
    ({ name }, piece, last) => {
      if (name === goModName) goModPieces.push(new Uint8Array(piece))
      if (!last) running = (running ?? createHash('sha256')).update(piece)
      else {
        digests.push({ name, sha256hex: running?.update(piece).digest('hex') ?? sha256hex(piece) })
        running = undefined
      }
    },
    options,
  )
  const goMod = goModPieces.length === 0 ? undefined : Buffer.concat(goModPieces)
  return {
    h1: hash1(digests),
    goMod,
    goModHash: goMod && hashGoMod(goMod),
    files: report.valid.length,
    size: report.size,
  }
}

function openModuleZip(source: ZipBytes, { path, version }: ModuleZipName): ZipEntry[] {
  checkVersion(path, version)
  if (source.size > MAX_ZIP_FILE) {
    const message = `a module zip has at most ${MAX_ZIP_FILE} bytes; this one has ${source.size}`
    throw new GomodError('zip_too_large', message)
  }
  return readZipDirectory(source, { allowDuplicates: true })
}

function checkEntries(entries: readonly ZipEntry[], { path, version }: ModuleZipName): ModuleZipReport {
  const prefix = `${path}@${version}/`
  const collides = collisionChecker()
  const valid: string[] = []
  const invalid: FileProblem[] = []
  let sizeProblem: string | undefined
  let size = 0
  for (const entry of entries) {
    if (entry.name === prefix) continue
    const isDirectory = entry.name.endsWith('/')
    const name = entry.name.slice(prefix.length, isDirectory ? -1 : undefined)
    const problem = entry.name.startsWith(prefix)
      ? nameProblem(name, isDirectory, collides)
      : { rule: 'prefix' as const, message: `its name does not begin with ${shown(prefix)}` }
    if (problem !== undefined) {
      invalid.push({ path: entry.name, ...problem })
      continue
    }
    if (isDirectory) continue
    size += entry.size
    if (size > MAX_ZIP_FILE) {
      sizeProblem ??= `the files of a module have at most ${MAX_ZIP_FILE} bytes together; these have more`
    }
    const tooLarge = fileSizeProblem(name, entry.size)
    if (tooLarge !== undefined) invalid.push({ path: entry.name, ...tooLarge })
    else valid.push(entry.name)
  }
  return { valid, invalid, sizeProblem, size }
}

function nameProblem(name: string, isDirectory: boolean, collides: CollisionChecker): BrokenRule | undefined {
  const problem = filePathProblem(name)
  if (problem !== undefined) return problem
  const collision = collides(name, isDirectory)
  if (collision !== undefined) return { rule: 'collision', message: collision }
  const base = name.slice(name.lastIndexOf('/') + 1)
  if (isDirectory || !isGoMod(base)) return undefined
  if (base !== name)
    return { rule: 'gomod_place', message: 'a go.mod is allowed in the root of a module only' }
  return name === 'go.mod'
    ? undefined
    : { rule: 'gomod_case', message: 'its name has to be go.mod in lower case' }
}

function throwProblems({ sizeProblem, invalid }: ModuleZipReport): void {
  if (sizeProblem !== undefined) throw new GomodError('zip_too_large', sizeProblem)
  if (invalid.length > 0) throw problemsError(invalid)
}
