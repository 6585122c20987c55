/** A small module for tests, and what is checked of its zips. */
import { GomodError } from '../../error.ts'
import { hashFiles } from '../../dirhash.ts'
import { verifyModuleZip, type ModuleZip } from '../check.ts'
import { zipBytesOf } from '../reader.ts'
import type { RawEntry } from './raw-zip.ts'

export const MODULE = { path: 'example.com/m', version: 'v1.0.0' } as const
export const PREFIX = 'example.com/m@v1.0.0/'

/** The files of the module, under their names in the zip. */
export const FILES: readonly { readonly name: string; readonly contents: string }[] = [
  { name: `${PREFIX}go.mod`, contents: 'module example.com/m\n\ngo 1.21\n' },
  { name: `${PREFIX}m.go`, contents: `package m\n\nconst M = "${'m'.repeat(500)}"\n` },
  { name: `${PREFIX}sub/empty.txt`, contents: '' },
]

/** The h1 of these files. */
export const H1 = hashFiles(FILES.map(({ name, contents }) => ({ name, bytes: Buffer.from(contents) })))

/** The files as entries, the one called `name` (without the prefix) with `changes`. */
export function entriesWith(name: string, changes: Partial<RawEntry>): RawEntry[] {
  return FILES.map((file) => (file.name === PREFIX + name ? { ...file, ...changes } : file))
}

export function verify(zip: Uint8Array): Promise<ModuleZip> {
  return verifyModuleZip(zipBytesOf(zip), MODULE)
}

/** For assert.rejects and assert.throws: a GomodError of this code whose message matches. */
export function gomodError(code: GomodError['code'], message: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof GomodError)) throw error
    if (error.code === code && message.test(error.message)) return true
    throw new Error(`expected ${code} ${message}, got ${error.code} ${error.message}`)
  }
}
