/** Finds the directory of a zip file from the record at its end. */
import { GomodError } from '../error.ts'
import type { ZipWindow } from './bytes.ts'
import {
  CENTRAL_HEADER,
  END,
  END64,
  END64_LOCATOR,
  IN_ZIP64_16,
  IN_ZIP64_32,
  u16,
  u32,
  u64,
} from './records.ts'

/** Where the directory of a zip file is. */
export interface DirectoryPlace {
  /** Offset of its first byte in the file. */
  readonly start: number
  /** Its bytes. */
  readonly size: number
  /** Its entries. */
  readonly count: number
  /** What the offsets in it count from: the bytes that stand in front of the zip. */
  readonly base: number
}

/** What the end record says, or the zip64 record in its place. `at` is where that record begins. */
interface EndRecord {
  readonly at: number
  readonly count: number
  readonly size: number
  readonly start: number
}

/** Longest comment an end record can announce, in bytes. */
const MAX_COMMENT = 0xffff

/** Throws GomodError `invalid_zip` where there is no directory, or readers could find different ones. */
export function findDirectory(window: ZipWindow, fileSize: number): DirectoryPlace {
  const end = wideEnd(window, narrowEnd(window, fileSize))
  const base = end.at - end.size - end.start
  if (base < 0) throw invalid('its end record places the directory outside of the file')
  if (base > 0 && startsDirectory(window, end.start, end.at)) {
    throw invalid('there are two places where its directory could be')
  }
  return { start: end.start + base, size: end.size, count: end.count, base }
}

/**
 * The one end record. Some readers take the last signature in the file, some the first whose comment reaches the end
 * of the file: the two have to be one, and it the only one of the second kind.
 */
function narrowEnd(window: ZipWindow, fileSize: number): EndRecord {
  const tailSize = Math.min(fileSize, END.length + MAX_COMMENT)
  const tail = window(fileSize - tailSize, tailSize)
  let found = -1
  for (let i = tailSize - END.length; i >= 0; i--) {
    if (tail[i] !== 0x50 || u32(tail, i) !== END.signature) continue
    const ends = i + END.length + u16(tail, i + 20) === tailSize
    if (found < 0 && !ends) throw invalid('the file does not end where its end record says')
    if (found >= 0 && ends) throw invalid('it has two end records')
    if (found < 0) found = i
  }
  if (found < 0) throw invalid('it has no end record: it is cut off, or no zip file at all')
  const record = tail.subarray(found)
  if (u16(record, 4) !== u16(record, 6) || (u16(record, 4) !== 0 && u16(record, 4) !== IN_ZIP64_16)) {
    throw split()
  }
  return {
    at: fileSize - tailSize + found,
    count: u16(record, 10),
    size: u32(record, 12),
    start: u32(record, 16),
  }
}

/** The zip64 record, where there is one in front of the end record. It has to agree with all that the latter says. */
function wideEnd(window: ZipWindow, end: EndRecord): EndRecord {
  const locatorAt = end.at - END64_LOCATOR.length
  if (locatorAt < 0) return end
  const locator = window(locatorAt, END64_LOCATOR.length)
  if (u32(locator, 0) !== END64_LOCATOR.signature) return end
  if (u32(locator, 4) !== 0 || u32(locator, 16) !== 1) throw split()
  const at = u64(locator, 8)
  if (at + END64.length > locatorAt) throw invalid('its zip64 end record is not in front of the locator')
  const record = window(at, END64.length)
  if (u32(record, 0) !== END64.signature) throw invalid('it has no zip64 end record where the locator points')
  if (at + 12 + u64(record, 4) !== locatorAt) throw invalid('its zip64 end record has a wrong length')
  if (u32(record, 16) !== 0 || u32(record, 20) !== 0) throw split()
  const wide = { at, count: u64(record, 32), size: u64(record, 40), start: u64(record, 48) }
  const agrees =
    (end.count === IN_ZIP64_16 || end.count === wide.count) &&
    (end.size === IN_ZIP64_32 || end.size === wide.size) &&
    (end.start === IN_ZIP64_32 || end.start === wide.start)
  if (!agrees) throw invalid('its two end records disagree about the directory')
  return wide
}

function startsDirectory(window: ZipWindow, at: number, end: number): boolean {
  return at + CENTRAL_HEADER.length <= end && u32(window(at, 4), 0) === CENTRAL_HEADER.signature
}

function split(): GomodError {
  return invalid('it is a part of a zip that is split over several files')
}

function invalid(message: string): GomodError {
  return new GomodError('invalid_zip', `not a zip file that can be read: ${message}`)
}
