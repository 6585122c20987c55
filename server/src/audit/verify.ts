/** Whether a log is what was written: every chain, signature and number, and in words what is wrong and where. */
import { setTimeout } from 'node:timers/promises'
import type { Verifier } from '@modstead/gomod/note'
import { type Checkpoint, openCheckpoint, type SegmentHead } from './chain.ts'
import { EVENT_START } from './line.ts'
import { type AuditFiles, HEAD_FILE } from './files.ts'
import { headOfSegment } from './recover.ts'
import { PRUNE } from './trail.ts'
import { type Block, walkSegment } from './walk.ts'

export interface Finding {
  /** Absent: about the log as a whole. */
  segment?: number
  /** The lines it is in, from 1. */
  lines?: [first: number, last: number]
  /** A sentence without its full stop. */
  what: string
}

export interface Report {
  findings: Finding[]
  segments: number
  events: number
  /** Number of the last event, and of the last one that a good signature covers. */
  last: number
  signed: number
  /** When that was signed. */
  signedAt?: string
  /** What starts found after crashes. */
  recovered: number
  /**
   * The newest segment ends within a line, behind all that is signed: a server writes, and cannot go on, or has crashed.
   * It is no event yet, and a server that goes on writes over it.
   */
  unfinished?: { segment: number; line: number }
}

export interface VerifyOptions {
  files: AuditFiles
  /** Whose signatures count. */
  verifiers: readonly Verifier[]
  /** A checkpoint that was kept elsewhere: the log must have it. */
  checkpoint?: string
  /** How long a server is given to write the chain line behind what it is just writing. Milliseconds; default 500. */
  patience?: number
}

/** Findings at most: a log of another key has one for each signature. */
const MOST = 100

/** A server may write meanwhile: what it has not signed yet is no finding. Throws `store_unavailable`. */
export async function verifyAudit({
  files,
  verifiers,
  checkpoint,
  patience = 500,
}: VerifyOptions): Promise<Report> {
  const findings: Finding[] = []
  const report: Report = { findings, segments: 0, events: 0, last: 0, signed: 0, recovered: 0 }
  /** What the log must have signed; the hash is taken away where it has. */
  const promised: Checkpoint[] = []
  const add = (finding: Finding): void => void (findings.length < MOST && findings.push(finding))

  // Read before the segments, which may grow meanwhile.
  const head = await files.readSmall(HEAD_FILE)
  for (const [note, name] of [
    [head, `the file "${HEAD_FILE}"`],
    [checkpoint, 'the checkpoint that was given'],
  ] as const) {
    if (note === undefined) continue
    const opened = openCheckpoint(note, verifiers)
    if (typeof opened === 'string') add({ what: `${name} is not to be trusted: ${opened}` })
    else promised.push(opened)
  }
  const segments = await files.segments()
  if (head === undefined && segments.length > 1)
    add({ what: `the file "${HEAD_FILE}", which says how far the log is, is missing` })
  const [first] = segments
  if (first === undefined && promised.length > 0) add({ what: 'all segments are missing' })
  let before: { head: SegmentHead; hash: string; seq: number; closed: boolean } | undefined
  let pruned = 0
  for (const { number } of segments) {
    const opened = await headOfSegment(files, number)
    report.segments++
    if (opened === undefined) {
      add({ segment: number, lines: [1, 1], what: 'its first line is not that of a segment' })
      before = undefined
      continue
    }
    const isNext = before !== undefined && before.head.number === number - 1
    if (before !== undefined && !isNext) add({ what: missing(before.head.number + 1, number - 1) })
    if (opened.number !== number)
      add({
        segment: number,
        what: `it is segment ${opened.number} under another name: segments were swapped`,
      })
    if (before !== undefined && opened.log !== before.head.log)
      add({ segment: number, what: 'it is of another log' })
    else if (
      before !== undefined &&
      isNext &&
      (opened.previous !== before.hash || opened.first !== before.seq + 1)
    )
      add({
        segment: number,
        what: `it does not go on where segment ${number - 1} ends: one of the two was replaced, cut or changed`,
      })
    if (isNext && before?.closed === false)
      add({
        segment: number - 1,
        what: 'its last line, which closes and signs it, is missing: the end was cut off',
      })
    const newest = number === segments.at(-1)!.number
    const walked = await verifySegment(
      files,
      opened,
      number,
      newest,
      verifiers,
      promised,
      add,
      report,
      patience,
    )
    pruned = Math.max(pruned, walked.pruned)
    before = { head: opened, hash: walked.hash, seq: walked.seq, closed: walked.closed }
  }
  if (first !== undefined && first.number > 1 && pruned < first.number - 1)
    add({ what: missing(pruned + 1, first.number - 1) })
  for (const { segment, events, hash } of promised) {
    if (hash === '' || (first !== undefined && segment < first.number && segment <= pruned)) continue
    const late = events > report.last
    add({
      segment,
      what: late
        ? `${events} events are signed, and the files end at event ${report.last}: the end was cut off`
        : `the log has not come by what was signed after event ${events}: it was written anew, or is another`,
    })
  }
  return report
}

function missing(from: number, to: number): string {
  return from === to ? `segment ${from} is missing` : `segments ${from} to ${to} are missing`
}

