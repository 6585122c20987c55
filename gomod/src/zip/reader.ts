/**
 * Reads the directory of a zip file: what is inside, and where.
 *
 * Zip files say everything twice, and readers differ in which copy they believe. This one is made for files from
 * strangers: it accepts what Go's archive/zip accepts as long as no other reader could take the same bytes for other
 * contents, and refuses the rest. That is:
 * - one end record, whose comment reaches the end of the file; a zip64 record that agrees with it;
 * - a directory of exactly the stated number of entries and bytes, right in front of the end record (bytes in front
 *   of the whole zip are allowed, as in self-extracting files, if that leaves one reading only);
 * - entries that are stored or deflated, not encrypted, inside the file, and do not overlap;
 * - names that are UTF-8 without NUL, of which no file's occurs twice, and no other name in an extra field.
 *
 * The local headers and the contents are checked when they are read (`contents.ts`).
 */
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { openWindow, type ZipBytes, type ZipWindow } from './bytes.ts'
import { findDirectory, type DirectoryPlace } from './end-record.ts'
import { MAX_ZIP_ENTRIES } from './limits.ts'
import { CENTRAL_HEADER, DEFLATE, EXTRA, FLAG, IN_ZIP64_32, LOCAL_HEADER, STORE } from './records.ts'
import { u16, u32, u64 } from './records.ts'

export { zipBytesOf, type ZipBytes } from './bytes.ts'

/** An entry of a zip file as the directory describes it. Offsets count from the start of the file, in bytes. */
export interface ZipEntry {
  /** The whole name; of a directory it ends in a slash. */
  readonly name: string
  readonly method: typeof STORE | typeof DEFLATE
  /** Whether the sizes and the CRC are repeated behind the data. */
  readonly descriptor: boolean
  readonly crc32: number
  /** Bytes of the data as it lies in the zip. */
  readonly compressedSize: number
  /** Bytes of the contents. Declared, and true once the contents were read without an error. */
  readonly size: number
  /** Where the local header begins. */
  readonly offset: number
  /** Where something else begins: header and data end at or before it. */
  readonly limit: number
}

/** Options of `readZipDirectory`. */
export interface ReadZipOptions {
  /** Most entries the zip may have. Default `MAX_ZIP_ENTRIES`. */
  readonly maxEntries?: number
  /** Whether two files of one name are let through, for a caller who reports them. Default false. */
  readonly allowDuplicates?: boolean
}

/**
 * The entries of a zip file, in the order of its directory. Nothing is inflated, and the file is not held in memory.
 * Throws GomodError `invalid_zip`, or `zip_too_large` for too many entries.
 */
export function readZipDirectory(source: ZipBytes, options: ReadZipOptions = {}): ZipEntry[] {
  const { maxEntries = MAX_ZIP_ENTRIES, allowDuplicates = false } = options
  const window = openWindow(source)
  const place = findDirectory(window, source.size)
  if (place.count > maxEntries) {
    throw new GomodError(
      'zip_too_large',
      `the zip has ${place.count} entries; at most ${maxEntries} are allowed`,
    )
  }
  const entries = readHeaders(window, place)
  if (!allowDuplicates) refuseDuplicates(entries)
  setLimits(entries, place)
  return entries
}

type MutableEntry = { -readonly [Key in keyof ZipEntry]: ZipEntry[Key] }

function readHeaders(window: ZipWindow, place: DirectoryPlace): MutableEntry[] {
  const entries: MutableEntry[] = []
  const end = place.start + place.size
  let at = place.start
  while (entries.length < place.count) {
    if (at + CENTRAL_HEADER.length > end) throw invalid('its directory ends before its last entry')
    const header = window(at, CENTRAL_HEADER.length)
    if (u32(header, 0) !== CENTRAL_HEADER.signature) throw invalid(`its directory is broken at byte ${at}`)
    const length = CENTRAL_HEADER.length + u16(header, 28) + u16(header, 30) + u16(header, 32)
    if (at + length > end) throw invalid('its directory ends within an entry')
    entries.push(parseHeader(window(at, length), place.base))
    at += length
  }
  if (at !== end) throw invalid(`its directory has ${end - at} bytes after its last entry`)
  return entries
}

