/**
 * The rules of a witness, as C2SP's tlog-witness has them: a checkpoint is cosigned only if it is signed by the log
 * and proven to continue the one cosigned last. A witness that keeps to them cannot be made to vouch for two histories
 * of one log.
 */
import { GomodError } from '../error.ts'
import { openNote, parseNote, signNote, type Signer, type Verifier } from '../note.ts'
import { emptyTreeHash, equalHashes } from '../tlog/hash.ts'
import { checkTree } from '../tlog/proof.ts'
import type { Tree } from '../tlog/tree.ts'
import {
  parseAddCheckpoint,
  SIZE_CONTENT_TYPE,
  type AddCheckpoint,
  type WitnessAnswer,
} from './add-checkpoint.ts'
import { parseCheckpoint, type Checkpoint } from './checkpoint.ts'

export interface WitnessedLog {
  /** The keys of the log, of which one must have signed. */
  readonly verifiers: readonly Verifier[]
  /** The head cosigned last; `undefined` where none was. */
  readonly head: Tree | undefined
}

/** All that a witness remembers: by the origin of each log that it witnesses. */
export type WitnessState = ReadonlyMap<string, WitnessedLog>

export interface Witnessed {
  readonly answer: WitnessAnswer
  /**
   * The state from now on; the same object where nothing was cosigned. Another one must be stored durably before the
   * answer is sent, and no other request may be judged by the old state meanwhile: or the witness can be rolled back.
   */
  readonly state: WitnessState
}

/**
 * Judges the body of an add-checkpoint request by `state`. `cosigners` are the keys of the witness, at least one, made
 * by `createCosigner`. Bad requests are answers, with a line of text for a person; throws only what the signers throw.
 */
export function answerAddCheckpoint(
  state: WitnessState,
  body: Uint8Array,
  cosigners: readonly Signer[],
): Witnessed {
  try {
    const request = parseAddCheckpoint(body)
    const { text } = parseNote(request.checkpoint)
    const checkpoint = parseCheckpoint(text)
    const log = state.get(checkpoint.origin)
    if (log === undefined) return refused(state, 404, 'this witness does not know the log of this origin')
    openNote(request.checkpoint, log.verifiers)
    const refusal = judge(request, checkpoint, log.head)
    if (refusal !== undefined) return { state, answer: refusal }
    const signed = signNote(text, cosigners)
    const answer = { status: 200, contentType: TEXT, body: signed.subarray(Buffer.byteLength(text) + 1) }
    return { answer, state: new Map(state).set(checkpoint.origin, { ...log, head: checkpoint.tree }) }
  } catch (error) {
    const status = error instanceof GomodError ? STATUSES.get(error.code) : undefined
    if (status === undefined) throw error
    return refused(state, status, (error as GomodError).message)
  }
}

/** What else can be wrong with a checkpoint that its log has signed; throws GomodError `invalid_proof` too. */
function judge(
  { oldSize, proof }: AddCheckpoint,
  { tree }: Checkpoint,
  head: Tree | undefined,
): WitnessAnswer | undefined {
  if (oldSize > tree.size)
    return text(400, `the old size, ${oldSize}, is larger than that of the checkpoint, ${tree.size}`)
  const known = head ?? { size: 0, hash: emptyTreeHash() }
  if (oldSize !== known.size)
    return { status: 409, contentType: SIZE_CONTENT_TYPE, body: Buffer.from(`${known.size}\n`) }
  if (oldSize === tree.size) {
    if (proof.length > 0) return text(422, 'between two checkpoints of one size there is nothing to prove')
    if (!equalHashes(tree.hash, known.hash))
      return text(409, `the log has another root at the size ${oldSize} in the checkpoint cosigned last`)
  } else if (oldSize === 0) {
    if (proof.length > 0) return text(422, 'from the size 0 there is nothing to prove')
  } else checkTree(proof, tree, known)
  return undefined
}

const TEXT = 'text/plain; charset=utf-8'
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['invalid_request', 400],
  ['invalid_note', 400],
  ['unverified_note', 403],
  ['invalid_proof', 422],
])

function text(status: number, message: string): WitnessAnswer {
  return { status, contentType: TEXT, body: Buffer.from(`${message}\n`) }
}

function refused(state: WitnessState, status: number, message: string): Witnessed {
  return { state, answer: text(status, message) }
}
