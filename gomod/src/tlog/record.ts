/**
 * The text forms of what a log holds: records, the data tiles they are published in, and tree heads before they are
 * signed.
 */
import { decodeBase64 } from '../base64.ts'
import { decodePlainText } from '../plain-text.ts'
import { GomodError } from '../error.ts'
import { shown } from '../quote.ts'
import { formatHash, HASH_SIZE } from './hash.ts'
import { MAX_TREE_SIZE, parseTreeSize } from './index.ts'
import type { Tree } from './tree.ts'

/**
 * Whether a log may hold these bytes as a record: lines of UTF-8, each ended by a newline and none blank, without
 * control characters.
 */
export function isRecord(record: Uint8Array): boolean {
  const text = decodePlainText(record)
  return text !== undefined && text.endsWith('\n') && !text.startsWith('\n') && !text.includes('\n\n')
}

/** A record as lookups answer it: its id on a line, its text, a blank line. Throws GomodError `invalid_record`. */
export function formatRecord(id: number, record: Uint8Array): Uint8Array {
  if (!isRecordId(id)) throw malformed(`${id} is not a record id`)
  return Buffer.concat([Buffer.from(`${id}\n`), formatDataTile([record])])
}

/**
 * Reads `formatRecord`'s form from the start of `bytes`; `rest` is what follows the blank line. `record` and `rest`
 * are views of `bytes`. Throws GomodError `invalid_record`.
 */
export function parseRecord(bytes: Uint8Array): { id: number; record: Uint8Array; rest: Uint8Array } {
  const lineEnd = bytes.indexOf(NEWLINE)
  const line = asBuffer(bytes.subarray(0, Math.min(Math.max(lineEnd, 0), MAX_ID_DIGITS + 1))).toString(
    'latin1',
  )
  const id = /^(?:0|[1-9][0-9]*)$/.test(line) ? Number(line) : -1
  if (!isRecordId(id)) throw malformed('it does not start with the id of the record on a line of its own')
  const [record, end] = readRecord(bytes, lineEnd + 1)
  return { id, record, rest: bytes.subarray(end) }
}

/** Records as data tiles publish them: each followed by a blank line. Throws GomodError `invalid_record`. */
export function formatDataTile(records: readonly Uint8Array[]): Uint8Array {
  const bad = records.findIndex((record) => !isRecord(record))
  if (bad >= 0)
    throw malformed('a record has blank lines, control characters, invalid UTF-8 or no newline at its end')
  return Buffer.concat(records.flatMap((record) => [record, BLANK_LINE]))
}

/** Reads `formatDataTile`'s form: views of `bytes`. Throws GomodError `invalid_record`. */
export function parseDataTile(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = []
  for (let start = 0; start < bytes.length;) {
    const [record, end] = readRecord(bytes, start)
    records.push(record)
    start = end
  }
  return records
}

/** The text that a checksum database signs as its tree head. */
export function formatTree(tree: Tree): string {
  return `${TREE_LINE}${tree.size}\n${formatHash(tree.hash)}\n`
}

/**
 * Reads the text of a tree head. Lines after the third are ignored, for they may mean something one day. Throws
 * GomodError `invalid_note`.
 */
export function parseTree(text: string): Tree {
  const [size = '', hash = '', ...rest] = text.startsWith(TREE_LINE)
    ? text.slice(TREE_LINE.length).split('\n', 3)
    : []
  const number = parseTreeSize(size)
  const root = decodeBase64(hash)
  const complete = rest.length > 0 && number !== undefined && root?.length === HASH_SIZE
  if (!complete || text.length > MAX_TREE_LENGTH)
    throw new GomodError('invalid_note', `${shown(text)} is not the tree head of a checksum database`)
  return { size: number, hash: root }
}

const TREE_LINE = 'go.sum database tree\n'
const MAX_TREE_LENGTH = 1_000_000
const MAX_ID_DIGITS = 16
const NEWLINE = 0x0a
const BLANK_LINE = Buffer.from('\n')
const RECORD_END = Buffer.from('\n\n')

/** The record that starts at `start`, and where the next one would. */
function readRecord(bytes: Uint8Array, start: number): [record: Uint8Array, end: number] {
  const blank = asBuffer(bytes).indexOf(RECORD_END, start)
  if (blank < 0) throw malformed('no blank line ends it')
  const record = bytes.subarray(start, blank + 1)
  if (!isRecord(record)) throw malformed('it has an empty line, control characters or invalid UTF-8')
  return [record, blank + 2]
}

function isRecordId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < MAX_TREE_SIZE
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function malformed(why: string): GomodError {
  return new GomodError('invalid_record', `this is not a log record: ${why}`)
}
