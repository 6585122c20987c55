/**
 * Reads the contents of the entries of a zip file, each checked against all that is said about it: the local header
 * agrees with the directory, the data ends where it should, has the declared size, and the declared CRC.
 *
 * Most files of modules are small, and a call of inflateRawSync costs less than one turn of a stream; so small
 * entries are read, inflated and handed over whole, and large ones in pieces, and memory stays bounded by both.
 */
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { chunkSizeFor, openWindow, releaseBytes, type ZipBytes, type ZipWindow } from './bytes.ts'
import { pump } from './pump.ts'
import { decodeName, parseExtra, wideNumbers, type ZipEntry } from './reader.ts'
import { DEFLATE, DESCRIPTOR_SIGNATURE, FLAG, LOCAL_HEADER, STORE, u16, u32 } from './records.ts'

/**
 * Takes the contents of one entry after the other: one or more pieces, of which the last comes after all checks.
 * A piece is valid until the function returns, and may be empty.
 */
export type TakePiece = (entry: ZipEntry, piece: Uint8Array, last: boolean) => void

/** Options of `readContents`. */
export interface ReadContentsOptions {
  /** Stops the work within some megabytes, with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Largest entry that is handled whole: bytes as they lie in the zip, and bytes of contents. */
const WHOLE = { compressed: 2 ** 20, size: 4 * 2 ** 20 }

/** Bytes of a large entry that are handled at a time. */
const PIECE = 2 ** 18

/** Bytes after which the event loop gets a turn, so that the work can be stopped; and what an entry counts at least. */
const TURN = 16 * 2 ** 20
const ENTRY_COST = 4096

/**
 * Reads `entries` of `source`, in the order in which they lie in the file. No entry is inflated past its declared
 * size, of which the caller decides how much is acceptable. Throws GomodError `invalid_zip` naming the entry, what
 * `source` and `take` throw, and the reason of the signal.
 */
export async function readContents(
  source: ZipBytes,
  entries: readonly ZipEntry[],
  take: TakePiece,
  options: ReadContentsOptions = {},
): Promise<void> {
  const { signal } = options
  const reading: Reading = { window: openWindow(source), take, signal, pace: pacemaker(signal) }
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    const start = dataStart(reading.window, entry)
    if (entry.name.endsWith('/')) takeDirectory(reading, entry)
    else if (entry.compressedSize <= WHOLE.compressed && entry.size <= WHOLE.size) {
      takeWhole(reading, entry, start)
    } else await takePieces(reading, entry, start)
    await reading.pace(ENTRY_COST + Math.min(entry.size, WHOLE.size))
  }
}

/** The contents of one entry. Throws as `readContents` does, and `zip_too_large` when they exceed `maxSize` bytes. */
export async function readEntry(source: ZipBytes, entry: ZipEntry, maxSize: number): Promise<Uint8Array> {
  if (entry.size > maxSize) {
    const message = `${shown(entry.name)} has ${entry.size} bytes; at most ${maxSize} are read`
    throw new GomodError('zip_too_large', message)
  }
  const contents = new Uint8Array(entry.size)
  let at = 0
  await readContents(source, [entry], (_, piece) => {
    contents.set(piece, at)
    at += piece.length
  })
  return contents
}

/** One call of `readContents`. */
interface Reading {
  readonly window: ZipWindow
  readonly take: TakePiece
  readonly signal: AbortSignal | undefined
  /** Counts bytes that were worked on; from time to time it gives the event loop a turn. */
  readonly pace: (bytes: number) => Promise<void> | undefined
}

function pacemaker(signal: AbortSignal | undefined): Reading['pace'] {
  signal?.throwIfAborted()
  let left = TURN
  return (bytes) => {
    left -= bytes
    if (left > 0) return undefined
    left = TURN
    return new Promise((resolve) => setImmediate(resolve)).then(() => signal?.throwIfAborted())
  }
}

/** Checks the local header of an entry and returns where its data begins. */
function dataStart(window: ZipWindow, entry: ZipEntry): number {
  const header = window(entry.offset, LOCAL_HEADER.length)
  if (u32(header, 0) !== LOCAL_HEADER.signature) throw invalid(entry, 'there is no header where it should be')
  const flags = u16(header, 6)
  const method = u16(header, 8)
  const crc = u32(header, 14)
  const narrow = [u32(header, 22), u32(header, 18)]
  const nameLength = u16(header, 26)
  const rest = window(entry.offset + LOCAL_HEADER.length, nameLength + u16(header, 28))
  if (decodeName(rest.subarray(0, nameLength)) !== entry.name)
    throw invalid(entry, 'its header has another name')
  const { zip64 } = parseExtra(rest.subarray(nameLength), entry.name)
  const [size, compressedSize] = wideNumbers(narrow, zip64)
  // With a descriptor behind the data, what is not known yet when the header is written is zero in it.
  const late = (flags & FLAG.descriptor) !== 0
  const agrees = (said: number | undefined, known: number) => said === known || (late && said === 0)
  if (flags & FLAG.encrypted || method !== entry.method) throw invalid(entry, 'its header has another method')
  if (
    !agrees(size, entry.size) ||
    !agrees(compressedSize, entry.compressedSize) ||
    !agrees(crc, entry.crc32)
  ) {
    throw invalid(entry, 'its header has other sizes or another CRC than the directory')
  }
  const start = entry.offset + LOCAL_HEADER.length + rest.length
  if (start + entry.compressedSize > entry.limit)
    throw invalid(entry, 'it overlaps what follows it in the zip')
  return start
}

