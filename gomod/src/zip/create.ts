/**
 * Makes the zip of a module version from the files of its repository, so that it has the hash that `go` computes.
 *
 * What goes into it, in the order given, is every regular file but those of vendored packages (`vendor.ts`), of other
 * modules (directories below the root that have a go.mod of their own, in any letters), and `.hg_archival.txt`.
 * Names and sizes obey the rules of `check.ts`; one file that breaks a rule fails the whole module. The bytes of the
 * zip are not part of any contract, its hash is. The rules are those of golang.org/x/mod/zip.
 */
import { createHash } from 'node:crypto'
import { hash1, hashGoMod, sha256hex, type FileDigest } from '../dirhash.ts'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { checkVersion } from '../version.ts'
import type { ModuleZip, ModuleZipName } from './check.ts'
import { collisionChecker, type CollisionChecker } from './collisions.ts'
import {
  filePathProblem,
  fileSizeProblem,
  isGoMod,
  problemsError,
  type BrokenRule,
  type FileProblem,
} from './files.ts'
import { goVersionOf } from './go-version.ts'
import { MAX_ZIP_ENTRIES, MAX_ZIP_FILE } from './limits.ts'
import { isVendored } from './vendor.ts'
import { zipWriter, type ZipSink, type ZipWriter } from './writer.ts'

export { type ZipSink } from './writer.ts'

/** A file of a module. */
export interface ModuleFile {
  /** From the root of the module: clean, relative, with slashes. */
  readonly path: string
  /** What the file is, symbolic links not followed. */
  readonly kind: 'regular' | 'symlink' | 'dir' | 'other'
  /** Bytes of a regular file. */
  readonly size: number
  /**
   * The contents of a regular file: exactly `size` bytes, whole or in pieces. They are not looked at any more once the
   * next piece is asked for, or the next file opened: their memory may be used again.
   */
  open(): FileContents | Promise<FileContents>
}

/** The contents of a file, whole or in pieces of any size. */
export type FileContents = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** What becomes of the files of a module: each of them is in one of the lists, or was in one already by its path. */
export interface ModuleFilesReport<File extends Pick<ModuleFile, 'path'> = ModuleFile> {
  /** Files that belong into the zip. */
  readonly valid: readonly File[]
  /** Files that are left out, and the rule by which they are. */
  readonly omitted: readonly FileProblem[]
  /** Files that keep the module from having a zip. */
  readonly invalid: readonly FileProblem[]
  /** Set when the files are larger together than `MAX_ZIP_FILE`: a sentence. */
  readonly sizeProblem: string | undefined
}

/** Options of `checkModuleFiles`. */
export interface CheckModuleFilesOptions {
  /** The version in the go directive of the root's go.mod; `undefined` where there is none. Decides what is vendored. */
  readonly goVersion: string | undefined
  /**
   * Whether the files are those of a directory on disk, and not those of a commit. Then what lies in a `.git`, `.hg`,
   * `.svn` or `.bzr` directory is left out too, and a symbolic link named go.mod makes a nested module as a file does.
   * Default false.
   */
  readonly fromDirectory?: boolean
}

