/**
 * The call by which a log asks a witness for a cosignature, `POST <prefix>/add-checkpoint` of C2SP's tlog-witness:
 * what is sent, and what the answers mean.
 *
 *     old 20852014
 *     PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
 *     …
 *
 *     sum.corp.example/log
 *     20852163
 *     …
 *
 * The first line is the size that the witness cosigned last; the lines to the blank one prove (RFC 6962 section 2.1.2)
 * that the checkpoint after it continues that.
 */
import { GomodError } from '../error.ts'
import { MAX_NOTE_BYTES, parseNote, type Verifier } from '../note.ts'
import { shown } from '../quote.ts'
import { formatHash, HASH_SIZE, parseHash, type Hash } from '../tlog/hash.ts'
import { checkTreeSize, parseTreeSize } from '../tlog/index.ts'
import { openCosignatures, type Cosignature } from './cosignature.ts'

export interface AddCheckpoint {
  /** Size of the checkpoint that the witness cosigned last; 0 where it has cosigned none of this log. */
  readonly oldSize: number
  /** As `proveTree` gives it; empty where `oldSize` is 0 or the size of the checkpoint. */
  readonly proof: readonly Hash[]
  /** The signed note. */
  readonly checkpoint: Uint8Array
}

/** Proofs with more hashes are refused. */
export const MAX_PROOF_HASHES = 63

/** No body of a request has more bytes. */
export const MAX_ADD_CHECKPOINT_BYTES = MAX_NOTE_BYTES + 4096

/** The content type of the answer that names a size. */
export const SIZE_CONTENT_TYPE = 'text/x.tlog.size'

/**
 * The body of the request. Throws GomodError `invalid_request` for a proof that is too long or not of hashes, and
 * `invalid_proof` for a size that is none.
 */
export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): Uint8Array {
  if (proof.length > MAX_PROOF_HASHES)
    throw malformed(`its proof has ${proof.length} hashes; ${MAX_PROOF_HASHES} is the most`)
  if (proof.some((hash) => hash.length !== HASH_SIZE)) throw malformed('a hash of its proof has not 32 bytes')
  const lines = [`old ${checkTreeSize(oldSize)}`, ...proof.map(formatHash)]
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`), checkpoint])
}

/**
 * Reads the body of a request; `checkpoint` is a view of it and nothing of it is verified. Throws GomodError
 * `invalid_request`.
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  if (body.length > MAX_ADD_CHECKPOINT_BYTES)
    throw malformed(`it has more than ${MAX_ADD_CHECKPOINT_BYTES} bytes`)
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const blank = bytes.indexOf('\n\n')
  if (blank < 0) throw malformed('no blank line stands before the checkpoint')
  const [first = '', ...hashes] = bytes.toString('latin1', 0, blank).split('\n')
  const oldSize = first.startsWith('old ') ? parseTreeSize(first.slice('old '.length)) : undefined
  if (oldSize === undefined) throw malformed(`its first line must be "old" and a size, not ${shown(first)}`)
  if (hashes.length > MAX_PROOF_HASHES)
    throw malformed(`its proof has ${hashes.length} hashes; ${MAX_PROOF_HASHES} is the most`)
  return { oldSize, proof: hashes.map(readProofLine), checkpoint: body.subarray(blank + 2) }
}

/** A witness's answer as HTTP brings it. */
export interface WitnessAnswer {
  readonly status: number
  /** The value of Content-Type; `undefined` where there is none. */
  readonly contentType: string | undefined
  readonly body: Uint8Array
}

export type WitnessVerdict =
  /** Verified cosignatures, at least one. */
  | { readonly kind: 'cosigned'; readonly cosignatures: readonly Cosignature[] }
  /** The witness's last size is another than the old size of the request. Nobody has signed that. */
  | { readonly kind: 'other_size'; readonly size: number }
  /**
   * `unknown_log` 404, `unknown_key` 403 (no signature by a key it trusts), `bad_proof` 422, `other_root` 409 without
   * a size (the same size with another root), `bad_request` 400, `other` for any other status.
   */
  | { readonly kind: 'refused'; readonly reason: WitnessRefusal; readonly message: string }
  /** An answer that the protocol does not know, or cosignatures that are not valid. */
  | { readonly kind: 'invalid'; readonly message: string }

export type WitnessRefusal =
  | 'bad_request'
  | 'unknown_key'
  | 'unknown_log'
  | 'other_root'
  | 'bad_proof'
  | 'other'

/**
 * What a witness's answer to `checkpoint` (the note of the request) means. `witnesses` are the keys of that witness;
 * cosignatures by other keys are left out. Throws GomodError `invalid_note` where `checkpoint` is no note; a bad
 * answer is a verdict.
 */
export function readWitnessAnswer(
  answer: WitnessAnswer,
  { checkpoint, witnesses }: { checkpoint: Uint8Array; witnesses: readonly Verifier[] },
): WitnessVerdict {
  const { text } = parseNote(checkpoint)
  if (answer.status === 200) {
    try {
      return { kind: 'cosigned', cosignatures: openCosignatures(text, answer.body, witnesses) }
    } catch (error) {
      if (!(error instanceof GomodError)) throw error
      return { kind: 'invalid', message: error.message }
    }
  }
  const said = shown(Buffer.from(answer.body.subarray(0, MAX_SHOWN_BYTES)).toString().trim())
  if (answer.status === 409 && mediaType(answer.contentType) === SIZE_CONTENT_TYPE) {
    const line = Buffer.from(answer.body.subarray(0, MAX_SHOWN_BYTES)).toString('latin1')
    const size = line.endsWith('\n') ? parseTreeSize(line.slice(0, -1)) : undefined
    return size === undefined
      ? { kind: 'invalid', message: `the witness answered 409 with ${said}, which is not a size` }
      : { kind: 'other_size', size }
  }
  const reason = REFUSALS.get(answer.status) ?? 'other'
  return { kind: 'refused', reason, message: `the witness answered ${answer.status}: ${said}` }
}

const MAX_SHOWN_BYTES = 200
const REFUSALS: ReadonlyMap<number, WitnessRefusal> = new Map([
  [400, 'bad_request'],
  [403, 'unknown_key'],
  [404, 'unknown_log'],
  [409, 'other_root'],
  [422, 'bad_proof'],
])

function mediaType(contentType = ''): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase()
}

function readProofLine(line: string): Hash {
  try {
    return parseHash(line)
  } catch (cause) {
    throw malformed(`${shown(line)} in its proof is not a hash`, cause)
  }
}

function malformed(why: string, cause?: unknown): GomodError {
  return new GomodError('invalid_request', `this is not an add-checkpoint request: ${why}`, { cause })
}
