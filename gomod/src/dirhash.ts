/**
 * The `h1:` hashes of go.sum and of checksum databases.
 *
 * The hash of a set of files is `h1:` and the base64 of the SHA-256 of a summary with one line a file: the SHA-256
 * of its contents in hexadecimal, two spaces, its name, a newline; the lines sorted by the bytes of the names. What
 * is hashed of a module zip are its entries under their full names, `PATH@VERSION/` included; of a go.mod file, the
 * one name `go.mod`. The rules are those of golang.org/x/mod/sumdb/dirhash.
 */
import { createHash, hash, timingSafeEqual } from 'node:crypto'
import { GomodError } from './error.ts'
import { compareText } from './order.ts'
import { shown } from './quote.ts'

/** A file of which only the name and the SHA-256 (64 lower-case hexadecimal digits) are known. */
export interface FileDigest {
  readonly name: string
  readonly sha256hex: string
}

/** A file in memory. */
export interface FileBytes {
  readonly name: string
  readonly bytes: Uint8Array
}

/** The h1 of files whose SHA-256 are known, in any order. Throws GomodError `invalid_path` on a name with a newline. */
export function hash1(entries: Iterable<FileDigest>): string {
  const sorted = Array.from(entries).sort((a, b) => compareText(a.name, b.name))
  const summary = createHash('sha256')
  let lines = ''
  for (const { name, sha256hex } of sorted) {
    if (name.includes('\n')) throw new GomodError('invalid_path', `${shown(name)} has a newline in it`)
    lines += `${sha256hex}  ${name}\n`
    if (lines.length > SUMMARY_PIECE) {
      summary.update(lines)
      lines = ''
    }
  }
  return `h1:${summary.update(lines).digest('base64')}`
}

/** The h1 of files in memory, in any order. Throws GomodError `invalid_path` on a name with a newline. */
export function hashFiles(files: Iterable<FileBytes>): string {
  return hash1(Array.from(files, ({ name, bytes }) => ({ name, sha256hex: sha256hex(bytes) })))
}

/** The h1 of a go.mod file, as it stands in the `VERSION/go.mod` lines of go.sum. */
export function hashGoMod(bytes: Uint8Array): string {
  return hashFiles([{ name: 'go.mod', bytes }])
}

/** The SHA-256 of `bytes` in the form that `hash1` takes. */
export function sha256hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** Whether `text` is an h1 as Go writes it: `h1:` and the base64, with padding, of 32 bytes. */
export function isH1(text: string): boolean {
  return H1.test(text)
}

/** Whether two hashes are the same text, in a time that depends on their lengths only. */
export function equalHash(a: string, b: string): boolean {
  const x = Buffer.from(a)
  const y = Buffer.from(b)
  return x.length === y.length && timingSafeEqual(x, y)
}

/** The last digit stands for four bits of the hash, so its lower two are zero. */
const H1 = /^h1:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** Characters of the summary that are hashed at a time. */
const SUMMARY_PIECE = 65_536