/** Options of `createModuleZip`. */
export interface CreateModuleZipOptions extends ModuleZipName {
  /** The files, in the order in which they shall stand in the zip. */
  readonly files: readonly ModuleFile[]
  /** As in `CheckModuleFilesOptions`. By default it is read from the root's go.mod. */
  readonly goVersion?: string
  /** As in `CheckModuleFilesOptions`. */
  readonly fromDirectory?: boolean
  /** Stops the work after the current file, with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A module zip that was made. */
export interface CreatedModuleZip extends ModuleZip {
  /** Bytes of the zip itself. */
  readonly zipSize: number
  /** Files that were left out, and the rule by which they were. */
  readonly omitted: readonly FileProblem[]
}

/** Sorts the files of a module into those that belong into its zip, those that do not, and those that break it. */
export function checkModuleFiles<File extends Pick<ModuleFile, 'path' | 'kind' | 'size'>>(
  files: readonly File[],
  options: CheckModuleFilesOptions,
): ModuleFilesReport<File> {
  const nested = nestedModules(files, options)
  const collides = collisionChecker()
  const valid: File[] = []
  const problems = new Map<string, FileProblem>()
  let sizeProblem: string | undefined
  let left = MAX_ZIP_FILE
  for (const file of files) {
    const { path } = file
    const problem = rejection(path, nested, options) ?? collision(file, collides) ?? omissionByKind(file)
    if (problem === undefined) {
      if (file.size >= 0 && file.size <= left) left -= file.size
      else
        sizeProblem ??= `the files of a module have at most ${MAX_ZIP_FILE} bytes together; these have more`
    }
    const found = problem ?? fileSizeProblem(path, file.size)
    if (found === undefined) valid.push(file)
    else if (!problems.has(path)) problems.set(path, { path, ...found })
  }
  const list = Array.from(problems.values())
  return {
    valid,
    omitted: list.filter(({ rule }) => OMITTING.has(rule)),
    invalid: list.filter(({ rule }) => !OMITTING.has(rule)),
    sizeProblem,
  }
}

/**
 * Makes a module zip and hashes what goes into it, in one pass. The zip goes to `sink` in chunks as it comes to be;
 * after an error, what the sink got is to be thrown away. Memory stays within some megabytes, but for the names and a
 * go.mod.
 *
 * Throws GomodError `invalid_zip` naming the first file that breaks a rule or has not the size it was said to have,
 * `zip_too_large` for what exceeds a limit, `invalid_path` and `invalid_version` for a name that is none; what `open`
 * and `sink` throw; the reason of the signal.
 */
export async function createModuleZip(
  options: CreateModuleZipOptions,
  sink: ZipSink,
): Promise<CreatedModuleZip> {
  const { path, version, files, fromDirectory, signal } = options
  checkVersion(path, version)
  const goModFile = files.find((file) => file.path === 'go.mod' && file.kind === 'regular')
  const goModSize = goModFile === undefined ? undefined : fileSizeProblem('go.mod', goModFile.size)
  if (goModSize !== undefined) throw problemsError([{ path: 'go.mod', ...goModSize }])
  // A copy: it is part of the result.
  const goMod = goModFile && Buffer.from(await readWhole(goModFile))
  const goVersion = options.goVersion ?? (goMod && goVersionOf(goMod))
  const { valid, omitted, invalid, sizeProblem } = checkModuleFiles(files, { goVersion, fromDirectory })
  if (sizeProblem !== undefined) throw new GomodError('zip_too_large', sizeProblem)
  if (invalid.length > 0) throw problemsError(invalid)
  if (valid.length > MAX_ZIP_ENTRIES) {
    const message = `a module has at most ${MAX_ZIP_ENTRIES} files; this one has ${valid.length}`
    throw new GomodError('zip_too_large', message)
  }

  const writer = zipWriter(sink, MAX_ZIP_FILE)
  const digests: FileDigest[] = []
  let size = 0
  for (const file of valid) {
    signal?.throwIfAborted()
    const name = `${path}@${version}/${file.path}`
    const sha256hex = await addFile(writer, name, file)
    digests.push({ name, sha256hex })
    size += file.size
  }
  return {
    h1: hash1(digests),
    goMod,
    goModHash: goMod && hashGoMod(goMod),
    files: valid.length,
    size,
    zipSize: writer.finish(),
    omitted,
  }
}

/** Rules whose breaking leaves a file out; the others make the module invalid. */
const OMITTING: ReadonlySet<string> = new Set([
  'vendored',
  'vcs',
  'nested_module',
  'hg_archival',
  'symlink',
  'irregular',
])

/** Directories, with a slash at the end, that have a go.mod; `''` for the root. */
function nestedModules(
  files: readonly Pick<ModuleFile, 'path' | 'kind'>[],
  { fromDirectory = false }: CheckModuleFilesOptions,
): ReadonlySet<string> {
  const directories = new Set<string>()
  for (const { path, kind } of files) {
    const base = path.lastIndexOf('/') + 1
    const name = path.slice(base)
    const linked = fromDirectory && kind !== 'dir' && name === 'go.mod'
    if (linked || (kind === 'regular' && isGoMod(name))) directories.add(path.slice(0, base))
  }
  return directories
}

/** What a path alone decides, in the order in which `go` decides it. */
function rejection(
  path: string,
  nested: ReadonlySet<string>,
  { goVersion, fromDirectory = false }: CheckModuleFilesOptions,
): BrokenRule | undefined {
  const problem = filePathProblem(path)
  if (problem !== undefined && problem.rule !== 'name') return problem
  if (isVendored(path, goVersion)) return { rule: 'vendored', message: 'it is part of a vendored package' }
  if (fromDirectory && VERSION_CONTROL.test(path))
    return { rule: 'vcs', message: 'it belongs to version control' }
  if (isNested(path, nested)) return { rule: 'nested_module', message: 'it is part of a nested module' }
  if (path === '.hg_archival.txt') return { rule: 'hg_archival', message: 'it was added by hg archive' }
  if (problem !== undefined) return problem
  if (!isGoMod(path) || path === 'go.mod') return undefined
  return { rule: 'gomod_case', message: 'its name has to be go.mod in lower case' }
}

const VERSION_CONTROL = /(?:^|\/)\.(?:git|hg|svn|bzr)\//

function isNested(path: string, nested: ReadonlySet<string>): boolean {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    if (nested.has(path.slice(0, slash + 1))) return true
  }
  return false
}

