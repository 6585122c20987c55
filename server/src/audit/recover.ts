/** Where the log goes on at a start: in its last segment, or in a new one where that is closed or not to be trusted. */
import type { Verifier } from '@modstead/gomod/note'
import { type Checkpoint, openCheckpoint, readMark, type SegmentHead } from './chain.ts'
import { type AuditFiles, HEAD_FILE } from './files.ts'
import { walkSegment } from './walk.ts'

/** What is known of the log. */
export interface End {
  log: string
  segment: number
  /** Number of the last event. */
  seq: number
  hash: string
  /** Where the next line goes: in `segment`, or `'new'` for the next one. */
  at: number | 'new'
  /** Lines behind the last chain line, which the next one is to cover: signed ones. */
  pending: string[]
  /** When the segment was begun; milliseconds. */
  started: number
  /** Bytes that are cut off. */
  cut: number
  /** What is wrong, in a sentence: somebody changed the log. */
  damage?: string
}

/** Finds the end of the log; `undefined` where there is none yet. */
export async function findEnd(files: AuditFiles, verifiers: readonly Verifier[]): Promise<End | undefined> {
  const head = await readHead(files, verifiers)
  const segments = await files.segments()
  const last = segments.at(-1)
  if (last === undefined) {
    if (head === undefined) return undefined
    const { log, segment, events, hash } = head
    return {
      ...nothing(log, segment),
      seq: events,
      hash,
      damage: `no segment is there, and the log has signed ${events} events`,
    }
  }
  let end = await endOfSegment(files, last.number, last.bytes, verifiers)
  // A crash in the instant in which a segment was begun: it is begun again.
  if (end === undefined && segments.length > 1) {
    const before = segments.at(-2)!
    end = await endOfSegment(files, before.number, before.bytes, verifiers)
    if (end !== undefined) end.at = 'new'
  }
  if (end === undefined) {
    const { log = '', segment = last.number, events = 0, hash = '' } = head ?? {}
    if (head === undefined && last.number === 1) return undefined
    return {
      ...nothing(log, Math.max(segment, last.number)),
      seq: events,
      hash,
      damage: 'the last segment cannot be read',
    }
  }
  if (head !== undefined && (head.events > end.seq || (head.segment === end.segment && isOther(head, end))))
    return {
      ...end,
      at: 'new',
      seq: Math.max(head.events, end.seq),
      hash: head.hash,
      damage: `the log has signed ${head.events} events, and its files end at event ${end.seq}`,
    }
  return end
}

export async function readHead(
  files: Pick<AuditFiles, 'readSmall'>,
  verifiers: readonly Verifier[],
): Promise<Checkpoint | undefined> {
  const note = await files.readSmall(HEAD_FILE)
  const head = note === undefined ? undefined : openCheckpoint(note, verifiers)
  return typeof head === 'string' ? undefined : head
}

function isOther(head: Checkpoint, end: End): boolean {
  return head.events === end.seq && head.log !== end.log
}

function nothing(log: string, segment: number): Omit<End, 'seq' | 'hash'> {
  return { log, segment, at: 'new', pending: [], started: 0, cut: 0 }
}

/** `undefined` where not even its first line is there, under its hash. */
async function endOfSegment(
  files: AuditFiles,
  number: number,
  bytes: number,
  verifiers: readonly Verifier[],
): Promise<End | undefined> {
  const head = await headOfSegment(files, number)
  if (head === undefined) return undefined
  let end: End | undefined
  for await (const piece of walkSegment(files, number, head.previous)) {
    if (piece.kind === 'block') {
      if (piece.hash !== piece.stated.hash)
        return {
          ...(end ?? nothing(head.log, number)),
          at: 'new',
          seq: piece.stated.seq,
          hash: piece.stated.hash,
          damage: `segment ${number} was changed in or behind line ${piece.line}`,
        }
      end = {
        ...nothing(head.log, number),
        seq: piece.stated.seq,
        hash: piece.hash,
        at: piece.end,
        started: Date.parse(head.started),
      }
    } else if (piece.kind === 'signed' && piece.behindChain && end !== undefined) {
      const checkpoint = openCheckpoint(piece.note, verifiers)
      if (typeof checkpoint === 'string' || checkpoint.hash !== end.hash) {
        end.at = 'new'
        end.damage = `what segment ${number} has signed after event ${end.seq} is not by a key that is known here`
        continue
      }
      end.at = checkpoint.state === 'closed' ? 'new' : piece.end
      end.pending = [JSON.stringify({ signed: piece.note })]
    } else if (piece.kind === 'rest' && end !== undefined && end.at !== 'new') end.cut = bytes - end.at
  }
  return end
}

/** The first line of a segment. */
export async function headOfSegment(
  files: Pick<AuditFiles, 'read'>,
  number: number,
): Promise<SegmentHead | undefined> {
  const bytes = await files.read(number, 0, 4096)
  const at = bytes.indexOf(0x0a)
  const mark = at < 0 ? undefined : readMark(bytes.toString('utf8', 0, at))
  return mark?.kind === 'segment' ? mark.segment : undefined
}
