/** What is said when a database has signed two logs that contradict each other. */
import { GomodError } from '../error.ts'
import { formatHash, type Hash } from '../tlog/hash.ts'
import { proveTree } from '../tlog/proof.ts'
import type { HashReader, Tree } from '../tlog/tree.ts'

/** A tree head, and the note in which the database signed it. */
export interface SignedHead {
  readonly tree: Tree
  readonly note: Uint8Array
}

export interface Fork {
  /** Name of the database. */
  readonly name: string
  readonly older: SignedHead
  /** At least as large as `older`. */
  readonly newer: SignedHead
  /** The root that the log of `newer` has at the size of `older`; that of `newer` where they have the same size. */
  readonly found: Hash
  /** The stored hashes of the log of `newer`, proven. */
  readonly hashes: HashReader
}

/**
 * The error for a fork, with all that someone needs who is to believe it: both signed heads, and the proof (RFC 6962)
 * that the log of the newer one has another root at the size of the older. Throws what `hashes` throws.
 */
export async function forkError({ name, older, newer, found, hashes }: Fork): Promise<GomodError> {
  const size = older.tree.size
  const lines = [
    'SECURITY ERROR',
    `The checksum database ${name} contradicts itself: it has signed two logs that differ in their first ${size} records.`,
    'It may show different people different hashes. Trust none of its answers until it is known which log is real.',
    '',
    'older signed tree head:',
    ...indented(older.note),
    '',
    'newer signed tree head:',
    ...indented(newer.note),
  ]
  if (newer.tree.size > size && size > 0) {
    const proof = await proveTree(newer.tree.size, size, hashes)
    lines.push(
      '',
      `root of the first ${size} records in the newer log, and the proof that it begins that log:`,
      ...[found, ...proof].map((hash) => `\t${formatHash(hash)}`),
    )
  }
  return new GomodError('log_fork', lines.join('\n'))
}

function indented(note: Uint8Array): string[] {
  const text = Buffer.from(note).toString().trimEnd()
  return text.split('\n').map((line) => (line === '' ? '' : `\t${line}`))
}
