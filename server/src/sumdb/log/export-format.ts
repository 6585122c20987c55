/**
 * A whole log as one text, good for a backup or a move, and for people with `grep`:
 *
 *     modstead-log/1 sum.corp.example
 *
 *     2026-11-26T20:30:00.123Z
 *     corp.example/lib v1.0.0 h1:…
 *     corp.example/lib v1.0.0/go.mod h1:…
 *
 *     go.sum database tree
 *     1
 *     …
 *
 * The first line names the format and the log. Each record follows the time at which it was logged (UTC), and ends in a
 * blank line, as in data tiles. What ends the text is the signed head over all of them, as it was signed. Times are for
 * people: the head does not cover them.
 */
import { equalHashes, recordHash } from '@modstead/gomod/tlog/hash'
import { isRecord } from '@modstead/gomod/tlog/record'
import { createAppender } from '@modstead/gomod/tlog/tree'
import { MAX_NOTE_BYTES } from '@modstead/gomod/note'
import { ModsteadError } from '../../errors.ts'
import { formatRecordTime, parseRecordTime } from './record-time.ts'
import type { LoggedRecord, LogReader, StoredHead } from './storage.ts'

/** The parts of an export in their order: what log it is of, its records from the first on, its signed head. */
export type ExportPart =
  | { kind: 'log'; name: string }
  | ({ kind: 'record' } & LoggedRecord)
  | { kind: 'head'; note: Uint8Array }

/** Records written at a time. */
const STEP = 256
/** No record is nearly as large. Bytes. */
const LARGEST_BLOCK = 1_000_000
const FIRST_LINE = /^modstead-log\/(\d+) ([^\s]+)$/
const HEAD_START = Buffer.from('go.sum database tree\n')
const BLANK_LINE = Buffer.from('\n\n')

/**
 * The text of an export, in pieces, up to a head that the log has. Throws `log_refused` where its records are not those
 * under that head: what came before is then no export, for it has no head.
 */
export async function* formatExport(
  { name, size, root, note }: { name: string } & StoredHead,
  log: Pick<LogReader, 'records'>,
): AsyncGenerator<Uint8Array> {
  const tree = createAppender()
  yield Buffer.from(`modstead-log/1 ${name}\n\n`)
  for (let id = 0; id < size; id += STEP) {
    const count = Math.min(STEP, size - id)
    const records = await log.records(id, count)
    if (records.length < count) throw unfit(name, `it has lost records between ${id} and ${id + count}`)
    for (const { record } of records) tree.append(recordHash(record))
    yield Buffer.concat(
      records.flatMap(({ at, record }) => [
        Buffer.from(`${formatRecordTime(at)}\n`),
        record,
        Buffer.from('\n'),
      ]),
    )
  }
  if (!equalHashes(tree.tree().hash, root))
    throw unfit(name, 'its records are not those that its newest head was signed over')
  yield note
}

function unfit(name: string, problem: string): ModsteadError {
  return new ModsteadError('log_refused', `the log ${name} is not exported: ${problem}`, {
    next: 'run "modstead sumdb verify"; docs/checksum-database.md says how to go on',
  })
}

/**
 * Reads an export, whatever pieces it comes in. Nothing of it is verified but its form: throws `bad_request` where it is
 * none, naming `where` it is from, and where it ends before its head.
 */
export async function* parseExport(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
): AsyncGenerator<ExportPart> {
  let count = -1
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    let start = 0
    while (!isHead(rest, start)) {
      const end = rest.indexOf(BLANK_LINE, start)
      if (end < 0) break
      yield count++ < 0 ? parseFirst(rest.toString('utf8', start, end), where) : parseRecord(start, end)
      start = end + BLANK_LINE.length
    }
    rest = rest.subarray(start)
    if (rest.length > (isHead(rest, 0) ? MAX_NOTE_BYTES : LARGEST_BLOCK))
      throw malformed(where, `what follows ${place(count)} is too long`)
  }
  if (count < 0 || !isHead(rest, 0))
    throw malformed(where, `it ends after ${place(count)}, without a signed head`)
  yield { kind: 'head', note: rest }

  function parseRecord(start: number, end: number): ExportPart {
    const lineEnd = rest.indexOf('\n', start)
    const at = parseRecordTime(rest.toString('latin1', start, lineEnd))
    const record = Buffer.from(rest.subarray(lineEnd + 1, end + 1))
    if (at === undefined || !isRecord(record))
      throw malformed(where, `what follows ${place(count - 1)} is not a time and a record`)
    return { kind: 'record', at, record }
  }
}

function isHead(bytes: Buffer, start: number): boolean {
  return bytes.subarray(start, start + HEAD_START.length).equals(HEAD_START)
}

function parseFirst(line: string, where: string): ExportPart {
  const [, format, name] = FIRST_LINE.exec(line) ?? []
  if (format === '1' && name !== undefined) return { kind: 'log', name }
  if (format !== undefined)
    throw malformed(where, `it has format ${format}, and this modstead knows 1`, 'use a newer modstead')
  throw malformed(where, 'its first line is not "modstead-log/1 NAME"')
}

/** Where in the text: `count` is the number of records before it, -1 at the start. */
function place(count: number): string {
  return count <= 0 ? 'its first line' : `record ${count - 1}`
}

function malformed(where: string, problem: string, next?: string): ModsteadError {
  return new ModsteadError('bad_request', `${where} is not a whole export of a checksum log: ${problem}`, {
    next: next ?? 'make it anew with "modstead sumdb export", or take another copy; nothing was imported',
  })
}