/** The descriptor has to be there and have the right CRC; its sizes come in two widths and tell nothing new. */
function checkDescriptor(entry: ZipEntry, descriptor: Uint8Array): void {
  if (!entry.descriptor) return
  if (descriptor.length < 12) throw invalid(entry, 'there is no room for the descriptor behind its data')
  const crc = u32(descriptor, u32(descriptor, 0) === DESCRIPTOR_SIGNATURE ? 4 : 0)
  if (crc !== entry.crc32) throw invalid(entry, 'the descriptor behind its data has another CRC')
}

const NOTHING = new Uint8Array(0)

/** Directories are empty whatever data they carry: Java's jar writes two bytes of deflated nothing for them. */
function takeDirectory({ take }: Reading, entry: ZipEntry): void {
  if (entry.size !== 0) throw invalid(entry, 'it is a directory with contents')
  take(entry, NOTHING, true)
}

function takeWhole({ window, take }: Reading, entry: ZipEntry, start: number): void {
  // The descriptor is looked up together with the data: another look-up would end the validity of a stored piece.
  const space = window(start, Math.min(entry.compressedSize + 16, entry.limit - start))
  const data = space.subarray(0, entry.compressedSize)
  const contents = entry.method === DEFLATE ? inflateWhole(data, entry) : data
  checkContents(entry, contents.length, crc32(contents))
  checkDescriptor(entry, space.subarray(entry.compressedSize))
  take(entry, contents, true)
  if (entry.method === DEFLATE) releaseBytes(contents)
}

/** One byte more than declared is room enough to see that there is more. */
function inflateWhole(data: Uint8Array, entry: ZipEntry): Uint8Array {
  const room = entry.size + 1
  const chunkSize = chunkSizeFor(room)
  try {
    return inflateRawSync(data, { chunkSize, maxOutputLength: room, rejectGarbageAfterEnd: true })
  } catch (error) {
    throw inflateError(entry, error)
  }
}

async function takePieces(reading: Reading, entry: ZipEntry, start: number): Promise<void> {
  const { window, take, signal } = reading
  let size = 0
  let crc = 0
  const check = (piece: Uint8Array) => {
    signal?.throwIfAborted()
    size += piece.length
    if (size > entry.size) throw invalid(entry, `it has more than the declared ${entry.size} bytes`)
    crc = crc32(piece, crc)
    take(entry, piece, false)
  }
  if (entry.method === STORE) for await (const piece of dataPieces(reading, entry, start)) check(piece)
  else {
    const inflate = createInflateRaw({ chunkSize: PIECE, rejectGarbageAfterEnd: true })
    try {
      await pump(inflate, dataPieces(reading, entry, start), check)
    } catch (error) {
      throw inflateError(entry, error)
    }
  }
  checkContents(entry, size, crc)
  const end = start + entry.compressedSize
  checkDescriptor(entry, window(end, Math.min(16, entry.limit - end)))
  take(entry, NOTHING, true)
}

/** The data of an entry as it lies in the zip. A piece is valid until the next is asked for. */
async function* dataPieces(
  { window, pace }: Reading,
  entry: ZipEntry,
  start: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < entry.compressedSize; at += PIECE) {
    const length = Math.min(PIECE, entry.compressedSize - at)
    yield window(start + at, length)
    await pace(length)
  }
}

/** A CRC of zero without a descriptor is one that was not set: Go's reader does not compare it either. */
function checkContents(entry: ZipEntry, size: number, crc: number): void {
  if (size !== entry.size) {
    const than = size > entry.size ? 'more' : 'fewer'
    throw invalid(entry, `it has ${than} than the declared ${entry.size} bytes`)
  }
  if (crc !== entry.crc32 && (entry.crc32 !== 0 || entry.descriptor)) throw invalid(entry, 'its CRC is wrong')
}

/** What zlib says about bad data, as our error; other errors (no memory, an abort) are not the zip's fault. */
function inflateError(entry: ZipEntry, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ERR_BUFFER_TOO_LARGE':
      return invalid(entry, `it has more than the declared ${entry.size} bytes`)
    case 'ERR_TRAILING_JUNK_AFTER_STREAM_END':
      return invalid(entry, 'there are more bytes behind its deflated data')
    case 'Z_BUF_ERROR':
      return invalid(entry, 'its deflated data is cut off', error)
    case 'Z_DATA_ERROR':
      return invalid(entry, 'its deflated data is broken', error)
    default:
      return error
  }
}

function invalid(entry: ZipEntry, problem: string, cause?: Error): GomodError {
  return new GomodError('invalid_zip', `${shown(entry.name)} in the zip: ${problem}`, { cause })
}
