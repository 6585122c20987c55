import type { Signer, Verifier } from '@modstead/gomod/note'
import type { Logger } from '../observe/observer.ts'
import { chainLine, nextHash, recoveredLine, segmentLine, signCheckpoint, signedLine } from './chain.ts'
import { type AuditFiles, HEAD_FILE, type SegmentFile } from './files.ts'
import { findEnd } from './recover.ts'
import type { LineBlock } from './waiting.ts'

export interface WriterOptions {
  files: AuditFiles
  signer: Signer
  /** The key of the signer, for whoever verifies. */
  verifierKey: string
  /** Keys whose signatures are taken at the start. */
  verifiers: readonly Verifier[]
  /** When a segment is closed: bytes, and milliseconds since it was begun. */
  rotate: { size: number; age: number }
  newId: () => string
  log: Logger
  now?: () => number
}

/** Writes the log. One call at a time; what fails changes nothing, and can be done again. */
export interface Writer {
  /** Number of the last event that was written. */
  readonly seq: number
  readonly segment: number
  /** Where the next line goes. */
  readonly position: number
  /** Bytes that the segment has room for. With none the next checkpoint closes it. */
  readonly room: number
  /** Writes events in the order of their numbers, which follow `seq`, and what chains them. */
  append(blocks: readonly LineBlock[]): Promise<void>
  sync(): Promise<void>
  /** Signs what is written, and begins a new segment where it is time. Nothing where nothing is new. */
  checkpoint(): Promise<void>
  close(): Promise<void>
}

/** Opens the log where it ended, or begins one. */
export async function openWriter(options: WriterOptions): Promise<Writer> {
  const { files, signer, verifierKey, verifiers, rotate, newId, log, now = Date.now } = options
  const found = await findEnd(files, verifiers)
  const id = found?.log || newId()
  let seq = found?.seq ?? 0
  let hash = found?.hash ?? ''
  let segment = found?.segment ?? 0
  let started = found?.started ?? 0
  /** Lines that are written, and that the next chain line is to cover. */
  let pending: readonly string[] = found?.pending ?? []
  let signedSeq = -1
  let position = 0
  let file: SegmentFile | undefined
  /** The segment has its last line, and the next could not be begun yet. */
  let closed = false

  if (found !== undefined && found.at !== 'new') {
    position = found.at
    file = await files.open(segment, position)
    if (found.cut > 0) await note('the end of it had not been synced before a crash', found.cut)
  } else {
    await begin()
    if (found?.damage !== undefined) {
      log.error({ folder: files.where, segment }, `the audit log was changed: ${found.damage}`)
      await note(found.damage, 0)
    }
  }

  async function note(what: string, cut: number): Promise<void> {
    const line = recoveredLine({ at: new Date(now()).toISOString(), found: what, cut })
    await append([{ bytes: Buffer.from(`${line}\n`), lines: 1, last: seq }])
    log.warn({ folder: files.where, segment, cut }, `the audit log goes on after event ${seq}: ${what}`)
  }

  async function begin(): Promise<void> {
    const before = file
    const at = now()
    const head = {
      format: 1,
      log: id,
      number: segment + 1,
      previous: hash,
      first: seq + 1,
      started: new Date(at).toISOString(),
      key: verifierKey,
    } as const
    const opened = await files.open(head.number, 0)
    try {
      const line = Buffer.from(`${segmentLine(head)}\n`)
      const next = nextHash(hash, line)
      const bytes = Buffer.concat([line, Buffer.from(`${chainLine({ seq, lines: 1, hash: next })}\n`)])
      await opened.write(bytes, 0)
      await opened.sync()
      hash = next
      position = bytes.length
    } catch (error) {
      await opened.close()
      throw error
    }
    file = opened
    segment = head.number
    started = at
    pending = []
    closed = false
    await before?.close()
  }

  async function append(blocks: readonly LineBlock[]): Promise<void> {
    if (closed) await begin()
    const pieces: Buffer[] = []
    let next = hash
    let covered = pending
    for (const { bytes, lines, last } of blocks) {
      const above = covered.length === 0 ? undefined : Buffer.from(`${covered.join('\n')}\n`)
      next = nextHash(next, above === undefined ? bytes : Buffer.concat([above, bytes]))
      const chain = { seq: last, lines: covered.length + lines, hash: next }
      pieces.push(bytes, Buffer.from(`${chainLine(chain)}\n`))
      covered = []
    }
    const bytes = Buffer.concat(pieces)
    await file!.write(bytes, position)
    position += bytes.length
    hash = next
    seq = blocks.at(-1)?.last ?? seq
    pending = covered
  }

  async function sign(state: 'open' | 'closed'): Promise<void> {
    const time = new Date(now()).toISOString()
    const signed = signCheckpoint({ log: id, segment, events: seq, hash, time, state }, signer)
    const line = signedLine(signed)
    const bytes = Buffer.from(`${line}\n`)
    await file!.write(bytes, position)
    await file!.sync()
    position += bytes.length
    pending = [...pending, line]
    signedSeq = seq
    closed = state === 'closed'
    await files.writeSmall(HEAD_FILE, signed)
    log.debug({ events: seq, hash, segment }, 'the audit log was signed')
  }

  return {
    get seq() {
      return seq
    },
    get segment() {
      return segment
    },
    get position() {
      return position
    },
    get room() {
      return Math.max(0, rotate.size - position)
    },
    append: (blocks) => (blocks.length === 0 ? Promise.resolve() : append(blocks)),
    sync: () => file!.sync(),
    async checkpoint() {
      const full = position >= rotate.size || now() - started >= rotate.age
      // A signature may only stand right behind a chain line: a second one would be in the way.
      if (seq === signedSeq || pending.length > 0) return
      await sign(full ? 'closed' : 'open')
      if (closed) await begin()
    },
    async close() {
      try {
        if (seq !== signedSeq && pending.length === 0) await sign('open')
      } finally {
        await file?.close()
        file = undefined
      }
    },
  }
}
