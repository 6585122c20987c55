/**
 * Writes a zip file as a stream. The same names and contents give the same bytes (under one version of zlib): no
 * times, no modes, no extra fields.
 */
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { chunkSizeFor, releaseBytes } from './bytes.ts'
import { pump } from './pump.ts'
import { CENTRAL_HEADER, DEFLATE, DESCRIPTOR_SIGNATURE, END, END64, END64_LOCATOR, FLAG } from './records.ts'
import { IN_ZIP64_16, IN_ZIP64_32, LOCAL_HEADER, putU16, putU32, putU64, STORE } from './records.ts'

/** Takes the next bytes of the zip. They are the receiver's to keep. */
export type ZipSink = (chunk: Uint8Array) => void

/** A zip file being written. That names are good ones is the caller's care. */
export interface ZipWriter {
  /** Adds a file that is in memory. Throws GomodError `invalid_zip` for a name that no zip can hold. */
  add(name: string, contents: Uint8Array): void
  /** Adds a file that comes in pieces, compressed as they come. */
  addPieces(name: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void>
  /** Writes the directory. Nothing may be added after it. Returns the bytes of the whole zip. */
  finish(): number
}

/** What the directory has to repeat of an entry. */
interface Written {
  readonly name: Buffer
  readonly flags: number
  readonly method: typeof STORE | typeof DEFLATE
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly offset: number
}

/** Bytes that are handed to the sink at a time, at least. */
const CHUNK = 2 ** 18

/** Of compression. The usual one, 6, takes two thirds more time for half a percent less of source code. */
const LEVEL = 5

/** Bytes a name may have: its length is a number of 16 bits. */
const MAX_NAME = 0xffff

/** Version 2.0 of the format: deflated files. Version 4.5: zip64. */
const VERSION = { deflate: 20, zip64: 45 } as const

/**
 * A new zip file whose bytes go to `sink` in chunks of 256 KiB and more. Its functions throw GomodError
 * `zip_too_large` once it has more than `maxSize` bytes, which is below 4 GiB.
 */
export function zipWriter(sink: ZipSink, maxSize: number): ZipWriter {
  const out = chunked(sink, maxSize)
  const directory: Written[] = []
  return {
    add(name, contents) {
      const crc = crc32(contents)
      const deflated = deflateWhole(contents)
      const shrunk = deflated.length < contents.length
      const data = shrunk ? deflated : contents
      const method = shrunk ? DEFLATE : STORE
      const entry = describe(name, 0, method, out.written())
      const written = { ...entry, crc, compressedSize: data.length, size: contents.length }
      out.put(localHeader(written))
      out.put(data)
      // What is shorter than a chunk was copied into one.
      if (data.length < CHUNK) releaseBytes(deflated)
      directory.push(written)
    },
    async addPieces(name, pieces) {
      const entry = describe(name, FLAG.descriptor, DEFLATE, out.written())
      out.put(localHeader(entry))
      const start = out.written()
      const seen = { crc: 0, size: 0 }
      await pump(createDeflateRaw({ chunkSize: CHUNK, level: LEVEL }), observed(pieces, seen), out.put)
      const written = { ...entry, ...seen, compressedSize: out.written() - start }
      out.put(descriptor(written))
      directory.push(written)
    },
    finish() {
      const start = out.written()
      for (const entry of directory) out.put(centralHeader(entry))
      out.put(endRecords(directory.length, start, out.written() - start))
      out.flush()
      return out.written()
    },
  }
}

/** Gathers small pieces, so that the sink is not called for each. */
function chunked(sink: ZipSink, maxSize: number) {
  let buffer = Buffer.allocUnsafe(CHUNK)
  let used = 0
  let total = 0
  const flush = () => {
    if (used === 0) return
    sink(buffer.subarray(0, used))
    buffer = Buffer.allocUnsafe(CHUNK)
    used = 0
  }
  const put = (bytes: Uint8Array) => {
    total += bytes.length
    if (total > maxSize) {
      throw new GomodError('zip_too_large', `the zip has more than the ${maxSize} bytes that are allowed`)
    }
    if (used + bytes.length > CHUNK) flush()
    if (bytes.length >= CHUNK) sink(bytes)
    else {
      buffer.set(bytes, used)
      used += bytes.length
    }
  }
  return { put, flush, written: () => total }
}

/** A chunk with room for the worst case spares zlib a second one. Nothing cannot shrink, and many files are empty. */
function deflateWhole(contents: Uint8Array): Uint8Array {
  if (contents.length === 0) return new Uint8Array(0)
  const chunkSize = chunkSizeFor(contents.length + (contents.length >>> 10) + 64)
  return deflateRawSync(contents, { chunkSize, level: LEVEL })
}

async function* observed(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  seen: { crc: number; size: number },
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    seen.crc = crc32(piece, seen.crc)
    seen.size += piece.length
    yield piece
  }
}

