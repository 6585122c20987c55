import { createHash } from 'node:crypto'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hash1, type FileDigest } from '@modstead/gomod/dirhash'
import { shown } from '@modstead/gomod/quote'
import { MAX_ZIP_ENTRIES, MAX_ZIP_FILE } from '@modstead/gomod/zip/limits'
import { ModsteadError } from '../errors.ts'

/** Bytes read at a time. */
const PIECE = 1 << 18

/**
 * The h1 of the files below a folder, each under `prefix` and a slash, as `go mod verify` computes it. Throws
 * `bad_request` for links and other things that no zip is extracted to, and for more than a module zip may hold.
 *
 * In a toolchain, which `go` fetches as a module too, it puts a copy beside each `_go.mod` that makes it a `go.mod`:
 * such a copy is no file of the zip.
 */
export async function hashFolder(folder: string, prefix: string, signal: AbortSignal): Promise<string> {
  const digests: FileDigest[] = []
  const buffer = Buffer.allocUnsafe(PIECE)
  let total = 0

  async function sha256Of(path: string): Promise<string> {
    const digest = createHash('sha256')
    const handle = await open(path, 'r')
    try {
      for (;;) {
        signal.throwIfAborted()
        const { bytesRead } = await handle.read(buffer, 0, PIECE, null)
        if (bytesRead === 0) return digest.digest('hex')
        if ((total += bytesRead) > MAX_ZIP_FILE) throw tooMuch(`${MAX_ZIP_FILE} bytes`)
        digest.update(buffer.subarray(0, bytesRead))
      }
    } finally {
      await handle.close()
    }
  }

  if (!(await lstat(folder)).isDirectory()) throw new ModsteadError('bad_request', 'it is not a folder')
  const folders = ['']
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) folders.push(name)
      else if (!entry.isFile()) throw notExtracted(name)
      else {
        if (digests.length === MAX_ZIP_ENTRIES) throw tooMuch(`${MAX_ZIP_ENTRIES} files`)
        digests.push({ name: `${prefix}/${name}`, sha256hex: await sha256Of(join(folder, name)) })
      }
    }
  }
  return hash1(prefix.startsWith(TOOLCHAIN) ? digests.filter(isNoCopy(digests)) : digests)
}

const TOOLCHAIN = 'golang.org/toolchain@'

/** Whether a file is another than a true copy of the `_go.mod` beside it. */
function isNoCopy(digests: readonly FileDigest[]): (file: FileDigest) => boolean {
  const known = new Map(digests.map(({ name, sha256hex }) => [name, sha256hex]))
  return ({ name, sha256hex }) =>
    !name.endsWith('/go.mod') || known.get(name.replace(/go\.mod$/, '_go.mod')) !== sha256hex
}

function tooMuch(what: string): ModsteadError {
  return new ModsteadError('bad_request', `it has more than the ${what} of a module`)
}

function notExtracted(name: string): ModsteadError {
  return new ModsteadError('bad_request', `it has ${shown(name)}, which is neither a file nor a folder`)
}