/** `header` is one whole record of the directory, `base` what its offsets count from. */
function parseHeader(header: Uint8Array, base: number): MutableEntry {
  const nameEnd = CENTRAL_HEADER.length + u16(header, 28)
  const name = decodeName(header.subarray(CENTRAL_HEADER.length, nameEnd))
  const flags = u16(header, 8)
  const method = u16(header, 10)
  if (flags & (FLAG.encrypted | FLAG.strong | FLAG.masked)) throw invalid(`${shown(name)} is encrypted`)
  if (method !== STORE && method !== DEFLATE) {
    throw invalid(`${shown(name)} is compressed by method ${method}; only stored and deflated files are read`)
  }
  const extra = parseExtra(header.subarray(nameEnd, nameEnd + u16(header, 30)), name)
  const [size, compressedSize, offset] = wideNumbers(
    [u32(header, 24), u32(header, 20), u32(header, 42)],
    extra.zip64,
  )
  if (size === undefined || compressedSize === undefined || offset === undefined) {
    throw invalid(`${shown(name)} lacks the 64-bit sizes that it refers to`)
  }
  if (method === STORE && size !== compressedSize && !name.endsWith('/')) {
    throw invalid(`${shown(name)} is stored, but its sizes differ: ${compressedSize} and ${size} bytes`)
  }
  const descriptor = (flags & FLAG.descriptor) !== 0
  const crc32 = u32(header, 16)
  return { name, method, descriptor, crc32, compressedSize, size, offset: offset + base, limit: 0 }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The name in a header. Throws `invalid_zip` where readers would disagree about it. */
export function decodeName(bytes: Uint8Array): string {
  let name: string
  try {
    name = utf8.decode(bytes)
  } catch (cause) {
    throw new GomodError('invalid_zip', `a name in the zip is not UTF-8: ${shown(latin1(bytes))}`, { cause })
  }
  if (name.includes('\0')) throw invalid(`the name ${shown(name)} has a NUL in it`)
  return name
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/**
 * The zip64 field among extra fields. What is malformed in them ends the search, for many writers put their own
 * things there. Throws `invalid_zip` for a second zip64 field and for a second, different name.
 */
export function parseExtra(extra: Uint8Array, name: string): { zip64?: Uint8Array } {
  let zip64: Uint8Array | undefined
  for (let at = 0; at + 4 <= extra.length;) {
    const id = u16(extra, at)
    const field = extra.subarray(at + 4, at + 4 + u16(extra, at + 2))
    if (field.length < u16(extra, at + 2)) break
    at += 4 + field.length
    if (id === EXTRA.zip64) {
      if (zip64 !== undefined) throw invalid(`${shown(name)} has its 64-bit sizes twice`)
      zip64 = field
    }
    // One byte for the version and four for the CRC of the first name stand before the second name.
    if (id === EXTRA.unicodePath && decodeName(field.subarray(5)) !== name) {
      throw invalid(`${shown(name)} has a second name that differs from it`)
    }
  }
  return { zip64 }
}

/** Puts the numbers of a zip64 field in place of those that point to it, in order; `undefined` where it is too short. */
export function wideNumbers(
  narrow: readonly number[],
  zip64: Uint8Array | undefined,
): (number | undefined)[] {
  let at = 0
  return narrow.map((value) => {
    if (value !== IN_ZIP64_32) return value
    if (zip64 === undefined || at + 8 > zip64.length) return undefined
    at += 8
    return u64(zip64, at - 8)
  })
}

function refuseDuplicates(entries: readonly ZipEntry[]): void {
  const names = new Set<string>()
  for (const { name } of entries) {
    if (name.endsWith('/')) continue
    if (names.has(name)) throw invalid(`${shown(name)} is in the zip twice`)
    names.add(name)
  }
}

/** Sets each entry's `limit`. Throws where entries overlap, going by the smallest space that each can take. */
function setLimits(entries: readonly MutableEntry[], place: DirectoryPlace): void {
  const inFile = entries.toSorted((a, b) => a.offset - b.offset)
  for (const [i, entry] of inFile.entries()) {
    entry.limit = inFile[i + 1]?.offset ?? place.start
    const end = entry.offset + LOCAL_HEADER.length + entry.compressedSize
    if (entry.offset < 0 || !(end <= entry.limit)) {
      throw invalid(`${shown(entry.name)} overlaps what follows it in the zip`)
    }
  }
}

function invalid(message: string): GomodError {
  return new GomodError('invalid_zip', message)
}
