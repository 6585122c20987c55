/** Random access to the bytes of a zip file, from a file or from memory. */
import { GomodError } from '../error.ts'

/**
 * The bytes of a zip file. `read` returns the `length` bytes from `offset` on, both within `size`; what it returned
 * may be overwritten by the next call, so a file can be read into one buffer (in a worker thread, with
 * `fs.readSync`). Whatever it throws passes through unchanged.
 */
export interface ZipBytes {
  readonly size: number
  read(offset: number, length: number): Uint8Array
}

/** Bytes of a zip file in which every look-up is checked and reads are few and large. */
export type ZipWindow = (offset: number, length: number) => Uint8Array

/** Bytes that are read at a time. */
const BLOCK = 2 ** 20

/** A zip file that lies in memory. */
export function zipBytesOf(bytes: Uint8Array): ZipBytes {
  return { size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) }
}

/**
 * A view of `source` for reading that mostly moves forward: it holds one block of 1 MiB (or one look-up, where that
 * is longer), starting at the last look-up that was not inside it. What it returns is valid until the next look-up.
 * It throws GomodError `invalid_zip` for what lies outside the file.
 */
export function openWindow(source: ZipBytes): ZipWindow {
  const { size } = source
  let start = 0
  let block: Uint8Array = new Uint8Array(0)
  return (offset, length) => {
    if (offset < start || offset + length > start + block.length) {
      if (offset < 0 || !(offset + length <= size)) {
        throw new GomodError('invalid_zip', `the zip ends at byte ${size}, within what should be read there`)
      }
      const wanted = Math.min(Math.max(length, BLOCK), size - offset)
      block = source.read(offset, wanted)
      start = offset
      if (block.length !== wanted) {
        throw new GomodError(
          'invalid_zip',
          `the zip gave ${block.length} bytes at ${offset} instead of ${wanted}`,
        )
      }
    }
    return block.subarray(offset - start, offset - start + length)
  }
}

/**
 * A `chunkSize` for the one-call functions of node:zlib that has room for `bytes`, and makes their result a buffer of its
 * own, which `releaseBytes` can give back: smaller ones are cut from buffers that Node shares out.
 */
export function chunkSizeFor(bytes: number): number {
  return Math.max(bytes, Buffer.poolSize + 1)
}

/**
 * Gives the memory of a result of node:zlib back at once; nobody may look at it again. The collector goes by the small
 * objects in front of such memory, and would let dozens of megabytes gather behind them.
 */
export function releaseBytes({ buffer, byteOffset }: Uint8Array): void {
  // Small buffers are parts of a larger one that Node shares out, and which begins with another.
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength > Buffer.poolSize)
    buffer.transfer(0)
}
