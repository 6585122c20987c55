/**
 * Entry bundles: the records of a log as C2SP's tlog-tiles publishes them under `tile/entries/`, each with its length
 * in front, two bytes in big-endian order.
 */
import { GomodError } from '../error.ts'

/** Longer entries cannot be in a bundle. */
export const MAX_ENTRY_BYTES = 0xffff

/** Entries of a full bundle. */
export const MAX_BUNDLE_ENTRIES = 256

/** The bundle of 1 to 256 entries of at most 65,535 bytes each. Throws GomodError `invalid_record`. */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkWidth(entries.length)
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES)
        throw malformed(`an entry has ${entry.length} bytes; ${MAX_ENTRY_BYTES} is the most`)
      const length = Buffer.alloc(LENGTH_SIZE)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

/**
 * Reads the bundle of exactly `width` entries (1 to 256, as its path says): views of `bytes`. Throws GomodError
 * `invalid_record`.
 */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  checkWidth(width)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries: Uint8Array[] = []
  let start = 0
  while (entries.length < width) {
    if (start + LENGTH_SIZE > bytes.length)
      throw malformed(`it ends after ${entries.length} entries of ${width}`)
    const end = start + LENGTH_SIZE + view.getUint16(start)
    if (end > bytes.length) throw malformed(`it ends within entry ${entries.length}`)
    entries.push(bytes.subarray(start + LENGTH_SIZE, end))
    start = end
  }
  if (start !== bytes.length) throw malformed(`${bytes.length - start} bytes follow its ${width} entries`)
  return entries
}

const LENGTH_SIZE = 2

function checkWidth(width: number): void {
  if (!(Number.isInteger(width) && width >= 1 && width <= MAX_BUNDLE_ENTRIES))
    throw malformed(`it must have 1 to ${MAX_BUNDLE_ENTRIES} entries, not ${width}`)
}

function malformed(why: string): GomodError {
  return new GomodError('invalid_record', `this is not an entry bundle: ${why}`)
}