function collision(
  { path, kind }: Pick<ModuleFile, 'path' | 'kind'>,
  collides: CollisionChecker,
): BrokenRule | undefined {
  const message = collides(path, kind === 'dir')
  return message === undefined ? undefined : { rule: 'collision', message }
}

function omissionByKind({ kind }: Pick<ModuleFile, 'kind'>): BrokenRule | undefined {
  if (kind === 'symlink') return { rule: 'symlink', message: 'it is a symbolic link' }
  return kind === 'regular' ? undefined : { rule: 'irregular', message: 'it is not a regular file' }
}

/** Files up to this size, in bytes, are compressed in one call. */
const WHOLE = 4 * 2 ** 20

async function addFile(writer: ZipWriter, name: string, file: ModuleFile): Promise<string> {
  if (file.size <= WHOLE) {
    const contents = await readWhole(file)
    writer.add(name, contents)
    return sha256hex(contents)
  }
  const hash = createHash('sha256')
  const hashed = async function* () {
    for await (const piece of exactly(file, await file.open())) {
      hash.update(piece)
      yield piece
    }
  }
  await writer.addPieces(name, hashed())
  return hash.digest('hex')
}

async function readWhole(file: ModuleFile): Promise<Uint8Array> {
  const contents = await file.open()
  if (contents instanceof Uint8Array && contents.length === file.size) return contents
  const pieces: Uint8Array[] = []
  for await (const piece of exactly(file, contents)) pieces.push(new Uint8Array(piece))
  return Buffer.concat(pieces)
}

/** The pieces of a file. Throws as soon as they are more than its size, and at the end if they are less. */
async function* exactly(file: ModuleFile, contents: FileContents): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const piece of contents instanceof Uint8Array ? [contents] : contents) {
    size += piece.length
    if (size > file.size) break
    yield piece
  }
  if (size === file.size) return
  const than = size > file.size ? 'more' : 'fewer'
  const message = `${shown(file.path)}: it has ${than} than the ${file.size} bytes announced`
  throw new GomodError('invalid_zip', message)
}
