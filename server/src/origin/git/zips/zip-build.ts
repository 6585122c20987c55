import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { GomodError } from '@modstead/gomod/error'
import { createModuleZip, type ModuleFile } from '@modstead/gomod/zip/create'
import { errorCode } from '../../../disk-errors.ts'
import { BadTar, tarEntries } from './tar.ts'

export interface ZipBuildTask {
  /** Folder of the module in the repository: `''` is its root. */
  folder: string
  module: string
  version: string
  /** The LICENSE at the root of the repository, for a module in a folder that has none. */
  license: Uint8Array | undefined
  /** Bytes that the zip may have, and the files in it together; `go` accepts no more than `MAX_ZIP_FILE`. */
  limit: number
  /** The archive of the commit that git made. */
  tar: string
  /** Where the zip is written. */
  path: string
}

export type ZipBuildResult =
  | { size: number; h1: string; files: number }
  | { problem: 'invalid' | 'clone'; message: string }
  /** The system's code, such as `ENOSPC`. */
  | { problem: 'system'; code: string; message: string }

/**
 * Makes the zip of a module from the archive of a commit. Runs in a worker thread: what can be said of a bad repository
 * is returned, because an error's code does not survive structured cloning. Memory stays within some megabytes, whatever
 * the module. Files are the caller's to delete: a worker may be ended at any moment.
 */
export async function buildZip(task: ZipBuildTask): Promise<ZipBuildResult> {
  const tar = openSync(task.tar, 'r')
  try {
    return await writeZip(tar, task)
  } catch (error) {
    if (error instanceof GomodError) return { problem: 'invalid', message: error.message }
    if (error instanceof BadTar) return { problem: 'clone', message: error.message }
    const code = errorCode(error)
    if (code !== undefined) return { problem: 'system', code, message: String(error) }
    throw error
  } finally {
    closeSync(tar)
  }
}

/** What a worker does that is started before there is work. */
export function start(): undefined {
  return undefined
}

async function writeZip(tar: number, task: ZipBuildTask): Promise<ZipBuildResult> {
  const { folder, module, version, license, limit, path } = task
  const files = filesOf(tar, folder === '' ? '' : `${folder}/`)
  if (license !== undefined && folder !== '' && !files.some((file) => file.path === 'LICENSE'))
    files.push({ path: 'LICENSE', kind: 'regular', size: license.length, open: () => license })
  const zip = openSync(path, 'wx')
  try {
    const made = await createModuleZip({ path: module, version, files }, (chunk) => writeAll(zip, chunk))
    const left = new Set(made.omitted.map((file) => file.path))
    const contents = files.reduce((sum, file) => (left.has(file.path) ? sum : sum + file.size), 0)
    if (Math.max(made.zipSize, contents) > limit)
      return {
        problem: 'invalid',
        message: `it has more than the ${limit} bytes that limits.zip lets it have`,
      }
    return { size: made.zipSize, h1: made.h1, files: made.files }
  } finally {
    closeSync(zip)
  }
}

/** The files below a folder. Gitlinks are empty directories there, which are no files. */
function filesOf(tar: number, prefix: string): ModuleFile[] {
  const files: ModuleFile[] = []
  // One buffer for all, since who makes the zip is done with a file before the next is opened: memory that is taken for
  // each file is given back much later.
  let buffer = Buffer.alloc(0)
  const shared = (length: number): Buffer => {
    if (buffer.length < length) buffer = Buffer.allocUnsafeSlow(length)
    return buffer.subarray(0, length)
  }
  for (const { path, kind, offset, size } of tarEntries((at, length) => read(tar, at, length))) {
    if (kind === 'dir' || !path.startsWith(prefix)) continue
    files.push({
      path: path.slice(prefix.length),
      kind,
      size,
      open: () => contents(tar, { offset, size, shared }),
    })
  }
  return files
}

/** Bytes of a large file that are read at a time. */
const PIECE = 1 << 20

interface Piece {
  offset: number
  size: number
  /** Gives room for so many bytes, which is used again for the next piece. */
  shared: (length: number) => Buffer
}

function contents(tar: number, { offset, size, shared }: Piece): Uint8Array | Iterable<Uint8Array> {
  return size <= PIECE ? readInto(shared(size), tar, offset) : pieces(tar, { offset, size, shared })
}

function* pieces(tar: number, { offset, size, shared }: Piece): Generator<Uint8Array> {
  for (let at = 0; at < size; at += PIECE)
    yield readInto(shared(Math.min(PIECE, size - at)), tar, offset + at)
}

function read(file: number, offset: number, length: number): Buffer {
  return readInto(Buffer.allocUnsafe(length), file, offset)
}

/** Fills the buffer; gives the part of it that there was something for. */
function readInto(buffer: Buffer, file: number, offset: number): Buffer {
  let done = 0
  while (done < buffer.length) {
    const count = readSync(file, buffer, done, buffer.length - done, offset + done)
    if (count === 0) break
    done += count
  }
  return buffer.subarray(0, done)
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
}
