/**
 * How the lines of the audit log hold each other. A log is a row of segments, which are text files of JSON lines:
 *
 *     {"segment":{…}}                   first: which log, which number, and where the one before ended
 *     {"schema":1,"seq":…}              events
 *     {"recovered":{…}}                 what a start found after a crash
 *     {"chain":{"seq":N,"lines":L,"hash":H}}
 *                                       after every few lines: H = SHA-256(hash before, "\n", the L lines since the
 *                                       chain line before with their line breaks), in base64url; N events so far
 *     {"signed":NOTE}                   right after a chain line: a signed note about its hash
 *
 * The hash before the first line of a segment is the last one of the segment before, or `''` in the first. A signed
 * line counts among the lines of the next chain line; the last line of a closed segment is one. So every byte is
 * under a hash or a signature, and any segment can be verified with nothing but its own first line and the key.
 */
import { createHash } from 'node:crypto'
import { GomodError } from '@modstead/gomod/error'
import { openNote, type Signer, signNote, type Verifier } from '@modstead/gomod/note'

export interface SegmentHead {
  format: 1
  /** Id of the log: 26 characters, made once. */
  log: string
  /** From 1. */
  number: number
  /** The last hash of the segment before; `''` in the first. */
  previous: string
  /** Number of the first event that may stand in it. */
  first: number
  started: string
  /** Verifier key of whoever signs. */
  key: string
}

export interface Recovered {
  at: string
  /** What the start found, for people. */
  found: string
  /** Bytes behind the last chain line that were cut off: they had never been synced. */
  cut: number
}

export interface ChainLine {
  /** The number of the last event, or of the one before the first where there is none. */
  seq: number
  lines: number
  hash: string
}

/** What is signed about a log. */
export interface Checkpoint {
  log: string
  segment: number
  /** Events in the log so far. */
  events: number
  hash: string
  time: string
  /** `closed`: nothing comes after it in its segment. */
  state: 'open' | 'closed'
}

/** Lines under one hash at most: what was tampered with is found to that many lines. */
export const BLOCK = 128

const TITLE = 'modstead audit log, checkpoint of version 1'

export function nextHash(previous: string, block: Uint8Array): string {
  return createHash('sha256').update(`${previous}\n`).update(block).digest('base64url')
}

export function segmentLine(head: SegmentHead): string {
  return JSON.stringify({ segment: head })
}

export function recoveredLine(recovered: Recovered): string {
  return JSON.stringify({ recovered })
}

export function chainLine({ seq, lines, hash }: ChainLine): string {
  return `{"chain":{"seq":${seq},"lines":${lines},"hash":"${hash}"}}`
}

export function signedLine(note: string): string {
  return JSON.stringify({ signed: note })
}

/** The first line cannot be taken for the origin of a tree head: the key may be that of a checksum log. */
export function signCheckpoint(given: Checkpoint, signer: Signer): string {
  const { log, segment, events, hash, time, state } = given
  const text = `${TITLE}\nlog ${log}\nsegment ${segment}\nevents ${events}\nhash ${hash}\ntime ${time}\nstate ${state}\n`
  return Buffer.from(signNote(text, [signer])).toString()
}

const TEXT =
  /^log ([0-9A-Z]{26})\nsegment (\d{1,9})\nevents (\d{1,15})\nhash ([\w-]{43})\ntime (\S{1,40})\nstate (open|closed)\n$/

/** Gives the checkpoint of a note that one of the keys has signed, or a sentence that says what is wrong with it. */
export function openCheckpoint(note: string, verifiers: readonly Verifier[]): Checkpoint | string {
  let text: string
  let canonical: string
  try {
    const opened = openNote(Buffer.from(note), verifiers)
    const [signature] = opened.signatures
    text = opened.text
    canonical = `${text}\n— ${signature!.name} ${signature!.base64}\n`
  } catch (error) {
    if (error instanceof GomodError) return error.message
    throw error
  }
  if (note !== canonical) return 'the note has more signatures than the one it was written with'
  const fields = text.startsWith(`${TITLE}\n`) ? TEXT.exec(text.slice(TITLE.length + 1)) : null
  if (fields === null) return 'the note is about something else than an audit log'
  const [, log = '', segment, events, hash = '', time = '', state] = fields
  return {
    log,
    segment: Number(segment),
    events: Number(events),
    hash,
    time,
    state: state === 'closed' ? 'closed' : 'open',
  }
}

/** A line of the log that is none of an event, read; `undefined` for anything else. */
export type Mark =
  | { kind: 'segment'; segment: SegmentHead }
  | { kind: 'recovered' }
  | { kind: 'chain'; chain: ChainLine }
  | { kind: 'signed'; note: string }

export function readMark(line: string): Mark | undefined {
  const value = objectIn(line)
  const chain = value?.chain as Partial<ChainLine> | undefined
  if (typeof chain?.hash === 'string' && Number.isInteger(chain.seq) && Number.isInteger(chain.lines)) {
    const mark: Mark = { kind: 'chain', chain: chain as ChainLine }
    // Only as we write it: no byte of it is under a hash.
    return chainLine(mark.chain) === line ? mark : undefined
  }
  if (typeof value?.signed === 'string')
    return signedLine(value.signed) === line ? { kind: 'signed', note: value.signed } : undefined
  const segment = value?.segment as Partial<SegmentHead> | undefined
  if (
    segment?.format === 1 &&
    Number.isInteger(segment.number) &&
    Number.isInteger(segment.first) &&
    [segment.log, segment.previous, segment.key].every((text) => typeof text === 'string')
  )
    return { kind: 'segment', segment: segment as SegmentHead }
  return value !== undefined && 'recovered' in value ? { kind: 'recovered' } : undefined
}

function objectIn(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const NAME = /^segment-(\d{9})\.jsonl$/

export function segmentName(number: number): string {
  return `segment-${String(number).padStart(9, '0')}.jsonl`
}

/** The number in the name of a segment; `undefined` for other files. */
export function segmentNumber(name: string): number | undefined {
  const [, digits] = NAME.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}