function describe(name: string, flags: number, method: Written['method'], offset: number): Written {
  const bytes = Buffer.from(name)
  if (bytes.length > MAX_NAME) {
    const message = `${shown(name)} has ${bytes.length} bytes; a name in a zip has at most ${MAX_NAME}`
    throw new GomodError('invalid_zip', message)
  }
  const nameFlag = bytes.length === name.length ? 0 : FLAG.utf8
  return { name: bytes, flags: flags | nameFlag, method, crc: 0, compressedSize: 0, size: 0, offset }
}

function localHeader(entry: Written): Uint8Array {
  const record = Buffer.alloc(LOCAL_HEADER.length + entry.name.length)
  putU32(record, 0, LOCAL_HEADER.signature)
  putCommon(record, 4, entry)
  record.set(entry.name, LOCAL_HEADER.length)
  return record
}

function centralHeader(entry: Written): Uint8Array {
  const record = Buffer.alloc(CENTRAL_HEADER.length + entry.name.length)
  putU32(record, 0, CENTRAL_HEADER.signature)
  putU16(record, 4, VERSION.deflate)
  putCommon(record, 6, entry)
  putU32(record, 42, entry.offset)
  record.set(entry.name, CENTRAL_HEADER.length)
  return record
}

/** The fields from the version to the length of the name, which both headers share. */
function putCommon(record: Uint8Array, at: number, entry: Written): void {
  putU16(record, at, VERSION.deflate)
  putU16(record, at + 2, entry.flags)
  putU16(record, at + 4, entry.method)
  putU32(record, at + 10, entry.crc)
  putU32(record, at + 14, entry.compressedSize)
  putU32(record, at + 18, entry.size)
  putU16(record, at + 22, entry.name.length)
}

function descriptor(entry: Written): Uint8Array {
  const record = Buffer.alloc(16)
  putU32(record, 0, DESCRIPTOR_SIGNATURE)
  putU32(record, 4, entry.crc)
  putU32(record, 8, entry.compressedSize)
  putU32(record, 12, entry.size)
  return record
}

function endRecords(count: number, start: number, size: number): Uint8Array {
  const wide = count >= IN_ZIP64_16
  const record = Buffer.alloc(END.length)
  putU32(record, 0, END.signature)
  putU16(record, 8, wide ? IN_ZIP64_16 : count)
  putU16(record, 10, wide ? IN_ZIP64_16 : count)
  putU32(record, 12, wide ? IN_ZIP64_32 : size)
  putU32(record, 16, wide ? IN_ZIP64_32 : start)
  return wide ? Buffer.concat([endRecords64(count, start, size), record]) : record
}

function endRecords64(count: number, start: number, size: number): Uint8Array {
  const record = Buffer.alloc(END64.length + END64_LOCATOR.length)
  putU32(record, 0, END64.signature)
  putU64(record, 4, END64.length - 12)
  putU16(record, 12, VERSION.zip64)
  putU16(record, 14, VERSION.zip64)
  putU64(record, 24, count)
  putU64(record, 32, count)
  putU64(record, 40, size)
  putU64(record, 48, start)
  putU32(record, END64.length, END64_LOCATOR.signature)
  putU64(record, END64.length + 8, start + size)
  putU32(record, END64.length + 16, 1)
  return record
}
