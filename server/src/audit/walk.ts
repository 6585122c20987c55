import { type ChainLine, nextHash, readMark } from './chain.ts'
import type { AuditFiles } from './files.ts'

/** Lines that a chain line stands behind. */
export interface Block {
  kind: 'block'
  /** Number of its first line in the segment, from 1. */
  line: number
  lines: readonly string[]
  stated: ChainLine
  /** The hash that its bytes have. */
  hash: string
  /** Position behind the chain line. */
  end: number
}

export type Piece =
  | Block
  /** A signed line, right behind a chain line or not; the note is `''` where it cannot be read. */
  | { kind: 'signed'; line: number; note: string; behindChain: boolean; end: number }
  /** Last: what no chain line stands behind. `torn`: bytes behind the last line break. */
  | { kind: 'rest'; line: number; lines: readonly string[]; torn: number; end: number }

/** Bytes read at a time, and the longest line: events are shorter by far. */
const CHUNK = 1 << 20
const LONGEST = 1 << 20

/**
 * Reads a segment from its beginning, block by block. `previous` is the hash before its first line; after a block whose
 * hash is another than stated, the stated one goes on, so that what is wrong is found where it is.
 */
export async function* walkSegment(
  files: Pick<AuditFiles, 'read'>,
  number: number,
  previous: string,
): AsyncGenerator<Piece> {
  let hash = previous
  let block: Buffer[] = []
  let line = 0
  let end = 0
  let behindChain = false
  let torn = 0
  for await (const lines of linesOf(files, number, 0)) {
    for (const bytes of lines) {
      if (bytes.at(-1) !== NEWLINE) {
        torn = bytes.length
        continue
      }
      line++
      end += bytes.length
      const mark = startsWith(bytes, CHAIN) || startsWith(bytes, SIGNED) ? readMark(textOf(bytes)) : undefined
      if (mark?.kind === 'chain') {
        const found = nextHash(hash, Buffer.concat(block))
        const from = line - block.length
        yield { kind: 'block', line: from, lines: block.map(textOf), stated: mark.chain, hash: found, end }
        hash = mark.chain.hash
        block = []
        behindChain = true
        continue
      }
      block.push(bytes)
      if (startsWith(bytes, SIGNED)) {
        const note = mark?.kind === 'signed' ? mark.note : ''
        yield { kind: 'signed', line, note, behindChain, end }
      }
      behindChain = false
    }
  }
  yield { kind: 'rest', line: line - block.length + 1, lines: block.map(textOf), torn, end }
}

/** The lines of a segment from a position on with their line breaks, some at a time; the last may have none. */
export async function* linesOf(
  files: Pick<AuditFiles, 'read'>,
  number: number,
  from: number,
): AsyncGenerator<Buffer[]> {
  let at = from
  let rest: Buffer = Buffer.alloc(0)
  for (;;) {
    const chunk = await files.read(number, at, CHUNK)
    at += chunk.length
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines: Buffer[] = []
    let start = 0
    for (let next = bytes.indexOf(NEWLINE); next >= 0; next = bytes.indexOf(NEWLINE, start)) {
      lines.push(bytes.subarray(start, next + 1))
      start = next + 1
    }
    rest = bytes.subarray(start)
    const ended = chunk.length < CHUNK
    if (rest.length > 0 && (ended || rest.length > LONGEST)) {
      lines.push(rest)
      rest = Buffer.alloc(0)
    }
    if (lines.length > 0) yield lines
    if (ended) return
  }
}

/** Without its line break. */
export function textOf(line: Buffer): string {
  return line.toString('utf8', 0, line.at(-1) === NEWLINE ? line.length - 1 : line.length)
}

const NEWLINE = 0x0a
const CHAIN = Buffer.from('{"chain":')
const SIGNED = Buffer.from('{"signed":')

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.length > start.length && bytes.compare(start, 0, start.length, 0, start.length) === 0
}