async function verifySegment(
  files: AuditFiles,
  head: SegmentHead,
  number: number,
  newest: boolean,
  verifiers: readonly Verifier[],
  promised: Checkpoint[],
  add: (finding: Finding) => void,
  report: Report,
  patience: number,
): Promise<{ hash: string; seq: number; closed: boolean; pruned: number }> {
  let hash = head.previous
  let seq = head.first - 1
  let closed = false
  let pruned = 0
  let good = true
  let behindEnd: number | undefined
  for await (const piece of walkSegment(files, number, head.previous)) {
    if (closed && piece.kind !== 'rest') behindEnd ??= piece.line
    if (piece.kind === 'block') {
      closed = false
      const problem = verifyBlock(piece, seq)
      good = piece.hash === piece.stated.hash
      if (problem !== undefined)
        add({ segment: number, lines: [piece.line, piece.line + piece.lines.length], what: problem })
      for (const line of piece.lines) {
        if (isEvent(line)) report.events++
        else if (line.startsWith('{"recovered":')) report.recovered++
        const [, through] = PRUNED.exec(line) ?? []
        if (through !== undefined) pruned = Math.max(pruned, Number(through))
      }
      hash = piece.stated.hash
      seq = piece.stated.seq
      report.last = Math.max(report.last, seq)
    } else if (piece.kind === 'signed') {
      const checkpoint = openCheckpoint(piece.note, verifiers)
      const problem =
        typeof checkpoint === 'string'
          ? `the signature is not to be trusted: ${checkpoint}`
          : !piece.behindChain
            ? 'a signed line stands where none belongs'
            : checkpoint.hash !== hash ||
                checkpoint.events !== seq ||
                checkpoint.log !== head.log ||
                checkpoint.segment !== head.number
              ? `what was signed here is another log than what stands above: something in lines 1 to ${piece.line - 1} was changed, and the chain made anew`
              : undefined
      if (problem !== undefined) add({ segment: number, lines: [piece.line, piece.line], what: problem })
      if (typeof checkpoint === 'string') continue
      closed = checkpoint.state === 'closed'
      for (const one of promised)
        if (piece.behindChain && one.time === checkpoint.time && one.hash === checkpoint.hash) one.hash = ''
      if (problem === undefined && good) {
        report.signed = seq
        report.signedAt = checkpoint.time
      }
    } else {
      const loose = piece.lines.filter((line) => !line.startsWith('{"signed":')).length
      if (loose === 0 && piece.torn === 0) continue
      if (await isBeingWritten(files, number, piece.end, patience)) continue
      // Whole lines under no hash may have been put there; that something signed is cut off is found by its signature.
      if (newest && !closed && piece.torn > 0)
        report.unfinished = { segment: number, line: piece.line + piece.lines.length }
      else
        add({
          segment: number,
          lines: [piece.line, piece.line + piece.lines.length],
          what: 'what stands at its end is under no hash: it was added or cut, or a crash came while it was written',
        })
    }
  }
  if (behindEnd !== undefined)
    add({
      segment: number,
      lines: [behindEnd, behindEnd],
      what: 'something stands behind the line that closes it',
    })
  return { hash, seq, closed, pruned }
}

/** Whether a chain line has come behind lines that had none. */
async function isBeingWritten(
  files: AuditFiles,
  number: number,
  end: number,
  patience: number,
): Promise<boolean> {
  await setTimeout(patience)
  const bytes = await files.read(number, end, 1 << 20)
  const chain = bytes.indexOf('{"chain":')
  return chain >= 0 && bytes.includes(0x0a, chain)
}

const PRUNED = new RegExp(`^\\${EVENT_START}.*"kind":"log".*"action":"${PRUNE} (\\d{1,9})"`)

/** What is wrong with a block, in a sentence; `before` is the number of the event before it. */
function verifyBlock({ lines, stated, hash }: Block, before: number): string | undefined {
  const numbers = lines.flatMap((line) => numberOf(line) ?? [])
  const order = orderProblem(numbers, before, stated.seq)
  if (hash === stated.hash) return order
  const lost = stated.lines - lines.length
  const told =
    order ??
    (lost > 0
      ? `${lost} line${lost === 1 ? ' is' : 's are'} missing`
      : lost < 0
        ? `${-lost} line${lost === -1 ? ' was' : 's were'} added`
        : `a line of these was changed (events ${before + 1} to ${stated.seq})`)
  return `${told}: their hash is not the one that was written`
}

function orderProblem(numbers: readonly number[], before: number, last: number): string | undefined {
  let expected = before + 1
  for (const number of numbers) {
    if (number > expected)
      return isLater(numbers, expected)
        ? `event ${number} stands before event ${expected}`
        : `event ${expected} is missing`
    if (number < expected) return `event ${number} stands where event ${expected} belongs`
    expected++
  }
  return expected === last + 1 ? undefined : `event ${expected} is missing`
}

function isLater(numbers: readonly number[], wanted: number): boolean {
  return numbers.includes(wanted)
}

function isEvent(line: string): boolean {
  return line.startsWith(EVENT_START)
}

function numberOf(line: string): number | undefined {
  const [, digits] = /^\{"schema":1,"seq":(\d{1,15}),/.exec(line) ?? []
  return digits === undefined ? undefined : Number(digits)
}
