/**
 * Checkpoints: the tree heads of logs that witnesses and monitors understand, as C2SP's tlog-checkpoint has them. A
 * checkpoint is a signed note whose text has these lines:
 *
 *     sum.corp.example/log
 *     9
 *     hXwUhCsQeVFlCmEU1vZ9nbMGqDzCB+ZfCu7XKtWvGNs=
 *
 * The first is the origin, which says what log it is; then come the size and the root hash, and lines that only the
 * log knows the meaning of, if any.
 */
import { GomodError } from '../error.ts'
import { openNote, signNote, type Note, type Signer, type Verifier } from '../note.ts'
import { encodePlainText } from '../plain-text.ts'
import { shown } from '../quote.ts'
import { decodeBase64 } from '../base64.ts'
import { formatHash, HASH_SIZE } from '../tlog/hash.ts'
import { checkTreeSize, parseTreeSize } from '../tlog/index.ts'
import type { Tree } from '../tlog/tree.ts'

export interface Checkpoint {
  /** Which log it is: one line, not empty. By convention the URL of the log without its scheme. */
  readonly origin: string
  readonly tree: Tree
  /** Lines after the third, without their newlines; none of them empty. */
  readonly extensions: readonly string[]
}

/**
 * The text to sign. Throws GomodError `invalid_note` where a line is empty, has control characters or is more than
 * one, or the hash has not 32 bytes; and `invalid_proof` where the size is none.
 */
export function formatCheckpoint({ origin, tree, extensions }: Checkpoint): string {
  const size = checkTreeSize(tree.size)
  if (![origin, ...extensions].every(isLine))
    throw malformed(
      origin,
      'its origin and extensions must be single lines, not empty, without control characters',
    )
  if (tree.hash.length !== HASH_SIZE)
    throw malformed(origin, `its root hash has ${tree.hash.length} bytes, not ${HASH_SIZE}`)
  return [origin, size, formatHash(tree.hash), ...extensions].map((line) => `${line}\n`).join('')
}

/** Reads the text of a checkpoint. Throws GomodError `invalid_note` for what `formatCheckpoint` does not write. */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw malformed(text, 'it does not end in a newline')
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = text.slice(0, -1).split('\n')
  const size = parseTreeSize(sizeLine)
  const hash = decodeBase64(rootLine)
  if (![origin, ...extensions].every(isLine))
    throw malformed(text, 'a line of it is empty or has control characters')
  if (size === undefined) throw malformed(text, 'its second line is not the size of a log in decimal')
  if (hash?.length !== HASH_SIZE) throw malformed(text, 'its third line is not a hash: 32 bytes in base64')
  return { origin, tree: { size, hash }, extensions }
}

/**
 * A signed checkpoint. Throws what `formatCheckpoint` and `signNote` throw. By convention the key of a log has the
 * log's origin as its name.
 */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly Signer[]): Uint8Array {
  return signNote(formatCheckpoint(checkpoint), signers)
}

/**
 * Opens a checkpoint of the log `origin`, as `openNote` does. Throws GomodError `invalid_note` where the note is
 * malformed, and `unverified_note` where no key of `verifiers` has signed it, one of them wrongly, or it is the
 * checkpoint of another log.
 */
export function openCheckpoint(
  bytes: Uint8Array,
  { origin, verifiers }: { origin: string; verifiers: readonly Verifier[] },
): { checkpoint: Checkpoint; note: Note } {
  const note = openNote(bytes, verifiers)
  const checkpoint = parseCheckpoint(note.text)
  if (checkpoint.origin !== origin)
    throw new GomodError(
      'unverified_note',
      `this is a checkpoint of the log ${shown(checkpoint.origin)}, not of ${shown(origin)}`,
    )
  return { checkpoint, note }
}

function isLine(line: string): boolean {
  return line !== '' && !line.includes('\n') && encodePlainText(line) !== undefined
}

function malformed(text: string, why: string): GomodError {
  return new GomodError('invalid_note', `${shown(text)} is not a checkpoint: ${why}`)
}
